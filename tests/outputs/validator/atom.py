"""Is this Atom? (RFC 4287, and RFC 5005 for archives)"""

from collections import Counter
from datetime import datetime
from typing import Any

from tests.outputs.validator import markup, values, xml
from tests.outputs.validator.findings import Findings, words

_FEED = {  # section 4.1.1: least and most
    "id": (1, 1), "title": (1, 1), "updated": (1, 1), "subtitle": (0, 1), "rights": (0, 1),
    "generator": (0, 1), "icon": (0, 1), "logo": (0, 1), "author": (0, 99),
    "contributor": (0, 99), "category": (0, 99), "link": (1, 99), "entry": (0, 9999),
}  # fmt: skip
_ENTRY = {  # section 4.1.2
    "id": (1, 1), "title": (1, 1), "updated": (1, 1), "published": (0, 1), "content": (0, 1),
    "summary": (0, 1), "rights": (0, 1), "source": (0, 1), "author": (0, 999),
    "contributor": (0, 99), "category": (0, 999), "link": (0, 999),
}  # fmt: skip
_SOURCE = {**_FEED, "entry": (0, 0), "link": (0, 99)}  # section 4.2.11: what is there is kept
_AUTHOR = f"{{{xml.ATOM}}}author"
_OF_SOURCE = f"{{{xml.ATOM}}}source/{_AUTHOR}"
_NESTED = ("entry", "source", "author", "contributor")
_RELATIONS = words(
    "alternate current enclosure first hub last next next-archive prev-archive previous related "
    "replies self via"
)
_PAGING = words("current first last next next-archive prev-archive previous")


def feed(body: bytes, location: str, now: datetime, to: Findings) -> None:
    """A feed document that was got from ``location``."""
    root = xml.read(body, to)
    if root is None:
        return
    if root.tag != f"{{{xml.ATOM}}}feed":
        to.error(f"the root is {root.tag}")
        return
    xml.only(root, "", to)
    xml.tongue(root, to)
    if root.get(xml.LANG) is None:
        to.warning("xml:lang is missing")
    _container(root, _FEED, now, to)
    selves = [link.get("href") for link in _links(root, "self")]
    to.once("a link to itself", len(selves), least=1)
    if selves and selves[0] != location:
        to.warning(f"says that it is {selves[0]}, and stands at {location}")
    _archives(root, location, to)
    entries = root.findall(f"{{{xml.ATOM}}}entry")
    to.unique("the id", [entry.findtext(f"{{{xml.ATOM}}}id") or "" for entry in entries])
    credited = root.find(_AUTHOR) is not None
    for number, entry in enumerate(entries, 1):
        _entry(entry, now, to.at(f"entry[{number}]"), credited=credited)


def _entry(entry: Any, now: datetime, to: Findings, *, credited: bool) -> None:
    xml.only(entry, "", to)
    xml.tongue(entry, to)
    _container(entry, _ENTRY, now, to)
    source = entry.find(f"{{{xml.ATOM}}}source")
    own = entry.find(f"{{{xml.ATOM}}}author") is not None
    if (
        not own
        and not credited
        and (source is None or source.find(f"{{{xml.ATOM}}}author") is None)
    ):
        to.error("nobody is its author")
    if entry.find(f"{{{xml.ATOM}}}content") is None and not list(_links(entry, "alternate")):
        to.error("has neither content nor an alternate link")
    for link in entry.iterfind(f"{{{xml.ATOM}}}link"):
        if link.get("rel") in _PAGING:
            to.warning(f"a link {link.get('rel')} is one of feeds")
    dates = [entry.findtext(f"{{{xml.ATOM}}}{name}") for name in ("published", "updated")]
    if all(dates) and datetime.fromisoformat(dates[0]) > datetime.fromisoformat(dates[1]):
        to.warning("was updated before it was published")


def _archives(root: Any, location: str, to: Findings) -> None:
    """RFC 5005 section 4."""
    archive = root.find(f"{{{xml.HISTORY}}}archive") is not None
    current = [link.get("href") for link in _links(root, "current")]
    if archive and not current:
        to.warning("an archive that does not name its current document")
    if current and archive == (current[0] == location):
        to.error("is an archive or the current document, and says both")
    for rel in ("prev-archive", "next-archive", "current"):
        to.once(f"a link {rel}", len(list(_links(root, rel))))
        if rel != "current" and any(link.get("href") == location for link in _links(root, rel)):
            to.error(f"is its own {rel}")


