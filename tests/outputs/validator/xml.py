"""Is this XML that every parser reads alike?"""

from typing import Any
from xml.parsers import expat

from lxml import etree

from tests.outputs.validator import values
from tests.outputs.validator.findings import Findings, words

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"
XML = "http://www.w3.org/XML/1998/namespace"
KNOWN = frozenset((ATOM, CONTENT, DC, HISTORY, MEDIA))
_MEDIUMS = words("image audio video document executable")
LANG = f"{{{XML}}}lang"


def read(body: bytes, to: Findings) -> Any:
    """Return the root, or None when the document is not well-formed."""
    if b"\x00" in body or not body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>"):
        to.error("does not begin with an XML declaration of UTF-8")
    try:
        body.decode("utf-8")
        expat.ParserCreate(namespace_separator=" ").Parse(body, True)
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (UnicodeDecodeError, expat.ExpatError, etree.XMLSyntaxError) as error:
        to.error(f"is not well-formed: {error}")
        return None
    if root.getroottree().docinfo.doctype:
        to.error("has a DOCTYPE")
    for prefix, uri in root.nsmap.items():
        if uri not in KNOWN:
            to.warning(f"the name space {uri!r} ({prefix}) is not one that readers know")
    if b"text/xsl" in body[:1000]:
        to.warning("an XSLT style sheet, which browsers no longer apply")
    return root


def children(node: Any) -> list[tuple[str, str, Any]]:
    """Return name space, name and element of each child."""
    found = []
    for child in node:
        name = etree.QName(child)
        found.append((name.namespace or "", name.localname, child))
    return found


def text(node: Any) -> str:
    return node.text or ""


def no_children(node: Any, to: Findings) -> None:
    if len(node):
        to.error("holds elements")


def only(node: Any, names: str, to: Findings) -> None:
    """Complain of attributes other than ``names`` and xml:lang."""
    for name in node.attrib:
        if name not in names.split() and name != LANG:
            to.error(f"the attribute {name} is not known")


def tongue(node: Any, to: Findings) -> None:
    if (tag := node.get(LANG)) is not None:
        values.language(tag, to)


def media(name: str, node: Any, to: Findings) -> None:
    """An element of Media RSS: media:content and media:thumbnail."""
    allowed = {
        "content": "url fileSize type medium isDefault width height lang",
        "thumbnail": "url width height time",
    }
    if name not in allowed:
        to.warning("is not one that we need")
        return
    only(node, allowed[name], to)
    values.web(node.get("url", ""), to)
    for number in ("fileSize", "width", "height"):
        if node.get(number) is not None:
            values.counted(node.get(number), to, least=1)
    if node.get("type") is not None:
        values.media_type(node.get("type"), to)
    if node.get("medium", "image") not in _MEDIUMS:
        to.error(f"the medium {node.get('medium')!r} is not known")
