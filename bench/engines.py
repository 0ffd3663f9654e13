"""Do SQLite and PostgreSQL bring out the same?

``python -m bench.engines`` replays the captured day on both, the server started of what the machine
has, and compares every file. Then the day's store moves from SQLite to PostgreSQL and back, killed
on the way, and the site published from each is compared. Exits 1 when anything differs.
"""

import filecmp
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.data import folder
from tests.postgres import NoServerError, Server, served
from tests.quality.capture import unpacked

_LIST = ".aggregator.json"  # of what is in a folder, and since when
KILLED_AFTER = (1.0, 0.9)  # seconds into the move there, and into the move back
_ENDED = "there is a store already"  # what a move says that has nothing left to move


def main() -> int:
    """Run and compare; print a line each."""
    data = folder()
    if data is None:
        print("bench.engines: no data folder (set AGGREGATOR_DATA); nothing compared")
        return 0
    try:
        with unpacked(data / "replay" / "2021-09-20.tar.xz") as work, served() as server:
            day = next(path for path in work.iterdir() if path.is_dir())
            return _compared(day, work, server)
    except NoServerError as error:
        print(f"bench.engines: no PostgreSQL server ({error}); nothing compared")
        return 0


def _compared(day: Path, work: Path, server: Server) -> int:
    file, there, back = f"sqlite:///{work / 'day.sqlite3'}", server.new(), server.new()
    urls = {"sqlite": file, "postgresql": there}
    took = {name: _replay(day, work / name, url) for name, url in urls.items()}
    replayed = _different(work / "sqlite", work / "postgresql")
    print(f"replay {took}; {_told(replayed)}")

    sites = {name: work / f"site-{name}" for name in ("before", "there", "back")}
    _publish(work, sites["before"], file)
    again = f"sqlite:///{work / 'back.sqlite3'}"
    _move(file, back, KILLED_AFTER[0])
    _move(back, again, KILLED_AFTER[1])
    _publish(work, sites["there"], back)
    _publish(work, sites["back"], again)
    moved = _different(sites["before"], sites["there"]) + _different(sites["there"], sites["back"])
    print(f"moved to PostgreSQL and back, killed on the way: {_told(moved)}")
    return 1 if replayed or moved else 0


def _aggregator(*words: str | Path, url: str | None = None) -> None:
    done = _run(*words, url=url)
    if done.returncode:
        sys.exit(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")


def _run(*words: str | Path, url: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **({"AGGREGATOR_STORAGE": url} if url else {})}
    return subprocess.run(
        [sys.executable, "-m", "aggregator", *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
    )


def _replay(day: Path, out: Path, url: str) -> str:
    started = time.monotonic()
    _aggregator("replay", day, "--out", out, "--store", url)
    return f"{time.monotonic() - started:.1f} s"


def _move(source: str, target: str, after: float) -> None:
    """Move, killed ``after`` so many seconds, and moved on."""
    words = [sys.executable, "-m", "aggregator", "migrate", source, target]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as first:
        try:
            first.wait(after)
            print(f"note: the move was done within {after} s, and not killed")
            return
        except subprocess.TimeoutExpired:
            first.kill()
            first.wait()
    done = _run("migrate", source, target)
    if done.returncode and _ENDED in done.stderr:
        print(f"note: the move was done within {after} s, and killed as it left")
    elif done.returncode:
        sys.exit(f"migrate ended with {done.returncode}: {done.stderr[-2000:]}")


def _publish(work: Path, site: Path, url: str) -> None:
    # The feeds of that day are not asked: who publishes knows of none but this.
    feed = "feeds: [{url: 'https://none.invalid/feed', enabled: false}]\n"
    (work / "feeds.yaml").write_text(feed, encoding="utf-8")
    _aggregator("--feeds", work / "feeds.yaml", "publish", site, url=url)


def _different(one: Path, other: Path) -> list[Path]:
    files = {
        p.relative_to(top)
        for top in (one, other)
        for p in top.rglob("*")
        if p.is_file() and p.name != _LIST
    }
    return sorted(file for file in files if not _same(one / file, other / file))


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


def _told(different: Sequence[Path]) -> str:
    return f"files that differ {len(different)} {[str(path) for path in different[:5]]}"


if __name__ == "__main__":
    sys.exit(main())