def _container(node: Any, rules: dict[str, tuple[int, int]], now: datetime, to: Findings) -> None:
    counted: Counter[str] = Counter()
    for space, name, child in xml.children(node):
        place = to.at(name)
        if space == xml.ATOM and name in rules:
            counted[name] += 1
            _element(name, child, now, place)
        elif space == xml.MEDIA:
            xml.media(name, child, place)
        elif space == xml.HISTORY and name in ("archive", "complete"):
            xml.no_children(child, place)
        else:
            place.error(f"an element of {space or 'no name space'} that may not stand there")
    for name, (least, most) in rules.items():
        if not least <= counted[name] <= most:
            to.error(f"{name} stands there {counted[name]} times")
    alternates = [
        (link.get("type", ""), link.get("hreflang", "")) for link in _links(node, "alternate")
    ]
    if len(alternates) != len(set(alternates)):
        to.error("two alternate links of one type and language")


def _element(name: str, node: Any, now: datetime, to: Findings) -> None:
    if name not in _NESTED:
        xml.no_children(node, to)
    if name in ("updated", "published"):
        values.rfc3339(xml.text(node), to, now)
    elif name == "source":
        _source(node, now, to)
    elif name in _RULES:
        _RULES[name](node, to)


def _id(node: Any, to: Findings) -> None:
    xml.only(node, "", to)
    values.address(xml.text(node), to, iri=True)


def _category(node: Any, to: Findings) -> None:
    xml.only(node, "term scheme label", to)
    values.plain(node.get("term", ""), to)


def _generator(node: Any, to: Findings) -> None:
    xml.only(node, "uri version", to)
    values.plain(xml.text(node), to)


def _source(node: Any, now: datetime, to: Findings) -> None:
    xml.tongue(node, to)
    _container(node, _SOURCE, now, to)
    if not list(_links(node, "self")):
        to.warning("does not name the feed's address")


def _text(node: Any, to: Findings) -> None:
    xml.only(node, "type", to)
    if node.get("type", "text") == "html":
        markup.html(xml.text(node), to)
    elif node.get("type", "text") == "text":
        values.plain(xml.text(node), to)
    else:
        to.error(f"the type {node.get('type')!r} is not one that we use")


def _content(node: Any, to: Findings) -> None:
    """Section 4.1.3: HTML is escaped, and its type says so."""
    xml.only(node, "type", to)
    if node.get("type") != "html":
        to.error(f"the type {node.get('type')!r} is not one that we use")
    markup.html(xml.text(node), to)


def _person(node: Any, to: Findings) -> None:
    names = Counter(name for space, name, _ in xml.children(node) if space == xml.ATOM)
    to.once("name", names["name"], least=1)
    to.once("uri", names["uri"])
    for _, name, child in xml.children(node):
        if name == "name":
            values.name(xml.text(child), to.at("name"))
        elif name == "uri":
            values.address(xml.text(child), to.at("uri"), iri=True)
        else:
            to.error(f"{name} may not stand there")


def _link(node: Any, to: Findings) -> None:
    xml.only(node, "href rel type hreflang title length", to)
    values.web(node.get("href", ""), to)
    if node.get("rel", "alternate") not in _RELATIONS:
        to.warning(f"the relation {node.get('rel')!r} is not registered")
    if node.get("type") is not None:
        values.media_type(node.get("type"), to)
    if node.get("length") is not None:
        values.counted(node.get("length"), to)


def _links(node: Any, rel: str) -> list[Any]:
    return [
        link for link in node.iterfind(f"{{{xml.ATOM}}}link") if link.get("rel", "alternate") == rel
    ]


_RULES = {
    "id": _id,
    "title": _text,
    "subtitle": _text,
    "rights": _text,
    "summary": _text,
    "content": _content,
    "author": _person,
    "contributor": _person,
    "link": _link,
    "category": _category,
    "generator": _generator,
}
