"""From when may a feed that failed be asked again because ops say so, before it is due?"""

from datetime import UTC, datetime, timedelta

from aggregator.model.feeds import FeedState
from aggregator.model.visits import Logged

RETRY = timedelta(minutes=5)  # between two visits of a failing feed that ops ask for

_EVER = datetime.min.replace(tzinfo=UTC)


def free_at(state: FeedState, last: Logged | None) -> datetime | None:
    """Return from when the feed may be asked; None if it did not fail, or its host must rest.

    ``last`` is its last visit in the log. One that our own guard refused before any request left
    troubled no publisher, so that nothing needs to be waited for once the settings allow it.
    """
    if state.last_error is None or state.gone or state.because == "host-quiet":
        return None
    unasked = last is not None and _stopped_at_the_door(last)
    rested = None if unasked or state.attempted_at is None else state.attempted_at + RETRY
    return max((at for at in (rested, state.not_before) if at is not None), default=_EVER)


def _stopped_at_the_door(visit: Logged) -> bool:
    return visit.outcome == "refused" and not visit.requests
