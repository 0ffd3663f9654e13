"""Where does this feed live now?

RFC 9110 section 15.4: who sees 301 or 308 "ought to" use the new address from then on. A server
set up wrongly for an afternoon says the same, so it is believed only after days.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState, Move

ENOUGH_VISITS = 3
ENOUGH_TIME = timedelta(days=2)
LOST = 3  # failures in a row after which the configured address is asked again


def address_to_ask(feed: Feed, state: FeedState) -> str:
    """Return the learned address, else the configured one; an edited one is always asked."""
    if state.moved_to is None or state.url != feed.url:
        return feed.url
    return state.moved_to


def followed(state: FeedState, to: str | None, *, now: datetime) -> FeedState:
    """Return ``state`` after a visit that led to the feed, by permanent redirects to ``to``.

    None, when there were none, ends the trial. The configuration is never touched.
    """
    if to is None or to == (state.moved_to or state.url):
        return state if state.move is None else replace(state, move=None)
    held = state.move
    if held is None or held.to != to or held.since > now:
        return replace(state, move=Move(to=to, since=now))
    held = replace(held, visits=held.visits + 1)
    if held.visits < ENOUGH_VISITS or now - held.since < ENOUGH_TIME:
        return replace(state, move=held)
    return replace(state, moved_to=None if to == state.url else to, move=None)


def failed(state: FeedState) -> FeedState:
    """Return ``state`` after a failed visit: a learned address that ceases to work is forgotten.

    ``state.failures`` counts that visit already.
    """
    if state.moved_to is None or state.failures < LOST:
        return state
    return replace(state, moved_to=None, move=None)


def twin_of(state: FeedState, others: Iterable[FeedState]) -> str | None:
    """Return the feed that asks the address which this one moved to, so that one of them does.

    The feed that has it in the configuration goes first, then the one whose id does.
    """
    if state.moved_to is None:
        return None
    twins = [
        other
        for other in others
        if other.feed != state.feed
        and (other.moved_to or other.url) == state.moved_to
        and (other.moved_to is None or other.feed < state.feed)
        and not (other.gone or other.failures)
    ]
    return min((twin.feed for twin in twins), default=None)
