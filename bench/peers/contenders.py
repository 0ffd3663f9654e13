"""Who polls? Ourselves and three peers, each as its own users would start it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

SERVICE = """
reach: {allow_private: [127.0.0.0/8]}
politeness: {spacing: 0s, start_rate: 1000, concurrency: 20}
"""


PYTHONIC = ("reader[cli]", "sgmllib3k", "rss2email")


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A program that polls.

    ``prepare(folder, urls)`` lets it know its feeds, ``again(folder)`` makes all of them due once
    more, ``command(folder)`` polls once. ``count(folder)`` tells how many entries it holds.
    """

    name: str
    prepare: Callable[[Path, Sequence[str]], None]
    command: Callable[[Path], list[str]]
    count: Callable[[Path], int]
    again: Callable[[Path], None] = lambda _: None


def ours(name: str, command: Callable[[Path], list[str]]) -> Contender:
    return Contender(name=name, prepare=_settings, command=command, count=_items, again=_due)


def _settings(folder: Path, urls: Sequence[str]) -> None:
    feeds = "".join(f"  - {{id: f{n}, url: '{url}'}}\n" for n, url in enumerate(urls))
    (folder / "feeds.yaml").write_text(f"feeds:\n{feeds}")
    (folder / "config").mkdir()
    (folder / "config" / "service.yaml").write_text(SERVICE)


def _polling(folder: Path) -> list[str]:
    return [sys.executable, "-m", "bench.polling", str(folder)]


def _poll(folder: Path) -> list[str]:
    files = ("--feeds", f"{folder}/feeds.yaml", "--config", f"{folder}/config", "--data")
    return [sys.executable, "-m", "aggregator", *files, str(folder), "poll"]


def _items(folder: Path) -> int:
    return _ask(folder / "aggregator.sqlite3", "SELECT count(*) FROM item")


def _due(folder: Path) -> None:
    _ask(folder / "aggregator.sqlite3", "UPDATE feed SET next_due = '2026-03-01T00:00:00Z'")


def _ask(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        row = db.execute(query).fetchone()
        return int(row[0]) if row else 0


def reader(python: str) -> Contender:
    """lemon24/reader by its own command; one worker is its default."""

    def prepare(folder: Path, urls: Sequence[str]) -> None:
        listed = "".join(f"r.add_feed({url!r})\n" for url in urls)
        script = folder / "add.py"
        script.write_text(
            f"from reader import make_reader\nr = make_reader({str(folder / 'db')!r})\n{listed}"
        )
        subprocess.run([python, str(script)], check=True)

    def command(folder: Path) -> list[str]:
        return [python, "-m", "reader", "--db", str(folder / "db"), "update", "--no-scheduled"]

    return Contender(
        name="reader",
        prepare=prepare,
        command=command,
        count=lambda folder: _ask(folder / "db", "SELECT count(*) FROM entries"),
    )


def rss2email(python: str) -> Contender:
    """rss2email, which makes its messages but does not send them."""

    def prepare(folder: Path, urls: Sequence[str]) -> None:
        feeds = "".join(f"[feed.f{n}]\nurl = {url}\n" for n, url in enumerate(urls))
        (folder / "r2e.cfg").write_text(
            f"[DEFAULT]\nto = bench@localhost\nfrom = b@localhost\n{feeds}"
        )

    def command(folder: Path) -> list[str]:
        r2e = str(Path(python).with_name("r2e"))
        files = ("-c", str(folder / "r2e.cfg"), "-d", str(folder / "r2e.json"))
        return [r2e, *files, "run", "--no-send"]

    return Contender(
        name="rss2email",
        prepare=prepare,
        command=command,
        count=lambda folder: (folder / "r2e.json").read_text().count('"hash"'),
    )


def newsboat() -> Contender:
    def prepare(folder: Path, urls: Sequence[str]) -> None:
        (folder / "urls").write_text("\n".join(urls) + "\n")
        (folder / "config").write_text("suppress-first-reload yes\n")

    def command(folder: Path) -> list[str]:
        files = (f"--url-file={folder}/urls", f"--cache-file={folder}/cache.db")
        return ["newsboat", *files, f"--config-file={folder}/config", "-x", "reload"]

    return Contender(
        name="newsboat",
        prepare=prepare,
        command=command,
        count=lambda folder: _ask(folder / "cache.db", "SELECT count(*) FROM rss_item"),
    )


def all_of(work: Path) -> list[Contender]:
    """Return all that can be had here; says what is missing. Peers go into a venv in ``work``."""
    found = [ours("aggregator", _polling), ours("aggregator poll", _poll)]
    if (python := python_with(work / "peers", *PYTHONIC)) is not None:
        found += [reader(python), rss2email(python)]
    if installed("newsboat"):
        found.append(newsboat())
    return found


def python_with(place: Path, *packages: str) -> str | None:
    """Return a Python with ``packages`` in a new venv, or None, having said so."""
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = str(place / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"]
    done = subprocess.run([*pip, *packages], check=False, capture_output=True)
    if done.returncode:
        print(f"without {', '.join(packages)}: {done.stderr.decode()[-300:]}")
        return None
    return python


def installed(package: str, program: str | None = None) -> bool:
    """Whether a Debian package's program is here; it is installed when we may."""
    if shutil.which(program or package):
        return True
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        subprocess.run(quiet, check=False, capture_output=True)
    if shutil.which(program or package) is None:
        print(f"without {package}: apt-get install {package}")
        return False
    return True
