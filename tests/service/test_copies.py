from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.feeds import Feed
from aggregator.model.items import Entry
from aggregator.service.organise import Organiser
from aggregator.storage import Store
from tests.service.stage import HOUR, NOW, bring, entry, store_in

pytestmark = pytest.mark.usefixtures("engine")

WORDS = [f"word{number}x" for number in range(400)]
# A text, its two halves, which have little in common, and what stands between them; one that
# was moved to another address; a stranger.
TEXTS = (
    WORDS[:120],
    WORDS[100:220],
    WORDS[50:170],
    WORDS[60:160],
    WORDS[300:360],
    [*WORDS[300:330], *WORDS[335:360]],
    WORDS[230:290],
)
FEEDS = [f"f{number}" for number in range(len(TEXTS))]
SAME = {frozenset({"f0", "f1", "f2", "f3"}), frozenset({"f4", "f5"}), frozenset({"f6"})}


def news(feed: str) -> Entry:
    number = FEEDS.index(feed)
    return entry(feed, 1, f"About headline{number}", " ".join(TEXTS[number]))


def groups(store: Store) -> set[frozenset[str]]:
    """Return the feeds whose items are folded under one lead, as sets."""
    by_lead: dict[str, set[str]] = {}
    for stored in store.items.all():
        by_lead.setdefault(stored.lead or stored.item.id, set()).add(stored.item.feed)
    return {frozenset(group) for group in by_lead.values()}


@given(st.permutations(FEEDS), st.booleans())
@settings(deadline=None, max_examples=25)
def test_order_changes_which_is_folded_under_which_never_whether_two_are_the_same(
    order: list[str], at_once: bool
) -> None:
    with TemporaryDirectory() as held:
        store = store_in(Path(held))
        store.feeds.configure([Feed(id=f, url=f"https://{f}.example/") for f in FEEDS], now=NOW)
        organiser = Organiser(store, topics=())
        for hour, feed in enumerate(order):
            now = NOW if at_once else NOW + hour * HOUR
            bring(store, feed, [news(feed)], now=now)
            if not at_once:
                organiser.organise(9, now=now)
        while organiser.organise(9, now=NOW + 9 * HOUR):
            pass
        found, kept = groups(store), store.items.count()
        leads = {stored.lead for stored in store.items.all() if stored.lead}
        own = store.items.by_id(leads).values()
        store.close()
    assert found == SAME
    assert kept == len(FEEDS)  # each keeps its own record
    assert not any(lead.lead for lead in own)


def test_the_first_to_come_leads_whatever_comes_later(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.feeds.configure([Feed(id=f, url=f"https://{f}.example/") for f in FEEDS], now=NOW)
    organiser = Organiser(store, topics=())
    for hour, feed in enumerate(("f1", "f0", "f2")):
        bring(store, feed, [news(feed)], now=NOW + hour * HOUR)
        organiser.organise(9, now=NOW + hour * HOUR)
    (lead,) = store.items.latest(topic=None, limit=9)
    assert lead.item.feed == "f1"
    (also,) = store.items.copies([lead.item.id]).values()
    assert [stored.item.feed for stored in also] == ["f0", "f2"]
    store.close()
