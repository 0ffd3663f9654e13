"""What stands in an output, and in which order?

Pure: candidates in, an edition out. An entry's id is its item's or its story's, for good.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.editions import Also, Edition, EditionEntry, OutputSpec, Source
from aggregator.model.items import StoredItem
from aggregator.model.published import Stay
from aggregator.outputs.shares import Share, shared_out
from aggregator.outputs.standing import Face
from aggregator.text.tokens import terms

_UNTITLED_WORDS = 12
HEADLINES = 80  # of a story that are compared; each with each


class Told(Struct, frozen=True, kw_only=True):
    """A story with all that was reported of it, in order of arrival."""

    story: str
    items: tuple[StoredItem, ...]


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
        entry_of(item, sources, also=_also(copies.get(item.item.id, ()), item, sources))
        for item in items
    ]
    chosen = shared_out(entries, spec, _owner)
    kept = tuple(sorted(chosen, key=lambda entry: (entry.published, entry.id), reverse=True))
    return Edition(spec=spec, updated=_newest(kept, born), entries=kept)


def top(
    spec: OutputSpec,
    stays: Mapping[str, Stay],
    told: Mapping[str, Told],
    sources: Mapping[str, Source],
    *,
    born: datetime,
) -> Edition:
    """Compose Top News from those that stand in it, each at its place."""
    standing = [stay for stay in stays.values() if stay.left is None and stay.story in told]
    standing.sort(key=lambda stay: (stay.place, stay.story))
    entries = tuple(story_entry(stay, told[stay.story], sources) for stay in standing)
    return Edition(spec=spec, updated=_newest(entries, born), entries=entries)


def found(
    spec: OutputSpec,
    items: Sequence[StoredItem],
    copies: Mapping[str, tuple[StoredItem, ...]],
    sources: Mapping[str, Source],
    *,
    born: datetime,
) -> Edition:
    """Compose what a search found, in the order of ``items`` (none a copy); ``copies`` by lead."""
    entries = tuple(
        replace(
            entry_of(item, sources, also=_also(copies.get(item.item.id, ()), item, sources)),
            story=item.story,
        )
        for item in items
    )
    return Edition(spec=spec, updated=_newest(entries, born), entries=entries)


def story_entry(stay: Stay, told: Told, sources: Mapping[str, Source]) -> EditionEntry:
    """Return the one entry of a story: its face, and everybody else who reports it."""
    face = next((item for item in told.items if item.item.id == stay.face), told.items[0])
    entry = entry_of(face, sources, also=_also(told.items, face, sources))
    return replace(
        entry,
        id=stay.entry,
        updated=max(stay.updated, entry.published),
        categories=_topics(told),
        image=entry.image or _picture(told),
        story=stay.story,
    )


def face_of(
    told: Told,
    weights: Mapping[str, float],
    sources: Mapping[str, Source],
    share: Share | None = None,
) -> Face:
    """Return the item that tells a story best.

    One of an owner with places left in ``share``, if there is one; of those the heaviest feed's own
    report, with a standfirst where there is a choice, under the headline that says most of what
    the others say: the first report of a story soon speaks of yesterday. Then a picture counts,
    and who was earliest. ``weights`` and ``sources`` are by feed id.
    """
    agreed = _agreement(told, sources)

    def merit(stored: StoredItem) -> tuple[bool, bool, float, bool, float, bool, datetime, int]:
        entry = stored.item.entry
        return (
            share is not None and share.is_full(sources[stored.item.feed].owner),
            stored.lead is not None,
            -weights.get(stored.item.feed, 1.0),
            not entry.summary,
            -agreed.get(stored.seq, 0.0),
            entry.image is None,
            stored.item.published,
            stored.seq,
        )

    best = min(told.items, key=merit).item
    return Face(item=best.id, owner=sources[best.feed].owner)


def _agreement(told: Told, sources: Mapping[str, Source]) -> dict[int, float]:
    """Return by ``seq`` how much of each headline other owners say too; each has one voice.

    Shared terms per terms of both, of the owner's headline that is most alike. Copies say nothing
    of their own, and only the last `HEADLINES` reports are heard.
    """
    heard = [stored for stored in told.items if stored.lead is None][-HEADLINES:]
    said = {stored.seq: frozenset(terms(stored.item.entry.title)) for stored in heard}
    agreed = {}
    for one in heard:
        most: dict[str, float] = {sources[one.item.feed].owner: 0.0}
        for other in heard:
            owner = sources[other.item.feed].owner
            if owner != sources[one.item.feed].owner:
                likeness = _likeness(said[one.seq], said[other.seq])
                most[owner] = max(likeness, most.get(owner, 0.0))
        agreed[one.seq] = round(sum(most.values()), 3)
    return agreed


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def entry_of(
    stored: StoredItem, sources: Mapping[str, Source], *, also: tuple[Also, ...] = ()
) -> EditionEntry:
    """Return an item as an entry; ``sources`` by feed id."""
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


def _picture(told: Told) -> str | None:
    """Return the first picture that any report has: it stays when others come."""
    return next((stored.item.entry.image for stored in told.items if stored.item.entry.image), None)


def _topics(told: Told) -> tuple[str, ...]:
    return tuple(dict.fromkeys(topic for stored in told.items for topic in stored.topics))


def _owner(entry: EditionEntry) -> str:
    return entry.source.owner if entry.source else ""


def _newest(entries: Iterable[EditionEntry], born: datetime) -> datetime:
    return max((entry.updated for entry in entries), default=born)
