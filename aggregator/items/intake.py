"""What does one visit write?"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from aggregator.items.habits import learned
from aggregator.items.identity import entry_id, key_of
from aggregator.items.known import Known, Match, Waiting
from aggregator.items.recognition import keyed, rekeyed
from aggregator.items.revisions import Change, change_of
from aggregator.model.feeds import FeedState
from aggregator.model.items import Entry, Item

LATE = timedelta(days=2)  # an entry that turns up later than this is not news of today
MAX_NEW = 1_000  # newcomers in one visit, lest one feed drown all others
MAX_WAITING = 5_000  # entries of one feed kept for later; ten MB, and five visits


class Revision(Struct, frozen=True, kw_only=True):
    """What a publisher says now of an item: ``entry`` replaces what is stored.

    ``updated`` moves to that time, or stays when it is None: nothing was said that a reader did
    not know.
    """

    id: str
    entry: Entry
    updated: datetime | None


class Alias(Struct, frozen=True, kw_only=True):
    """Another key of an item, by which rule it was recognised, and the figure that says so."""

    key: str
    item: str
    rule: str
    figure: float


class Intake(Struct, frozen=True, kw_only=True):
    """Every write of one visit. Stored in one transaction, or not at all.

    ``deferred`` newcomers were left for the next visit: ``waiting`` holds them (None: as before).
    """

    state: FeedState
    at: datetime
    new: tuple[Item, ...] = ()
    revised: tuple[Revision, ...] = ()
    aliases: tuple[Alias, ...] = ()
    restless: int = 0
    deferred: int = 0
    waiting: tuple[Waiting, ...] | None = None


def believed(published: datetime | None, now: datetime) -> datetime:
    """Return the date an item is ordered by: its own, never in the future, else the time seen."""
    if published is None or published > now:
        return now
    return published.replace(microsecond=0)


def listed_by(
    state: FeedState, entries: Iterable[Entry], waiting: Iterable[Waiting] = ()
) -> dict[str, Entry]:
    """Return what a visit has to decide on, by key: its ``entries``, then those that waited."""
    return keyed((*entries, *(held.entry for held in waiting)), state.habits.key)


def take_in(
    state: FeedState,
    entries: tuple[Entry, ...],
    known: Known,
    *,
    now: datetime,
    most: int = MAX_NEW,
) -> Intake:
    """Decide every write of a visit that brought ``entries``, given what the store knows.

    At most ``most`` newcomers are taken, the first of the document; the rest wait in the store for
    the next visit, whatever it brings.
    """
    given = listed_by(state, entries, known.waiting)
    if not given:
        return Intake(state=state, at=now)
    listed = rekeyed(given, known, state.habits)
    waited = {key_of(held.entry, state.habits.key): held for held in known.waiting}
    newcomers = {
        key: _held(entry, waited.get(key), known, now)
        for key, entry in listed.items()
        if not known.has(key)
    }
    new = _arrivals(state.feed, dict(islice(newcomers.items(), most)), known, now)
    revised, restless = _revised(listed, known, now)
    waiting = tuple(islice(newcomers.values(), most, None))
    habits = learned(state.habits, known.matches, listed=listed, known=known)
    after = replace(state, habits=habits)
    if len(waiting) > MAX_WAITING:
        # Without validators and digest the next visit gets, and reads, the whole document.
        after = replace(after, validators=None, digest=None)
    return Intake(
        state=after,
        at=now,
        new=new,
        revised=revised,
        aliases=tuple(_alias(key, match) for key, match in known.matches.items()),
        restless=restless,
        deferred=len(waiting),
        waiting=waiting[:MAX_WAITING] if waiting or known.waiting else None,
    )


def _alias(key: str, match: Match) -> Alias:
    return Alias(key=key, item=match.item.id, rule=match.rule, figure=round(match.figure, 2))


def _held(entry: Entry, before: Waiting | None, known: Known, now: datetime) -> Waiting:
    if before is None:
        return Waiting(entry=entry, since=now, backlog=known.first_visit)
    return replace(before, entry=entry)


def _arrivals(
    feed: str, newcomers: Mapping[str, Waiting], known: Known, now: datetime
) -> tuple[Item, ...]:
    taken = set(known.taken)
    new = []
    for key, held in newcomers.items():
        new.append(_item(feed, key, held, frozenset(taken), now=now))
        taken.add(new[-1].id)
    # Oldest first, so that the order of arrival follows the order of events; documents list
    # their newest entry first, so undated ones arrive from the bottom up.
    new.reverse()
    return tuple(sorted(new, key=lambda item: item.published))


def _item(feed: str, key: str, held: Waiting, taken: frozenset[str], *, now: datetime) -> Item:
    entry, seen = held.entry, held.since
    published = believed(entry.published, seen)
    updated = believed(entry.updated, seen) if entry.updated else published
    return Item(
        id=entry_id(feed, key, entry, taken),
        feed=feed,
        key=key,
        entry=entry,
        first_seen=seen,
        published=published,
        updated=max(updated, published),
        listed=_listed(held, published, now),
    )


def _listed(held: Waiting, published: datetime, now: datetime) -> datetime:
    """Return the time by which an item is chosen for Latest."""
    if not held.backlog:
        return now if published >= now - LATE else published
    # Undated and there before us: not news of today, as far as anybody can tell.
    return published if held.entry.published else published - LATE


def _revised(
    listed: Mapping[str, Entry], known: Known, now: datetime
) -> tuple[tuple[Revision, ...], int]:
    revised: dict[str, Revision] = {}
    told: set[str] = set()  # of two keys of one item in one document, the first speaks for it
    restless = 0
    for key, entry in listed.items():
        item = known.item(key)
        if item is None or item.id in told:
            continue
        told.add(item.id)
        before = known.before.get(item.id)
        match change_of(entry, item, before, recognised=key in known.matches):
            case Change.REVISED:
                revised[item.id] = Revision(id=item.id, entry=entry, updated=now)
            case Change.TOUCHED | Change.MOVED:
                revised[item.id] = Revision(id=item.id, entry=entry, updated=None)
            case Change.RESTLESS:
                restless += 1
            case Change.SAME:
                pass
    return tuple(revised.values()), restless
