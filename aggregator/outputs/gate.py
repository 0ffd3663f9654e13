"""May this render take the place of what subscribers see now?"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from lxml import etree

from aggregator.model.editions import Format, Rendered
from aggregator.outputs import opml
from aggregator.outputs.addresses import MEDIA_TYPES

_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Serve it. ``changed`` is False when the bytes are those that are served already."""

    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Keep the last good bytes; ``reason`` tells ops why."""

    reason: str


Verdict = Accept | Reject


def judge(previous: Rendered | None, new: Rendered) -> Verdict:
    """Judge a ``new`` render against the one that is served now at its path, if any.

    Refused are an empty document, one that a strict parser refuses or that is not what its media
    type says, and a feed of which an entry has no id or another's id.
    """
    if previous is not None and previous.body == new.body:
        return Accept(changed=False)
    if not new.body.strip():
        return Reject(reason="it is empty")
    try:
        ids = _ids_of(new)
    except (ValueError, SyntaxError) as error:
        return Reject(reason=f"not sound as {new.media_type}: {error}")
    nameless = ids.count("")
    if nameless:
        return Reject(reason=f"{nameless} of {len(ids)} entries have no id")
    twice = [entry_id for entry_id, count in Counter(ids).items() if count > 1]
    if twice:
        return Reject(reason=f"{len(twice)} ids are used twice, such as {twice[0]!r}")
    return Accept(changed=True)


def _ids_of(new: Rendered) -> list[str]:
    """Return the id of each entry, empty where there is none; ValueError or SyntaxError."""
    kind = new.media_type.partition(";")[0].strip()
    if kind == MEDIA_TYPES[Format.ATOM]:
        return _texts(_root_of(new.body, f"{_ATOM}feed"), f"{_ATOM}entry", f"{_ATOM}id")
    if kind == MEDIA_TYPES[Format.RSS]:
        return _texts(_root_of(new.body, "rss"), "channel/item", "guid")
    if kind == MEDIA_TYPES[Format.JSON]:
        return _json_ids(json.loads(new.body))
    if kind == opml.MEDIA_TYPE:
        _root_of(new.body, "opml")
    return []


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


def _texts(root: Any, entries: str, name: str) -> list[str]:
    return [entry.findtext(name) or "" for entry in root.iterfind(entries)]


def _json_ids(document: Any) -> list[str]:
    match document:
        case {"version": str(), "title": str(), "items": list(items)}:
            return [_json_id(item) for item in items]
        case _:
            raise ValueError("version, title or items is missing")


def _json_id(item: Any) -> str:
    match item:
        case {"id": str(entry_id)}:
            return entry_id
        case _:
            return ""
