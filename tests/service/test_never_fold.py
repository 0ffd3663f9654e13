"""A wrong fold can be undone, and stays undone; what subscribers know keeps its id."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.items.apart import NOTHING_APART
from aggregator.model.items import StoredItem
from aggregator.service.copies import heal
from aggregator.service.desk import Desk
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.stage import HOUR, NOW, bring, entry, from_outside, settings_for, store_in

pytestmark = pytest.mark.usefixtures("engine")

FEEDS = [
    "{id: harbour, url: 'https://harbour.example/feed', owner: Harbour}",
    "{id: north, url: 'https://north.example/feed', owner: North}",
    "{id: ledger, url: 'https://ledger.example/feed', owner: Ledger}",
]
TITLE = "Ferry with two hundred aboard runs aground off Port Maren"
WIRE = (
    "A ferry with 212 people on board ran aground off Port Maren on Tuesday after its steering"
    " failed in a heavy swell, the coast guard said. Nobody was hurt. Four tugs tried to pull the"
    " ship free at high tide but gave up when two lines broke. Passengers were brought ashore in"
    " lifeboats and spent the night in a school. The operator said the vessel, built in 1998, had"
    " passed an inspection in March. Divers are to examine the hull as soon as the wind has eased."
)


def asking(folder: Path, copies: str = "") -> Settings:
    (folder / "copies.yaml").write_text(copies, encoding="utf-8")
    return settings_for(folder, FEEDS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store in which three feeds brought one text, and the desk has folded two of them."""
    with closing(store_in(tmp_path)) as held:
        settings = asking(tmp_path)
        held.feeds.configure(settings.feeds, now=NOW)
        desk = Desk.over(held, settings)
        for hour, feed in enumerate(("harbour", "north", "ledger")):
            bring(held, feed, [entry(feed, 1, TITLE, WIRE)], now=NOW + hour * HOUR)
            desk.bring_out(NOW + hour * HOUR)
        assert leads(held) == {"north": "harbour", "ledger": "harbour"}
        yield held


def leads(store: Store) -> dict[str, str]:
    """Return the feed of each folded item, and that of its lead."""
    items = {stored.item.id: stored for stored in store.items.all()}
    return {s.item.feed: items[s.lead].item.feed for s in items.values() if s.lead}


def latest(store: Store) -> list[str]:
    return [stored.item.feed for stored in store.items.latest(topic=None, limit=9)]


def by_feed(store: Store, feed: str) -> StoredItem:
    return next(stored for stored in store.items.all() if stored.item.feed == feed)


def test_items_of_a_feed_stand_again_under_their_own_ids(store: Store, tmp_path: Path) -> None:
    before = {stored.item.id for stored in store.items.all()}
    settings = asking(tmp_path, "never_fold: {feeds: [north]}\n")

    desk = Desk.over(store, settings)

    assert desk.healed == 1
    assert leads(store) == {"ledger": "harbour"}
    assert by_feed(store, "north").lead_because == "never folded: feed north"
    assert latest(store) == ["north", "harbour"]
    assert {stored.item.id for stored in store.items.all()} == before
    published = desk.bring_out(NOW + 3 * HOUR)
    edition = next(e for e in published.editions if e.spec.name == "latest")
    assert {one.source.title for one in edition.entries if one.source} == {"harbour", "north"}


def test_copies_of_what_may_not_lead_are_folded_under_the_first_of_them(
    store: Store, tmp_path: Path
) -> None:
    Desk.over(store, asking(tmp_path, "never_fold: {sites: [harbour.example]}\n"))
    assert leads(store) == {"ledger": "north"}


def test_a_pair_is_parted_and_others_stay(store: Store, tmp_path: Path) -> None:
    pair = f"[http://www.ledger.example/1, '{by_feed(store, 'harbour').item.id}']"
    settings = asking(tmp_path, f"never_fold: {{pairs: [{pair}]}}\n")
    Desk.over(store, settings)
    assert leads(store) == {"north": "harbour"}

    # Nor is it folded under a copy of what it must not be folded under.
    assert by_feed(store, "ledger").lead is None


