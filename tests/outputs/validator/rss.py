"""Is this RSS 2.0, by the RSS Advisory Board's profile?"""

from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tests.outputs.validator import markup, values, xml
from tests.outputs.validator.findings import Findings, words

_CHANNEL = words(
    "title link description language copyright managingEditor webMaster pubDate lastBuildDate "
    "category generator docs cloud ttl image rating textInput skipHours skipDays item"
)
_ITEM = words("title link description author category comments enclosure guid pubDate source")
_REPEATED = frozenset(("category", "item"))
_LINK = f"{{{xml.ATOM}}}link"


def feed(body: bytes, location: str, now: datetime, to: Findings) -> None:
    """A document that was got from ``location``."""
    root = xml.read(body, to)
    if root is None:
        return
    if root.tag != "rss" or root.get("version") != "2.0" or [c.tag for c in root] != ["channel"]:
        to.error("is not an rss element of version 2.0 around a channel")
        return
    channel = root[0]
    _counted(channel, _CHANNEL, ("title", "link", "description"), to)
    _channel(channel, location, now, to)
    items = channel.findall("item")
    if items and [child.tag for child in channel].index("item") != len(channel) - len(items):
        to.warning("an item stands before what is said of the channel")
    to.unique("the guid", [item.findtext("guid") or "" for item in items])
    for number, item in enumerate(items, 1):
        _item(item, now, to.at(f"item[{number}]"))


def _channel(channel: Any, location: str, now: datetime, to: Findings) -> None:
    selves = [link.get("href") for link in channel.findall(_LINK) if link.get("rel") == "self"]
    to.once("atom:link to itself", len(selves), least=1)
    if selves and selves[0] != location:
        to.warning(f"says that it is {selves[0]}, and stands at {location}")
    if channel.findtext("language") is None:
        to.warning("language is missing")
    for space, name, child in xml.children(channel):
        place = to.at(name)
        if space == xml.ATOM and name == "link":
            xml.only(child, "href rel type title", place)
            values.web(child.get("href", ""), place)
        elif space == xml.HISTORY and name in ("archive", "complete"):
            xml.no_children(child, place)
        elif space == xml.DC:
            values.plain(xml.text(child), place)
        elif space:
            place.error(f"an element of {space} that may not stand there")
        elif name != "item":
            _of_channel(name, child, now, place)


def _of_channel(name: str, node: Any, now: datetime, to: Findings) -> None:
    text = xml.text(node)
    xml.no_children(node, to) if name != "image" else None
    if name in ("title", "description", "category", "copyright", "generator"):
        values.plain(text, to)
    elif name in ("link", "docs"):
        values.web(text, to)
    elif name in ("pubDate", "lastBuildDate"):
        values.rfc822(text, to, now)
    elif name == "language":
        values.language(text, to)
    elif name == "ttl":
        values.counted(text, to, least=1)
    elif name == "image":
        _image(node, to)
    else:
        to.warning("is not one that the profile asks for")


def _image(node: Any, to: Findings) -> None:
    channel = node.getparent()
    for name in ("title", "link"):
        if node.findtext(name) != channel.findtext(name):
            to.warning(f"its {name} is not the channel's")
    values.web(node.findtext("url") or "", to.at("url"))
    for name, most in (("width", 144), ("height", 400)):
        if (told := node.findtext(name)) is not None and int(told) > most:
            to.error(f"its {name} is beyond {most}")


def _item(item: Any, now: datetime, to: Findings) -> None:
    _counted(item, _ITEM, (), to)
    if item.find("title") is None and item.find("description") is None:
        to.error("has neither title nor description")
    if item.find("guid") is None:
        to.warning("guid is missing")
    encoded = item.findall(f"{{{xml.CONTENT}}}encoded")
    to.once("content:encoded", len(encoded))
    if encoded:
        names = [child.tag for child in item]
        if "description" not in names[: names.index(encoded[0].tag)]:
            to.warning("content:encoded stands before any description")
    if item.find("author") is not None and item.find(f"{{{xml.DC}}}creator") is not None:
        to.warning("author and dc:creator say the same")
    for space, name, child in xml.children(item):
        _of_item(space, name, child, now, to.at(name))


def _of_item(space: str, name: str, node: Any, now: datetime, to: Findings) -> None:
    text = xml.text(node)
    xml.no_children(node, to)
    if space == xml.MEDIA:
        xml.media(name, node, to)
    elif space == xml.CONTENT:
        markup.html(text, to)
    elif space == xml.DC and name == "language":
        values.language(text, to)
    elif space == xml.DC:
        values.name(text, to)
    elif space:
        to.error(f"an element of {space} that may not stand there")
    elif name == "pubDate":
        values.rfc822(text, to, now)
    elif name in _STRUCTURED:
        _STRUCTURED[name](node, to)
    elif name in _TEXTUAL:
        _TEXTUAL[name](text, to)


def _source(node: Any, to: Findings) -> None:
    xml.only(node, "url", to)
    values.web(node.get("url", ""), to)
    values.plain(xml.text(node), to)


def _author(text: str, to: Findings) -> None:
    if "@" not in text:
        to.error(f"{text!r} is no address of e-mail")


def _guid(node: Any, to: Findings) -> None:
    xml.only(node, "isPermaLink", to)
    text, permalink = xml.text(node), node.get("isPermaLink", "true")
    if permalink not in ("true", "false"):
        to.error(f"isPermaLink is {permalink!r}")
    elif permalink == "true":
        values.web(text, to)
    elif text.isdecimal() and len(text) < 9:
        to.warning(f"{text!r} is hardly unique")
    if not text.strip():
        to.error("is blank")


def _enclosure(node: Any, to: Findings) -> None:
    xml.only(node, "url length type", to)
    values.web(node.get("url", ""), to)
    if urlsplit(node.get("url", "")).scheme not in ("http", "https"):
        to.error("is no web address")
    values.counted(node.get("length", ""), to)
    values.media_type(node.get("type", ""), to)


def _counted(node: Any, known: frozenset[str], needed: tuple[str, ...], to: Findings) -> None:
    names = Counter(name for space, name, _ in xml.children(node) if not space)
    for name in needed:
        to.once(name, names[name], least=1)
    for name, count in names.items():
        if name not in known:
            to.error(f"{name} may not stand there")
        elif name not in _REPEATED:
            to.once(name, count)


_STRUCTURED = {"guid": _guid, "source": _source, "enclosure": _enclosure}
_TEXTUAL = {
    "title": values.plain,
    "category": values.plain,
    "description": markup.html,
    "link": values.web,
    "comments": values.web,
    "author": _author,
}
