"""Whatever a feed's visits bring, in whatever order: nothing twice, nothing lost.

Real visits over a real database. Entries are drawn from a small world of stories, so that they
meet again: under other guids, addresses, dates and words, in documents that shrink and grow.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.items.intake import Intake
from aggregator.model.feeds import Feed, Habits, KeyRule, Validators
from aggregator.model.items import Entry
from aggregator.model.visits import FeedMeta, Fetched, NotModified, ParsedFeed
from aggregator.service.settling import settle
from aggregator.sources.schedule import Cadence
from aggregator.sources.splitting import Reading
from aggregator.storage import Store
from aggregator.text.urls import canonical
from tests.service.stage import HOUR, NOW, from_outside, store_in

FEED = Feed(id="harbour", url="https://harbour.example/feed", owner="harbour")
HEADLINES = (
    "A ferry ran aground off Port Maren",
    "Council votes on the breakwater budget",
    "Tulip queen is crowned in the rain",
    "Your morning briefing for today",
)


def story(number: int, **wishes: object) -> Entry:
    title = f"{HEADLINES[number % 4]}, part {number}"
    slug = HEADLINES[number % 4].lower().replace(" ", "-")
    link = f"https://harbour.example/news/{100_000 + number}/{slug}"
    plain = Entry(
        guid=f"guid-{number}",
        link=link,
        canonical=link,
        title=title,
        published=NOW - number * HOUR,
        digest=f"digest of {title}",
    )
    return replace(plain, **wishes)


@contextmanager
def house() -> Iterator[tuple[Store, Path]]:
    with tempfile.TemporaryDirectory() as held:
        store = store_in(Path(held))
        store.feeds.configure((FEED, replace(FEED, id="north", owner="north")), now=NOW)
        try:
            yield store, Path(held)
        finally:
            store.close()


def visit(
    store: Store,
    entries: Sequence[Entry],
    *,
    at: datetime = NOW,
    most: int = 1_000,
    feed: str = FEED.id,
) -> Intake:
    reading = Reading(document=ParsedFeed(meta=FeedMeta(), entries=tuple(entries)))
    answer = Fetched(url=FEED.url, body=repr((at, entries)).encode())
    state = store.feeds.state(feed)
    asked = replace(FEED, id=feed)
    return settle(store, asked, state, answer, reading, now=at, cadence=Cadence(), most=most)


def silence(store: Store, *, at: datetime = NOW, most: int = 1_000) -> Intake:
    answer = NotModified(validators=Validators(url=FEED.url))
    state = store.feeds.state(FEED.id)
    return settle(store, FEED, state, answer, None, now=at, cadence=Cadence(), most=most)


def everything(folder: Path) -> list[object]:
    """Return every row of what is kept of items."""
    tables = ("item", "identity", "trait", "headline", "waiting")
    with from_outside(folder) as db:
        return [sorted(db.execute(f"SELECT * FROM {t}").fetchall(), key=repr) for t in tables]


def titles(store: Store) -> list[str]:
    return [stored.item.entry.title for stored in store.items.all()]


guids = st.sampled_from([None, "a", "b", "https://x.example/1#0", "https://x.example/1#1"])
links = st.sampled_from(
    [
        None,
        "https://x.example/news/a-long-slug-12345",
        "http://www.x.example/news/a-long-slug-12345?utm_source=rss",
        "https://x.example/news/another-slug-54321",
        "https://x.example/live#1",
        "https://x.example/live#2",
        "https://x.example/",
    ]
)
strange = st.builds(
    lambda guid, link, title, hours, words: Entry(
        guid=guid,
        link=link,
        canonical=canonical(link) if link else None,
        title=title,
        published=None if hours is None else NOW - hours * HOUR,
        summary=words,
        digest=f"{title}|{words}",
    ),
    guids,
    links,
    st.sampled_from([*HEADLINES, "Weather"]),
    st.sampled_from([None, 0, 1, 30]),
    st.sampled_from(["", "Nobody was hurt", "Three were hurt", "Nobody was hurt."]),
)
documents = st.lists(strange, max_size=6)


@pytest.mark.conforms("E48")
@settings(max_examples=60, deadline=None)
@given(visits=st.lists(documents, min_size=1, max_size=4), most=st.sampled_from([1, 2, 1_000]))
def test_any_visit_repeated_writes_nothing(visits: list[list[Entry]], most: int) -> None:
    with house() as (store, folder):
        for turn, entries in enumerate(visits):
            visit(store, entries, at=NOW + turn * HOUR, most=most)
            while visit(store, entries, at=NOW + turn * HOUR, most=most).new:
                pass  # what waited comes in
            before = everything(folder)
            again = visit(store, entries, at=NOW + turn * HOUR + HOUR / 2, most=most)
            assert (again.new, again.revised, again.aliases) == ((), (), ())
            assert everything(folder) == before


@pytest.mark.usefixtures("engine")
def test_of_two_keys_of_one_item_the_first_speaks_for_it_at_every_visit() -> None:
    with house() as (store, _):
        first = story(1, guid=None)
        visit(store, [first])
        visit(store, [replace(first, guid="a")], at=NOW + HOUR)  # known again: an alias
        other = story(1, guid="a", title="Another headline of it", digest="x")
        for hour in (2, 3):
            visit(store, [first, other], at=NOW + hour * HOUR)
            assert titles(store) == [first.title]


@pytest.mark.conforms("D36")
@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=6),
    most=st.integers(1, 7),
    data=st.data(),
)
def test_nothing_is_lost_however_documents_shrink(
    parts: list[set[int]], most: int, data: st.DataObject
) -> None:
    """Items in = items kept + deferred, at each visit; and in the end none is deferred."""
    with house() as (store, _):
        seen: set[int] = set()
        for turn, numbers in enumerate(parts):
            seen |= numbers
            intake = visit(store, [story(n) for n in sorted(numbers)], at=NOW, most=most)
            assert len(seen) == store.items.count() + intake.deferred
            assert len(intake.new) <= most
            if data.draw(st.booleans()):
                silence(store, at=NOW + turn * HOUR, most=most)
        while silence(store, at=NOW, most=most).deferred:
            pass
        assert sorted(titles(store)) == sorted(story(n).title for n in seen)


CHANGES = {
    "guid": lambda e, turn: replace(e, guid=f"{e.guid} {turn}"),
    "edition": lambda e, turn: replace(e, guid=f"{e.link}#{turn}"),
    "scheme": lambda e, turn: replace(
        e,
        guid=f"http{'s' * (turn % 2)}://harbour.example/{e.guid}",
        link=(e.link or "").replace("https:", f"http{'s' * (turn % 2)}:"),
    ),
    "tracking": lambda e, turn: replace(e, guid=None, link=f"{e.link}?utm_source={turn}"),
    "host": lambda e, turn: replace(
        e,
        guid=f"{e.guid} {turn}",
        link=(e.link or "").replace("harbour", f"harbour{turn}"),
        canonical=(e.link or "").replace("harbour", f"harbour{turn}"),
    ),
    "dates": lambda e, turn: replace(
        e, guid=f"{e.guid} {turn}", published=NOW + timedelta(minutes=turn)
    ),
}


@pytest.mark.usefixtures("engine")
@pytest.mark.conforms("D37", "D39")
@pytest.mark.parametrize("change", CHANGES)
def test_ids_that_change_at_every_visit_bring_nothing_twice(change: str) -> None:
    with house() as (store, folder):
        for turn in range(40):
            entries = [CHANGES[change](story(n), turn) for n in range(turn // 10, turn // 10 + 6)]
            visit(store, entries, at=NOW + turn * HOUR)
        assert store.items.count() == 9
        with from_outside(folder) as db:
            ((keys,),) = db.execute("SELECT count(*) FROM identity").fetchall()
        assert keys <= 9 * 25


@pytest.mark.usefixtures("engine")
@pytest.mark.conforms("D37")
def test_ids_that_subscribers_know_outlive_a_change_of_all_ids_at_once() -> None:
    with house() as (store, _):
        visit(store, [story(n) for n in range(20)])
        known = {stored.item.entry.title: stored.item.id for stored in store.items.all()}

        moved = [replace(story(n), guid=f"urn:x-new:{n}", published=NOW) for n in range(3, 20)]
        intake = visit(store, [*moved, story(20)], at=NOW + HOUR)

        assert [item.entry.title for item in intake.new] == [story(20).title]
        assert len(intake.aliases) == 17
        assert {s.item.entry.title: s.item.id for s in store.items.all()} == {
            **known,
            story(20).title: intake.new[0].id,
        }
        again = visit(store, [*moved, story(20), story(0)], at=NOW + 2 * HOUR)
        assert (again.new, again.aliases) == ((), ()), "what had left came back under its old id"


@pytest.mark.usefixtures("engine")
@pytest.mark.conforms("D38")
def test_guids_used_again_lose_no_story_and_change_the_feeds_key() -> None:
    with house() as (store, _):
        for turn in range(8):
            window = [story(n, guid=f"place-{n - turn}") for n in range(turn, turn + 4)]
            visit(store, window, at=NOW + turn * HOUR)
        assert sorted(titles(store)) == sorted(story(n).title for n in range(11))
        assert store.feeds.state(FEED.id).habits.key is KeyRule.BOTH
        assert visit(store, window, at=NOW + 9 * HOUR).new == ()


@pytest.mark.usefixtures("engine")
@pytest.mark.conforms("D38")
def test_one_guid_for_all_entries_of_a_document_loses_none_in_any_order() -> None:
    with house() as (store, _):
        same = [story(n, guid="0") for n in range(4)]
        for turn in range(6):
            visit(store, same[turn % 4 :] + same[: turn % 4], at=NOW + turn * HOUR)
        assert sorted(titles(store)) == sorted(one.title for one in same)


@pytest.mark.usefixtures("engine")
@pytest.mark.conforms("E19")
def test_what_was_pruned_is_not_new_though_its_feeds_key_changed() -> None:
    with house() as (store, _):
        visit(store, [story(1), story(2)])
        store.items.set_aside(1)
        store.items.set_aside(2)
        assert store.items.prune(NOW + timedelta(days=99), 10) == 2
        assert visit(store, [story(1)]).new == ()
        for key in KeyRule:
            state = store.feeds.state(FEED.id)
            store.feeds.save(replace(state, habits=Habits(key=key)))
            assert visit(store, [story(1)]).new == (), key


@pytest.mark.usefixtures("engine")
@pytest.mark.conforms("D42")
def test_an_entry_that_claims_the_id_of_another_feed_changes_nothing_of_it() -> None:
    with house() as (store, _):
        mine = story(1, guid="https://harbour.example/1")
        visit(store, [mine])
        (before,) = store.items.all()

        theirs = replace(mine, title="Buy our fish", digest="fish")
        (item,) = visit(store, [theirs], feed="north").new

        assert next(store.items.all()) == before
        assert item.id != before.item.id
        assert visit(store, [mine]).revised == ()


@pytest.mark.usefixtures("engine")
def test_a_flood_from_before_us_is_no_news_when_its_turn_comes() -> None:
    with house() as (store, _):
        visit(store, [story(n) for n in range(6)], most=2)
        later = silence(store, at=NOW + HOUR, most=10).new
        assert [item.listed for item in later] == [item.published for item in later]
        assert store.feeds.state(FEED.id).habits == Habits()


def tale(slot: str, number: int, day: int) -> Entry:
    """Return a story in a place of a page whose guids name the places."""
    link = f"https://harbour.example/{HEADLINES[number].lower().replace(' ', '-')}"
    when = NOW + timedelta(days=day)
    return story(number, guid=slot, link=link, canonical=link, published=when)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "slots", [("0", "1"), ("lead",)], ids=["guids that are places", "one guid for the lead story"]
)
def test_a_story_under_a_guid_whose_first_story_was_pruned_is_new(slots: tuple[str, ...]) -> None:
    with house() as (store, _):
        for day in range(2):
            at = NOW + timedelta(days=day)
            visit(store, [tale(slot, day + n, day) for n, slot in enumerate(slots)], at=at)
        for stored in list(store.items.all()):
            store.items.set_aside(stored.seq)
        assert store.items.prune(NOW + timedelta(days=50), 10)

        late = NOW + timedelta(days=90)
        follows = tale(slots[0], 3, 90)
        assert len(visit(store, [follows], at=late).new) == 1
        assert visit(store, [follows], at=late + HOUR).new == (), "and once only"
        assert visit(store, [tale(slots[0], 0, 0)], at=late + 2 * HOUR).new == (), "it was pruned"


@pytest.mark.usefixtures("engine")
def test_each_hours_bulletin_at_the_page_of_its_show_is_new() -> None:
    show = "https://radio.example/podcasts/500005/the-hourly-news"
    with house() as (store, _):
        for hour in range(4):
            said = story(
                hour,
                title=f"Hourly News: 03-01-2026 {hour + 1}PM EST",
                link=show,
                canonical=show,
                published=NOW + hour * HOUR,
            )
            assert len(visit(store, [said], at=NOW + hour * HOUR).new) == 1


@pytest.mark.usefixtures("engine")
def test_each_hours_bulletin_in_the_words_of_the_last_is_new() -> None:
    said = story(1, link=None, canonical=None)
    with house() as (store, _):
        for hour in range(6):
            listed = [
                replace(said, guid=f"episode {n}", published=NOW + n * HOUR)
                for n in range(hour, hour + 3)
            ]
            new = visit(store, listed, at=NOW + (hour + 3) * HOUR).new
            assert len(new) == (1 if hour else 3)
