"""Which entries of a document have we not read before?

A document is cut at its entries, byte by byte; what is remembered of each is a digest and the
mark of its identity. The cuts made here are a guess: `aggregator.sources.rereading` proves them
while it reads, and reads the whole document where they do not hold.
"""

import hashlib
import re
from collections.abc import Sequence

from msgspec import Struct

from aggregator.model.items import Entry
from aggregator.model.visits import Document, ParsedFeed

MAX_PIECES = 2000  # more entries are not read of any document, so more are not remembered

_CONTEXT, _DIGEST, _MARK = 16, 16, 8  # bytes; 24 an entry, so that forty take a kilobyte

_ENTRY = re.compile(rb"<(item|entry)(?=[\s/>])")
_START = {name: re.compile(rb"\s*(?=<" + name + rb"[\s/>])") for name in (b"item", b"entry")}
_END = {name: re.compile(rb"</" + name + rb"\s*>") for name in (b"item", b"entry")}
# What may close a document: ends of what entries are known to stand in, comments, instructions.
_OTHER = re.compile(rb"<(?!/(?:rss|channel|feed|(?:[\w.-]{1,40}:)?RDF)\s*>|[!?])")
# An element of one of these names within an entry could end it, or speak for the whole feed.
_FRAME = re.compile(
    rb"</?(?:[^\s<>/:]{1,100}:)?(?:item|entry|channel|feed|rss|rdf)(?=[\s/>])", re.IGNORECASE
)
# YouTube counts views and stars in every entry at every moment.
_COUNTS = re.compile(
    rb"""(?<=<media:)(statistics|starRating)((?:\s+(?:views|count|average)="[0-9.]*")+)"""
)
_COUNTED = re.compile(rb"<(?:[^\s<>/:]+:)?(?:statistics|starrating)(?=[\s/>])", re.IGNORECASE)
_NO_ELEMENT = re.compile(rb"<[!?]")  # CDATA, comments, instructions: "<" means nothing in them


class Pieces(Struct, frozen=True, kw_only=True):
    """A document cut up: what comes before its entries, each of them, and what ends it.

    Nothing but white space was between two entries. All in UTF-8.
    """

    head: bytes
    entries: tuple[bytes, ...]
    tail: bytes


class Memory(Struct, frozen=True, kw_only=True):
    """What is kept of the document read last, for the next one of the same feed.

    ``context`` is a digest of all that surrounds an entry and has a say in its meaning. ``marks``
    tells by the digest of an entry's bytes the mark of its identity; it lists those alone that
    stood for their identity (of two entries with one key the first does).
    """

    context: bytes
    marks: dict[bytes, bytes]

    def to_bytes(self) -> bytes:
        """Return 16 bytes and 24 more for each entry."""
        return self.context + b"".join(digest + mark for digest, mark in self.marks.items())

    @classmethod
    def from_bytes(cls, stored: bytes | None) -> "Memory | None":
        """Return what `to_bytes` gave, None for anything else."""
        step = _DIGEST + _MARK
        if stored is None or len(stored) < _CONTEXT or (len(stored) - _CONTEXT) % step:
            return None
        rows = range(_CONTEXT, len(stored), step)
        return cls(
            context=stored[:_CONTEXT],
            marks={stored[at : at + _DIGEST]: stored[at + _DIGEST : at + step] for at in rows},
        )


class Reading(Struct, frozen=True, kw_only=True):
    """A document of which only entries not read before were parsed.

    ``document`` holds those alone, in their order, and the number of the others as ``omitted``;
    its meta is that of the whole, its remarks are about what was parsed. ``digests`` has one for
    each entry of the whole document, and is empty when the document could not be cut: then
    ``document`` is the whole, and ``because`` says why. ``marks`` has the mark of each entry that
    was read before, None at the ``places`` of those in ``document``.
    """

    document: Document
    digests: tuple[bytes, ...] = ()
    marks: tuple[bytes | None, ...] = ()
    context: bytes = b""
    because: str = ""

    @property
    def places(self) -> tuple[int, ...]:
        """The places, in the whole document, of the entries that were parsed."""
        return tuple(place for place, mark in enumerate(self.marks) if mark is None)


