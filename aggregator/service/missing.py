"""How do entries come in that had left their feed before we looked?"""

from datetime import datetime

from msgspec.structs import replace

from aggregator.items.intake import take_in
from aggregator.items.known import Known
from aggregator.items.recognition import keys_of
from aggregator.model.feeds import FeedState, Older
from aggregator.model.visits import Answer, ParsedFeed
from aggregator.service.recall import known_of
from aggregator.sources.gaps import further, in_vain, missed
from aggregator.storage import Store


def take_in_page(
    store: Store, feed: str, search: Older, page: ParsedFeed, *, now: datetime, most: int
) -> FeedState:
    """Store what ``page`` has that was missed, on the store's thread; return the new state.

    The search goes on in the same transaction. At most ``most`` newcomers are taken; nothing is
    revised: an archive may hold an older wording.
    """
    with store.transaction():
        state = store.feeds.state(feed)
        known = known_of(store, state, page.entries)
        keys = keys_of(page.entries, state.habits.key)
        had = [_was_known(known, key, search.at) for key in keys]
        entries, reached = missed(page.entries, had, since=search.since)
        intake = take_in(state, entries, known, now=now, most=most)
        # Not the state of the intake: an archive teaches nothing of what its feed does now.
        state = replace(
            state,
            recovered=state.recovered + len(intake.new),
            older=further(search, page.meta.older, reached=reached),
        )
        store.items.apply(replace(intake, state=state, revised=()))
    return state


def leave_page(store: Store, feed: str, search: Older, answer: Answer) -> FeedState:
    """Take note, on the store's thread, that ``answer`` brought no page; return the new state."""
    with store.transaction():
        state = replace(store.feeds.state(feed), older=in_vain(search, answer))
        store.feeds.save(state)
    return state


def _was_known(known: Known, key: str, at: datetime) -> bool:
    """Whether the store had it before ``at``; what was pruned, it had."""
    if not known.has(key):
        return False
    item = known.item(key)
    return item is None or item.first_seen is None or item.first_seen < at
