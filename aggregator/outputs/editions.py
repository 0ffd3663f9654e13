"""What stands in an output, and in which order?

Pure: candidates in, an edition out. Three rules keep subscribers calm. An entry's id is its
item's or its story's, for good. What has left an output never comes back to it. A story is dated
anew only at milestones.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.model.editions import Also, Edition, EditionEntry, OutputSpec, Source
from aggregator.model.items import StoredItem

MARGIN = 1.15  # a newcomer to a full Top list must be this much stronger than the weakest member
MIN_OWNERS = 2  # what one owner alone reports is Latest, not Top
FILL = 10  # ... unless fewer than this many stories are reported by several
MILESTONES = (3, 6, 12, 24, 48, 96)

_UNTITLED_WORDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A story's stay in a Top output.

    Subscribers saw it first at ``entered``. ``milestone`` is the number of independent owners it
    was last announced with, ``updated`` when. ``face`` is the id of the item whose headline
    stands for it since then. ``entry`` is the id that subscribers know it by: the story's, or that
    of a story that merged into it while it stood. ``left`` is set once it has gone, and it never
    comes back.
    """

    output: str
    story: str
    entered: datetime
    updated: datetime
    milestone: int
    face: str
    entry: str
    left: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A story that may stand in a Top list: its score, its independent owners, the main one."""

    story: str
    score: float
    owners: int
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A story with all that was reported of it, in order of arrival."""

    story: str
    items: tuple[StoredItem, ...]


def milestone(owners: int) -> int:
    """Return the highest milestone that ``owners`` independent reports have reached, or 0."""
    return max((step for step in MILESTONES if step <= owners), default=0)


def latest(
    spec: OutputSpec,
    items: Sequence[StoredItem],
    copies: Mapping[str, tuple[StoredItem, ...]],
    sources: Mapping[str, Source],
    *,
    born: datetime,
) -> Edition:
    """Compose Latest from ``items`` (newly listed first, none a copy); ``copies`` by lead.

    Chosen by when they were listed, so that a late publisher's items are not missed; ordered by
    their own dates.
    """
    entries = [
        _entry(item, sources, also=_also(copies.get(item.item.id, ()), item, sources))
        for item in items
    ]
    kept = tuple(sorted(_capped(entries, spec), key=lambda entry: entry.published, reverse=True))
    return Edition(spec=spec, updated=_newest(kept, born), entries=kept)


def handed_over(
    stays: Mapping[str, Stay], forward: Mapping[str, str], *, now: datetime
) -> tuple[Stay, ...]:
    """Return the stays that change because stories that stand merged into others.

    ``forward`` maps a standing story to what it merged into. Subscribers keep the entry that they
    know, under its id, unless the other story stands beside it already.
    """
    changed: dict[str, Stay] = {}
    for story, into in sorted(forward.items()):
        stay = stays[story]
        held = changed.get(into, stays.get(into))
        changed[story] = replace(stay, left=now)
        if held is None or held.left is not None:
            changed[into] = replace(stay, story=into)
    return tuple(changed.values())


def enlist(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    face: Callable[[str], str],
    *,
    now: datetime,
) -> tuple[Stay, ...]:
    """Decide who enters, stays in and leaves a Top output.

    ``ranked`` are the stories still being reported, strongest first; ``face`` names the item that
    would stand for a story now. Returns the stays that change.
    """
    standing = {story: stay for story, stay in stays.items() if stay.left is None}
    inside = _still_in(spec, ranked, standing)
    entering: dict[str, Stay] = {}
    for newcomer in _newcomers(spec, ranked, stays, inside):
        if len(inside) >= spec.limit:
            weakest = _weakest(inside)
            if newcomer.score < weakest.score * MARGIN:
                break
            inside.remove(weakest)
            entering.pop(weakest.story, None)
        inside.append(newcomer)
        entering[newcomer.story] = _entrance(spec, newcomer, face(newcomer.story), now)
    kept = {held.story: held for held in inside}
    leaving = [replace(stay, left=now) for story, stay in standing.items() if story not in kept]
    grown = [
        replace(stay, milestone=milestone(held.owners), updated=now, face=face(held.story))
        for held in inside
        if (stay := standing.get(held.story)) and milestone(held.owners) > stay.milestone
    ]
    return (*leaving, *grown, *entering.values())


def top(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    told: Mapping[str, Told],
    sources: Mapping[str, Source],
    *,
    born: datetime,
) -> Edition:
    """Compose Top News from those that stand in it, strongest first."""
    entries = tuple(
        story_entry(stays[candidate.story], told[candidate.story], sources)
        for candidate in ranked
        if candidate.story in stays and stays[candidate.story].left is None
    )
    return Edition(spec=spec, updated=_newest(entries, born), entries=entries)


def story_entry(stay: Stay, told: Told, sources: Mapping[str, Source]) -> EditionEntry:
    """Return the one entry of a story: its face, and everybody else who reports it."""
    face = next((item for item in told.items if item.item.id == stay.face), told.items[0])
    entry = _entry(face, sources, also=_also(told.items, face, sources))
    return replace(
        entry, id=stay.entry, updated=max(stay.updated, entry.published), categories=_topics(told)
    )


