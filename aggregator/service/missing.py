"""How do entries come in that had left their feed before we looked?"""

from dataclasses import replace
from datetime import datetime

from aggregator.items.identity import names_of
from aggregator.items.intake import take_in
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.visits import ParsedFeed
from aggregator.service.keeper import Keeper
from aggregator.sources.gaps import MOST_PAGES, missed


class Missing:
    """One search for what ``feed`` listed between ``since``, the last good visit, and ``document``.

    ``next_page`` is the address to read next, None at the end: when a page reaches back to what
    was known, names no older one, or is the fifth. ``most`` newcomers are taken of each.
    """

    def __init__(
        self, keeper: Keeper, feed: Feed, document: ParsedFeed, *, since: datetime | None, most: int
    ) -> None:
        self._store = keeper.store
        self._feed = feed.id
        self._since = since
        self._most = most
        self._asked = [feed.url]
        self._listed = set(names_of(feed.id, document.entries)[0])
        self.next_page = self._before(document)

    def take_in(self, url: str, page: ParsedFeed, *, now: datetime) -> FeedState:
        """Store what ``page`` has that was missed, on the store's thread; return the new state.

        Nothing is revised: an archive may hold an older wording.
        """
        keys, ids = names_of(self._feed, page.entries)
        with self._store.transaction():
            known = self._store.items.known(self._feed, keys, ids)
            had = [key in known.items and key not in self._listed for key in keys]
            entries, reached = missed(page.entries, had, since=self._since)
            state = self._store.feeds.state(self._feed)
            intake = take_in(state, entries, known, now=now, most=self._most)
            # Not the state of the intake: what it left for later cannot be had by asking again.
            state = replace(state, recovered=state.recovered + len(intake.new))
            self._store.items.apply(replace(intake, state=state, revised=()))
        self._listed.update(keys)
        self._asked.append(url)
        self.next_page = None if reached else self._before(page)
        return state

    def _before(self, page: ParsedFeed) -> str | None:
        done = page.meta.older in self._asked or len(self._asked) > MOST_PAGES
        return None if done else page.meta.older
