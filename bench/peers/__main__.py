"""What does polling cost beside others? ``python -m bench.peers`` prints a table.

CPU milliseconds a feed, user and system, of the whole process with its children, start-up
included: a cold poll of feeds of 20 to 40 entries with 1 to 3 kB of HTML each, one where every
feed answers 304, and one where a tenth of them has one or two new entries. All poll the same
nginx, where each feed has a loopback address of its own. Peers are installed for the run alone.
"""

import argparse
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.peers.contenders import Contender, all_of
from bench.peers.publisher import Press, served

SHARE = 0.1
STAGES = ("cold", "304", "changed")
PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    options = _options()
    # Children of our children that outlive them come to us, and their time is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryDirectory(prefix="peers-") as held:
        work = Path(held)
        press = Press.of(options.feeds, work / "press")
        contenders = [one for one in all_of(work) if one.name not in options.without]
        with served(press) as server:
            figures = _measured(contenders, press, work, options.rounds, server)
    _print(figures, options.feeds)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument(
        "--rounds", type=int, default=3, help="of 304 and changed; the median counts"
    )
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    return parser.parse_args()


def _measured(
    contenders: list[Contender], press: Press, work: Path, rounds: int, server: int
) -> dict[str, dict[str, list[float]]]:
    figures: dict[str, dict[str, list[float]]] = {
        one.name: {stage: [] for stage in STAGES} for one in contenders
    }
    urls = [publisher.url for publisher in press.publishers]
    for number, one in enumerate(contenders):
        _folder(work, number).mkdir()
        one.prepare(_folder(work, number), urls)

    def stage(name: str) -> None:
        for number, one in enumerate(contenders):
            spent = _run(one, _folder(work, number), server) / len(urls) * 1000
            figures[one.name][name].append(spent)
            _check(one, _folder(work, number), press)
            print(f"  {name} {one.name}: {spent:.2f}", file=sys.stderr, flush=True)

    def again() -> None:
        for number, one in enumerate(contenders):
            one.again(_folder(work, number))

    stage("cold")
    for _ in range(rounds):
        again()
        stage("304")
    for _ in range(rounds):
        press.change(SHARE)
        again()
        stage("changed")
    return figures


def _folder(work: Path, number: int) -> Path:
    return work / f"contender{number}"


def _run(one: Contender, folder: Path, server: int) -> float:
    """Run ``one`` to its end; return the processor seconds of it and all that it started."""
    before = _children()
    with (folder / "log").open("ab") as log:
        done = subprocess.run(
            one.command(folder), check=False, stdout=log, stderr=log, env=_clean(folder)
        )
    _reap(server)
    if done.returncode:
        sys.exit(f"{one.name} ended with {done.returncode}: {(folder / 'log').read_text()[-1000:]}")
    return _children() - before


def _clean(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder), "PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap(but: int) -> None:
    """Wait for those that outlived who started them, but not for the server."""
    me = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    for child in map(int, me.read_text().split()):
        if child != but:
            os.waitpid(child, 0)


def _check(one: Contender, folder: Path, press: Press) -> None:
    """Exit when a contender did not take in what was published."""
    printed = sum(publisher.entries[0] for publisher in press.publishers)
    if (held := one.count(folder)) != printed:
        print(f"  NOTE {one.name} holds {held} of {printed} entries", file=sys.stderr)


def _print(figures: dict[str, dict[str, list[float]]], feeds: int) -> None:
    print(f"CPU ms a feed, {feeds} feeds, whole process with start-up, {os.cpu_count()} cores")
    print(f"| {'':18} | {'cold':>6} | {'304':>6} | {'changed':>7} |")
    print(f"|{'-' * 20}|{'-' * 7}:|{'-' * 7}:|{'-' * 8}:|")
    for name, stages in figures.items():
        cold, same, changed = (median(stages[stage]) for stage in STAGES)
        print(f"| {name:18} | {cold:6.1f} | {same:6.2f} | {changed:7.2f} |")


if __name__ == "__main__":
    sys.exit(main())
