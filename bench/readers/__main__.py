"""Do real readers show every entry once? ``python -m bench.readers``

The service serves a made-up newsroom over HTTP on loopback. Readers that people use subscribe to
Latest and Top News in every format they know, and update after each of two further editions: new
reports come, others leave, headlines are rewritten, stories grow and merge. Then each must show
every entry that was ever served, once. Readers are installed for the run alone, from PyPI, Debian
and npm; one that cannot be had is named and left out. Exits 1 when an entry is missing or twice.
"""

import asyncio
import json
import logging
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import structlog

from aggregator.service.house import opened
from aggregator.service.run import Service
from aggregator.storage import Store
from aggregator.web.serve import serve
from bench.readers.programs import Program, Shown, all_of
from tests.service.newsroom import tell
from tests.service.stage import NOW, SetClock, settings_for, store_in

PAPERS = ("harbour", "north", "ledger", "coast")
OUTPUTS = "outputs: [{kind: latest, limit: 40}, {kind: top, limit: 12}]\n"
NAMES = ("latest", "top")
FORMATS = ("atom", "rss", "json")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="readers-") as held:
        return asyncio.run(_scene(Path(held)))


async def _scene(work: Path) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    programs = list(all_of(work))
    if not programs:
        print("readers: none is to be had here; nothing was checked")
        return 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    feeds = [f"{{id: {name}, url: 'https://{name}.example/feed'}}" for name in PAPERS]
    settings = settings_for(work, feeds, OUTPUTS, f"site: {{base_url: '{base}'}}\n")
    store, clock, stop = store_in(work), SetClock(), asyncio.Event()
    async with opened(settings, store, now=clock) as service:
        await service.prepare()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve(service.application(), "127.0.0.1", port, stop, ready=address.set_result)
        )
        try:
            await address
            return await _read(programs, service, clock, base, work)
        finally:
            stop.set()
            await serving


async def _read(
    programs: list[Program], service: Service, clock: SetClock, base: str, work: Path
) -> int:
    served: dict[str, set[str]] = {}
    for number, edition in enumerate((_first, _second, _third)):
        clock.at = NOW + number * timedelta(hours=3)
        await service.keeper.run(edition, service.keeper.store, clock)
        await service.window.dress()
        await service.keeper.run(_note, service.keeper.store, base, served)
        for program in programs:
            folder = work / f"{program.name}-folder"
            folder.mkdir(exist_ok=True)
            await asyncio.to_thread(program.update, folder, _urls(program, base))
    faults = 0
    for program in programs:
        folder, urls = work / f"{program.name}-folder", _urls(program, base)
        found = list(_faults(program, program.shown(folder, urls), served))
        shown = sum(len(of) for of in program.shown(folder, urls).values())
        print(f"readers: {program.name}: {len(urls)} feeds, {shown} entries, {len(found)} faults")
        for fault in found[:10]:
            print(f"  {fault}")
        faults += len(found)
    return 1 if faults else 0


def _urls(program: Program, base: str) -> list[str]:
    return [f"{base}/feeds/{name}.{form}" for name in NAMES for form in program.formats]


def _faults(program: Program, shown: Shown, served: dict[str, set[str]]) -> Iterator[str]:
    for url, entries in shown.items():
        wanted = served[url.rpartition("/")[2].partition(".")[0]]
        yield from (f"{url}: {name} is not shown" for name in wanted - entries.keys())
        yield from (f"{url}: {name} was never served" for name in entries.keys() - wanted)
        # A headline that was rewritten is another entry to some.
        most = 2 if program.anew else 1
        yield from (f"{url}: {n} times {name}" for name, n in entries.items() if n > most)


def _note(store: Store, base: str, served: dict[str, set[str]]) -> None:
    for name in NAMES:
        held = store.outputs.get(f"feeds/{name}.json")
        assert held is not None
        document = json.loads(held.body)
        assert document["feed_url"] == f"{base}/feeds/{name}.json"
        ids = Counter(item["id"] for item in document["items"])
        served.setdefault(name, set()).update(ids)


def _report(store: Store, clock: SetClock, numbers: range, stories: int) -> None:
    """Let the papers report, one after another, two minutes apart."""
    for number in numbers:
        at = clock.at - timedelta(minutes=2 * (numbers.stop - number))
        paper = PAPERS[number % len(PAPERS)]
        story = f"urn:x-story:{number // 2 % stories}"
        tell(store, paper, number, story=story, now=at, summary=f"What {paper} knows of {number}.")


def _first(store: Store, clock: SetClock) -> None:
    _report(store, clock, range(40), 12)


def _second(store: Store, clock: SetClock) -> None:
    _report(store, clock, range(40, 60), 16)
    for number in (57, 58, 35):
        paper = PAPERS[number % len(PAPERS)]
        tell(store, paper, number, story="", title=f"{paper} corrects itself on {number}",
             now=clock.at, summary="More is known by now than was known before.")  # fmt: skip


def _third(store: Store, clock: SetClock) -> None:
    _report(store, clock, range(60, 90), 20)
    tell(store, "coast", 99, story="urn:x-story:1", merged=("urn:x-story:2",), now=clock.at)


if __name__ == "__main__":
    sys.exit(main())
