"""Where in the store are copies looked for, and under which item are they folded?"""

import json
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from aggregator.items.apart import NOTHING_APART, NeverFold, Party
from aggregator.items.duplicates import Candidate, News, find, text_of
from aggregator.model.feeds import Feed
from aggregator.model.items import Copy, Item, StoredItem
from aggregator.storage import Store
from aggregator.text.urls import place_on_page

HEALED = "never-fold"  # name of the note


class StoredShelf:
    """The store, as the search for what ``mine`` repeats sees it.

    Without what must be ``apart`` from it; for an item that was filed long ago (``before``), only
    with those that came before it.
    """

    def __init__(
        self,
        store: Store,
        feeds: Mapping[str, Feed],
        mine: StoredItem | None = None,
        *,
        apart: NeverFold = NOTHING_APART,
        before: bool = False,
    ) -> None:
        self._store = store
        self._feeds = feeds
        self._mine = mine
        self._apart = apart
        self._before = before

    def same_address(self, canonical: str) -> Candidate | None:
        """Return the oldest item at the address ``canonical``."""
        found = self._store.items.at_address(canonical)
        return next((self._candidate(one) for one in found if self._may_lead(one)), None)

    def sharing(
        self, hashes: Sequence[int], limit: int, *, least: int = 1
    ) -> tuple[Candidate, ...]:
        """Return at most ``limit`` items under ``least`` or more of ``hashes``, the best first."""
        hits = self._store.items.sharing(hashes, limit, least=least)
        return tuple(
            self._candidate(hit.stored, hit.hits) for hit in hits if self._may_lead(hit.stored)
        )

    def _may_lead(self, stored: StoredItem) -> bool:
        mine = self._mine
        if mine is None or not (self._apart or self._before):
            return True
        if self._before and stored.seq >= mine.seq:
            return False
        # Who repeats a copy is folded under its lead, beside the lead's other copies.
        before = mine.seq if self._before else None
        group = _group(self._store, stored.lead or stored.item.id, before=before)
        return _parted(self._apart, [mine], group) is None

    def _candidate(self, stored: StoredItem, hits: int = 0) -> Candidate:
        news = news_of(stored.item, self._feeds[stored.item.feed])
        return Candidate(
            id=stored.item.id,
            seq=stored.seq,
            lead=stored.lead,
            title=news.title,
            text=news.text,
            canonical=news.canonical,
            feed=news.feed,
            owner=news.owner,
            at=news.at,
            on_page=news.on_page,
            hits=hits,
        )


def news_of(item: Item, feed: Feed) -> News:
    """Return what of ``item`` is compared."""
    return News(
        title=item.entry.title,
        text=text_of(item.entry),
        canonical=item.entry.canonical,
        feed=feed.id,
        owner=feed.owner or feed.id,
        at=item.published,
        on_page=place_on_page(item.entry.link or ""),
    )


def are_apart(apart: NeverFold, one: StoredItem, other: StoredItem) -> str | None:
    """Tell by which rule of ops two items must not be folded; None when none says so."""
    return apart.parts(_party(one), _party(other))


def _parted(
    apart: NeverFold, some: Sequence[StoredItem], others: Sequence[StoredItem]
) -> str | None:
    """Tell by which rule any of ``some`` must not be folded with any of ``others``."""
    rules = (are_apart(apart, one, other) for one in some for other in others) if apart else ()
    return next((rule for rule in rules if rule), None)


def _group(store: Store, lead: str, *, before: int | None = None) -> list[StoredItem]:
    """Return the item ``lead`` and all that is folded under it and came ``before`` (``seq``)."""
    copies = store.items.copies([lead]).get(lead, ())
    earlier = (one for one in copies if before is None or one.seq < before)
    return [*store.items.by_id([lead]).values(), *earlier]


def _party(stored: StoredItem) -> Party:
    item = stored.item
    return Party(id=item.id, feed=item.feed, canonical=item.entry.canonical)


def folded(store: Store, found: Sequence[Copy], *, apart: NeverFold = NOTHING_APART) -> Copy | None:
    """Return the verdict on an item that repeats ``found``; None when that is nothing.

    The first to come leads, for good: subscribers have its entry, and another lead would show
    them the same thing again. Leads that an item shows to be the same are one from now on, with
    all their copies, unless two of these must stay ``apart``.
    """
    if not found:
        return None
    surest = found[0]
    if len(found) == 1:
        return surest
    leads = store.items.by_id(copy.lead for copy in found)
    first = min(leads.values(), key=lambda stored: stored.seq)
    for copy in found:
        other = leads.get(copy.lead, first)
        if other is first:
            continue
        with_first, with_other = (_group(store, one.item.id) for one in (first, other))
        if _parted(apart, with_first, with_other) is None:
            store.items.refold(copy.lead, replace(copy, lead=first.item.id))
    return replace(surest, lead=first.item.id)


def heal(store: Store, apart: NeverFold) -> int:
    """Undo what was folded against ``apart``; return how many items stand elsewhere now.

    Each stands for itself again, or under the first of the earlier ones that it repeats besides.
    Nothing is done while ``apart`` is what it was the last time.
    """
    asked = json.dumps([sorted(apart.feeds), sorted(apart.sites), sorted(map(sorted, apart.pairs))])
    if store.notes.get(HEALED) == asked:
        return 0
    healed = 0
    with store.transaction():
        feeds = store.feeds.configured()
        for stored in store.items.folded() if apart else ():
            beside = _group(store, stored.lead or "", before=stored.seq)
            rule = _parted(apart, [stored], beside)
            if rule is None:
                continue
            shelf = StoredShelf(store, feeds, stored, apart=apart, before=True)
            found = find(news_of(stored.item, feeds[stored.item.feed]), shelf)
            store.items.unfold(stored.item.id, found, because=f"never folded: {rule}")
            healed += 1
        store.notes.put(HEALED, asked)
    return healed
