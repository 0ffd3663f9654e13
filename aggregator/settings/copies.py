"""What must never be taken for a copy? (``config/copies.yaml``)"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from aggregator.items.apart import NOTHING_APART, NeverFold
from aggregator.settings.addresses import Hosts
from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.kinds import Line, Lines, usual
from aggregator.settings.mistakes import validated
from aggregator.settings.nodes import Fault, Trail
from aggregator.text.sites import AddressRules
from aggregator.text.urls import canonical

_NAME = re.compile(r"(?:https?://|urn:|tag:)\S+", re.IGNORECASE)  # the ids that items bear


def _pair(value: object) -> object:
    named = value if isinstance(value, (list, tuple)) else ()
    if len(named) == 2 and all(isinstance(one, str) and _NAME.fullmatch(one) for one in named):
        return value
    raise ValueError("is no pair; a pair is two items, each an id (urn:uuid:…) or an address")


Pair = Annotated[
    tuple[Line, Line],
    BeforeValidator(_pair),
    Field(examples=[["https://a.example/1", "urn:uuid:…"]]),
]


class NeverFoldEntry(Group):
    """What always stands for itself."""

    feeds: Lines = ()
    """Feeds, by their id: none of their items is folded, and nothing under them."""
    sites: Hosts = ()
    """The same for all that links to these sites, whatever feed it came in."""
    pairs: tuple[Pair, ...] = ()
    """Two items each, by id or address, that are not copies of one another."""


class CopiesFile(Group):
    """What ``copies.yaml`` holds: every key is optional."""

    never_fold: NeverFoldEntry = usual()


def read_copies(
    document: Document, addresses: AddressRules, feeds: tuple[str, ...] | None
) -> tuple[NeverFold, list[Fault]]:
    """Return what is never folded, and every mistake. ``feeds`` may be named, None: any."""
    if document.faults or document.data is None:
        return NOTHING_APART, list(document.faults)
    if not isinstance(document.data, dict):
        text = "is not a mapping of keys to values; write never_fold: and below it feeds: [id]"
        return NOTHING_APART, [Fault(document.file, 1, 1, text)]
    found, wrong = validated(CopiesFile, document, ())
    if found is None:
        return NOTHING_APART, wrong
    asked = found.never_fold
    return NeverFold(
        feeds=frozenset(asked.feeds),
        sites=frozenset(asked.sites),
        pairs=frozenset(
            frozenset(_named(name, addresses) for name in pair) for pair in asked.pairs
        ),
    ), wrong + _strange(document, asked, feeds)


def _named(name: str, addresses: AddressRules) -> str:
    return canonical(name, addresses) if name.startswith(("http://", "https://")) else name


def _strange(
    document: Document, asked: NeverFoldEntry, feeds: tuple[str, ...] | None
) -> list[Fault]:
    """Complain of feeds that there are not: a rule that is misspelt does nothing, in silence."""
    if feeds is None:
        return []
    trails: list[tuple[Trail, str]] = [
        (("never_fold", "feeds", place), feed) for place, feed in enumerate(asked.feeds)
    ]
    return [
        document.fault(trail, f'feeds: "{feed}" is no id of feeds.yaml; write one, or remove it')
        for trail, feed in trails
        if feed not in feeds
    ]
