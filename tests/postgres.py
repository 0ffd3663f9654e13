"""A PostgreSQL server for tests, of what the machine brings; a database for each that asks.

PostgreSQL refuses to run as root, so root starts it as somebody else. Its files are in a folder
that goes with it, and it listens on a socket there only.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

PACKAGED = Path("/usr/lib/postgresql")  # Debian's, a folder for each version
SOMEBODY = ("postgres", "nobody")
OFFHAND = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
PATTERN = "pattern"  # the database that others are made from


class NoServerError(Exception):
    """No server can be started here; says why."""


@dataclass(kw_only=True)
class Server:
    """A server, running until it is told to stop."""

    programs: Path
    folder: Path
    options: tuple[str, ...] = OFFHAND
    _numbers: Iterator[int] = field(default_factory=count)
    _running: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def begin(cls, *, options: tuple[str, ...] = OFFHAND) -> "Server":
        """Start a server with nothing in it; `NoServerError` when that cannot be done."""
        programs = found()
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
        server = cls(programs=programs, folder=folder, options=options)
        if account := somebody():
            os.chown(folder, account.pw_uid, account.pw_gid)
        try:
            server._run("initdb", "-U", "wire", "-A", "trust", "-E", "UTF8", "--no-sync")
            server.start()
            server._make(PATTERN, "TEMPLATE template0 LOCALE 'C.UTF-8'")
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise NoServerError(f"it does not start: {said.strip().splitlines()[-1:]}") from error
        return server

    def start(self) -> None:
        """Start it, and wait until it answers. It ends with the process that started it."""
        data, account = self.folder / "data", somebody()
        words = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}")
        with (self.folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [self.programs / "postgres", "-D", data, *words, *self.options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                preexec_fn=_end_with_us,  # noqa: PLW1509 - no threads of ours are under way
                **_as(account),
            )
        for _ in range(600):
            with suppress(OSError):
                if (data / "postmaster.pid").read_text().split()[-1:] == ["ready"]:
                    return
            if self._running.poll() is not None:
                break
            time.sleep(0.05)
        raise OSError((self.folder / "log").read_text()[-500:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, as for an upgrade; with SIGQUIT as a power cut would."""
        if self._running is not None:
            self._running.send_signal(how)
            self._running.wait(60)

    def end(self) -> None:
        """Stop it, and let its files go."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql:///{name}?host={self.folder}&user=wire"

    def new(self) -> str:
        """Make an empty database; return its address."""
        name = f"t{next(self._numbers)}"
        self._make(name, f"TEMPLATE {PATTERN}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Let a database go, whoever uses it."""
        name = url.removeprefix("postgresql:///").partition("?")[0]
        self._say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _make(self, name: str, as_: str) -> None:
        self._say(f"CREATE DATABASE {name} {as_}")

    def _say(self, sql: str) -> None:
        import psycopg  # noqa: PLC0415 - as in the product, an extra

        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(sql)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self.programs / program, "-D", self.folder / "data", *words],
            check=True,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            timeout=60,
            **_as(somebody()),
        )


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return how a program is run as ``account``."""
    environ = {"env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}}
    if account is None:
        return environ
    return {**environ, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _end_with_us() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG; after the change of account


def found() -> Path:
    """Return the folder of the newest server's programs; `NoServerError` when there is none."""
    packaged = sorted(PACKAGED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    onpath = shutil.which("initdb")
    for initdb in (*([Path(onpath)] if onpath else []), *reversed(packaged)):
        if (initdb.parent / "postgres").exists():
            return initdb.parent
    raise NoServerError("no initdb on the PATH or in /usr/lib/postgresql")


def somebody() -> pwd.struct_passwd | None:
    """Return as whom root starts the server; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in SOMEBODY:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoServerError("root may not run it, and there is no other account")


@contextmanager
def served() -> Iterator[Server]:
    """Run a server inside; `NoServerError` when that cannot be done."""
    server = Server.begin()
    try:
        yield server
    finally:
        server.end()
