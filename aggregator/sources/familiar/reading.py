"""Is an entry written as nearly all are, and what would feedparser say of it?"""

from collections.abc import Sequence
from typing import Any

from feedparser.mixin import make_safe_absolute_uri
from feedparser.util import FeedParserDict

from aggregator.sources.familiar.draft import Attributes, Draft, Setting, Unfamiliar
from aggregator.sources.familiar.elements import BARE, RULES, WORDED, Rule, nothing, unfamiliar
from aggregator.sources.familiar.tape import Declared, Ended, Event

_ABOUT = ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "about")
# What `aggregator.sources.found` or feedparser reads, not to be written by an element that merely
# has the name.
_READ = frozenset({
    "author", "author_detail", "authors", "content", "contributors", "created", "href", "id",
    "image", "language", "link", "links", "media_content", "media_text", "media_thumbnail",
    "published", "publisher_detail", "publishers", "summary", "summary_detail", "tags", "title",
    "title_detail", "updated", *FeedParserDict.keymap,
})  # fmt: skip
_HOLDING = (Draft.media_group, Draft.media_content)  # media elements stand within these
_XML, _XLINK = "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/1999/xlink"
# Attributes that say something; any other that has a prefix is nobody's.
_MEANT = frozenset({
    "about", "base", "domain", "filesize", "href", "ispermalink", "label", "lang", "lastmod",
    "length", "medium", "mode", "rel", "scheme", "src", "term", "text", "type", "uri", "url",
    "width",
})  # fmt: skip


class Familiar:
    """Reads entries in the state that feedparser's ``parser`` has before each of them."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._spaces: dict[str, str] = parser._matchnamespaces  # noqa: SLF001
        self._rules: dict[str, Rule] = {}
        language = parser.lang.replace("_", "-") if parser.lang else parser.lang
        guesses = not parser.version.startswith("atom")
        self._setting = Setting(base=parser.baseuri, language=language, guesses=guesses)
        self._can = _is_at_rest(parser)

    def read(self, events: Sequence[Event]) -> dict[str, Any] | None:
        """Return what feedparser would say of the entry, as far as it is read; None if unsure."""
        if not self._can:
            return None
        try:
            return self._read(events)
        except (Unfamiliar, IndexError):  # the latter: it was cut where no entry ends
            return None

    def _read(self, events: Sequence[Event]) -> dict[str, Any]:
        if Declared in map(type, events):
            events = self._undeclared(events)
        draft = self._begun(events[0])
        at, depth = 1, 1
        while depth:
            event = events[at]
            at += 1
            if event is None:
                depth -= 1
            elif type(event) is tuple:
                at, deeper = self._element(draft, event, events, at, depth)
                depth += deeper
            elif type(event) is not str:  # words beside the elements are nobody's
                raise Unfamiliar
        if at != len(events):
            raise Unfamiliar
        return draft.found

    def _undeclared(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return ``events`` without declarations, if none of them has a say in anything."""
        for event in events:
            if type(event) is Declared and not self._is_idle(event):
                raise Unfamiliar
        return [event for event in events if type(event) not in (Declared, Ended)]

    def _is_idle(self, declared: Declared) -> bool:
        """Whether feedparser looks up a declaration in vain (see `rereading._state`)."""
        prefix, uri = declared.prefix, declared.uri
        if prefix is None or not uri:
            return True
        known = self._spaces.get(uri.lower())
        if known is None:
            return bool(self._parser.namespaces_in_use.get(prefix) == uri)
        return known == prefix and uri != _XLINK

    def _begun(self, event: Event) -> Draft:
        if type(event) is not tuple or self._key(event[0]) not in ("item", "entry"):
            raise Unfamiliar
        draft = Draft(setting=self._setting)
        for name, value in event[1].items():
            if _split(name) == _ABOUT and self._parser.namespacemap.get("rdf", "rdf") == "rdf":
                if value:
                    draft.found["id"] = value
            elif _is_meant(name):
                raise Unfamiliar
        return draft

    def _element(
        self,
        draft: Draft,
        start: tuple[str, Attributes],
        events: Sequence[Event],
        at: int,
        depth: int,
    ) -> tuple[int, bool]:
        """Read an element; return where to go on, and whether that is within it."""
        name, attributes = start
        rule = self._rules.get(name) or self._learn(name)
        text, at = _text(events, at)
        if events[at] is None:
            if rule is not nothing:
                rule(draft, _plain(attributes, rule) if attributes else {}, text, depth)
            return at + 1, False
        if rule is Draft.author:
            return self._person(draft, events, at, depth), False
        if rule not in _HOLDING:
            raise Unfamiliar
        rule(draft, _plain(attributes, rule), "", depth)
        return at, True

    def _person(self, draft: Draft, events: Sequence[Event], at: int, depth: int) -> int:
        """Read an author's elements up to its end; return where to go on."""
        said: dict[str, list[str]] = {"name": [], "uri": [], "email": []}
        while (event := events[at]) is not None:
            at += 1
            if type(event) is tuple:
                text, at = _text(events, at)
                if events[at] is not None:
                    raise Unfamiliar
                self._say(said, event, text)
                at += 1
            elif event.strip():  # type: ignore[union-attr]
                raise Unfamiliar
        draft.person(said, depth)
        return at + 1

    def _say(self, said: dict[str, list[str]], start: tuple[str, Attributes], text: str) -> None:
        name, attributes = start
        key = self._key(name)
        if key in said and not attributes:
            said[key].append(text)
            return
        ignored = (self._rules.get(name) or self._learn(name)) is nothing
        # An unknown element with attributes leaves its text to the one around it.
        if not ignored or (attributes and text.strip()):
            raise Unfamiliar

    def _learn(self, name: str) -> Rule:
        key = self._key(name)
        rule = RULES.get(key)
        if rule is None:
            known = any(hasattr(self._parser, f"_{end}_{key}") for end in ("start", "end"))
            # An element that it does not know it keeps under its name, where nobody looks.
            rule = unfamiliar if known or key in _READ else nothing
        self._rules[name] = rule
        return rule

    def _key(self, name: str) -> str:
        """Return what feedparser's methods for an element are called by, as it finds that out."""
        uri, local = _split(name)
        if "backend.userland.com/rss" in uri.lower():
            raise Unfamiliar
        prefix = self._spaces.get(uri.lower(), "")
        if uri and not prefix:
            named = self._parser.namespaces_in_use.items()
            prefix = next((known for known, value in named if known and value == uri), "")
        prefix = self._parser.namespacemap.get(prefix.lower(), prefix.lower())
        return f"{prefix}_{local.lower()}" if prefix else local.lower()


