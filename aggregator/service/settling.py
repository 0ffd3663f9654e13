"""What does a visit change in the store, and how is that called?"""

from datetime import datetime

from aggregator.items import habits
from aggregator.items.intake import MAX_NEW, Intake, take_in
from aggregator.items.known import Known
from aggregator.items.recognition import keyed, keys_of, rekeyed
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.items import Entry
from aggregator.model.push import Pushed
from aggregator.model.visits import (
    Answer,
    Arrivals,
    Failed,
    Fetched,
    Gone,
    NotModified,
    ParsedFeed,
    Refused,
    Unreadable,
)
from aggregator.service.recall import known_of
from aggregator.sources.aftermath import conclude, remark_on
from aggregator.sources.schedule import Cadence
from aggregator.sources.splitting import Memory, Reading, standing
from aggregator.storage import Store


def settle(
    store: Store,
    feed: Feed,
    state: FeedState,
    answer: Answer,
    reading: Reading | None,
    *,
    pushed: Pushed | None = None,
    now: datetime,
    cadence: Cadence,
    most: int = MAX_NEW,
) -> Intake:
    """Decide and store what a visit brought, on the store's thread. Returns what was written.

    ``state`` is as it stood before. ``reading`` is None when nothing was read.
    """
    entries, memory = _to_take_in(reading, state)
    omitted = _omitted(reading)
    with store.transaction():
        known = known_of(store, state, entries, omitted=omitted)
        arrivals = arrivals_of(state, entries, known, len(omitted)) if reading else None
        document = reading.document if reading else None
        after = conclude(
            feed, state, answer, document, arrivals, pushed=pushed, now=now, cadence=cadence
        )
        intake = take_in(after, entries, known, now=now, most=most)
        store.items.apply(intake, before=state)
        if isinstance(document, ParsedFeed):
            # Without a digest all of it must be read again, and always where one guid has several
            # stories: one of them may hide behind another that was read before.
            whole = intake.state.digest is None or intake.state.habits.reused
            kept = memory.to_bytes() if memory and not whole else None
            store.feeds.remember(feed.id, kept)
    return intake


def _to_take_in(
    reading: Reading | None, state: FeedState
) -> tuple[tuple[Entry, ...], Memory | None]:
    if reading is None or not isinstance(reading.document, ParsedFeed):
        return (), None
    return standing(reading, keys_of(reading.document.entries, state.habits.key))


def _omitted(reading: Reading | None) -> frozenset[bytes]:
    """Return the marks of entries that were listed, but not read as they were known."""
    return frozenset(mark for mark in (reading.marks if reading else ()) if mark is not None)


def arrivals_of(
    state: FeedState, entries: tuple[Entry, ...], known: Known, omitted: int
) -> Arrivals:
    """Return what ``entries`` are to the store, and to ``omitted`` more that it had.

    Those that wait to be taken in are no news any more.
    """
    listed = rekeyed(keyed(entries, state.habits.key), known, state.habits)
    waiting = {held.entry for held in known.waiting}
    new = [e for key, e in listed.items() if not known.has(key) and e not in waiting]
    return Arrivals(
        listed=len(listed) + omitted,
        known=len(listed) - len(new) + omitted,
        times=tuple(entry.published for entry in new),
        first=known.first_visit,
    )


def remark(before: FeedState, after: FeedState) -> str | None:
    """Return what ops should know of a visit that went well, in one line; None mostly."""
    told = (remark_on(before, after), habits.remark_on(before.habits, after.habits))
    return "; ".join(filter(None, told)) or None


def outcome_of(answer: Answer, reading: Reading | None, after: FeedState) -> str:
    """Name the outcome of a visit, which left ``after`` behind, in an operator's word."""
    match answer:
        case Fetched():
            return _outcome_of_body(reading, after)
        case NotModified():
            return "not-modified"
        case Gone():
            return "gone"
        case Refused():
            return "refused"
        case Failed():
            return "failed"


def _outcome_of_body(reading: Reading | None, after: FeedState) -> str:
    if reading is None:
        return "unchanged"
    if isinstance(reading.document, Unreadable):
        return "unreadable"
    return "emptied" if after.failures else "fetched"