def test_a_voice_that_stands_again_is_one_of_its_own(store: Store, tmp_path: Path) -> None:
    (facts,) = store.stories.facts(NOW - 99 * HOUR)
    assert {v.owner for v in facts.voices if not v.copies_only} == {"harbour"}

    Desk.over(store, asking(tmp_path, "never_fold: {feeds: [north]}\n"))

    (facts,) = store.stories.facts(NOW - 99 * HOUR)
    assert {v.owner for v in facts.voices if not v.copies_only} == {"harbour", "north"}


def test_what_was_forbidden_is_not_done_again(store: Store, tmp_path: Path) -> None:
    settings = asking(tmp_path, "never_fold: {feeds: [north]}\n")
    desk = Desk.over(store, settings)
    bring(store, "ledger", [entry("ledger", 2, TITLE, WIRE)], now=NOW + 3 * HOUR)
    bring(store, "north", [entry("north", 2, TITLE, f"{WIRE} Again.")], now=NOW + 3 * HOUR)
    desk.bring_out(NOW + 3 * HOUR)
    assert {stored.lead for stored in store.items.all() if stored.item.feed == "north"} == {None}


def test_two_that_must_stay_apart_are_not_folded_under_one_third(
    store: Store, tmp_path: Path
) -> None:
    pair = "[https://north.example/1, https://ledger.example/1]"
    Desk.over(store, asking(tmp_path, f"never_fold: {{pairs: [{pair}]}}\n"))
    assert leads(store) == {"north": "harbour"}
    because = f"never folded: pair {' and '.join(sorted(pair[1:-1].split(', ')))}"
    parted = by_feed(store, "ledger")
    assert (parted.lead_because, parted.story_because) == (because, f"was a copy; {because}")


def test_a_new_item_is_not_folded_beside_a_copy_that_it_must_stay_apart_from(
    store: Store, tmp_path: Path
) -> None:
    pair = "[https://north.example/1, https://ledger.example/2]"
    desk = Desk.over(store, asking(tmp_path, f"never_fold: {{pairs: [{pair}]}}\n"))
    again = entry("ledger", 2, TITLE, f"{WIRE} Again.")
    (new,) = bring(store, "ledger", [again], now=NOW + 3 * HOUR)
    desk.bring_out(NOW + 3 * HOUR)
    assert store.items.by_id([new])[new].lead is None


@pytest.mark.parametrize("forbidden", [True, False])
def test_leads_found_to_be_one_stay_two_where_a_copy_of_one_must_stay_apart(
    tmp_path: Path, forbidden: bool
) -> None:
    words = [f"word{number}" for number in range(220)]
    texts = {
        "harbour": words[:120],
        "north": words[100:],
        "ledger": words[100:],
        "wire": words[50:170],
    }
    pair = "[https://harbour.example/1, https://ledger.example/1]" if forbidden else ""
    (tmp_path / "copies.yaml").write_text(f"never_fold: {{pairs: [{pair}]}}\n", encoding="utf-8")
    wire = "{id: wire, url: 'https://wire.example/feed', owner: Wire}"
    settings = settings_for(tmp_path, [*FEEDS, wire])
    with closing(store_in(tmp_path)) as held:
        held.feeds.configure(settings.feeds, now=NOW)
        desk = Desk.over(held, settings)
        for hour, (feed, text) in enumerate(texts.items()):
            bring(held, feed, [entry(feed, 1, feed, " ".join(text))], now=NOW + hour * HOUR)
            desk.bring_out(NOW + hour * HOUR)
        led = leads(held)
    assert led["ledger"] == ("north" if forbidden else "harbour")
    assert led["wire"] == "harbour"


def test_the_same_wish_is_carried_out_once(store: Store, tmp_path: Path) -> None:
    settings = asking(tmp_path, "never_fold: {feeds: [north]}\n")
    assert Desk.over(store, settings).healed == 1
    with from_outside(tmp_path) as db:
        before = db.execute("SELECT * FROM item ORDER BY seq").fetchall()
    assert heal(store, settings.never_fold) == 0
    assert heal(store, NOTHING_APART) == 0
    with from_outside(tmp_path) as db:
        assert db.execute("SELECT * FROM item ORDER BY seq").fetchall() == before
