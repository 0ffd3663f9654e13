"""How soon is an item served, once it is stored? ``python -m bench.latency [ITEMS [STEPS]]``

The service itself, over a store of made-up items (`bench.outputs`) that it filed, with 10 outputs
and with 200: items come in at odd moments, and for each is told how long it took from the end of
the transaction that stored it until *Latest* was served with it, and until it was brought to a
subscriber of our hub on loopback. Seconds on the clock, so the machine should have nothing else to
do; seconds of CPU beside them.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from aggregator.items.intake import Intake, take_in
from aggregator.model.editions import OutputSpec
from aggregator.model.feeds import Feed
from aggregator.model.following import Follower
from aggregator.model.items import Entry
from aggregator.model.stories import Topic
from aggregator.service import clock
from aggregator.service.house import opened
from aggregator.service.push.mailroom import Sorted
from aggregator.service.recall import known_of
from aggregator.service.run import Service
from aggregator.settings import Settings, load
from aggregator.storage import Store, open_store
from bench import outputs as made

PATH = "feeds/latest.atom"
CONFIG = "hub: {serve: on, allow_private: [127.0.0.0/8]}\nlimits: {workers: 1}\n"
APART = 1.6  # seconds between two items, at most; half of that on average


class Reader:
    """A subscriber on loopback: answers 200, and tells what was brought when."""

    def __init__(self) -> None:
        self.brought: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen; yield the callback."""
        server = await asyncio.start_server(self._called, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/cb"

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
        body = await reader.readexactly(length)
        self.brought.put_nowait((time.perf_counter(), body))
        writer.write(b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n")
        writer.close()


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds from stored to served, to brought, and of CPU until then."""

    served: float
    brought: float
    cpu: float


async def measure(store: Store, settings: Settings, steps: int) -> list[Took]:
    """Let items come in; return what each took."""
    dice, took = random.Random(3), list[Took]()
    reader, stop = Reader(), asyncio.Event()
    async with reader.listening() as callback, opened(settings, store) as service:
        await service.prepare()
        await service.bring_out()
        follower = Follower(
            path=PATH,
            callback=callback,
            secret="secret",
            since=clock.now(),
            expires=clock.now() + timedelta(days=1),
        )
        await service.keeper.run(store.followers.put, follower)
        # The desk alone: nobody is visited.
        desk = asyncio.create_task(service._keep_desk(stop))  # noqa: SLF001
        for step in range(steps):
            await asyncio.sleep(dice.random() * APART)
            title = f"Ferry {step} leaves"
            await service.keeper.run(_arrive, store, step, title)
            started, spent = time.perf_counter(), time.process_time()
            service.brought(Sorted(feed="f0", new=1))
            served = await _until_served(service, title.encode())
            at, body = await reader.brought.get()
            assert title.encode() in body, "a delivery without the news"
            cpu = time.process_time() - spent
            took.append(Took(served - started, at - started, cpu))
        stop.set()
        service.brought(Sorted(feed="f0", new=1))
        await desk
    return took


async def _until_served(service: Service, title: bytes) -> float:
    while title not in _bytes(service):  # noqa: ASYNC110 - to ask is what readers do, too
        await asyncio.sleep(0.002)
    return time.perf_counter()


def _bytes(service: Service) -> bytes:
    held = service.window.shelf.get(PATH)
    return held.variants[-1].body if held else b""


def _arrive(store: Store, step: int, title: str) -> None:
    entry = Entry(
        guid=f"urn:ferry:{step}",
        link=f"https://f0.example/ferry/{step}",
        title=title,
        summary=f"It left at {step} past, with {step * 7 % 90} on board.",
        published=clock.now(),
        language="en",
        digest=f"{step:064x}",
    )
    state = store.feeds.state("f0")
    store.items.apply(take_in(state, (entry,), known_of(store, state, (entry,)), now=clock.now()))


def prepared(store: Store, items: int) -> list[str]:
    """Fill ``store``; return the vocabulary."""
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnoprstuvw", k=7)) for _ in range(made.VOCABULARY)]
    store.feeds.configure(feeds(), now=made.NOW - made.SPAN)
    listed = made.made_items(items, dice, words)
    with store.transaction():
        store.items.apply(Intake(state=store.feeds.state("f0"), at=made.NOW, new=tuple(listed)))
    return words


def feeds() -> tuple[Feed, ...]:
    """Return the feeds that the items are of."""
    return tuple(
        Feed(id=f"f{n}", url=f"https://f{n}.example/", owner=f"o{n}") for n in range(made.OWNERS)
    )


def settings_in(folder: Path, outputs: tuple[OutputSpec, ...]) -> Settings:
    """Return settings with these outputs."""
    (folder / "service.yaml").write_text(CONFIG, encoding="utf-8")
    plain = load(feeds=None, config=folder, environ={})
    topics = tuple(Topic(slug=slug, title=slug) for slug in made.TOPICS)
    return replace(plain, feeds=feeds(), outputs=outputs, topics=topics)


def main(items: int = 5_000, steps: int = 100) -> int:
    """Measure; print."""
    made.NOW = clock.now()
    with tempfile.TemporaryDirectory() as held:
        for count in (10, 200):
            name = f"sqlite:///bench{count}.sqlite3"
            store = open_store(name, root=Path(held))
            words = prepared(store, items)
            specs = tuple(made.made_specs(count, random.Random(2), words))
            settings = settings_in(Path(held), specs)
            took = asyncio.run(measure(store, settings, steps))
            print(f"{count} outputs, {items:,} items, {steps} steps, seconds:")
            print(f"  stored to served:  {_told([one.served for one in took])}")
            print(f"  stored to brought: {_told([one.brought for one in took])}")
            print(f"  CPU until then:    {_told([one.cpu for one in took])}")
    return 0


def _told(seconds: list[float]) -> str:
    ranked = sorted(seconds)
    p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
    return f"p50 {ranked[len(ranked) // 2]:.3f}, p99 {p99:.3f}"


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
