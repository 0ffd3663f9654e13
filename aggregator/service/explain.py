"""Why does an item stand where it stands? All that is stored of how it was decided."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from aggregator.model.editions import Kind, OutputSpec
from aggregator.model.items import Name, StoredItem
from aggregator.model.stories import TopicScore
from aggregator.service.explaining import Explainer
from aggregator.service.searching import LOOKED_AT
from aggregator.settings import Settings
from aggregator.storage import Store
from aggregator.text.queries import Phrase, Query
from aggregator.text.tokens import words
from aggregator.text.urls import canonical

SHOWN = 10  # items that are named when a word fits many, and copies of one


class Explained(Struct, frozen=True, kw_only=True):
    """An item with every decision about it.

    ``names`` are its keys within its feed, the one it came under first; ``headlines`` its former
    ones, each with the time until which it stood. ``lead`` is the item it is folded under,
    ``copies`` those folded under it. ``beside`` counts the items of its story, ``tops`` says of
    top outputs, by name, at which place its story stands in them, or why it does not.
    """

    stored: StoredItem
    names: tuple[Name, ...]
    headlines: tuple[tuple[datetime, str], ...]
    topics: tuple[TopicScore, ...]
    lead: StoredItem | None
    copies: tuple[StoredItem, ...]
    beside: int
    tops: Mapping[str, str]


def found(store: Store, settings: Settings, wanted: str) -> tuple[StoredItem, ...]:
    """Return the items that ``wanted`` names: by id, by address, or else by a part of the title.

    The newest first, at most ten.
    """
    by_id = store.items.by_id([wanted])
    if by_id:
        return tuple(by_id.values())
    if wanted.startswith(("http://", "https://")):
        return store.items.at_address(canonical(wanted, settings.addresses))
    return titled(store, wanted)


def titled(store: Store, part: str) -> tuple[StoredItem, ...]:
    """Return items with ``part`` in their title, the newest first, at most ten.

    Of those that came long ago, only where all but the last of its words are whole.
    """
    found = {stored.seq: stored for stored in store.items.titled(part, SHOWN)}
    said = tuple(words(part))
    if len(found) < SHOWN and said:
        phrase = Phrase(words=said[:-1] or said)  # the last one may be cut off
        matches = store.search.find(Query(text=part, wanted=(phrase,)), LOOKED_AT)
        for stored in store.items.by_id(match.id for match in matches).values():
            if part.lower() in stored.item.entry.title.lower():
                found[stored.seq] = stored
    return tuple(found[seq] for seq in sorted(found, reverse=True)[:SHOWN])


def explained(
    store: Store, stored: StoredItem, outputs: Iterable[OutputSpec], explainer: Explainer
) -> Explained:
    """Return every decision about ``stored``, and about its story in top ``outputs``."""
    id_ = stored.item.id
    topics = store.items.topics(id_)
    subjects = {None, *(score.topic for score in topics)}
    tops = [spec for spec in outputs if spec.kind is Kind.TOP and spec.topic in subjects]
    lead = store.items.by_id([stored.lead]).get(stored.lead) if stored.lead else None
    beside: Iterable[StoredItem] = ()
    if stored.story:
        beside = store.stories.items([stored.story])[stored.story]
    return Explained(
        stored=stored,
        names=store.items.names(id_),
        headlines=store.items.headlines(id_),
        topics=topics,
        lead=lead,
        copies=store.items.copies([id_]).get(id_, ()),
        beside=len(tuple(beside)),
        tops={
            spec.name: explainer.explain(spec, stored.story).because
            for spec in tops
            if stored.story
        },
    )
