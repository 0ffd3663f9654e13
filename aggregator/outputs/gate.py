"""May this render take the place of what subscribers see now?

Two questions. Is it sound at all, by itself? What is not is refused for good. And is it likely,
beside what is served: a sound document from which half the entries vanished, in which known entries
stand under new ids, or into which far more came than usual, would mark everything unread for every
subscriber. Such a one is doubted, and waits for a while, in case it was a fault that passes.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree
from msgspec import Struct

from aggregator.model.editions import Format, Rendered
from aggregator.outputs import opml
from aggregator.outputs.addresses import MEDIA_TYPES

FEW = 5  # entries may vanish or be renamed without anything being wrong
RENAMED = 0.1  # ... and this share of all: some publishers use a page for one story after another
VANISHED = 1 / 3  # ... or this one: copies that are found late, stories that merge or fade
FADED = timedelta(days=1)  # nothing that was served so long before need still be there
PACE = 3  # times as many entries as usual for the time that passed are no flood

_ATOM = "{http://www.w3.org/2005/Atom}"


class Seen(Struct, frozen=True):
    """An entry as a subscriber sees it: its id, its link, and when it was published."""

    id: str
    link: str = ""
    published: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Serve it. ``changed`` is False when the bytes are those that are served already.

    ``seen`` are its entries, where it has any and is new. ``despite`` is the doubt that it was
    held for and that has not gone away.
    """

    changed: bool
    seen: tuple[Seen, ...] = field(default=(), compare=False)
    despite: str | None = None


class Hold(Struct, frozen=True, kw_only=True):
    """Keep the last good bytes ``until`` then at the latest; ``reason`` tells ops why."""

    reason: str
    until: datetime


class Reject(Struct, frozen=True, kw_only=True):
    """Keep the last good bytes; ``reason`` tells ops why."""

    reason: str


Verdict = Accept | Hold | Reject


class Caution(Struct, frozen=True, kw_only=True):
    """How careful ops want us to be.

    A doubtful render waits for ``hold`` at most, 0 for not at all; ``most`` entries may come at
    once beyond the usual pace.
    """

    hold: timedelta = timedelta(minutes=30)
    most: int = 50


CAUTIOUS = Caution()


def judge(previous: Rendered | None, new: Rendered) -> Accept | Reject:
    """Judge whether a ``new`` render is sound; ``previous`` is what is served now at its path.

    Refused are an empty document, one that a strict parser refuses or that is not what its media
    type says, and a feed of which an entry has no id or another's id.
    """
    if previous is not None and previous.body == new.body:
        return Accept(changed=False)
    if not new.body.strip():
        return Reject(reason="it is empty")
    try:
        seen = entries_of(new)
    except (ValueError, SyntaxError) as error:
        return Reject(reason=f"not sound as {new.media_type}: {error}")
    ids = [entry.id for entry in seen]
    nameless = ids.count("")
    if nameless:
        return Reject(reason=f"{nameless} of {len(ids)} entries have no id")
    twice = [entry_id for entry_id, count in Counter(ids).items() if count > 1]
    if twice:
        return Reject(reason=f"{len(twice)} ids are used twice, such as {twice[0]!r}")
    return Accept(changed=True, seen=seen)


def doubt(
    before: Sequence[Seen], after: Sequence[Seen], *, apart: timedelta, most: int
) -> str | None:
    """Tell why ``after`` is not likely to be right where ``before`` was served, None if it is.

    ``apart`` is how long ago that was up to date; ``most`` how many entries may come at once
    beyond the usual pace.
    """
    return (
        renamed(before, after)
        or vanished(before, after, apart=apart)
        or flooded(before, after, apart=apart, most=most)
    )


def renamed(before: Sequence[Seen], after: Sequence[Seen]) -> str | None:
    """Tell of entries that stand under other ids than before, if they are many."""
    gone = {entry.link: entry.id for entry in _missing(before, after) if entry.link}
    again = [entry for entry in _missing(after, before) if entry.link in gone]
    if len(again) <= max(FEW, RENAMED * len(before)):
        return None
    one = again[0]
    return f"{len(again)} entries have other ids: {one.id!r} was {gone[one.link]!r}"


def vanished(before: Sequence[Seen], after: Sequence[Seen], *, apart: timedelta) -> str | None:
    """Tell of entries that are gone though no others came in their place, if they are many."""
    gone, come = _missing(before, after), _missing(after, before)
    lost = len(gone) - len(come)
    if lost <= max(FEW, (VANISHED + apart / FADED) * len(before)):
        return None
    return f"{len(gone)} of {len(before)} entries vanished, such as {gone[0].id!r}"


def flooded(
    before: Sequence[Seen], after: Sequence[Seen], *, apart: timedelta, most: int
) -> str | None:
    """Tell of new entries that are too many at once, for the pace at which they used to come."""
    come = _missing(after, before)
    dates = [entry.published for entry in before if entry.published]
    if not dates or len(come) <= most:
        return None
    span = max(max(dates) - min(dates), timedelta(minutes=1))
    if len(come) <= most + PACE * len(dates) * (apart / span):
        return None
    return f"{len(come)} entries are new at once, such as {come[0].id!r}"


def _missing(ours: Sequence[Seen], theirs: Sequence[Seen]) -> list[Seen]:
    known = {entry.id for entry in theirs}
    return [entry for entry in ours if entry.id not in known]


def entries_of(rendered: Rendered) -> tuple[Seen, ...]:
    """Return the entries of a feed document, none of any other; ValueError or SyntaxError.

    An id is empty where there is none.
    """
    kind = rendered.media_type.partition(";")[0].strip()
    if kind == MEDIA_TYPES[Format.ATOM]:
        feed = _root_of(rendered.body, f"{_ATOM}feed")
        return tuple(map(_of_atom, feed.iterfind(f"{_ATOM}entry")))
    if kind == MEDIA_TYPES[Format.RSS]:
        return tuple(map(_of_rss, _root_of(rendered.body, "rss").iterfind("channel/item")))
    if kind == MEDIA_TYPES[Format.JSON]:
        return _of_json(json.loads(rendered.body))
    if kind == opml.MEDIA_TYPE:
        _root_of(rendered.body, "opml")
    return ()


def _root_of(body: bytes, tag: str) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    root = etree.fromstring(body, parser)
    if root.getroottree().docinfo.doctype:
        raise ValueError("it has a DOCTYPE")
    if root.tag != tag:
        raise ValueError(f"its root is {root.tag}")
    return root


def _of_atom(entry: Any) -> Seen:
    links = entry.iterfind(f"{_ATOM}link")
    # RFC 4287 section 4.2.7.2: a link that does not say what it is, is the alternate.
    found = (link.get("href", "") for link in links if link.get("rel", "alternate") == "alternate")
    return Seen(
        entry.findtext(f"{_ATOM}id") or "",
        next(found, ""),
        _date(entry.findtext(f"{_ATOM}published")),
    )


def _of_rss(item: Any) -> Seen:
    at = item.findtext("pubDate")
    return Seen(
        item.findtext("guid") or "",
        item.findtext("link") or "",
        parsedate_to_datetime(at) if at else None,
    )


def _of_json(document: Any) -> tuple[Seen, ...]:
    match document:
        case {"version": str(), "title": str(), "items": list(items)}:
            return tuple(map(_of_item, items))
        case _:
            raise ValueError("version, title or items is missing")


def _of_item(item: Any) -> Seen:
    match item:
        case {"id": str(entry_id)}:
            return Seen(entry_id, str(item.get("url", "")), _date(item.get("date_published")))
        case _:
            return Seen("")


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
