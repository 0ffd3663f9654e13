"""Where in the store are copies looked for, and under which item are they folded?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from aggregator.items.apart import NOTHING_APART, NeverFold, Party
from aggregator.items.duplicates import Candidate, News, find, text_of
from aggregator.model.feeds import Feed
from aggregator.model.items import Copy, Item, StoredItem
from aggregator.storage import Store

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
        # Who repeats a copy is folded under its lead.
        lead = self._store.items.by_id([stored.lead]).values() if stored.lead else ()
        return all(are_apart(self._apart, mine, one) is None for one in (stored, *lead))

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
    )


def are_apart(apart: NeverFold, one: StoredItem, other: StoredItem) -> str | None:
    """Tell by which rule of ops two items must not be folded; None when none says so."""
    return apart.parts(_party(one), _party(other))


def _party(stored: StoredItem) -> Party:
    item = stored.item
    return Party(id=item.id, feed=item.feed, canonical=item.entry.canonical)


def folded(store: Store, found: Sequence[Copy], *, apart: NeverFold = NOTHING_APART) -> Copy | None:
    """Return the verdict on an item that repeats ``found``; None when that is nothing.

    The first to come leads, for good: subscribers have its entry, and another lead would show
    them the same thing again. Leads that an item shows to be the same are one from now on.
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
        if other is not first and are_apart(apart, first, other) is None:
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
            lead = store.items.by_id([stored.lead or ""]).get(stored.lead or "")
            rule = are_apart(apart, stored, lead) if lead else None
            if rule is None:
                continue
            shelf = StoredShelf(store, feeds, stored, apart=apart, before=True)
            found = find(news_of(stored.item, feeds[stored.item.feed]), shelf)
            store.items.unfold(stored.item.id, found, because=f"never folded: {rule}")
            healed += 1
        store.notes.put(HEALED, asked)
    return healed
