"""What does a document say that it did not say before?

feedparser is handed the head of the document, the entries whose bytes are new, and the tail. That
gives what the whole would have given, because it is a machine whose state we can see: before and
after each entry the state is compared, and only entries that leave it as they found it are
remembered, together with a digest of that state. By induction such entries can be left out: all
others, and the tail, are read in the very state in which the whole would have had them read. The
cuts are proved by the same comparison, as depth and number of entries are part of it.

So may those be left out, for the same reason, that `aggregator.sources.familiar` can read.
"""

import copy
import xml.sax.handler
from collections.abc import Collection, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from msgspec.structs import replace

from aggregator import __version__
from aggregator.model.visits import FeedMeta, ParsedFeed, Unreadable
from aggregator.sources import quick
from aggregator.sources.envelope import Opened, open_body
from aggregator.sources.familiar.reading import Familiar
from aggregator.sources.familiar.tape import Tape
from aggregator.sources.found import Dict, meta_of, wire_of
from aggregator.sources.jsonfeed import looks_like_json
from aggregator.sources.parse import _document, _Strict, parse
from aggregator.sources.splitting import (
    Memory,
    Pieces,
    Reading,
    counts_of,
    digest_of_context,
    digest_of_piece,
    is_plain,
    split,
)

State = dict[str, Any]

_DECLARATION = b"<?xml version='1.0' encoding='utf-8'?>"
_PROBE = "entries-begin"  # a processing instruction, which only the content of an element can hold

# Not compared. What was read before is never read again (`entries` and their depths); these are
# set anew by each entry (`title_depth`, `guidislink`) and read by nothing in a tail that
# has no elements. The rest is compared in part, see `_state`.
_DEAD = frozenset({
    "entries", "property_depth_map", "title_depth", "guidislink", "_locator",
    "elementstack", "namespacemap", "namespaces_in_use",
})  # fmt: skip


class _Reader(_Strict):
    """feedparser's strict parser, with the name spaces in scope as a part of its state."""

    def __init__(self, url: str) -> None:
        self.scope: list[tuple[str | None, str | None]] = []
        self.probed = False
        super().__init__(url, None, "utf-8")
        self.resolve_relative_uris = False
        self.sanitize_html = False

    def startPrefixMapping(self, prefix: str | None, uri: str | None) -> None:  # noqa: N802
        self.scope.append((prefix, uri))
        super().startPrefixMapping(prefix, uri)

    def endPrefixMapping(self, prefix: str | None) -> None:  # noqa: N802
        last = next(at for at in reversed(range(len(self.scope))) if self.scope[at][0] == prefix)
        del self.scope[last]

    def processingInstruction(self, target: str, _data: str) -> None:  # noqa: N802
        self.probed = self.probed or target == _PROBE


class _Unsplittable(Exception):  # noqa: N818 - no error: the whole document is read then
    """The document is not what its cuts make of it."""


def parse_changed(body: bytes, content_type: str, url: str, memory: Memory | None) -> Reading:
    """Return what ``body`` says in entries that ``memory`` does not know; never raises.

    Arguments as those of `aggregator.sources.parse.parse`. Equal to what that returns, less the
    entries that were known. Without memory, or where anything about the document is unusual, it is
    read as a whole.
    """
    try:
        return _changed(body, content_type, url, memory)
    except _Unsplittable as unusual:
        because = str(unusual)
    except Exception as error:  # noqa: BLE001 - the ordinary way has its own answer to it
        because = type(error).__name__
    return Reading(document=parse(body, content_type, url), because=because)


def _changed(body: bytes, content_type: str, url: str, memory: Memory | None) -> Reading:
    opened = open_body(body, content_type)
    if isinstance(opened, Unreadable):
        raise _Unsplittable("unreadable")
    pieces = split(_in_utf8(opened))
    if isinstance(pieces, str):
        raise _Unsplittable(pieces)
    digests = tuple(map(digest_of_piece, pieces.entries))
    known = memory.marks if memory else {}
    marks = tuple(map(known.get, digests))
    if memory is not None and any(marks):
        fresh = [place for place, mark in enumerate(marks) if mark is None]
        document, context = _read(pieces, fresh, opened, url)
        if context == memory.context:
            document = replace(document, omitted=len(marks) - len(fresh))
            return Reading(document=document, digests=digests, marks=marks, context=context)
    document, context = _read(pieces, range(len(digests)), opened, url)
    return Reading(
        document=document, digests=digests, marks=(None,) * len(digests), context=context
    )


def _in_utf8(opened: Opened) -> bytes:
    """Return the text as feedparser's `convert_to_utf8` would, if its first guess holds."""
    if looks_like_json(opened.body):
        raise _Unsplittable("JSON")
    charset = opened.media_type.partition("charset=")[2]
    if not charset and b"encoding=" in opened.body.partition(b"\n")[0]:
        raise _Unsplittable("encoding")  # one that we do not see, and feedparser may
    try:
        # As feedparser has it: every gb2312 text is one of gb18030.
        text = opened.body.decode("gb18030" if charset == "gb2312" else charset or "utf-8")
    except (UnicodeDecodeError, LookupError):
        raise _Unsplittable("encoding") from None
    return text.encode()


