"""Where in the store are copies looked for, and under which item are they folded?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aggregator.items.duplicates import Candidate, News, text_of
from aggregator.model.feeds import Feed
from aggregator.model.items import Copy, Item, StoredItem
from aggregator.storage import Store


class StoredShelf:
    """The store, as the search for copies sees it."""

    def __init__(self, store: Store, feeds: Mapping[str, Feed]) -> None:
        self._store = store
        self._feeds = feeds

    def same_address(self, canonical: str) -> Candidate | None:
        """Return the oldest item at the address ``canonical``."""
        found = self._store.items.at_address(canonical)
        return self._candidate(found[0]) if found else None

    def sharing(
        self, hashes: Sequence[int], limit: int, *, least: int = 1
    ) -> tuple[Candidate, ...]:
        """Return at most ``limit`` items under ``least`` or more of ``hashes``, the best first."""
        hits = self._store.items.sharing(hashes, limit, least=least)
        return tuple(self._candidate(hit.stored, hit.hits) for hit in hits)

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


def folded(store: Store, found: Sequence[Copy]) -> Copy | None:
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
    first = min(leads.values(), key=lambda stored: stored.seq).item.id
    for copy in found:
        if copy.lead in leads and copy.lead != first:
            store.items.refold(copy.lead, replace(copy, lead=first))
    return replace(surest, lead=first)
