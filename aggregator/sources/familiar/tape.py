"""What did expat say of an entry, and has feedparser to hear it?"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from aggregator.sources.familiar.draft import Attributes
from aggregator.sources.quick import WholeTexts


class Declared(Struct, frozen=True):
    """A prefix (None: no prefix) begins to stand for an address."""

    prefix: str | None
    uri: str | None


class Ended(Struct, frozen=True):
    """A prefix ceases to stand for an address."""

    prefix: str | None


Event = tuple[str, Attributes] | str | Declared | Ended | None
"""An element's start, with names as expat gives them; text; its end is None."""


class Tape:
    """Stands between expat and feedparser, and holds the events of one entry back."""

    def __init__(self, reader: WholeTexts) -> None:
        self._reader = reader
        self._expat: Any = reader._parser  # type: ignore[attr-defined]  # noqa: SLF001
        self.events: list[Event] = []
        add = self.events.append
        self._expat.StartElementHandler = lambda name, attributes: add((name, attributes))
        self._expat.EndElementHandler = lambda _name: add(None)
        self._expat.CharacterDataHandler = add
        self._expat.StartNamespaceDeclHandler = lambda prefix, uri: add(Declared(prefix, uri))
        self._expat.EndNamespaceDeclHandler = lambda prefix: add(Ended(prefix))

    def take(self, entry: bytes) -> Sequence[Event]:
        """Return the events of ``entry``, which stand until the next is taken."""
        self.events.clear()
        self._reader.feed(entry)
        return self.events

    def play(self) -> None:
        """Give feedparser what is held back."""
        reader, handler = self._reader, self._reader.getContentHandler()
        names: list[str] = []
        for event in self.events:
            match event:
                case None:
                    reader.end_element_ns(names.pop())
                case str():
                    handler.characters(event)
                case Ended(prefix):
                    reader.end_namespace_decl(prefix)
                case Declared(prefix, uri):
                    reader.start_namespace_decl(prefix, uri)  # type: ignore[arg-type]
                case (name, attributes):
                    names.append(name)
                    reader.start_element_ns(name, attributes)

    def end(self) -> None:
        """Step aside."""
        reader, expat = self._reader, self._expat
        expat.StartElementHandler = reader.start_element_ns
        expat.EndElementHandler = reader.end_element_ns
        expat.CharacterDataHandler = reader.getContentHandler().characters
        expat.StartNamespaceDeclHandler = reader.start_namespace_decl
        expat.EndNamespaceDeclHandler = reader.end_namespace_decl
