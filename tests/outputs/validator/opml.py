"""Is this OPML 2.0, as a list of subscriptions?"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tests.outputs.validator import values, xml
from tests.outputs.validator.findings import Findings, words

_HEAD = words(
    "title dateCreated dateModified ownerName ownerEmail ownerId docs expansionState "
    "vertScrollState windowTop windowLeft windowBottom windowRight"
)
_OUTLINE = "text title type xmlUrl htmlUrl description language category version created"


def document(body: bytes, now: datetime, to: Findings) -> None:
    """A list of feeds, one outline each."""
    root = xml.read(body, to)
    if root is None:
        return
    if root.tag != "opml" or root.get("version") != "2.0":
        to.error("is not an opml element of version 2.0")
        return
    if [child.tag for child in root] != ["head", "body"]:
        to.error("is not a head and a body")
        return
    _head(root[0], now, to.at("head"))
    if not len(root[1]):
        to.at("body").error("has no outline")
    for number, outline in enumerate(root[1], 1):
        _outline(outline, to.at(f"outline[{number}]"))


def _head(head: Any, now: datetime, to: Findings) -> None:
    for child in head:
        if child.tag not in _HEAD:
            to.error(f"{child.tag} may not stand there")
        if child.tag.startswith("date"):
            values.rfc822(xml.text(child), to.at(child.tag), now)
    values.plain(head.findtext("title") or "", to.at("title"))


def _outline(node: Any, to: Findings) -> None:
    xml.only(node, _OUTLINE, to)
    if node.get("type") != "rss":
        to.warning(f"the type is {node.get('type')!r}, not rss")
    for name in ("text", "title"):
        values.plain(node.get(name, ""), to.at(name))
    for name in ("xmlUrl", "htmlUrl"):
        if name == "xmlUrl" or node.get(name) is not None:
            values.web(node.get(name, ""), to.at(name))
            if "@" in urlsplit(node.get(name, "")).netloc:
                to.at(name).error("tells a password")
    if node.get("language") is not None:
        values.language(node.get("language"), to.at("language"))