def split(text: bytes) -> Pieces | str:
    """Cut ``text`` (XML in UTF-8) before and after each entry, or say why it is not done.

    RSS 0.9x, 1.0 and 2.0 items and Atom entries, with names as the standards write them. Takes
    the first end tag for an entry's end, whatever it stands in: who reads must prove the cut.
    """
    first = _ENTRY.search(text)
    if first is None:
        return "no entries"
    head = text[: first.start()]
    if b"<!DOCTYPE" in head:
        return "document type"
    entries: list[bytes] = []
    start, end = _START[first[1]], _END[first[1]]
    at = first.start()
    while ended := end.search(text, at):
        entries.append(text[at : ended.end()])
        follows = start.match(text, ended.end())
        if follows is None:
            return _closed(head, entries, text[ended.end() :])
        at = follows.end()
        if len(entries) == MAX_PIECES:
            return "too many entries"
    return "an entry without an end"


def _closed(head: bytes, entries: list[bytes], tail: bytes) -> Pieces | str:
    if _OTHER.search(tail):
        # It would be read in the state, and with the open elements, that an entry leaves behind.
        return "elements between or after the entries"
    return Pieces(head=head, entries=tuple(entries), tail=tail)


def is_plain(entry: bytes) -> bool:
    """Whether ``entry`` names no element that could end it early or speak for the whole feed."""
    return len(_FRAME.findall(entry)) == 2  # its own start and end


def counts_of(entry: bytes) -> list[bytes] | None:
    """Return the names of the elements of ``entry`` whose figures `digest_of_piece` ignores.

    None when a text may be written like one. Otherwise each is the only element of its name, but
    it may still stand within inline markup: who reads must see to that.
    """
    if b"<media:sta" not in entry:
        return []
    names = [name for name, _ in _COUNTS.findall(entry)]
    alone = len(set(names)) == len(names) == len(_COUNTED.findall(entry))
    return names if alone and not _NO_ELEMENT.search(entry) else None


def digest_of_piece(entry: bytes) -> bytes:
    """Return the fingerprint by which an entry's bytes are known, audience figures aside."""
    if b"<media:sta" in entry:
        entry = _COUNTS.sub(rb"\1", entry)
    return hashlib.blake2b(entry, digest_size=_DIGEST).digest()


def digest_of_context(said: str) -> bytes:
    """Return the fingerprint of all that is ``said`` around an entry."""
    return hashlib.blake2b(said.encode(errors="surrogatepass"), digest_size=_CONTEXT).digest()


def standing(reading: Reading, keys: Sequence[str]) -> tuple[tuple[Entry, ...], Memory | None]:
    """Return the entries of ``reading`` to take in, and what to remember once they are stored.

    ``keys`` are the identities of ``reading.document.entries``, in order. Of two entries with one
    key the first stands, be it parsed now or before; another is neither taken in nor
    remembered, so that it is read again when the first is gone. The memory is that of this
    document alone: an entry that left and came back is read again, as it may undo a revision.
    """
    if not isinstance(reading.document, ParsedFeed):
        return (), None
    entries = reading.document.entries
    if not reading.digests:
        first = dict(reversed(list(zip(keys, entries, strict=True))))
        return tuple(first[key] for key in dict.fromkeys(keys)), None
    parsed = iter(zip(entries, map(mark_of, keys), strict=True))
    taken: list[Entry] = []
    marks: dict[bytes, bytes] = {}
    held: set[bytes] = set()
    for digest, known in zip(reading.digests, reading.marks, strict=True):
        entry, mark = (None, known) if known is not None else next(parsed)
        if mark in held:
            continue
        held.add(mark)
        marks[digest] = mark
        if entry is not None:
            taken.append(entry)
    return tuple(taken), Memory(context=reading.context, marks=marks)


def mark_of(key: str) -> bytes:
    """Return the mark of an identity."""
    return hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=_MARK).digest()