def _read(
    pieces: Pieces, places: Collection[int], opened: Opened, url: str
) -> tuple[ParsedFeed, bytes]:
    """Read head, the entries at ``places`` and tail; return the document and its context."""
    parser = _Reader(url)
    entries = [pieces.entries[place] for place in places]
    before, found = _drive(parser, pieces.head, entries, pieces.tail)
    if not parser.version:
        raise _Unsplittable("no version")
    meta = meta_of(parser.feeddata, parser.version, url)
    wires = [wire_of(entry, url) for entry in found]
    document = _document(meta, wires, opened.remarks, url)
    if len(document.entries) != len(wires):
        raise _Unsplittable("an entry says nothing")
    return document, _context(before, meta, url)


def _drive(
    parser: _Reader, head: bytes, entries: Sequence[bytes], tail: bytes
) -> tuple[State, list[Dict]]:
    """Feed ``parser``; return its state before the first entry, which all left so, and the entries.

    Raises _Unsplittable when one did not, or when a cut was wrong; and whatever expat and
    feedparser raise when the document is not well-formed.
    """
    sax = quick.create_parser()
    sax.setFeature(xml.sax.handler.feature_namespaces, 1)
    sax.setFeature(xml.sax.handler.feature_external_ges, 0)
    sax.setContentHandler(parser)
    sax.setErrorHandler(parser)
    sax.feed(_declared(head) + b"<?%s?>" % _PROBE.encode())
    if not parser.probed:
        raise _Unsplittable("cuts")  # within a comment or CDATA
    before = copy.deepcopy(_state(parser, len(parser.elementstack)))
    found = _entries(parser, Tape(sax), entries, before)
    sax.feed(tail)
    sax.close()
    return before, found


def _entries(parser: _Reader, tape: Tape, entries: Sequence[bytes], before: State) -> list[Dict]:
    """Return what each of ``entries`` says, in feedparser's words; end ``tape``."""
    familiar, frames = Familiar(parser), len(before["frames"])
    found: list[Dict] = []
    for entry in entries:
        said = familiar.read(tape.take(entry))
        if said is None:
            said = _asked(parser, tape)
            if _state(parser, frames) != before:
                raise _Unsplittable("an entry has a say in others")
        if not is_plain(entry):
            raise _Unsplittable("an entry has a say in others")
        if not _counts(entry, said):
            raise _Unsplittable("figures in a text")
        found.append(said)
    tape.end()
    return found


def _asked(parser: _Reader, tape: Tape) -> Dict:
    """Let feedparser read the entry on ``tape``."""
    number = len(parser.entries)
    tape.play()
    if len(parser.entries) != number + 1:
        raise _Unsplittable("cuts")
    entry: Dict = parser.entries[-1]
    return entry


def _counts(entry: bytes, found: Any) -> bool:
    """Whether what looks like audience figures in ``entry`` went where nobody looks."""
    names = counts_of(entry)
    return names is not None and all(f"media_{name.decode().lower()}" in found for name in names)


def _declared(head: bytes) -> bytes:
    """Return ``head`` with a declaration of UTF-8, in the way of feedparser."""
    if head.startswith(b"<?xml") and (end := head.find(b">")) > 0:
        return _DECLARATION + head[end + 1 :]
    return _DECLARATION + b"\n" + head


def _state(parser: _Reader, frames: int) -> State:
    """Return all of ``parser`` that the reading of one more entry can depend on.

    Everything it holds, so that a new version's new variables are compared too, but for what was
    found to be dead (feedparser 6.0.12):

    - Of the stack of open elements only the ``frames`` below the entries: Atom content
      leaves one behind, and an entry's own frame shields it from all beneath.
    - A prefix that maps to itself or is None is looked up in vain; so is, among the name spaces in
      use, one that feedparser knows by its address. Publishers declare those in each entry.
    """
    state = {name: value for name, value in vars(parser).items() if name not in _DEAD}
    state["frames"] = [frame[0] for frame in parser.elementstack[:frames]]
    state["prefixes"] = {
        prefix: name
        for prefix, name in parser.namespacemap.items()
        if prefix is not None and prefix != name
    }
    state["strange"] = [
        (prefix, uri)
        for prefix, uri in parser.namespaces_in_use.items()
        if prefix and uri.lower() not in parser._matchnamespaces  # noqa: SLF001
    ]
    return state


def _context(before: State, meta: FeedMeta, url: str) -> bytes:
    """Return a digest of what decides, beside an entry's bytes, what the entry says.

    Of the feed's own words an entry can see its image and text input alone, as feedparser writes
    an entry's elements into those; and the normaliser its language.
    """
    feed = before["feeddata"]
    seen = [(name, value) for name, value in before.items() if name != "feeddata"]
    lent = [dict.get(feed, name) for name in ("image", "textinput")]
    return digest_of_context(repr((_versions(), url, meta.language, lent, seen)))


@cache
def _versions() -> tuple[str, ...]:
    # A new version may read the same bytes otherwise: then all are read once more.
    return (__version__, *(version(name) for name in ("feedparser", "nh3", "lxml")))
