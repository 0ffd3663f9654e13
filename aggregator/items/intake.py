"""What does one visit write?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from aggregator.items.identity import entry_id, key_of
from aggregator.model.feeds import FeedState
from aggregator.model.items import Entry, Item

MAX_REVISIONS = 24  # publishers who print the clock into their text would otherwise revise for ever

LATE = timedelta(days=2)  # an entry that turns up later than this is not news of today
MAX_NEW = 1_000  # newcomers in one visit, lest one feed drown all others


class Change(Enum):
    """What an entry is to us."""

    NEW = auto()
    SAME = auto()
    REVISED = auto()
    RESTLESS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownItem:
    """The least that the store must tell of an item to decide on its next appearance."""

    id: str
    digest: str
    revisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows of a document's entries.

    ``items`` by key; a key whose item was pruned maps to None (it is not new). ``taken`` are the
    entry ids that items of any feed already bear. ``first_visit`` when nothing of the feed is
    known: what it lists then was there before us.
    """

    items: Mapping[str, KnownItem | None] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    first_visit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """New words for an item: ``entry`` replaces what is stored, ``updated`` moves."""

    id: str
    entry: Entry
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Every write of one visit. Stored in one transaction, or not at all.

    ``deferred`` newcomers were left for the next visit, which asks for the whole document again.
    """

    state: FeedState
    new: tuple[Item, ...] = ()
    revised: tuple[Revision, ...] = ()
    restless: int = 0
    deferred: int = 0


def change_of(entry: Entry, known: KnownItem | None) -> Change:
    """Tell what ``entry`` is to an item that is already ``known`` (None: pruned long ago)."""
    if known is None:
        return Change.SAME
    if known.digest == entry.digest:
        return Change.SAME
    if known.revisions >= MAX_REVISIONS:
        return Change.RESTLESS
    return Change.REVISED


def believed(published: datetime | None, now: datetime) -> datetime:
    """Return the date an item is ordered by: its own, never in the future, else the time seen."""
    if published is None or published > now:
        return now
    return published.replace(microsecond=0)


def take_in(
    state: FeedState,
    entries: tuple[Entry, ...],
    known: Known,
    *,
    now: datetime,
    most: int = MAX_NEW,
) -> Intake:
    """Decide every write of a visit that brought ``entries``, given what the store knows.

    At most ``most`` newcomers are taken, the first of the document; the rest next time.
    """
    new: dict[str, Item] = {}
    revised: dict[str, Revision] = {}
    taken = set(known.taken)
    seen: set[str] = set()
    restless = deferred = 0
    for entry in entries:
        key = key_of(entry)
        if key in seen:
            continue  # listed twice in one document: the first one stands
        seen.add(key)
        if key not in known.items and len(new) >= most:
            deferred += 1
            continue
        if key not in known.items:
            item = new[key] = _item(
                state.feed, key, entry, frozenset(taken), backlog=known.first_visit, now=now
            )
            taken.add(item.id)
            continue
        held = known.items[key]
        match change_of(entry, held):
            case Change.REVISED if held is not None:
                revised[key] = Revision(id=held.id, entry=entry, updated=now)
            case Change.RESTLESS:
                restless += 1
            case Change.NEW | Change.SAME | Change.REVISED:
                pass
    # Oldest first, so that the order of arrival follows the order of events; documents list
    # their newest entry first, so undated ones arrive from the bottom up.
    arrivals = list(new.values())
    arrivals.reverse()
    arrivals.sort(key=lambda item: item.published)
    return Intake(
        # Without validators and digest the next visit gets, and reads, the whole document.
        state=replace(state, validators=None, digest=None) if deferred else state,
        new=tuple(arrivals),
        revised=tuple(revised.values()),
        restless=restless,
        deferred=deferred,
    )


def _item(
    feed: str,
    key: str,
    entry: Entry,
    taken: frozenset[str],
    *,
    backlog: bool,
    now: datetime,
) -> Item:
    published = believed(entry.published, now)
    updated = believed(entry.updated, now) if entry.updated else published
    stale = backlog or published < now - LATE
    return Item(
        id=entry_id(feed, key, entry, taken),
        feed=feed,
        key=key,
        entry=entry,
        first_seen=now,
        published=published,
        updated=max(updated, published),
        listed=published if stale else now,
    )