def _split(name: str) -> tuple[str, str]:
    """Return name space and local name of what expat gives: with a prefix, if there is one."""
    parts = name.split()
    if len(parts) == 1:
        return "", name
    if len(parts) > 3:  # white space in the name space
        raise Unfamiliar
    return parts[0], parts[1]


def _text(events: Sequence[Event], at: int) -> tuple[str, int]:
    """Return the text that begins ``at`` there, if any, and the place after it."""
    text = ""
    while type(event := events[at]) is str:
        text += event
        at += 1
    return text, at


def _plain(attributes: Attributes, rule: Rule) -> Attributes:
    """Return what feedparser makes of attributes; those with prefixes are let go if they may be."""
    if rule in BARE and attributes:
        raise Unfamiliar
    made: Attributes = {}
    for name, value in attributes.items():
        key = name.lower()
        if " " in name:
            uri, key = _split(key)
            if uri == _XML.lower() and rule in WORDED:
                made[f"xml:{key}"] = value
            elif key in _MEANT:
                raise Unfamiliar
            continue
        if key in ("base", "lang"):
            raise Unfamiliar
        made[key] = value.lower() if key in ("rel", "type") else value
    return made


def _is_meant(name: str) -> bool:
    return " " not in name or _split(name)[1].lower() in _MEANT


def _is_at_rest(parser: Any) -> bool:
    """Whether nothing is open that has a say in what an entry's elements are."""
    holds = (
        "inentry", "incontent", "intextinput", "inimage", "inauthor", "incontributor",
        "inpublisher", "insource", "svgOK", "hasContent", "_summaryKey", "contentparams", "decls",
    )  # fmt: skip
    base = parser.baseuri
    # It joins the base with itself at every element.
    settled = bool(base) and make_safe_absolute_uri(base, base) in (base, "")
    return settled and bool(parser.version) and not any(getattr(parser, name) for name in holds)
