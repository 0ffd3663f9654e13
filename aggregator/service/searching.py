"""What do readers find?

Items are indexed after they are filed, in the order of filing and revising, so that a visit costs
no more than before and the index can be begun anew at any time. Questions are answered on a thread
and a connection of their own, which only read: polling and pages wait for none of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog
from msgspec import Struct

from aggregator.model.editions import Edition, Format, Rendered, Site
from aggregator.model.errors import StoreError
from aggregator.model.items import StoredItem
from aggregator.model.stories import Topic
from aggregator.outputs import documents, finding, pages
from aggregator.outputs.addresses import SEARCH
from aggregator.outputs.editions import found
from aggregator.service.clock import Clock
from aggregator.storage import Store
from aggregator.storage.protocol import Words
from aggregator.text.html import to_text
from aggregator.text.queries import Query, read_query, searchable
from aggregator.web.served import Served

LOOKED_AT = 1_000  # items that a search weighs: those that came last
INDEXED = 4_000  # characters of an item's text; most of what feeds carry is shorter
WAITING = 8  # questions that may wait for their turn
KEPT = 200  # answers, until the next edition

log = structlog.get_logger()


def index_some(store: Store) -> int:
    """Index some of what was filed or revised since the last time; return how many items.

    0 when there is no more. On the store's thread, in one transaction.
    """
    before = store.search.mark()
    changed, mark = store.items.changed(before)
    if mark > before:
        store.search.learn([_words(stored) for stored in changed], mark)
    return mark - before


class Asked(Struct, frozen=True, kw_only=True):
    """One question: the page, or the feed in ``form``; the best first or, ``by_date``, the new."""

    query: Query
    form: Format | None = None
    by_date: bool = False

    @classmethod
    def of(cls, text: str, form: Format | None = None, *, by_date: bool = False) -> "Asked":
        """Read what somebody typed."""
        return cls(query=read_query(text), form=form, by_date=by_date or form is not None)


class Searcher:
    """Finds and prints. Works on one thread, over a store that is opened when it is first asked."""

    def __init__(
        self,
        reader: Callable[[], Store],
        *,
        site: Site,
        topics: Sequence[Topic],
        clock: Clock,
        born: datetime,
    ) -> None:
        self._reader = reader
        self._store: Store | None = None
        self._clock = clock
        self._born = born
        self.adopt(site, topics)

    def adopt(self, site: Site, topics: Sequence[Topic]) -> None:
        """Print for ``site`` and its ``topics`` from now on."""
        self._site = site
        self._topics = tuple(topics)

    def answer(self, asked: Asked) -> Served:
        """Print what ``asked`` finds."""
        edition = self._edition(asked)
        if asked.form is None:
            body = pages.search(self._site, edition, by_date=asked.by_date, topics=self._topics)
            kind = pages.MEDIA_TYPE
        else:
            body = documents.render(edition, asked.form, self._site).body
            kind = documents.MEDIA_TYPES[asked.form]
        rendered = Rendered(
            path=SEARCH,
            media_type=kind,
            body=body,
            etag=documents.etag_of(body),
            changed_at=edition.updated,
        )
        return Served.of(rendered)

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()

    def _edition(self, asked: Asked) -> Edition:
        spec = finding.spec_of(asked.query.text)
        if not asked.query.wanted:
            return Edition(spec=spec, updated=self._born, entries=())
        store = self._store = self._store or self._reader()
        matches = store.search.find(asked.query, LOOKED_AT)
        newest, best = finding.newest_first, finding.best_first
        ids = newest(matches) if asked.by_date else best(matches, self._clock())
        items = store.items.by_id(ids)
        shown = [items[name] for name in ids if name in items]
        copies = store.items.copies(items)
        return found(spec, shown, copies, store.feeds.sources(), born=self._born)


class SearchRoom:
    """Where questions wait for the one thread that answers them, and answers for the next asker."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._kept: dict[Asked, Served] = {}
        self._edition = 0
        self._waiting = 0

    async def answer(self, text: str, form: Format | None, *, by_date: bool) -> Served | None:
        """Return what ``text`` finds; None when too many wait, or the store does not answer."""
        asked = Asked.of(text, form, by_date=by_date)
        if asked in self._kept:
            return self._kept[asked]
        if self._waiting >= WAITING:
            return None
        self._waiting += 1
        edition = self._edition
        try:
            loop = asyncio.get_running_loop()
            served = await loop.run_in_executor(self._thread, self._searcher.answer, asked)
        except StoreError as error:
            log.warning("search failed", reason=str(error))
            return None
        finally:
            self._waiting -= 1
        if edition == self._edition:
            self._keep(asked, served)
        return served

    def adopt(self, site: Site, topics: Sequence[Topic]) -> None:
        """Answer for ``site`` and its ``topics`` from now on."""
        self._searcher.adopt(site, topics)
        self.forget()

    def forget(self) -> None:
        """Forget answers: there is a new edition."""
        self._edition += 1
        self._kept.clear()

    async def close(self) -> None:
        """Let the question under way be answered, then close the store."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._searcher.close)
        self._thread.shutdown()

    def _keep(self, asked: Asked, served: Served) -> None:
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[asked] = served


def _words(stored: StoredItem) -> Words:
    entry = stored.item.entry
    text = f"{entry.summary}\n{to_text(entry.content_html)}\n{' '.join(entry.authors)}"
    return Words(seq=stored.seq, title=searchable(entry.title), text=searchable(text[:INDEXED]))
