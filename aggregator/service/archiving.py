"""What leaves an output: how does it come into the archive, and how is that served?"""

from collections.abc import Iterable
from functools import partial

from msgspec import Struct

from aggregator import __version__
from aggregator.model.editions import (
    Edition,
    EditionEntry,
    Format,
    Kind,
    OutputSpec,
    Rendered,
    Site,
)
from aggregator.model.published import ArchivePage
from aggregator.outputs import addresses, archives, documents, gate
from aggregator.outputs.archives import Leaf
from aggregator.outputs.editions import entry_of, story_entry
from aggregator.service.folder import Lasting
from aggregator.service.material import Material
from aggregator.storage import Store

Pages = tuple[tuple[EditionEntry, ...], ...]


class Archivist:
    """Archives what leaves an output, ``most`` pages of each. Works on the store's thread."""

    def __init__(self, store: Store, material: Material, most: int) -> None:
        self._store = store
        self._material = material
        self._most = most
        self._made: dict[str, tuple[ArchivePage, ...]] = {}
        self._out: dict[str, Edition] = {}  # what subscribers have

    def due(self, edition: Edition) -> Pages:
        """Return the pages to be made with ``edition``, because entries leave with it."""
        spec = edition.spec
        if spec.private or not self._most:
            return ()
        archived = {name for page in self._pages(spec) for name in page.ids}
        standing = {entry.id for entry in edition.entries}
        leaving = self._served(spec, archived | standing)
        return archives.due(spec, edition.entries, leaving, archived)

    def current(self, spec: OutputSpec, pages: Pages) -> Leaf:
        """Return the place of the current document once ``pages`` are made."""
        if spec.private or not self._most:
            return archives.CURRENT
        return Leaf(previous=self._last(spec) + len(pages) or None)

    def keep(self, edition: Edition, pages: Pages) -> None:
        """Make ``pages``, now that ``edition`` is out."""
        spec = edition.spec
        self._out[spec.name] = edition
        for number, entries in enumerate(pages, self._last(spec) + 1):
            page = ArchivePage(
                output=spec.name,
                number=number,
                made=self._material.now,
                ids=tuple(entry.id for entry in entries),
            )
            self._store.archives.add(page, archives.packed(entries))
        if pages:
            del self._made[spec.name]
            self._store.archives.drop(spec.name, self._last(spec) - self._most + 1)
            del self._made[spec.name]

    def _last(self, spec: OutputSpec) -> int:
        pages = self._pages(spec)
        return pages[-1].number if pages else 0

    def _pages(self, spec: OutputSpec) -> tuple[ArchivePage, ...]:
        if spec.name not in self._made:
            self._made[spec.name] = self._store.archives.listed(spec.name)
        return self._made[spec.name]

    def _served(self, spec: OutputSpec, known: set[str]) -> list[EditionEntry]:
        """Return what subscribers have and is not ``known``, after a restart too."""
        out = self._out.get(spec.name)
        if out is not None:
            return [entry for entry in out.entries if entry.id not in known]
        served = self._store.outputs.get(addresses.path(spec, Format.JSON))
        if served is None:
            return []
        try:
            seen = [entry.id for entry in gate.entries_of(served)]
        except ValueError:  # written by other hands
            return []
        return self._recalled(spec, [name for name in seen if name not in known])

    def _recalled(self, spec: OutputSpec, names: list[str]) -> list[EditionEntry]:
        """Return the entries of ``names`` as the store knows them now."""
        if not names or spec.kind is Kind.DIGEST:
            return []  # issues leave one at a time, long after they were archived
        sources = self._material.sources
        if spec.kind is Kind.LATEST:
            found = self._store.items.by_id(names)
            return [entry_of(found[name], sources) for name in names if name in found]
        wanted = set(names)
        stays = [s for s in self._store.outputs.members(spec.name).values() if s.entry in wanted]
        told = self._material.told(stay.story for stay in stays)
        return [story_entry(s, told[s.story], sources) for s in stays if s.story in told]


class Bound(Struct, frozen=True, kw_only=True):
    """A page of an archive, printed. ``final`` once another follows: its bytes stay as they are."""

    rendered: Rendered
    final: bool


class Elsewhere(Struct, frozen=True):
    """That a page is not there: it is at ``path`` now, or no longer anywhere (None)."""

    path: str | None = None


class ArchivePages:
    """Prints pages of archives on demand. Works on the store's thread."""

    def __init__(self, store: Store, *, outputs: Iterable[OutputSpec], site: Site) -> None:
        self._store = store
        self._site = site
        self._specs = {spec.name: spec for spec in outputs if not spec.private}
        self._moved = {was: spec for spec in self._specs.values() for was in spec.was}

    def page(self, name: str, form: Format, number: int) -> Bound | Elsewhere | None:
        """Print a page of output ``name``; None when it never was."""
        if name not in self._specs:
            spec = self._moved.get(name)
            return Elsewhere(addresses.archive_path(spec, form, number)) if spec else None
        pages = self._store.archives.listed(name)
        numbers = [page.number for page in pages]
        if number in numbers:
            held = pages[numbers.index(number) :]
            rendered = self._rendered(self._specs[name], form, held)
            return Bound(rendered=rendered, final=len(held) > 1)
        return Elsewhere() if numbers and 0 < number < numbers[0] else None

    def lasting(self) -> Iterable[Lasting]:
        """Yield every page in every format, to be printed only where it is missing."""
        for spec in self._specs.values():
            pages = self._store.archives.listed(spec.name)
            for place, page in enumerate(pages):
                final = place + 1 < len(pages)
                told = f"{__version__}\n{self._site}\n{spec}\n{final}"
                for form in Format:
                    yield Lasting(
                        path=addresses.archive_path(spec, form, page.number),
                        mark=documents.etag_of(told.encode()),
                        render=partial(self._rendered, spec, form, pages[place:]),
                    )

    def _rendered(self, spec: OutputSpec, form: Format, pages: tuple[ArchivePage, ...]) -> Rendered:
        """Print the first of ``pages``; the next one tells since when it is final."""
        held = pages[0]
        entries = archives.unpacked(self._store.archives.entries(spec.name, held.number))
        leaf = Leaf(
            number=held.number,
            previous=held.number - 1 or None,
            following=held.number + 1 if len(pages) > 1 else None,
        )
        updated = max((entry.updated for entry in entries), default=held.made)
        edition = Edition(spec=spec, updated=updated, entries=entries)
        printed = documents.render(edition, form, self._site, leaf)
        return Rendered(
            path=addresses.archive_path(spec, form, held.number),
            media_type=addresses.MEDIA_TYPES[form],
            body=printed.body,
            etag=documents.etag_of(printed.body),
            changed_at=pages[min(1, len(pages) - 1)].made,
        )
