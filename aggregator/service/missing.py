"""How do entries come in that had left their feed before we looked?"""

from dataclasses import replace
from datetime import datetime

from aggregator.items.intake import take_in
from aggregator.items.recognition import keys_of
from aggregator.model.feeds import Feed, FeedState, KeyRule
from aggregator.model.visits import ParsedFeed
from aggregator.service.keeper import Keeper
from aggregator.service.recall import known_of
from aggregator.sources.gaps import MOST_PAGES, missed


class Missing:
    """One search for what ``feed`` listed between ``since``, the last good visit, and ``document``.

    ``next_page`` is the address to read next, None at the end: when a page reaches back to what
    was known, names no older one, or is the fifth. ``key`` is what tells the feed's entries apart.
    ``most`` newcomers are taken of each page.
    """

    def __init__(
        self,
        keeper: Keeper,
        feed: Feed,
        document: ParsedFeed,
        *,
        key: KeyRule,
        since: datetime | None,
        most: int,
    ) -> None:
        self._store = keeper.store
        self._feed = feed.id
        self._since = since
        self._most = most
        self._asked = [feed.url]
        self._listed = set(keys_of(document.entries, key))
        self.next_page = self._before(document)

    def take_in(self, url: str, page: ParsedFeed, *, now: datetime) -> FeedState:
        """Store what ``page`` has that was missed, on the store's thread; return the new state.

        Nothing is revised: an archive may hold an older wording.
        """
        with self._store.transaction():
            state = self._store.feeds.state(self._feed)
            keys = keys_of(page.entries, state.habits.key)
            known = known_of(self._store, state, page.entries)
            had = [known.has(key) and key not in self._listed for key in keys]
            entries, reached = missed(page.entries, had, since=self._since)
            intake = take_in(state, entries, known, now=now, most=self._most)
            # Not the state of the intake: an archive teaches nothing of what its feed does now.
            state = replace(state, recovered=state.recovered + len(intake.new))
            self._store.items.apply(replace(intake, state=state, revised=()))
        self._listed.update(keys)
        self._asked.append(url)
        self.next_page = None if reached else self._before(page)
        return state

    def _before(self, page: ParsedFeed) -> str | None:
        done = page.meta.older in self._asked or len(self._asked) > MOST_PAGES
        return None if done else page.meta.older
