"""Two days of one publisher, on a virtual clock, with restarts and crashes in between."""

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed, Validators
from aggregator.model.items import Entry
from aggregator.model.visits import FeedMeta, Fetched, NotModified, ParsedFeed
from aggregator.service.settling import settle
from aggregator.sources.fetch import ask_for
from aggregator.sources.schedule import Cadence, provisional_due
from aggregator.sources.splitting import Reading
from aggregator.storage import open_store
from aggregator.storage.protocol import Store

START = datetime(2026, 3, 16, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
URL = "https://a.example/feed"
CADENCE = Cadence()
LISTED = 40  # entries in a document


@dataclass
class Publisher:
    """Prints by day on weekdays, a little at the weekend and at night; answers conditionally."""

    ttl: timedelta | None = None
    posts: list[datetime] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    unconditional: int = 0

    def __post_init__(self) -> None:
        dice = random.Random(7)
        for hour in range(-14 * 24, 48):
            at = START + hour * HOUR
            working = at.weekday() < 5 and 7 <= at.hour < 19
            for _ in range(dice.choice((1, 2, 3)) if working else dice.random() < 0.1):
                self.posts.append(at + timedelta(seconds=dice.randrange(3600)))
        self.posts.sort()

    def answer(self, held: Validators | None, now: datetime) -> Fetched | NotModified:
        self.asked.append(now)
        self.unconditional += held is None
        printed = sum(post <= now for post in self.posts)
        validators = Validators(url=URL, etag=b'"%d"' % printed)
        if held == validators:
            return NotModified(validators=validators)
        return Fetched(url=URL, body=b"%d" % printed, validators=validators)

    def reading(self, answer: Fetched) -> Reading:
        printed = int(answer.body)
        listed = range(max(0, printed - LISTED), printed)
        entries = tuple(Entry(guid=f"{n}", title="x", published=self.posts[n]) for n in listed)
        return Reading(document=ParsedFeed(meta=FeedMeta(ttl=self.ttl), entries=entries[::-1]))


@dataclass
class Day:
    """What two days of polling came to: waits for news in minutes, and the gaps between visits."""

    delays: list[float]
    gaps: list[timedelta]
    early: int
    entries: int


def poll(
    publisher: Publisher, feed: Feed, reopen: Callable[[], Store], *, crash: float = 0.0
) -> Day:
    """Poll for 48 hours, a minute a turn; every third hour another process takes over.

    One of so many visits as ``crash`` says ends after the request went out, before its outcome.
    """
    dice = random.Random(3)
    store, early, due = reopen(), 0, START
    store.feeds.configure([feed], now=START)
    for minute in range(48 * 60):
        now = START + minute * MINUTE
        if minute % 180 == 170:
            store.close()
            store = reopen()
            store.feeds.configure([feed], now=now)
        for state in store.feeds.due(now, 10):
            early += now < due
            provisional = provisional_due(feed, state, now=now, cadence=CADENCE)
            store.feeds.begin(feed.id, now=now, next_due=provisional.at, because="attempt")
            state = store.feeds.state(feed.id)  # noqa: PLW2901 - the attempt is its next turn
            due = provisional.at
            answer = publisher.answer(ask_for(feed, state).validators, now)
            if dice.random() < crash and state.visits:
                continue
            read = publisher.reading(answer) if isinstance(answer, Fetched) else None
            due = settle(store, feed, state, answer, read, now=now, cadence=CADENCE).state.next_due
    items = [stored.item for stored in store.items.all()]
    store.close()
    return Day(
        delays=[
            (item.first_seen - item.published) / MINUTE for item in items if item.published > START
        ],
        gaps=[b - a for a, b in zip(publisher.asked, publisher.asked[1:], strict=False)],
        early=early,
        entries=len(items),
    )


def opening(root: Path, name: str) -> Callable[[], Store]:
    return lambda: open_store(f"sqlite:///{name}.sqlite3", root=root)


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[[], Store]:
    return opening(tmp_path, "t")


@pytest.mark.conforms("A22", "A23", "A69")
@pytest.mark.slow
@pytest.mark.parametrize("crash", [0.0, 0.2])
@pytest.mark.parametrize(
    ("feed", "ttl", "least"),
    [
        (Feed(id="a", url=URL), None, HOUR),
        (Feed(id="a", url=URL), MINUTE, 15 * MINUTE),
        (Feed(id="a", url=URL, every=2 * HOUR), MINUTE, 2 * HOUR),
    ],
)
def test_two_days_with_restarts_and_crashes_are_never_early(
    feed: Feed,
    ttl: timedelta | None,
    least: timedelta,
    *,
    crash: float,
    reopen: Callable[[], Store],
    record_property: Callable[[str, object], None],
) -> None:
    """One unconditional request, least gap at or above the interval."""
    publisher = Publisher(ttl=ttl)
    day = poll(publisher, feed, reopen, crash=crash)
    record_property("visits", len(publisher.asked))
    record_property("least_gap_minutes", min(day.gaps) / MINUTE)
    record_property("median_delay_minutes", statistics.median(day.delays))
    assert publisher.unconditional == 1
    assert day.early == 0
    assert min(day.gaps) >= least
    assert statistics.median(day.delays) <= 1.1 * least / MINUTE


@pytest.mark.slow
def test_who_knows_the_rhythm_asks_less_and_hears_sooner(tmp_path: Path) -> None:
    """Asking every 25 minutes round the clock costs more visits and hears later."""
    led, steady = [], []
    for name in "abcd":  # each with its own phase, so that luck does not decide
        rhythm, plain = Publisher(ttl=MINUTE), Publisher(ttl=MINUTE)
        feed = Feed(id=name, url=URL)
        led += poll(rhythm, feed, opening(tmp_path, f"{name}-led")).delays
        steady += poll(plain, replace(feed, every=25 * MINUTE), opening(tmp_path, name)).delays
        assert len(rhythm.asked) < len(plain.asked)
    assert statistics.median(led) < statistics.median(steady)
    assert len(led) >= len(steady) - 8
