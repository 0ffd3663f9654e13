"""What the wire desk makes of a stream of news, however often it is interrupted."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.model.editions import Rendered
from aggregator.model.items import Entry, StoredItem
from aggregator.service.desk import Desk
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.stage import HOUR, NOW, bring, entry, from_outside, settings_for, store_in

pytestmark = pytest.mark.usefixtures("engine")

ROUNDS = 6
ROUND = timedelta(minutes=40)
Round = dict[str, list[Entry]]

FEEDS = [
    "{id: harbour, url: 'https://harbour.example/feed', owner: Harbour}",
    "{id: north, url: 'https://north.example/feed', owner: North}",
    "{id: touchline, url: 'https://touchline.example/feed', owner: Touch, topics: [sport]}",
    "{id: orrery, url: 'https://orrery.example/feed', owner: Orrery, topics: [science]}",
    "{id: ledger, url: 'https://ledger.example/feed', owner: Ledger, topics: [business]}",
]
SECTIONS = {
    "touchline": "goal striker keeper penalty league coach stadium referee derby winger season",
    "orrery": "comet telescope orbit species fossil genome reactor particle crater probe enzyme",
    "ledger": "shares profit merger bank dividend retailer inflation export factory bond loan",
}
SYLLABLES = ["ba", "ko", "ri", "mul", "ten", "sa", "vor", "del", "ni", "quo", "fal", "um", "est"]


def stream(seed: int = 7) -> list[Round]:
    """Make up some 300 items in rounds: events told by several, copies, and sections' own news."""
    dice, number = random.Random(seed), iter(range(1, 10_000))
    return [_round(dice, number, NOW + turn * ROUND) for turn in range(ROUNDS)]


def _round(dice: random.Random, number: Iterator[int], now: datetime) -> Round:
    told: Round = {}
    for turn in range(26):
        section = dice.choice(sorted(SECTIONS))
        event = _event(dice, section)
        others = dice.sample(["harbour", "north"], k=turn % 3)
        same = _text(dice, event)
        for feed in (section, *others):
            text = same if dice.random() < 0.3 else _text(dice, event)
            told.setdefault(feed, []).append(_entry(dice, feed, next(number), text, now))
    return told


def _event(dice: random.Random, section: str) -> list[str]:
    """Return the words of an event: names that nothing else has, and some of its section."""
    names = ["".join(dice.choices(SYLLABLES, k=3)) for _ in range(14)]
    return names + dice.sample(SECTIONS[section].split(), k=6)


def _text(dice: random.Random, event: list[str]) -> str:
    return " ".join(dice.sample(event, k=18) + dice.sample(event, k=18))


def _entry(dice: random.Random, feed: str, number: int, text: str, now: datetime) -> Entry:
    title = " ".join(text.split()[:7])
    at = now - timedelta(minutes=dice.randrange(90))
    return entry(feed, number, title, text, content_html=f"<p>{text}</p>", published=at)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS)


def fresh(folder: Path, settings: Settings) -> Store:
    folder.mkdir()
    store = store_in(folder)
    store.feeds.configure(settings.feeds, now=NOW)
    return store


def test_an_item_that_cannot_be_filed_is_set_aside_and_its_batch_goes_out(
    tmp_path: Path, settings: Settings
) -> None:
    """Its feed's row is gone: nobody knows any more who says so."""
    with closing(fresh(tmp_path / "held", settings)) as store:
        bring(store, "harbour", [entry("harbour", n, f"Ferry {n} leaves") for n in range(3)])
        (bad,) = bring(store, "north", [entry("north", 1, "A goat is mayor")])
        bring(store, "ledger", [entry("ledger", n, f"Bond {n} sells") for n in range(3)])
        with from_outside(tmp_path / "held") as db:
            db.execute("DELETE FROM feed WHERE id = 'north'")
        desk = Desk.over(store, settings)

        published = desk.bring_out(NOW)

        assert desk.told_set_aside() == ((bad, "KeyError: 'north'"),)
        assert desk.told_set_aside() == ()
        assert store.items.pending(9) == ()
        filed = {stored.item.id: stored.story for stored in store.items.all()}
        assert [item for item, story in filed.items() if story is None] == [bad]
        (latest,) = (e for e in published.editions if e.spec.name == "latest")
        assert {one.id for one in latest.entries} == set(filed) - {bad}

        (late,) = bring(store, "harbour", [entry("harbour", 9, "Ferry 9 leaves")], now=NOW + HOUR)
        desk.bring_out(NOW + HOUR)
        assert store.items.latest(topic=None, limit=1)[0].item.id == late


# By item: its feed, story, lead and topics.
Found = dict[str, tuple[str, str | None, str | None, tuple[str, ...]]]


def found_out(items: Iterator[StoredItem]) -> Found:
    return {held.item.id: (held.item.feed, held.story, held.lead, held.topics) for held in items}


def filed_in_batches(store: Store, desk: Callable[[], Desk]) -> Found:
    """File the stream, with the ``desk`` that is given for each batch."""
    for turn, told in enumerate(stream()):
        now = NOW + turn * ROUND
        for feed, entries in sorted(told.items()):
            bring(store, feed, entries, now=now)
        while desk().organiser.organise(20, now=now):
            pass
    return found_out(store.items.all())


def test_a_desk_resumed_after_every_batch_finds_the_same_stories_copies_and_topics(
    tmp_path: Path, settings: Settings
) -> None:
    with closing(fresh(tmp_path / "steady", settings)) as store:
        lasting = Desk.over(store, settings)
        steady = filed_in_batches(store, lambda: lasting)
    with closing(fresh(tmp_path / "resumed", settings)) as store:
        resumed = filed_in_batches(store, lambda: Desk.over(store, settings))

    assert len(steady) >= 250
    assert resumed == steady
    feeds, stories, leads, topics = zip(*steady.values(), strict=True)
    assert any(leads)
    assert 20 < len(set(stories)) < len(steady) - 20
    untaught = {"harbour", "north"}  # whose topics nobody configured
    assert len({told for feed, told in zip(feeds, topics, strict=True) if feed in untaught}) > 3


def outputs_of(folder: Path, settings: Settings) -> tuple[Rendered, ...]:
    with closing(fresh(folder, settings)) as store:
        desk = Desk.over(store, settings)
        for turn, told in enumerate(stream()[:3]):
            for feed, entries in sorted(told.items()):
                bring(store, feed, entries, now=NOW + turn * ROUND)
            desk.bring_out(NOW + turn * ROUND)
        return store.outputs.all()


def test_two_desks_over_the_same_stream_print_equal_bytes(
    tmp_path: Path, settings: Settings
) -> None:
    one, other = (outputs_of(tmp_path / name, settings) for name in ("one", "other"))

    assert one == other
    assert {"index.html", "feeds/top.json", "feeds/topics/science/latest.atom"} <= {
        rendered.path for rendered in one
    }