def face_of(told: Told, weights: Mapping[str, float]) -> str:
    """Return the id of the item that tells a story best.

    The heaviest feed's own report, with a picture and a standfirst where there is a choice, and
    the earliest of those. ``weights`` by feed id.
    """

    def merit(stored: StoredItem) -> tuple[bool, float, bool, bool, datetime, int]:
        entry = stored.item.entry
        return (
            stored.lead is not None,
            -weights.get(stored.item.feed, 1.0),
            entry.image is None,
            not entry.summary,
            stored.item.published,
            stored.seq,
        )

    return min(told.items, key=merit).item.id


def _still_in(
    spec: OutputSpec, ranked: Sequence[Candidate], standing: Mapping[str, Stay]
) -> list[Candidate]:
    """Return those that stand and may go on standing, the list's limit kept."""
    filled = _several(ranked) >= min(FILL, spec.limit)
    inside = [held for held in ranked if held.story in standing and not (filled and _lone(held))]
    while len(inside) > spec.limit:
        inside.remove(_weakest(inside))
    return inside


def _weakest(inside: Sequence[Candidate]) -> Candidate:
    return min(inside, key=lambda held: (held.score, held.story))


def _newcomers(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    inside: Sequence[Candidate],
) -> list[Candidate]:
    room_for_lone = min(FILL, spec.limit) - _several(ranked) - sum(map(_lone, inside))
    shares = Counter(held.owner for held in inside)
    chosen: list[Candidate] = []
    for candidate in ranked:
        if candidate.story in stays or (_lone(candidate) and room_for_lone <= 0):
            continue
        if spec.per_owner is not None and shares[candidate.owner] >= spec.per_owner:
            continue
        room_for_lone -= _lone(candidate)
        shares[candidate.owner] += 1
        chosen.append(candidate)
        if len(chosen) == spec.limit:
            break
    return chosen


def _several(ranked: Sequence[Candidate]) -> int:
    return sum(not _lone(candidate) for candidate in ranked)


def _lone(candidate: Candidate) -> bool:
    return candidate.owners < MIN_OWNERS


def _entrance(spec: OutputSpec, candidate: Candidate, face: str, now: datetime) -> Stay:
    return Stay(
        output=spec.name,
        story=candidate.story,
        entered=now,
        updated=now,
        milestone=milestone(candidate.owners),
        face=face,
        entry=candidate.story,
    )


def _entry(
    stored: StoredItem, sources: Mapping[str, Source], *, also: tuple[Also, ...]
) -> EditionEntry:
    item, entry = stored.item, stored.item.entry
    source = sources[item.feed]
    return EditionEntry(
        id=item.id,
        title=_headline(stored),
        link=_link(stored, source),
        published=item.published,
        updated=item.updated,
        summary=entry.summary,
        content_html=entry.content_html,
        authors=entry.authors,
        categories=tuple(dict.fromkeys((*stored.topics, *entry.categories))),
        language=entry.language,
        image=entry.image,
        enclosures=entry.enclosures,
        agency=entry.agency,
        source=source,
        also=also,
    )


def _headline(stored: StoredItem) -> str:
    entry = stored.item.entry
    if entry.title:
        return entry.title
    words = entry.summary.split()
    if not words:
        return "(untitled)"
    cut = "" if len(words) <= _UNTITLED_WORDS else "…"
    return " ".join(words[:_UNTITLED_WORDS]) + cut


def _link(stored: StoredItem, source: Source) -> str:
    entry = stored.item.entry
    if entry.link:
        return entry.link
    if entry.enclosures:
        return entry.enclosures[0].url
    return source.home or source.url


def _also(
    items: Iterable[StoredItem], face: StoredItem, sources: Mapping[str, Source]
) -> tuple[Also, ...]:
    """One line per owner other than the face's, their own words rather than a copy."""
    told: dict[str, StoredItem] = {}
    mine = sources[face.item.feed].owner
    for stored in items:
        owner = sources[stored.item.feed].owner
        if owner == mine:
            continue
        held = told.get(owner)
        if held is None or (held.lead is not None and stored.lead is None):
            told[owner] = stored
    lines = sorted(told.items(), key=lambda pair: (pair[1].item.published, pair[1].seq))
    return tuple(
        Also(
            title=_headline(stored),
            link=_link(stored, sources[stored.item.feed]),
            source=sources[stored.item.feed].title,
            owner=owner,
            published=stored.item.published,
            copy=stored.lead is not None,
        )
        for owner, stored in lines
    )


def _topics(told: Told) -> tuple[str, ...]:
    return tuple(dict.fromkeys(topic for stored in told.items for topic in stored.topics))


def _capped(entries: Sequence[EditionEntry], spec: OutputSpec) -> tuple[EditionEntry, ...]:
    if spec.per_owner is None:
        return tuple(entries[: spec.limit])
    shares: dict[str, int] = {}
    kept = []
    for entry in entries:
        owner = entry.source.owner if entry.source else ""
        shares[owner] = shares.get(owner, 0) + 1
        if shares[owner] <= spec.per_owner:
            kept.append(entry)
    return tuple(kept[: spec.limit])


def _newest(entries: Iterable[EditionEntry], born: datetime) -> datetime:
    return max((entry.updated for entry in entries), default=born)
