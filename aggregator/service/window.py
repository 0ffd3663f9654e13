"""What do readers see?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from aggregator.model.editions import Format, Rendered
from aggregator.model.errors import NotOursError, StoreError
from aggregator.outputs import addresses
from aggregator.service.archiving import Bound, Elsewhere
from aggregator.service.clock import Clock
from aggregator.service.desk import Desk
from aggregator.service.folder import SiteFolder
from aggregator.service.keeper import Keeper
from aggregator.service.ledger import Ledger
from aggregator.service.press import Published
from aggregator.service.searching import SearchRoom, index_some
from aggregator.service.storypages import Moved
from aggregator.service.vitals import Vitals
from aggregator.settings import Settings
from aggregator.web.served import Left, MemoryShelf, Served

PAGES_KEPT = 500  # of stories and of archives each, until the next edition

Lasted = tuple[Served, bool] | Left | None
"""A page of an archive and whether it is final, what became of it, or None if it never was."""

log = structlog.get_logger()


@dataclass(kw_only=True)
class Window:
    """The last editions: on the shelf that is served from, and in ``folder`` if ops want one."""

    settings: Settings
    keeper: Keeper
    desk: Desk
    vitals: Vitals
    clock: Clock
    search: SearchRoom
    folder: SiteFolder | None = None
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    private: MemoryShelf = field(default_factory=MemoryShelf)  # what is not for everybody
    shown: Callable[[], None] = lambda: None  # called when new editions are served
    ledger: Ledger = field(default_factory=Ledger)
    _pages: dict[str, Served | str | None] = field(default_factory=dict)  # of stories, by key
    _archived: dict[tuple[str, Format, int], Lasted] = field(default_factory=dict)
    _told: frozenset[tuple[str, str]] = frozenset()  # what could not be made at the last edition
    _etags: Mapping[str, str] = field(default_factory=dict)  # of what others published
    _unkept: bool = True  # the folder is not known to hold what is served

    async def furnish(self) -> None:
        """Put on the shelf what was served last."""
        store = self.keeper.store
        self._stack(await _ready(await self.keeper.run(store.outputs.all)))
        for path in await self.keeper.run(store.outputs.retired):
            self._place(path).retire(path)
        self._lead_on()

    def adopt(self, settings: Settings, desk: Desk, folder: SiteFolder | None) -> None:
        """Show what ``desk`` brings out from now on; until it does, what is shown stays."""
        self.settings, self.desk = settings, desk
        if folder is not None:
            self.folder, self._unkept = folder, True
        elif settings.service.publish.folder is None:
            self.folder = None
        self.search.adopt(settings.site, settings.topics)
        self._pages.clear()
        self._archived.clear()
        self._lead_on()

    def _lead_on(self) -> None:
        for path, into in addresses.moved(self.settings.outputs).items():
            self._place(path).retire(path, into)

    async def refresh(self) -> None:
        """Put on the shelf what another process has published since the last time."""
        etags, new = await self.keeper.run(self._published_elsewhere)
        served = await _ready(new)
        self._forget()
        self._stack(served)
        for path in self._etags.keys() - etags.keys():
            self._place(path).drop(path)
        self._etags = etags
        self.shown()

    def _published_elsewhere(self) -> tuple[Mapping[str, str], tuple[Rendered, ...]]:
        outputs, before = self.keeper.store.outputs, self._etags
        etags = outputs.etags()
        new = (path for path, etag in etags.items() if before.get(path) != etag)
        return etags, tuple(filter(None, map(outputs.get, new)))

    def _forget(self) -> None:
        """Print pages and answers anew when they are asked for."""
        self._pages.clear()
        self._archived.clear()
        self.search.forget()

    async def dress(self) -> None:
        """Bring out new editions of what is filed."""
        published = await self.keeper.run(self._edit)
        served = await _ready(published.documents)
        self._forget()
        self._stack(served)
        for path in published.dropped:
            self._place(path).drop(path)
        self.shown()
        self._report(published)
        self.vitals.mended("desk")
        await self._index()
        if self.folder is not None and (published.documents or published.dropped or self._unkept):
            await self._keep_folder(self.folder)

    async def _index(self) -> None:
        """Let readers find what is new."""
        try:
            while await self.keeper.run(index_some, self.keeper.store):
                self.search.forget()
        except StoreError as error:  # the editions are out; words are caught up with next time
            self.vitals.note("search", error)
            return
        self.vitals.mended("search")

    async def mirror(self, folder: SiteFolder) -> int:
        """Write everything that is served into ``folder``; return how many files changed."""
        return await self.keeper.run(
            lambda: folder.mirror(
                (
                    *(
                        one
                        for one in self.keeper.store.outputs.all()
                        if addresses.is_public(one.path)
                    ),
                    *self.desk.stories.standing(),
                ),
                self.settings.site,
                lasting=self.desk.archives.lasting(),
                now=self.clock(),
            )
        )

    async def story(self, key: str) -> Served | str | None:
        """Return the page of a story, the path at which it stands now, or None."""
        if key not in self._pages:
            if len(self._pages) >= PAGES_KEPT:
                self._pages.clear()
            self._pages[key] = await self.keeper.run(self._story, key)
        return self._pages[key]

    async def archived(self, name: str, form: Format, number: int) -> Lasted:
        """Return a page of an output's archive, what became of it, or None."""
        key = (name, form, number)
        if key not in self._archived:
            if len(self._archived) >= PAGES_KEPT:
                self._archived.clear()
            self._archived[key] = await self.keeper.run(self._archive_page, name, form, number)
        return self._archived[key]

    def _archive_page(self, name: str, form: Format, number: int) -> Lasted:
        match self.desk.archives.page(name, form, number):
            case Bound(rendered=rendered, final=final):
                return Served.of(rendered), final
            case Elsewhere(path=path):
                return Left(path)
            case None:
                return None

    def _story(self, key: str) -> Served | str | None:
        found = self.desk.stories.page(key)
        if isinstance(found, Moved):
            return found.path
        return Served.of(found) if found else None

    async def _keep_folder(self, folder: SiteFolder) -> None:
        try:
            await self.mirror(folder)
        # A full disk there is no reason to stop serving here.
        except (OSError, NotOursError) as error:
            self._unkept = True
            self.vitals.note("folder", error)
            return
        self._unkept = False
        self.vitals.mended("folder")

    def _edit(self) -> Published:
        published = self.desk.publisher.publish(self.clock())
        self.ledger.note(published.editions, self.keeper.store, self.clock())
        return published

    def _stack(self, served: dict[str, Served]) -> None:
        for path, ready in served.items():
            self._place(path).put(path, ready)

    def _place(self, path: str) -> MemoryShelf:
        return self.shelf if addresses.is_public(path) else self.private

    def _report(self, published: Published) -> None:
        for path, reason in published.refused:
            if (path, reason) not in self._told:  # what is tried again each minute is told once
                log.warning("kept", path=path, because=reason)
        self._told = frozenset(published.refused)
        self.vitals.keeps(published.refused)
        for path, reason in published.despite:
            log.warning("let out", path=path, although=reason)
        if published.editions:
            names = [edition.spec.name for edition in published.editions]
            log.info("published", outputs=len(names), names=" ".join(names))


async def _ready(documents: Sequence[Rendered]) -> dict[str, Served]:
    """Compress ``documents``, several at a time, and while the store's thread goes on."""
    served = await asyncio.gather(*(asyncio.to_thread(Served.of, one) for one in documents))
    return {one.path: ready for one, ready in zip(documents, served, strict=True)}
