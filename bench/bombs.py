"""How does the service stand a set of bombs? ``python -m bench.bombs [--seconds N]``.

A publisher on loopback sends each bomb of tests/bombs.py from an address of its own, with harmless
feeds between them. The service polls them all, at its ordinary limits and pace but for shorter
deadlines, in a process of its own, while its front page is asked for again and again. Exit status 1
when one was not answered or a limit was passed.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.service.house import opened
from aggregator.service.workers import MIB
from aggregator.settings import load
from aggregator.storage import Store, open_store
from tests.bombs import ANSWERS, DOCUMENTS
from tests.origin import Origin, Reply, answer

HARMLESS = 20
HEAVY = 12  # feeds more of 14 MB in gzip, all at once
WORKER = 512 * MIB  # memory of a parse worker, as shipped
SERVICE = 400 * MIB  # memory of the service itself
STALL = 0.1  # seconds that the event loop may be held up by our own work
STEP = 0.01  # seconds between two looks at the event loop
SETTINGS = "reach: {allow_private: [127.0.0.0/8]}\nlimits: {deadline: 15s, parse_seconds: 5}\n"
FEED = b'<rss version="2.0"><channel><item><guid>1</guid><title>x</title></item></channel></rss>'


@dataclass(slots=True)
class Watched:
    """What is seen of the service from outside: peaks in bytes by process, waits in seconds."""

    peaks: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)


def main() -> int:
    """Run publisher and service; print what came of it."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=240, help="give up after this long")
    asked.add_argument("--service", type=Path, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.service:
        told = asyncio.run(serve(options.service, options.seconds))
        (options.service / "told.json").write_text(json.dumps(told))
        return 0
    with tempfile.TemporaryDirectory() as held, publishers(replies()) as feeds:
        return measure(Path(held), feeds, options.seconds)


def replies() -> dict[str, Reply]:
    heavy = ANSWERS["14 MB in gzip"]()
    found = {name: make() for name, make in ANSWERS.items()}
    found |= {f"document: {name}": answer(200, make()) for name, make in DOCUMENTS.items()}
    found |= {f"heavy {n}": heavy for n in range(HEAVY)}
    return found | {f"harmless {n}": answer(200, FEED) for n in range(HARMLESS)}


@contextlib.contextmanager
def publishers(scripts: dict[str, Reply]) -> Iterator[dict[str, str]]:
    """Yield the addresses of the feeds by name; each is a host of its own."""
    origins: list[Origin] = []
    try:
        for n in range(len(scripts)):
            origin = Origin(host=f"127.0.7.{n + 1}")
            origin.start()
            origins.append(origin)
        each = zip(origins, scripts.items(), strict=True)
        yield {name: origin.script("/", reply) for origin, (name, reply) in each}
    finally:
        for origin in origins:
            origin.stop()


def measure(folder: Path, feeds: dict[str, str], seconds: float) -> int:
    names = list(feeds)
    lines = [f"- {{id: f{n}, url: '{feeds[name]}'}}" for n, name in enumerate(names)]
    (folder / "feeds.yaml").write_text("\n".join(["feeds:", *lines]))
    (folder / "service.yaml").write_text(SETTINGS)
    command = [sys.executable, "-m", "bench.bombs", "--service", str(folder)]
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen([*command, "--seconds", str(seconds)], stdout=log)
    seen = Watched()
    watching = threading.Thread(target=watch, args=(service, folder / "address", seen))
    watching.start()
    service.wait()
    watching.join()
    told = json.loads((folder / "told.json").read_text())
    outcomes = {names[int(feed[1:])]: outcome for feed, outcome in told["outcomes"].items()}
    return report(outcomes, len(feeds), seen, service.pid, told)


def report(
    outcomes: dict[str, str], feeds: int, seen: Watched, service: int, told: dict[str, list[float]]
) -> int:
    for name, outcome in outcomes.items():
        if name in ANSWERS or name.startswith("document"):
            print(f"  {name}: {outcome}")
    fine = sum(outcomes.get(f"harmless {n}") == "fetched" for n in range(HARMLESS))
    main = seen.peaks.pop(service)
    worker = max(seen.peaks.values())
    print(f"bombs: {len(outcomes)} of {feeds} answered; {fine} of {HARMLESS} harmless feeds read")
    print(f"bombs: peak of the service {main // MIB} MiB of {SERVICE // MIB}")
    print(f"bombs: peak of {len(seen.peaks)} workers {worker // MIB} MiB of {WORKER // MIB}")
    print(f"bombs: event loop late by {spread(told['late'])}; load {os.getloadavg()[0]:.0f}")
    print(f"bombs: of that our own processor time {spread(told['busy'])}")
    print(f"bombs: front page within {spread(seen.waits)}, asked {len(seen.waits)} times")
    passed = main > SERVICE or worker > WORKER or max(told["busy"]) > STALL
    return 1 if passed or len(outcomes) < feeds or fine < HARMLESS else 0


def spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    half, most = (1000 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return f"{half:.0f} ms (half), {most:.0f} ms (99 %), {1000 * ordered[-1]:.0f} ms (all)"


def watch(service: "subprocess.Popen[bytes]", address: Path, seen: Watched) -> None:
    while service.poll() is None:
        for pid in (service.pid, *children(service.pid)):
            seen.peaks[pid] = max(seen.peaks[pid], peak(pid))
        if address.exists():
            started = time.perf_counter()
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address.read_text(), timeout=30).read()
                seen.waits.append(time.perf_counter() - started)
        time.sleep(0.05)


def peak(pid: int) -> int:
    """Return the most memory (bytes) that the process ever held; 0 when it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return 0


def children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


async def serve(folder: Path, seconds: float) -> dict[str, object]:
    """Run the service until every feed was visited; tell outcomes by feed, and the loop's lags."""
    settings = load(feeds=folder / "feeds.yaml", config=folder, environ={})
    store = open_store("sqlite:///bombs.sqlite3", root=folder)
    stop = asyncio.Event()
    late: list[float] = []
    busy: list[float] = []
    async with opened(settings, store) as service:
        sampling = asyncio.create_task(sample(late, busy))

        def ready(url: str) -> None:
            (folder / "address").write_text(url)

        running = asyncio.create_task(service.run(stop, host="127.0.0.1", port=0, ready=ready))
        outcomes: dict[str, str] = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(outcomes) < len(settings.feeds):
            await asyncio.sleep(0.5)
            outcomes = await service.keeper.run(outcomes_in, store)
        sampling.cancel()
        stop.set()
        await running
    return {"outcomes": outcomes, "late": late, "busy": busy}


def outcomes_in(store: Store) -> dict[str, str]:
    states = [s for s in store.feeds.states() if s.last_error or s.succeeded_at]
    return {state.feed: state.last_error or "fetched" for state in states}


async def sample(late: list[float], busy: list[float]) -> None:
    """Note how late the loop is, and how much of that this process worked: others work here too."""
    loop = asyncio.get_running_loop()
    while True:
        due, worked = loop.time() + STEP, time.process_time()
        await asyncio.sleep(STEP)
        late.append(max(0.0, loop.time() - due))
        busy.append(min(late[-1], time.process_time() - worked))


if __name__ == "__main__":
    sys.exit(main())
