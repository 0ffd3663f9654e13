"""An installation whose roles run in processes of their own, over a PostgreSQL server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import socket
from urllib.request import urlopen

NOTHING: Mapping[str, str] = {}
PATIENCE = 60.0  # seconds until something has to have come true; the machine may be busy

SERVICE = """
reach: {allow_private: [127.0.0.0/8]}
politeness: {spacing: 0s, start_rate: 1000, per_host: 1}
limits: {workers: 1}
push: {subscribe: "off"}
site: {base_url: 'https://news.example'}
"""


def free_port() -> int:
    with closing(socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Member:
    """A process with a role; ``port`` is where it serves, if it is a web.

    ``within`` are words before its command, for one that runs in another network; ``env`` is added
    to the environment.
    """

    def __init__(
        self,
        role: str,
        folder: Path,
        url: str,
        number: int,
        *,
        within: Sequence[str] = (),
        env: Mapping[str, str] = NOTHING,
    ) -> None:
        self.role = role
        self.name = f"{role}-{number}"
        self.port = free_port()
        self.log = folder / f"{self.name}.log"
        words = ["--feeds", "feeds.yaml", "--config", ".", "run", "--role", role]
        words += ["--listen", f"127.0.0.1:{self.port}"]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [*within, sys.executable, "-m", "aggregator", *words],
                cwd=folder,
                env={**os.environ, "AGGREGATOR_STORAGE": url, **env},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.log.read_text("utf-8")

    def get(self, path: str) -> bytes | None:
        """Return what it serves at ``path``; None when it does not."""
        address = f"http://127.0.0.1:{self.port}/{path}"
        with suppress(OSError), urlopen(address, timeout=5) as found:
            body: bytes = found.read()
            return body + str(found.headers["ETag"]).encode()
        return None

    def kill(self) -> None:
        """Kill it, as a machine that loses power."""
        self.process.kill()
        self.process.wait()


class Fleet:
    """The members over one database and one folder of settings."""

    def __init__(
        self, folder: Path, url: str, feeds: Sequence[str], service: str = SERVICE
    ) -> None:
        self.folder, self.url = folder, url
        self.members: list[Member] = []
        (folder / "feeds.yaml").write_text(f"feeds: [{', '.join(feeds)}]\n", encoding="utf-8")
        (folder / "service.yaml").write_text(service, encoding="utf-8")

    def start(
        self,
        role: str,
        *,
        url: str = "",
        within: Sequence[str] = (),
        env: Mapping[str, str] = NOTHING,
    ) -> Member:
        """Start a member; one that reaches the database otherwise is given its own ``url``."""
        where, number = url or self.url, len(self.members)
        member = Member(role, self.folder, where, number, within=within, env=env)
        self.members.append(member)
        return member

    def end(self) -> list[int]:
        """Tell all to stop; return their exit statuses."""
        for member in self.members:
            if member.process.poll() is None:
                member.process.terminate()
        for member in self.members:
            with suppress(subprocess.TimeoutExpired):
                member.process.wait(30)
            member.kill()
        return [member.process.returncode for member in self.members]

    def told(self) -> str:
        """Return what all said, for a test that fails."""
        return "\n".join(f"== {m.log.name}\n{m.said()[-3000:]}" for m in self.members)


def until(true: Callable[[], object], what: str = "") -> None:
    """Wait until ``true()``; AssertionError when it does not come about."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@contextmanager
def sailing(
    folder: Path, url: str, feeds: Sequence[str], *roles: str, service: str = SERVICE
) -> Iterator[Fleet]:
    """Run a fleet of ``roles`` inside."""
    fleet = Fleet(folder, url, feeds, service)
    try:
        for role in roles:
            fleet.start(role)
        yield fleet
    except BaseException:
        print(fleet.told())
        raise
    finally:
        fleet.end()
