"""What visits over real connections teach, on a virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.model.feeds import Feed, FeedState
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller, Visit
from aggregator.service.workers import ParseWorkers
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Clock, Courtesy, Manners, Sleep
from aggregator.sources.policy import FetchPolicy
from aggregator.sources.schedule import Cadence
from tests.origin import Line, Origin, Reply, answer
from tests.service.stage import store_in

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def workers() -> Iterator[ParseWorkers]:
    held = ParseWorkers(workers=1)
    yield held
    held.close()


class Bench:
    """A poller whose clock is set by hand."""

    def __init__(self, root: Path, workers: ParseWorkers) -> None:
        self.now = START
        self.keeper = Keeper(store_in(root))
        self._workers = workers
        self.make_poller(Courtesy(spacing=timedelta(), starts_a_second=0), clock=self.clock)

    def clock(self) -> datetime:
        return self.now

    def make_poller(
        self, courtesy: Courtesy, *, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.poller = Poller(
            keeper=self.keeper,
            fetcher=Fetcher(FetchPolicy(user_agent="a", allow_private=("127.0.0.0/8",))),
            workers=self._workers,
            manners=Manners(courtesy, clock=self.clock, sleep=sleep),
            cadence=Cadence(),
            most=100,
            clock=clock,
        )

    async def visit(self, feed: Feed) -> Visit:
        """Visit ``feed``, a day after the last visit to anybody."""
        self.now += DAY
        state = await self.keeper.run(self.keeper.store.feeds.state, feed.id)
        return await self.poller.visit(feed, state)


@asynccontextmanager
async def bench(root: Path, workers: ParseWorkers, *feeds: Feed) -> AsyncIterator[Bench]:
    held = Bench(root, workers)
    await held.keeper.run(held.keeper.store.feeds.configure, feeds, now=START)
    yield held
    await held.keeper.close()


def document(*entries: object, older: str = "") -> Reply:
    items = "".join(f"<item><guid>{n}</guid><title>t{n}</title></item>" for n in entries)
    link = f"<link xmlns='http://www.w3.org/2005/Atom' rel='prev-archive' href='{older}'/>"
    head = f"<title>A</title>{link if older else ''}"
    body = f"<rss version='2.0'><channel>{head}{items}</channel></rss>".encode()
    return answer(200, body, {"ETag": f'"{entries}"'})


def moved(to: str) -> Reply:
    return answer(301, b"", {"Location": to})


@pytest.mark.conforms("A46")
def test_a_feed_that_moved_is_asked_where_it_lives_and_stays_conditional(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """Three visits at the old address, then none."""
    origin.script("/new", document(1, 2), answer(304))
    feed = Feed(id="a", url=origin.script("/old", moved("/new")))

    async def story() -> list[Visit]:
        async with bench(tmp_path, workers, feed) as held:
            return [await held.visit(feed) for _ in range(6)]

    visits = asyncio.run(story())

    assert [visit.outcome for visit in visits] == ["fetched"] + 5 * ["not-modified"]
    assert [visit.remark is not None for visit in visits] == 2 * [False] + [True] + 3 * [False]
    assert len(origin.asked("/old")) == 3
    sent = [seen.value("If-None-Match") for seen in origin.asked("/new")]
    assert sent == [None] + 5 * [b'"(1, 2)"']


@pytest.mark.conforms("A51")
def test_a_page_at_the_end_of_a_redirect_teaches_nothing(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    origin.script("/login", answer(200, b"<!doctype html><html><body>Who are you?</body></html>"))
    feed = Feed(id="a", url=origin.script("/old", document(1, 2), moved("/login")))

    async def story() -> tuple[list[Visit], int]:
        async with bench(tmp_path, workers, feed) as held:
            visits = [await held.visit(feed) for _ in range(6)]
            return visits, await held.keeper.run(held.keeper.store.items.count)

    visits, items = asyncio.run(story())

    assert [visit.outcome for visit in visits] == ["fetched"] + 5 * ["unreadable"]
    assert len(origin.asked("/old")) == 6
    assert items == 2


@pytest.mark.conforms("A53", "A38")
def test_two_feeds_that_moved_to_one_address_are_asked_once(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """Both stay configured."""
    origin.script("/new", document(1, 2))
    first = Feed(id="a", url=origin.script("/a", moved("/new")))
    second = Feed(id="b", url=origin.script("/b", moved("/new")))

    async def story() -> list[Visit]:
        async with bench(tmp_path, workers, first, second) as held:
            for _ in range(3):
                await held.visit(first)
                await held.visit(second)
            return [await held.visit(first), await held.visit(second)]

    visits = asyncio.run(story())

    assert [visit.outcome for visit in visits] == ["unchanged", "same-feed"]
    assert visits[1].state.next_due >= START + 9 * DAY
    assert len(origin.asked("/new")) == 7


@pytest.mark.conforms("A54")
def test_lost_entries_and_an_emptied_document_are_noticed_and_told(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """And nothing is forgotten."""
    script = (document(1, 2, 3), document(3, 4, 5), document(7, 8, 9), document(), document(9, 10))
    feed = Feed(id="a", url=origin.script("/", *script))

    async def story() -> tuple[list[Visit], int]:
        async with bench(tmp_path, workers, feed) as held:
            visits = [await held.visit(feed) for _ in script]
            return visits, await held.keeper.run(held.keeper.store.items.count)

    visits, items = asyncio.run(story())

    assert [visit.outcome for visit in visits] == [*3 * ["fetched"], "emptied", "fetched"]
    assert [visit.state.gaps for visit in visits] == [0, 0, 1, 1, 1]
    assert [visit.remark is not None for visit in visits] == [False, False, True, False, False]
    assert visits[2].state.because == "gap"
    assert visits[3].reason == "the document has no entries; the last one had 3"
    assert visits[4].reason is None
    assert items == 9


def test_what_was_missed_is_read_from_older_pages_up_to_one_that_was_known(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """An older page may overlap with the newer one, and what it says of it is no revision."""
    older = document(7, 6, 5, older="/2")
    feed = Feed(id="a", url=origin.script("/", document(3, 2, 1), document(9, 8, 7, older="/1")))
    origin.script("/1", older)
    origin.script("/2", document(5, 4, 3, older="/3"))

    async def story() -> tuple[list[Visit], list[str | None], FeedState]:
        async with bench(tmp_path, workers, feed) as held:
            visits = [await held.visit(feed) for _ in range(2)]
            store = held.keeper.store
            items = await held.keeper.run(lambda: [it.item.entry.guid for it in store.items.all()])
            return visits, items, await held.keeper.run(store.feeds.state, "a")

    (_, visit), guids, state = asyncio.run(story())

    assert [seen.target for seen in origin.log] == ["/", "/", "/1", "/2"]
    assert guids == ["1", "2", "3", "7", "8", "9", "5", "6", "4"]
    assert (visit.new, visit.revised) == (6, 0)
    assert visit.remark is not None
    assert "3 missed were read from older pages" in visit.remark
    assert (state, state.gaps, state.recovered) == (visit.state, 1, 3)
    assert state.validators is not None
    assert state.validators.etag == b'"(9, 8, 7)"'


def test_a_search_in_older_pages_that_was_cut_short_goes_on_after_a_restart(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """We are told to stop while the feed answers; what the first page repeats is no end of it."""
    benches: list[Bench] = []

    async def stopping(line: Line) -> None:
        benches[0].poller.begin_no_more()
        await document(9, 8, 7, older="/1")(line)

    feed = Feed(id="a", url=origin.script("/", document(3, 2, 1), stopping, answer(304)))
    origin.script("/1", document(7, 6, 5, older="/2"))
    origin.script("/2", document(5, 4, 3, older="/3"))

    async def story() -> tuple[list[Visit], list[str | None]]:
        async with bench(tmp_path, workers, feed) as held:
            benches.append(held)
            visits = [await held.visit(feed) for _ in range(2)]
        async with bench(tmp_path, workers, feed) as held:
            held.now += 9 * DAY
            visits += [await held.visit(feed) for _ in range(2)]
            store = held.keeper.store
            return visits, [it.item.entry.guid for it in store.items.all()]

    visits, guids = asyncio.run(story())

    assert [seen.target for seen in origin.log] == ["/", "/", "/", "/1", "/2", "/"]
    assert guids == ["1", "2", "3", "7", "8", "9", "5", "6", "4"]
    assert [visit.new for visit in visits] == [3, 3, 3, 0]
    assert [visit.state.older is None for visit in visits] == [True, False, True, True]
    assert visits[2].remark == "3 entries that were missed before were read from older pages"


def test_an_older_page_is_asked_for_in_vain_at_five_visits_and_no_more(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    feed = Feed(id="a", url=origin.script("/", document(2, 3), document(8, 9, older="/0")))
    origin.script("/0", answer(500))

    async def story() -> list[Visit]:
        async with bench(tmp_path, workers, feed) as held:
            return [await held.visit(feed) for _ in range(9)]

    visits = asyncio.run(story())

    assert len(origin.asked("/0")) == 5
    assert visits[-1].state.older is None


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        ([document(100 + n, older=f"/{n + 1}") for n in range(9)], 5),
        ([document(100, older="/")], 1),
        ([document(100, older="/0")], 1),
        ([document(100, older="/1"), answer(200, b"<html>Sorry</html>"), document(101)], 2),
        ([answer(404), document(101)], 1),
        ([answer(429), document(101)], 2),
        ([document(100, older="/1"), document(3, older="/2"), document(101)], 2),
    ],
)
def test_older_pages_are_read_as_far_as_they_help_and_no_more_than_five(
    origin: Origin, tmp_path: Path, workers: ParseWorkers, pages: list[Reply], asked: int
) -> None:
    feed = Feed(id="a", url=origin.script("/", document(2, 3), document(8, 9, older="/0")))
    for place, page in enumerate(pages):
        origin.script(f"/{place}", page)

    async def story() -> list[Visit]:
        async with bench(tmp_path, workers, feed) as held:
            return [await held.visit(feed) for _ in range(3)]

    visits = asyncio.run(story())

    assert len(origin.log) == 3 + asked
    assert [visit.outcome for visit in visits] == ["fetched", "fetched", "unchanged"]


@pytest.mark.parametrize("older", ["http://xn--zz.com/", "http://xn--/", "http://a..b/"])
def test_an_older_page_at_an_address_that_makes_no_sense_ends_the_search_and_nothing_else(
    origin: Origin, tmp_path: Path, workers: ParseWorkers, older: str
) -> None:
    feed = Feed(id="a", url=origin.script("/", document(2, 3), document(8, 9, older=older)))

    async def story() -> list[Visit]:
        async with bench(tmp_path, workers, feed) as held:
            return [await held.visit(feed) for _ in range(3)]

    visits = asyncio.run(story())

    assert [visit.outcome for visit in visits] == ["fetched", "fetched", "unchanged"]
    assert [visit.state.gaps for visit in visits] == [0, 1, 1]


@pytest.mark.conforms("A36")
def test_requests_are_spaced_where_they_leave_whatever_it_took_to_begin_them(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """To begin the first visit takes longer than the space, to begin the others takes no time."""
    feeds = [Feed(id=name, url=origin.url(f"/{name}")) for name in "abc"]
    times: list[float] = []

    async def story() -> None:
        async with bench(tmp_path, workers, *feeds) as held:

            async def sleep(seconds: float) -> None:
                held.now += timedelta(seconds=seconds)

            def begins() -> datetime:
                held.now += next(taken, timedelta())
                return held.now

            def seen(line: Line) -> Any:
                times.append((held.now - START).total_seconds())
                return answer(404)(line)

            taken = iter([timedelta(seconds=1.5)])
            for feed in feeds:
                origin.script(f"/{feed.id}", seen)
            held.make_poller(Courtesy(starts_a_second=0), clock=begins, sleep=sleep)
            store = held.keeper.store.feeds
            for feed in feeds:
                await held.poller.visit(feed, await held.keeper.run(store.state, feed.id))

    asyncio.run(story())

    assert times == [1.5, 2.5, 3.5]


@pytest.mark.conforms("A39")
def test_a_feed_put_off_after_the_clock_was_set_back_is_not_due_at_once(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    retry = answer(429, b"", {"Retry-After": "7200"})
    feed = Feed(id="a", url=origin.script("/", document(1), retry))

    async def story() -> tuple[list[str], int]:
        async with bench(tmp_path, workers, feed) as held:
            outcomes = [(await held.visit(feed)).outcome]
            held.now -= 40 * DAY
            outcomes.append((await held.visit(feed)).outcome)
            held.now -= 2 * DAY
            outcomes.append((await held.visit(feed)).outcome)
            return outcomes, len(await held.keeper.run(held.keeper.store.feeds.due, held.now, 9))

    assert asyncio.run(story()) == (["fetched", "failed", "put-off"], 0)
    assert len(origin.log) == 2
