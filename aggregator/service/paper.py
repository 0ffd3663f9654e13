"""What do the pages show of the outputs?"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from aggregator.model.editions import Edition, EditionEntry, Kind, OutputSpec, Site
from aggregator.model.stories import Topic
from aggregator.outputs import opml, pages
from aggregator.outputs.addresses import OUTPUTS_OPML, SUBSCRIBE
from aggregator.outputs.editions import story_entry
from aggregator.service.material import Material
from aggregator.service.press import Press
from aggregator.storage import Store

MISSED = timedelta(hours=36)  # how long Don't Miss remembers a story that left Top
MISSED_ENTRIES = 6
FRONT = "index.html"
SUBSCRIBE_PAGE = f"{SUBSCRIBE}/index.html"

Editions = Mapping[str, Edition]


class Paper:
    """The front page and a page for each topic."""

    def __init__(
        self, store: Store, outputs: tuple[OutputSpec, ...], topics: tuple[Topic, ...], site: Site
    ) -> None:
        self._store = store
        self._outputs = outputs
        self._topics = {topic.slug: topic for topic in topics}
        self._site = site
        self._unread = False  # all publishers were asked, and none could be read

    def looks_otherwise(self, editions: Editions) -> bool:
        """Tell whether the front page would say something else though no edition is new."""
        before = self._unread
        bare = not any(edition.entries for edition in editions.values())
        self._unread = bare and self._is_unread()
        return self._unread != before

    def _is_unread(self) -> bool:
        states = self._store.feeds.states()
        return bool(states) and all(s.succeeded_at is None and s.failures for s in states)

    def paths(self) -> frozenset[str]:
        """Return where the pages are served."""
        shown = [s for s in self._topics if all(self._shown(k, s) for k in (Kind.TOP, Kind.LATEST))]
        return frozenset((FRONT, SUBSCRIBE_PAGE, OUTPUTS_OPML, *(_page(slug) for slug in shown)))

    def print(self, editions: Editions, material: Material, press: Press) -> bool:
        """Print what has changed of the pages; tell whether all could be printed."""
        sections = tuple(self._sections(editions))
        with press.keeping(FRONT) as front:
            self._print_front(editions, sections, material, press)
        done = [front]
        for section in sections:
            path = _page(section.topic.slug)
            with press.keeping(path) as page:
                body = pages.topic(self._site, section, topics=self._topics.values())
                press.put(path, pages.MEDIA_TYPE, body)
            done.append(page)
        with press.keeping(SUBSCRIBE_PAGE) as page:
            self._print_offers(material.now, press)
        return all(each.sound for each in (*done, page))

    def _print_offers(self, now: datetime, press: Press) -> None:
        """Print what can be subscribed to, for people and for their programs."""
        offered = [spec for spec in self._outputs if not spec.private]
        page = pages.subscribe(self._site, offered, self._topics.values())
        press.put(SUBSCRIBE_PAGE, pages.MEDIA_TYPE, page)
        born = self._store.outputs.born(OUTPUTS_OPML, now)
        press.put(OUTPUTS_OPML, opml.MEDIA_TYPE, opml.of_outputs(offered, self._site, updated=born))

    def _print_front(
        self,
        editions: Editions,
        sections: tuple[pages.Section, ...],
        material: Material,
        press: Press,
    ) -> None:
        specs = [self._shown(kind) for kind in (Kind.TOP, Kind.LATEST)]
        absent = [spec.name for spec in specs if spec and spec.name not in editions]
        if absent and self._store.outputs.get(FRONT):
            # They were composed before a restart, and cannot be now.
            press.refuse(FRONT, f"{' and '.join(absent)} cannot be composed")
            return
        ranked, newest = (self._edition(editions, kind) for kind in (Kind.TOP, Kind.LATEST))
        front = pages.front(
            self._site,
            top=ranked or self._nothing(Kind.TOP, material.now),
            latest=newest or self._nothing(Kind.LATEST, material.now),
            sections=sections,
            dont_miss=self._missed(editions, material),
            unread=self._unread,
        )
        press.put(FRONT, pages.MEDIA_TYPE, front)

    def _sections(self, editions: Editions) -> Iterable[pages.Section]:
        for slug, topic in self._topics.items():
            newest = self._edition(editions, Kind.LATEST, slug)
            strongest = self._edition(editions, Kind.TOP, slug)
            if newest and strongest:
                yield pages.Section(topic=topic, top=strongest, latest=newest)

    def _missed(self, editions: Editions, material: Material) -> tuple[EditionEntry, ...]:
        edition = self._edition(editions, Kind.TOP)
        if edition is None:
            return ()
        since = material.now - MISSED
        stays = self._store.outputs.left(edition.spec.name, since).values()
        left = [stay for stay in stays if stay.story in material.ranks]
        left.sort(key=lambda stay: (-stay.milestone, stay.story))
        told = material.told(stay.story for stay in left[:MISSED_ENTRIES])
        return tuple(
            story_entry(stay, told[stay.story], material.sources)
            for stay in left[:MISSED_ENTRIES]
            if stay.story in told
        )

    def _shown(self, kind: Kind, topic: str | None = None) -> OutputSpec | None:
        """Return the output that pages show: the first of its kind and topic that takes all."""
        wanted = (kind, topic, None, False)
        fitting = (s for s in self._outputs if (s.kind, s.topic, s.only, s.private) == wanted)
        return next(fitting, None)

    def _edition(self, editions: Editions, kind: Kind, topic: str | None = None) -> Edition | None:
        spec = self._shown(kind, topic)
        return editions.get(spec.name) if spec else None

    def _nothing(self, kind: Kind, now: datetime) -> Edition:
        born = self._store.outputs.born(FRONT, now)
        return Edition(spec=OutputSpec(name=kind, kind=kind, title=""), updated=born, entries=())


def _page(slug: str) -> str:
    return f"topics/{slug}/index.html"
