"""Settings that are edited while the service runs: taken over as a whole, or told where they fail.

The publishers say for how long their answers hold; whoever comes back sooner is early.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import structlog
from lxml import etree

from aggregator.service.edits import Edits, Source
from aggregator.service.house import opened
from aggregator.service.run import Service
from aggregator.settings import load
from tests.origin import Line, Origin, answer
from tests.service.stage import (
    NOW,
    SERVICE,
    SetClock,
    from_outside,
    item,
    play,
    rss,
    settings_for,
    store_in,
)

pytestmark = pytest.mark.slow

EDITS = 200
PATHS = 8
MINUTE = timedelta(minutes=1)
FRESH = {f"/p{n}": timedelta(minutes=10 + 7 * n) for n in range(PATHS)}


@dataclass(slots=True)
class Press:
    """Publishers on one port: an item each 20 minutes at every path, and a log on their clock."""

    origin: Origin
    clock: SetClock
    log: dict[str, list[datetime]] = field(default_factory=dict)

    def open(self) -> None:
        for path in FRESH:
            self.origin.script(path, self.reply)

    def told(self, path: str) -> list[int]:
        """Return the numbers of the items that ``path`` lists now."""
        first = 10_000 * int(path.removeprefix("/p"))
        return [first + n for n in range(1 + int((self.clock.at - NOW) / (20 * MINUTE)))]

    async def reply(self, line: Line) -> None:
        path = line.seen.target
        self.log.setdefault(path, []).append(self.clock.at)
        body = rss(*(item(number) for number in reversed(self.told(path))))
        mark = f'"{sha256(body).hexdigest()[:12]}"'
        holds = int(FRESH[path].total_seconds())
        headers = {"ETag": mark, "Cache-Control": f"max-age={holds}"}
        if line.seen.value("if-none-match") == mark.encode():
            await answer(304, headers=headers)(line)
        else:
            await answer(200, body, headers)(line)

    def early(self) -> Iterator[str]:
        for path, times in self.log.items():
            for before, after in pairwise(times):
                if after - before < FRESH[path]:
                    yield f"{path}: {after - before} after the last request"


@dataclass(slots=True)
class Desk:
    """Somebody who edits: knows what the files say, and where the mistakes are that they make."""

    folder: Path
    dice: random.Random
    url: Callable[[str], str]
    feeds: dict[str, dict[str, str]] = field(default_factory=dict)
    limit: int = 50
    extra: str | None = None
    topics: int = 1
    spare: int = 0

    def begin(self) -> None:
        self.feeds = {f"p{n}": {"url": self.url(f"/p{n}")} for n in range(PATHS)}
        self.write()

    def write(self) -> None:
        put(self.folder / "feeds.yaml", self.lines())
        put(self.folder / "outputs.yaml", self.outputs())
        put(self.folder / "topics.yaml", self.subjects())

    def lines(self) -> list[str]:
        lines = ["feeds:"]
        for name, keys in self.feeds.items():
            lines.append(f"  - id: {name}")
            lines += [f"    {key}: {value}" for key, value in keys.items()]
        return lines

    def outputs(self) -> list[str]:
        lines = ["outputs:", "  - kind: latest", f"    limit: {self.limit}", "  - kind: top"]
        if self.extra:
            lines += [
                "  - kind: latest",
                f"    name: {self.extra}",
                "    only: {words: {any: [1]}}",
            ]
        return lines

    def subjects(self) -> list[str]:
        lines = ["topics:"]
        for n in range(self.topics):
            lines += [f"  - slug: sea{n}", f"    title: Sea {n}", "    hints: [ferry]"]
        return lines

    def edit(self) -> None:
        """Make one good edit."""
        name = self.dice.choice(list(self.feeds))
        keys = self.feeds[name]
        free = sorted({self.url(path) for path in FRESH} - {f["url"] for f in self.feeds.values()})
        turn = self.dice.randrange(9)
        if turn == 0 and len(self.feeds) > 3:
            del self.feeds[name]
        elif turn == 1 and free:
            self.spare += 1
            self.feeds[f"spare{self.spare}"] = {"url": self.dice.choice(free)}
        elif turn == 2 and free:
            keys["url"] = self.dice.choice(free)
        elif turn == 3:
            keys["enabled"] = self.dice.choice(["true", "false"])
        elif turn == 4:
            keys["title"] = f"Paper {self.dice.randrange(100)}"
            keys["every"] = self.dice.choice(["5m", "10m", "1h"])
        elif turn == 5:
            keys["topics"] = f"[sea{self.dice.randrange(self.topics)}]"
        elif turn == 6:
            self.limit = self.dice.randrange(10, 90)
        elif turn == 7:
            self.extra = self.dice.choice([None, "ones", "first"])
        else:
            self.topics = max(self.topics, self.dice.randrange(1, 4))
        self.write()

    def slip(self) -> str:
        """Break one of the files; return ``file:line`` of the mistake."""
        lines = self.lines()
        at = self.dice.choice([n for n, line in enumerate(lines) if line.startswith("  - id:")])
        name, wrong = self.dice.choice(
            [
                ("feeds.yaml", "    wieght: 2"),
                ("feeds.yaml", "    every: 30x"),
                ("feeds.yaml", "    weight: heavy"),
                ("feeds.yaml", "    topics: [nowhere]"),
                ("feeds.yaml", "    title: ${NOT_SET_ANYWHERE}"),
                ("feeds.yaml", "    language: \udcff"),
                ("feeds.yaml", "    title: 'unclosed"),
                ("feeds.yaml", "  \t- x"),
                ("outputs.yaml", "    limit: many"),
                ("topics.yaml", "    colour: blue"),
            ]
        )
        if name == "outputs.yaml":
            lines, at = self.outputs(), 1
            del lines[2]
        elif name == "topics.yaml":
            lines, at = self.subjects(), 1
        lines.insert(at + 1, wrong)
        put(self.folder / name, lines)
        return f"{self.folder / name}:{at + 2}"


def put(path: Path, lines: list[str]) -> None:
    """Replace a file as editors do."""
    beside = path.with_suffix(".new")
    beside.write_bytes("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"))
    beside.replace(path)


def source_in(folder: Path) -> Source:
    feeds = folder / "feeds.yaml"
    return Source(
        feeds=feeds, config=folder, read=lambda: load(feeds=feeds, config=folder, environ={})
    )


async def asked(service: Service, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(service.front)
    async with httpx.AsyncClient(transport=transport, base_url="http://a.example") as client:
        return await client.get(f"/{path}")


async def read_on(service: Service, done: asyncio.Event) -> int:
    """Read outputs as subscribers do until ``done``; return how often one was there."""
    found = 0
    while not done.is_set():
        for path in ("feeds/latest.atom", "feeds/latest.json", "feeds/top.rss", "index.html"):
            answer = await asked(service, path)
            if path.endswith("json"):
                assert json.loads(answer.content)["version"]
            elif path.startswith("feeds"):
                etree.fromstring(answer.content)
            assert answer.status_code == 200
            found += 1
        await asyncio.sleep(0.02)
    return found


async def poll_on(service: Service, done: asyncio.Event) -> None:
    """Tick and bring out without end."""
    while not done.is_set():
        await service._tick()
        await service.bring_out()
        await asyncio.sleep(0.01)


async def settle(service: Service) -> None:
    """Poll until nothing is due."""
    while True:
        await service._tick()
        flying = service.rounds.flying()
        if not flying:
            return
        await asyncio.wait(flying)


@pytest.mark.conforms("E44", "A22")
@pytest.mark.timeout(300)
def test_two_hundred_edits_half_of_them_broken_lose_nothing_and_ask_nobody_early(
    origin: Origin, tmp_path: Path
) -> None:
    clock = SetClock()
    press, dice = Press(origin, clock), random.Random(7)
    press.open()
    desk = Desk(tmp_path, dice, origin.url)
    (tmp_path / "service.yaml").write_text(SERVICE, encoding="utf-8")
    desk.begin()
    source = source_in(tmp_path)

    async def scene() -> None:
        async with opened(source.read(), store_in(tmp_path), now=clock) as service:
            await service.prepare()
            edits, done = Edits(service, source), asyncio.Event()
            await settle(service)
            await service.bring_out()
            life = asyncio.gather(read_on(service, done), poll_on(service, done))
            for number in range(EDITS):
                clock.at += dice.randrange(8) * MINUTE
                await edit(service, edits, broken=number % 2 == 1)
                assert not life.done()
            done.set()
            read, _ = await life
            assert read > EDITS
            assert service.vitals.edits == {"refused": EDITS // 2, "taken over": EDITS // 2}
            await finish(service, edits)

    async def edit(service: Service, edits: Edits, *, broken: bool) -> None:
        held = service.settings
        place = desk.slip() if broken else ""
        if not broken:
            desk.edit()
        with structlog.testing.capture_logs() as log:
            await edits.look()
        assert service.vitals.edit is not None
        faults = service.vitals.edit.faults
        if not broken:
            assert faults == ()
            return
        assert any(fault.startswith(f"{place}:") for fault in faults), (place, faults)
        assert service.settings is held
        assert [line["fault"] for line in log if line["event"] == "settings refused"] == [*faults]
        health = (await asked(service, "healthz")).json()
        assert any(f"{place}:" in note for note in health["notes"])
        assert health["status"] == "ok"

    async def finish(service: Service, edits: Edits) -> None:
        """Take everything up again that was ever read, and come to rest."""
        desk.begin()
        await edits.look()
        clock.at += timedelta(days=1)
        await settle(service)
        await service.bring_out()

    asyncio.run(scene())

    assert [*press.early()] == []
    told = {f"urn:x-harbour:{n}" for path in FRESH for n in press.told(path)}
    with from_outside(tmp_path) as db:
        have = {guid for (guid,) in db.execute("SELECT guid FROM item")}
        assert told - have == set()
    assert len(told) > 300


def test_what_the_store_would_not_take_holds_back_the_edit_until_it_does(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, ["{id: a, url: 'https://a.invalid/rss'}"])
    source = source_in(tmp_path)

    async def scene() -> None:
        async with opened(settings, store_in(tmp_path)) as service:
            await service.prepare()
            edits = Edits(service, source)
            await edits.look()
            put(source.feeds, ["feeds: [{id: b, url: 'https://b.invalid/rss'}]"])
            with from_outside(tmp_path) as db:
                db.execute("ALTER TABLE feed RENAME TO elsewhere")
            await edits.look()
            assert service.settings.feeds == settings.feeds
            assert "settings: " in service.vitals.health().because[0]
            with from_outside(tmp_path) as db:
                db.execute("ALTER TABLE elsewhere RENAME TO feed")
            await edits.look()
            assert [feed.id for feed in service.settings.feeds] == ["b"]
            assert service.vitals.health().ok

    play(scene())


def test_a_visit_under_way_ends_before_its_feed_is_asked_elsewhere(
    origin: Origin, tmp_path: Path
) -> None:
    """What it brought belongs to the address that it asked."""
    go = asyncio.Event()

    async def scene() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        async def slow(line: Line) -> None:
            loop.call_soon_threadsafe(begun.set)
            while not go.is_set():  # noqa: ASYNC110 - it is set in another thread's loop
                await asyncio.sleep(0.01)
            await answer(200, rss(item(1)), {"ETag": '"one"'})(line)

        one, two = origin.script("/one", slow), origin.script("/two", answer(200, rss(item(2))))
        settings = settings_for(tmp_path, [f"{{id: a, url: '{one}'}}"])
        async with opened(settings, store_in(tmp_path)) as service:
            await service.prepare()
            await service._tick()
            await begun.wait()
            put(tmp_path / "feeds.yaml", [f"feeds: [{{id: a, url: '{two}'}}]"])
            looking = asyncio.create_task(Edits(service, source_in(tmp_path)).look())
            while service.rounds._held != {"a"}:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            await service._tick()
            assert not looking.done()
            go.set()
            await looking
            await settle(service)
            assert await service.keeper.run(service.keeper.store.items.count) == 2

    play(scene())

    (asked,) = origin.asked("/two")
    assert asked.value("if-none-match") is None


def test_only_what_an_edit_concerns_is_built_anew(tmp_path: Path) -> None:
    settings_for(tmp_path, ["{id: a, url: 'https://a.invalid/rss'}"])
    source = source_in(tmp_path)

    async def scene() -> None:
        async with opened(source.read(), store_in(tmp_path)) as service:
            await service.prepare()
            edits, desk = Edits(service, source), service.desk
            put(source.feeds, ["feeds: [{id: a, url: 'https://a.invalid/rss', weight: 2}]"])
            put(tmp_path / "service.yaml", [SERVICE, "listen: {port: 9}", "polling: {floor: 5m}"])
            with structlog.testing.capture_logs() as log:
                await edits.look()
            assert service.desk is desk
            assert service.settings.service.polling.floor == 5 * MINUTE
            assert service.settings.service.listen.port == 8080
            waits = next(line for line in log if line["event"] == "settings wait")
            assert waits["what"] == "service.listen"
            assert "next start" in service.vitals.health().notes[-1]

            put(tmp_path / "outputs.yaml", ["outputs: [{kind: latest, limit: 9}]"])
            await edits.look()
            assert service.desk.organiser is desk.organiser
            assert service.desk.publisher is not desk.publisher
            await service.bring_out()
            assert (await asked(service, "feeds/top.atom")).status_code == 404

            put(tmp_path / "topics.yaml", ["topics: [{slug: sea, title: Sea}]"])
            await edits.look()
            assert service.desk.organiser is not desk.organiser

    play(scene())


def test_new_limits_hold_for_what_begins_and_change_nothing_of_what_is_under_way(
    tmp_path: Path,
) -> None:
    settings_for(tmp_path, ["{id: a, url: 'https://a.invalid/rss'}"])
    source = source_in(tmp_path)

    async def scene() -> None:
        async with opened(source.read(), store_in(tmp_path)) as service:
            await service.prepare()
            workers = service.tools.workers
            body = rss(*(item(n) for n in range(2000)))
            parsing = asyncio.create_task(workers.parse(body, "", "https://a.invalid/rss"))
            while not workers._pools:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            tighter = SERVICE.replace("workers: 1", "workers: 2, parse_memory: 300 MB")
            put(tmp_path / "service.yaml", [tighter])
            await Edits(service, source).look()
            found = await parsing
            assert len(found.entries) == 2000  # type: ignore[union-attr]
            again = await workers.parse(rss(item(1)), "", "https://a.invalid/rss")
            assert len(again.entries) == 1  # type: ignore[union-attr]
            assert workers._memory == 300_000_000

    play(scene())
