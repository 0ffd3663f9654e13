"""Which feeds does the list of another program name? (OPML; Planet's ``config.ini``)"""

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as IniError

from lxml import etree
from msgspec import Struct

from aggregator.model.errors import AggregatorError
from aggregator.text.xml import one_line

_MAX_BYTES = 20_000_000
_WEB = re.compile(r"https?://", re.IGNORECASE)
_FEED = re.compile(r"^feed:", re.IGNORECASE)
_NEITHER = "the list is neither OPML nor a Planet's config.ini"


class Listed(Struct, frozen=True, kw_only=True):
    """A feed in somebody else's list, with the folders that it lies in there."""

    url: str
    title: str | None = None
    folders: tuple[str, ...] = ()


class ForeignList(Struct, frozen=True, kw_only=True):
    """What a list names, and ``notes`` on what else it says that has no like here."""

    feeds: tuple[Listed, ...]
    notes: tuple[str, ...] = ()


def read_list(body: bytes) -> ForeignList:
    """Read an OPML document or the configuration of a Planet; `AggregatorError` if it is neither.

    OPML 1.0 and 2.0 as other readers write it: whatever has an ``xmlUrl`` is a feed, the outlines
    around it are its folders, and ``category`` names more of them.
    """
    if len(body) > _MAX_BYTES:
        raise AggregatorError(f"the list is larger than {_MAX_BYTES // 1_000_000} MB")
    return _opml(body) if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _planet(body)


def _opml(body: bytes) -> ForeignList:
    # Entities are left alone and nothing is fetched; other programs write stray ampersands.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    root = etree.fromstring(body, parser)
    if root is None or root.tag != "opml":
        raise AggregatorError("the list is XML, but not OPML: it has no <opml> around it")
    # recover=True goes on after any mistake; what is cut short is told, or feeds would be lost.
    cut = [error.message for error in parser.error_log if error.level >= 3]
    notes = (f"it is damaged ({cut[0]}): see that no feed is missing",) if cut else ()
    return ForeignList(feeds=tuple(_outlines(root.find("body"), ())), notes=notes)


def _outlines(within: etree._Element | None, folders: tuple[str, ...]) -> Iterator[Listed]:
    for outline in () if within is None else within.iterfind("outline"):
        said = {name.lower(): one_line(value) for name, value in outline.attrib.items()}
        name = said.get("title") or said.get("text") or ""
        if said.get("xmlurl"):
            named = map(_leaf, said.get("category", "").split(","))
            yield Listed(
                url=_address(said["xmlurl"]),
                title=name or None,
                folders=tuple(dict.fromkeys(filter(None, (*folders, *named)))),
            )
        yield from _outlines(outline, (*folders, name) if name else folders)


def _leaf(path: str) -> str:
    return path.strip().strip("/").rpartition("/")[2]


def _address(url: str) -> str:
    """Return an address that says ``feed:`` with the scheme that it means."""
    bare = _FEED.sub("", url)
    return f"http:{bare}" if bare.startswith("//") else bare


def _planet(body: bytes) -> ForeignList:
    ini = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    try:
        ini.read_string(body.decode("utf-8-sig"))
    except (IniError, UnicodeDecodeError) as error:
        raise AggregatorError(f"{_NEITHER}: {one_line(str(error))}") from error
    sections = {name: dict(ini.items(name)) for name in ini.sections()}
    feeds = tuple(
        Listed(url=_address(name), title=one_line(said.get("name", "")) or None)
        for name, said in sections.items()
        if _WEB.match(_address(name)) and not said.get("content_type")
    )
    if not feeds:
        raise AggregatorError(f"{_NEITHER}: it names no feed")
    return ForeignList(feeds=feeds, notes=tuple(_of_planet(sections)))


def _of_planet(sections: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Tell what a Planet says besides its feeds, and what is done about it here."""
    own = next((said for name, said in sections.items() if name.lower() == "planet"), {})
    for key, ours in (("name", "site: title"), ("link", "site: base_url")):
        if own.get(key):
            yield f"{key} = {own[key]}: write it as {ours} in config/service.yaml"
    for name, said in sections.items():
        if said.get("content_type"):
            yield f"{name} is a list of feeds: fetch it, and import it as well"
        if said.get("filters") or said.get("filter"):
            yield f"[{name}] has filters: see `only` in docs/configuration.md"
