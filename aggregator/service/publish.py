"""How do stored items become what is served?

Compose, render, gate: an output whose edition did not change is not rendered, and bytes that did
not change are not written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model.editions import Edition, EditionEntry, Format, Kind, OutputSpec, Site
from aggregator.model.stories import Topic
from aggregator.outputs import addresses, documents, opml, pages
from aggregator.outputs.editions import latest, story_entry, top
from aggregator.outputs.shares import POOL, is_contested
from aggregator.outputs.standing import Stay, enlist, handed_over
from aggregator.service.material import Material
from aggregator.service.press import Press, Published
from aggregator.storage import Store

MISSED = timedelta(hours=36)  # how long Don't Miss remembers a story that left Top
MISSED_ENTRIES = 6
FRONT = "index.html"


class Publisher:
    """The `publish` pipeline. Works on the store's thread."""

    def __init__(
        self,
        store: Store,
        *,
        outputs: tuple[OutputSpec, ...],
        topics: tuple[Topic, ...],
        site: Site,
    ) -> None:
        self._store = store
        self._outputs = outputs
        self._topics = {topic.slug: topic for topic in topics}
        self._site = site
        self._last: dict[str, Edition] = {}
        self._pages_owed = True  # also when no edition is new: at first, and after a failure

    def publish(self, now: datetime) -> Published:
        """Bring every output up to date with the store; one transaction."""
        with self._store.transaction():
            material = Material.gathered(self._store, now)
            press = Press(self._store, now)
            editions = self._editions(material, press, now)
            fresh = [e for name, e in editions.items() if self._last.get(name) != e]
            for edition in fresh:
                self._render(edition, press)
            if fresh or self._pages_owed:
                self._pages_owed = not self._render_pages(editions, material, press, now)
            with press.keeping(opml.PATH):
                press.put(opml.PATH, opml.MEDIA_TYPE, self._opml(material, now))
            dropped = () if self._last else self._retire()
        self._last = editions
        return replace(press.published(fresh), dropped=dropped)

    def _retire(self) -> tuple[str, ...]:
        """Stop serving what an earlier configuration asked for."""
        wanted = {addresses.path(spec, form) for spec in self._outputs for form in Format}
        shown = [s for s in self._topics if all(self._shown(kind, s) for kind in Kind)]
        wanted |= {_topic_page(slug) for slug in shown}
        wanted |= {FRONT, opml.PATH}
        left = tuple(r.path for r in self._store.outputs.all() if r.path not in wanted)
        for path in left:
            self._store.outputs.drop(path)
        return left

    def _editions(self, material: Material, press: Press, now: datetime) -> dict[str, Edition]:
        """Compose every output; one that cannot be stays as it was, and harms no other."""
        editions = {}
        for spec in self._outputs:
            if spec.name in self._last:
                editions[spec.name] = self._last[spec.name]
            with press.keeping(spec.name):
                editions[spec.name] = self._compose(spec, material, now)
        return editions

    def _compose(self, spec: OutputSpec, material: Material, now: datetime) -> Edition:
        born = self._store.outputs.born(spec.name, now)
        if spec.kind is Kind.TOP:
            return self._top(spec, material, now, born)
        items = self._store.items.latest(topic=spec.topic, limit=spec.limit)
        if is_contested(items, spec, lambda stored: material.sources[stored.item.feed].owner):
            items = self._store.items.latest(topic=spec.topic, limit=spec.limit * POOL)
        copies = self._store.items.copies(stored.item.id for stored in items)
        edition = latest(spec, items, copies, material.sources, born=born)
        if self._last.get(spec.name) != edition:
            self._store.outputs.show(spec.name, [entry.id for entry in edition.entries])
        return edition

    def _top(self, spec: OutputSpec, material: Material, now: datetime, born: datetime) -> Edition:
        outputs = self._store.outputs
        stays = dict(outputs.members(spec.name))
        handed = handed_over(stays, material.forward(_standing(stays)), now=now)
        stays.update((stay.story, stay) for stay in handed)
        ranked = material.ranked(spec.topic, _standing(stays))
        changed = enlist(spec, ranked, stays, material.face, now=now)
        stays.update((stay.story, stay) for stay in changed)
        outputs.enrol((*handed, *changed))
        told = material.told(_standing(stays))
        return top(spec, stays, told, material.sources, born=born)

    def _render(self, edition: Edition, press: Press) -> None:
        for form in Format:
            with press.keeping(addresses.path(edition.spec, form)):
                press.put_feed(edition.spec, form, documents.render(edition, form, self._site))

    def _render_pages(
        self, editions: Mapping[str, Edition], material: Material, press: Press, now: datetime
    ) -> bool:
        """Print what has changed of the pages; tell whether all could be printed."""
        sections = tuple(self._sections(editions))
        with press.keeping(FRONT) as front:
            self._render_front(editions, sections, material, press, now)
        done = [front]
        for section in sections:
            path = _topic_page(section.topic.slug)
            with press.keeping(path) as page:
                body = pages.topic(self._site, section, topics=self._topics.values())
                press.put(path, pages.MEDIA_TYPE, body)
            done.append(page)
        return all(page.sound for page in done)

    def _render_front(
        self,
        editions: Mapping[str, Edition],
        sections: tuple[pages.Section, ...],
        material: Material,
        press: Press,
        now: datetime,
    ) -> None:
        specs = [self._shown(kind) for kind in (Kind.TOP, Kind.LATEST)]
        absent = [spec.name for spec in specs if spec and spec.name not in editions]
        if absent and self._store.outputs.get(FRONT):
            # They were composed before a restart, and cannot be now.
            press.refuse(FRONT, f"{' and '.join(absent)} cannot be composed")
            return
        front = pages.front(
            self._site,
            top=self._edition(editions, Kind.TOP) or self._nothing(Kind.TOP, now),
            latest=self._edition(editions, Kind.LATEST) or self._nothing(Kind.LATEST, now),
            sections=sections,
            dont_miss=self._missed(editions, material, now),
        )
        press.put(FRONT, pages.MEDIA_TYPE, front)

    def _sections(self, editions: Mapping[str, Edition]) -> Iterable[pages.Section]:
        for slug, topic in self._topics.items():
            newest = self._edition(editions, Kind.LATEST, slug)
            strongest = self._edition(editions, Kind.TOP, slug)
            if newest and strongest:
                yield pages.Section(topic=topic, top=strongest, latest=newest)

    def _missed(
        self, editions: Mapping[str, Edition], material: Material, now: datetime
    ) -> tuple[EditionEntry, ...]:
        edition = self._edition(editions, Kind.TOP)
        if edition is None:
            return ()
        stays = self._store.outputs.members(edition.spec.name).values()
        left = [s for s in stays if s.left and s.left > now - MISSED and s.story in material.scores]
        left.sort(key=lambda stay: (-stay.milestone, stay.story))
        told = material.told(stay.story for stay in left[:MISSED_ENTRIES])
        return tuple(
            story_entry(stay, told[stay.story], material.sources)
            for stay in left[:MISSED_ENTRIES]
            if stay.story in told
        )

    def _shown(self, kind: Kind, topic: str | None = None) -> OutputSpec | None:
        """Return the output that pages show of this kind and topic: the first that ops named."""
        fitting = (spec for spec in self._outputs if (spec.kind, spec.topic) == (kind, topic))
        return next(fitting, None)

    def _edition(
        self, editions: Mapping[str, Edition], kind: Kind, topic: str | None = None
    ) -> Edition | None:
        spec = self._shown(kind, topic)
        return editions.get(spec.name) if spec else None

    def _nothing(self, kind: Kind, now: datetime) -> Edition:
        born = self._store.outputs.born(FRONT, now)
        return Edition(spec=OutputSpec(name=kind, kind=kind, title=""), updated=born, entries=())

    def _opml(self, material: Material, now: datetime) -> bytes:
        born = self._store.outputs.born(opml.PATH, now)
        return opml.render(material.feeds.values(), material.sources, self._site, updated=born)


def _standing(stays: Mapping[str, Stay]) -> tuple[str, ...]:
    return tuple(story for story, stay in stays.items() if stay.left is None)


def _topic_page(slug: str) -> str:
    return f"topics/{slug}/index.html"
