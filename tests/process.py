"""The program as a process of its own, with a folder, settings and a log that tests read."""

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATABASE = "aggregator.sqlite3"
PATIENCE = 60.0  # seconds after which a test gives up; nothing here takes as long
SETTINGS = """
reach: {allow_private: [127.0.0.0/8]}
politeness: {spacing: 0s, start_rate: 1000, per_host: 8}
limits: {workers: 1, deadline: 5m}
site: {base_url: 'https://news.example'}
"""


def furnish(folder: Path, feeds: Sequence[str], **config: str) -> None:
    """Write feeds.yaml, a flow mapping for each of ``feeds``, and config/ into ``folder``."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "feeds.yaml").write_text(f"feeds: [{', '.join(feeds)}]\n", encoding="utf-8")
    for name, text in {"service": SETTINGS, **config}.items():
        (folder / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")


@dataclass(kw_only=True)
class Program:
    """A run of the program that has begun. ``told`` is what it said so far, a line each."""

    process: subprocess.Popen[str]
    data: Path
    told: list[str] = field(default_factory=list)
    url: str = ""
    _fresh: "queue.Queue[str | None]" = field(default_factory=queue.Queue)

    def listen(self) -> None:
        """Keep what it says, so that it never waits for us to read."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._fresh.put(line)
        self._fresh.put(None)

    def until(self, *parts: str) -> str:
        """Wait for a line that has all ``parts`` in it, not heard before; return it."""
        end = time.monotonic() + PATIENCE
        try:
            while (line := self._fresh.get(timeout=max(0.0, end - time.monotonic()))) is not None:
                self.told.append(line)
                if all(part in line for part in parts):
                    return line
        except queue.Empty:
            pass
        raise AssertionError(f"it never said {parts}: {''.join(self.told)}")

    def serves(self) -> str:
        """Wait until it serves; return its address."""
        self.url = self.until("Front page and feeds at").split()[-1]
        return self.url

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and the body of ``path``."""
        try:
            with urllib.request.urlopen(f"{self.url}/{path}", timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def health(self) -> dict[str, Any]:
        """Return what it says of its health."""
        found: dict[str, Any] = json.loads(self.get("healthz")[1])
        return found

    def comes(self, path: str, part: bytes) -> bytes:
        """Ask for ``path`` until the answer has ``part`` in it; return that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, body = self.get(path)
            if status == 200 and part in body:
                return body
            time.sleep(0.1)
        raise AssertionError(f"{path} never had {part!r}: {body!r}\n{self.heard()}")

    def heard(self) -> str:
        """Return all that it said until now."""
        while not self._fresh.empty():
            self.told.append(self._fresh.get() or "")
        return "".join(self.told)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; return its exit status, which is there within ten seconds."""
        self.process.send_signal(number)
        return self.process.wait(10)


@contextmanager
def program(
    folder: Path,
    *arguments: str,
    data: Path | None = None,
    before: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """Run the program in ``folder``; ``before`` are words before it. Kill it at the end."""
    data = data or folder / "data"
    command = [*before, sys.executable, "-m", "aggregator", "--data", str(data), *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    running = Program(process=process, data=data)
    ear = threading.Thread(target=running.listen, daemon=True)
    ear.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        ear.join()
        assert process.stderr is not None
        process.stderr.close()


SERVE = ("run", "--listen", "127.0.0.1:0")


@contextmanager
def opened(data: Path) -> Iterator[sqlite3.Connection]:
    """Lay hands on the database in ``data``, whoever uses it meanwhile."""
    with closing(sqlite3.connect(data / DATABASE, isolation_level=None, timeout=30)) as db:
        yield db


def make_due(data: Path) -> None:
    """Let every feed's time come now."""
    with opened(data) as db:
        db.execute("UPDATE feed SET next_due = '2020-01-01T00:00:00Z'")
        db.execute("UPDATE host SET started = NULL, quiet_until = NULL")


def whole(data: Path) -> bool:
    """Tell whether the database is sound."""
    with opened(data) as db:
        sound: str = db.execute("PRAGMA integrity_check").fetchone()[0]
        return sound == "ok"
