"""Which entries go into the archive of an output before they leave it, and on which page?

RFC 5005 section 4: the current document and the pages of the archive together hold all that was
served. A page never changes once it is made. Half of it still stands in the current document by
then, so that nothing is missing between the two at any moment.
"""

import zlib
from collections.abc import Container, Iterator, Sequence

from msgspec import Struct, json

from aggregator.model.editions import EditionEntry, OutputSpec

PAGE = 50  # entries of a page, at most
PAGE_SIZE = 400_000  # bytes of text on a page with more than one entry; documents stay below twice


class Leaf(Struct, frozen=True, kw_only=True):
    """Which document of an output: the current one (``number`` None), or a page of its archive.

    ``previous`` and ``following`` are the numbers of the pages before and after it, if any.
    """

    number: int | None = None
    previous: int | None = None
    following: int | None = None


CURRENT = Leaf()
"""The current document of an output that has no archive."""


def due(
    spec: OutputSpec,
    standing: Sequence[EditionEntry],
    leaving: Sequence[EditionEntry],
    archived: Container[str],
) -> tuple[tuple[EditionEntry, ...], ...]:
    """Return the pages to make, oldest first, when ``leaving`` go and ``standing`` stay.

    None while all that leaves is ``archived``. Else what leaves and, up to half the output, what
    will leave next.
    """
    gone = [entry for entry in leaving if entry.id not in archived]
    if not gone:
        return ()
    room = max(0, min(PAGE, spec.limit // 2) - len(gone))
    fresh = [entry for entry in standing if entry.id not in archived]
    chosen = [*gone, *fresh[len(fresh) - min(room, len(fresh)) :]]
    return tuple(_pages(sorted(chosen, key=lambda entry: (entry.published, entry.id))))


def _pages(entries: Sequence[EditionEntry]) -> Iterator[tuple[EditionEntry, ...]]:
    """Cut ``entries``, oldest first, into pages, each newest first."""
    page: list[EditionEntry] = []
    size = 0
    for entry in entries:
        own = len(entry.content_html.encode()) + len(entry.summary.encode())
        if page and (len(page) == PAGE or size + own > PAGE_SIZE):
            yield tuple(reversed(page))
            page, size = [], 0
        page.append(entry)
        size += own
    yield tuple(reversed(page))


def packed(entries: tuple[EditionEntry, ...]) -> bytes:
    """Return ``entries`` as deflated JSON."""
    return zlib.compress(json.encode(entries), 9)


def unpacked(data: bytes) -> tuple[EditionEntry, ...]:
    """Return what `packed` was given."""
    return json.decode(zlib.decompress(data), type=tuple[EditionEntry, ...])
