"""Did entries come and go between two visits, and can they be had after all?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from aggregator.model.feeds import FeedState, Older
from aggregator.model.items import Entry
from aggregator.model.visits import Answer, Arrivals, Failed

EASING = timedelta(days=7)  # without a gap, one halving of the interval is taken back
MOST_HASTE = 4  # halvings; from an hour, the floor is reached before
BELIEVED = timedelta(days=7)  # a feed that is empty for so long has really nothing to say
MOST_PAGES = 5  # read for one gap; a feed that needs more is asked too seldom
MOST_TRIES = 5  # visits at which a page of theirs is asked for in vain
_FEWEST = 2  # a feed of one entry shares none with the last visit whenever there is news


def is_gap(state: FeedState, arrivals: Arrivals) -> bool:
    """Whether a document shares nothing with what we knew, though its feed had entries.

    One much shorter than the last is not held against the publisher: it starts every day afresh.
    """
    if arrivals.first or arrivals.known or not state.entries:
        return False
    return arrivals.listed >= max(_FEWEST, state.entries / 2)


def haste_at(state: FeedState, now: datetime) -> int:
    """Return how often the interval is still halved for gaps, a while after the last of them."""
    if state.last_gap_at is None:
        return 0
    eased = max(now - state.last_gap_at, timedelta()) // EASING
    return max(state.haste - eased, 0)


def noted(state: FeedState, arrivals: Arrivals, *, older: str | None, now: datetime) -> FeedState:
    """Return ``state`` with the gap counted, if there is one, and the search for it begun.

    ``older`` is the page before this document. A search under way is begun anew from there, and
    still goes as far back as it had to.
    """
    if not is_gap(state, arrivals):
        return state
    haste = min(haste_at(state, now) + 1, MOST_HASTE)
    search = state.older
    if older is not None and older != state.url:
        before = search or Older(page=older, at=now, since=state.succeeded_at)
        search = replace(before, page=older, read=(state.url,), tries=0)
    return replace(state, gaps=state.gaps + 1, last_gap_at=now, haste=haste, older=search)


def further(search: Older, older: str | None, *, reached: bool) -> Older | None:
    """Return ``search`` after its page was read, which names ``older`` as the one before it.

    None at its end: when that page ``reached`` what was known, names no older one, or was the
    fifth.
    """
    read = (*search.read, search.page)
    if reached or older is None or older in read or len(read) > MOST_PAGES:
        return None
    return replace(search, page=older, read=read, tries=0)


def in_vain(search: Older, answer: Answer) -> Older | None:
    """Return ``search`` after ``answer`` brought no page: to be tried again at the next visit.

    None when that is no use: the host says that there is none, or it was tried five times.
    """
    if not isinstance(answer, Failed) or search.tries + 1 >= MOST_TRIES:
        return None
    if answer.status is not None and answer.status < 500 and answer.status not in {408, 425, 429}:
        return None
    return replace(search, tries=search.tries + 1)


def missed(
    page: Sequence[Entry], known: Sequence[bool], *, since: datetime | None
) -> tuple[tuple[Entry, ...], bool]:
    """Return what we missed of an older ``page``, and whether it reaches back to what we had.

    ``known`` tells of each entry whether we had it before this visit, ``since`` is the last good
    visit: what is dated before it was listed then, or before our time.
    """
    before = [
        had or bool(since and entry.published and entry.published < since)
        for entry, had in zip(page, known, strict=True)
    ]
    late = tuple(entry for entry, was in zip(page, before, strict=True) if not was)
    return late, any(known) or not late


def is_emptied(state: FeedState, entries: int, *, now: datetime) -> bool:
    """Whether a document of no ``entries`` is more likely a fault than the truth."""
    if entries or not state.entries:
        return False
    return state.succeeded_at is None or now - state.succeeded_at < BELIEVED
