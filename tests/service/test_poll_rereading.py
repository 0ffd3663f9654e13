"""Reading only what changed leaves behind what reading all of it would, over real visits."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller, Visit
from aggregator.service.workers import ParseWorkers
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Courtesy, Manners
from aggregator.sources.policy import FetchPolicy
from aggregator.sources.schedule import Cadence
from tests.origin import Origin, Reply, answer
from tests.service.stage import SetClock, from_outside, item, play, rss, store_in

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
TABLES = ("item", "identity", "feed")


@pytest.fixture(scope="module")
def workers() -> Iterator[ParseWorkers]:
    held = ParseWorkers(workers=1)
    yield held
    held.close()


def visits(
    folder: Path, feed: Feed, count: int, workers: ParseWorkers, *, forget: bool, most: int = 100
) -> list[Visit]:
    """Visit ``feed`` daily; with ``forget``, every document is read as if it were the first."""
    folder.mkdir(exist_ok=True)
    clock = SetClock()

    async def scene() -> list[Visit]:
        keeper = Keeper(store_in(folder))
        poller = Poller(
            keeper=keeper,
            fetcher=Fetcher(FetchPolicy(user_agent="a", allow_private=("127.0.0.0/8",))),
            workers=workers,
            manners=Manners(Courtesy(spacing=timedelta(), starts_a_second=0), clock=clock),
            cadence=Cadence(),
            most=most,
            clock=clock,
        )
        feeds, made = keeper.store.feeds, []
        try:
            await keeper.run(feeds.configure, [feed], now=clock())
            for _ in range(count):
                if forget:
                    await keeper.run(feeds.remember, feed.id, None)
                made.append(await poller.visit(feed, await keeper.run(feeds.state, feed.id)))
                clock.at += DAY
        finally:
            await keeper.close()
        return made

    return play(scene())


def left_in(folder: Path) -> dict[str, list[object]]:
    with from_outside(folder) as db:
        return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def remembered(folder: Path) -> int:
    """Return how many entries are known by their bytes."""
    with from_outside(folder) as db:
        row = db.execute("SELECT length(memory) FROM reading").fetchone()
    return (row[0] - 16) // 24 if row else 0


def compared(
    origin: Origin,
    folder: Path,
    replies: Sequence[Reply],
    workers: ParseWorkers,
    *,
    most: int = 100,
) -> tuple[list[Visit], list[Visit]]:
    """Visit a publisher of ``replies`` both ways; return the visits and require equal stores."""
    feed = Feed(id="a", url=origin.url("/a"))
    ways = []
    for name, forget in (("less", False), ("whole", True)):
        origin.script("/a", *replies)
        made = visits(folder / name, feed, len(replies), workers, forget=forget, most=most)
        ways.append(made)
    assert left_in(folder / "less") == left_in(folder / "whole")
    less, whole = ways
    for one, other in zip(less, whole, strict=True):
        assert (one.outcome, one.new, one.revised) == (other.outcome, other.new, other.revised)
        assert one.state == other.state
    return less, whole


def test_what_publishers_do_leaves_the_same_behind_whether_all_is_read_or_less(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """News, new wordings, old ones again, one guid twice, an error page, an empty and a cut one."""
    first = rss(item(3), item(2), item(1))
    documents = [
        first,
        rss(item(5), item(4), item(3), item(2)),
        rss(item(5), item(4, "corrected"), item(3), item(2)),
        rss(item(5), item(4), item(4, "twice"), item(3), item(3)),
        rss(item(5), item(4, "twice"), item(4), item(3)),
        b"<!doctype html><title>Back soon</title>",
        rss(item(5, "after the page"), item(4, "twice"), item(4), item(3)),
        rss(),
        rss(item(5), item(4, "twice"), item(3), title="Renamed"),
        rss(item(6), item(5), item(4))[:-9],
        rss(item(7), item(6), item(5), item(4)),
        rss(item(9), item(8)),
        first,
    ]
    less, _ = compared(origin, tmp_path, [answer(200, body) for body in documents], workers)
    assert [visit.new for visit in less] == [3, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0]
    assert [visit.revised for visit in less] == [0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_any_course_of_events_leaves_the_same_behind(
    origin: Origin, tmp_path: Path, workers: ParseWorkers, seed: int
) -> None:
    dice = random.Random(seed)

    def document() -> bytes:
        listed = [item(dice.randint(1, 6), dice.choice(("", "a", "b"))) for _ in range(5)]
        return rss(*listed, title=dice.choice(("Gazette", "Herald")))

    replies = [answer(200, document()) for _ in range(12)]
    compared(origin, tmp_path, replies, workers, most=2)


def test_newcomers_beyond_what_one_visit_may_take_come_with_the_next_ones_and_none_is_lost(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    flood = answer(200, rss(*(item(number) for number in range(9))))
    less, _ = compared(origin, tmp_path, [flood] * 4, workers, most=4)
    assert [visit.new for visit in less] == [4, 4, 1, 0]
    assert [visit.outcome for visit in less] == ["fetched", "unchanged", "unchanged", "unchanged"]
    assert remembered(tmp_path / "less") == 9


def test_a_document_stays_remembered_while_nothing_else_is_read(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    page = answer(200, b"<!doctype html><title>Back soon</title>")
    origin.script("/a", answer(200, rss(item(2), item(1)), {"ETag": '"1"'}), answer(500), page)
    feed = Feed(id="a", url=origin.url("/a"))
    visits(tmp_path, feed, 3, workers, forget=False)
    assert remembered(tmp_path) == 2


@pytest.mark.usefixtures("engine")
def test_a_visit_that_cannot_be_stored_is_not_remembered_either(
    origin: Origin, tmp_path: Path, workers: ParseWorkers
) -> None:
    """Else what it brought would be taken for known, and lost."""
    origin.script("/a", answer(200, rss(item(1))))
    feed = Feed(id="a", url=origin.url("/a"))
    visits(tmp_path, feed, 0, workers, forget=False)
    for table in ("identity", "reading"):
        with from_outside(tmp_path) as db:
            db.refuse("INSERT", table)
        with pytest.raises(StoreError, match="no room"):
            visits(tmp_path, feed, 1, workers, forget=False)
        with from_outside(tmp_path) as db:
            db.accept(table)
        assert remembered(tmp_path) == 0
        assert left_in(tmp_path)["item"] == []
