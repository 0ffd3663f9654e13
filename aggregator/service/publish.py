"""How do stored items become what is served?

Compose, render, gate: what nothing new could have changed is not composed, an output whose edition
did not change is not rendered, and bytes that did not change are not written.
"""

from collections.abc import Mapping
from datetime import datetime
from threading import Event

from aggregator.model.editions import Edition, Format, Kind, OutputSpec, Site
from aggregator.model.items import StoredItem
from aggregator.model.published import Issue, Stay
from aggregator.model.stories import Topic
from aggregator.outputs import addresses, documents, hub, opml
from aggregator.outputs.digests import lists_of
from aggregator.outputs.editions import latest, top
from aggregator.outputs.gate import CAUTIOUS, Caution
from aggregator.outputs.shares import POOL, is_contested
from aggregator.outputs.standing import enlist, handed_over
from aggregator.service.archiving import Archivist, Pages
from aggregator.service.choosing import Chooser
from aggregator.service.contest import Contest
from aggregator.service.gatekeeper import Gatekeeper
from aggregator.service.issuing import Issuer, Listed, items_for, stories_for
from aggregator.service.material import Material
from aggregator.service.paper import Paper
from aggregator.service.press import Press, Published
from aggregator.storage import Store
from aggregator.stories.ranking import DEFAULT, RankSettings


class Publisher:
    """The `publish` pipeline. Works on the store's thread."""

    def __init__(
        self,
        store: Store,
        *,
        outputs: tuple[OutputSpec, ...],
        topics: tuple[Topic, ...],
        site: Site,
        ranking: RankSettings = DEFAULT,
        caution: Caution = CAUTIOUS,
        pages_kept: int = 10,
    ) -> None:
        self.halted = Event()  # breaks off a step, from another thread
        self._store = store
        self._caution = caution
        self._pages_kept = pages_kept
        self._outputs = outputs
        self._site = site
        self._ranking = ranking
        self._paper = Paper(store, outputs, topics, site)
        self._last: dict[str, Edition] = {}
        self._owed: set[str] = set()  # outputs that could not be composed
        self._held: frozenset[str] = frozenset()  # outputs that wait at the gate
        self._pages_owed = True  # also when no edition is new: at first, and after a failure
        self._start_afresh()

    def _start_afresh(self) -> None:
        """Forget what is kept from step to step, and may not be what the store says."""
        self._material = Material(self._store, self._ranking)
        self._issuer = Issuer(self._store, self._material, self._site)
        self._chooser = Chooser(self._store, self._outputs)
        self._stays: dict[str, dict[str, Stay]] = {}
        self._contest = Contest(self._store, self._material)
        self._gatekeeper: Gatekeeper | None = None
        self._archivist = Archivist(self._store, self._material, self._pages_kept)

    def publish(self, now: datetime) -> Published:
        """Bring every output up to date with the store; one transaction."""
        try:
            with self._store.transaction():
                published, editions = self._publish(now)
        except BaseException:
            self._pages_owed = True
            self._start_afresh()
            raise
        self._last, self._held = editions, published.held
        return published

    def _publish(self, now: datetime) -> tuple[Published, dict[str, Edition]]:
        material = self._material
        material.refresh(now)
        gatekeeper = self._at_the_gate(now)
        press = Press(self._store, gatekeeper, now, self.halted)
        if not self._last:
            self._settle_in(press)
        editions = self._editions(press, self._chooser.choose(material))
        fresh = [
            edition
            for name, edition in editions.items()
            if self._last.get(name) is not edition or name in self._held
        ]
        for edition in fresh:
            self._render(edition, press)
        otherwise = self._paper.looks_otherwise(editions)
        if fresh or otherwise or self._pages_owed:
            self._pages_owed = not self._paper.print(editions, material, press)
        with press.keeping(opml.PATH):
            press.put(opml.PATH, opml.MEDIA_TYPE, self._opml(now))
        gatekeeper.write()
        published = press.published(fresh)
        self._herald(published)
        return published, editions

    def _at_the_gate(self, now: datetime) -> Gatekeeper:
        """Return who judges renders, told that a step begins."""
        if self._gatekeeper:
            self._gatekeeper.step(now)
            return self._gatekeeper
        self._gatekeeper = Gatekeeper(self._store, self._caution)
        self._gatekeeper.begin(self._outputs, self._material.feeds.keys(), now)
        return self._gatekeeper

    def _herald(self, published: Published) -> None:
        """Remember whom to tell of this, in the transaction that makes it so."""
        followers, now = self._store.followers, self._material.now
        if hub.own_hub(self._site) in self._site.hubs:
            followers.announce(hub.told_of(published.documents), now=now)
        followers.ask(hub.pings(published.documents, self._site, now))
        for path in published.dropped:
            followers.dismiss(path, "this feed is not published any more", now=now)

    def _settle_in(self, press: Press) -> None:
        """Go on under new names, and stop serving what an earlier configuration asked for."""
        for spec in self._outputs:
            for name in spec.was:
                self._store.outputs.rename(name, spec.name)
        self._store.outputs.retain([spec.name for spec in self._outputs], self._material.now)
        wanted = {addresses.path(spec, form) for spec in self._outputs for form in Format}
        wanted |= {*self._paper.paths(), opml.PATH}
        for spec in self._outputs:
            wanted |= self._issuer.paths(spec) if spec.schedule else frozenset()
        for rendered in self._store.outputs.all():
            if rendered.path not in wanted:
                press.drop(rendered.path)

    def _editions(self, press: Press, chosen: frozenset[str]) -> dict[str, Edition]:
        """Compose every output; one that cannot be stays as it was, and harms no other."""
        editions = {}
        news = _News(self._material)
        for spec in self._outputs:
            held = self._last.get(spec.name)
            if held is not None:
                editions[spec.name] = held
            known = None if spec.name in self._owed else held
            with press.keeping(spec.name) as attempt:
                composed = self._compose(spec, known, news, press, is_chosen=spec.name in chosen)
                editions[spec.name] = held if held == composed else composed
            (self._owed.discard if attempt.sound else self._owed.add)(spec.name)
        return editions

    def _compose(
        self,
        spec: OutputSpec,
        held: Edition | None,
        news: "_News",
        press: Press,
        *,
        is_chosen: bool,
    ) -> Edition:
        if spec.schedule:
            return self._issuer.compose(spec, spec.schedule, held, self._listed, press)
        if spec.kind is Kind.TOP:
            return self._top(spec, held, news, is_chosen=is_chosen)
        if held and not is_chosen and not news.concerns(spec, held):
            return held
        pool = self._pool(spec, spec.limit)
        if is_contested(pool, spec, self._owner):
            pool = self._pool(spec, spec.limit * POOL)
        copies = self._store.items.copies(stored.item.id for stored in pool)
        born = self._store.outputs.born(spec.name, self._material.now)
        edition = latest(spec, pool, copies, self._material.sources, born=born)
        if held != edition:
            self._store.outputs.show(spec.name, [entry.id for entry in edition.entries])
        return edition

    def _listed(self, size: OutputSpec, last: Issue | None) -> Listed:
        """Return what an issue lists; ``size`` is its digest with the limit of an issue."""
        if lists_of(size) is Kind.LATEST:
            pool = self._pool(size, size.limit * POOL)
            return items_for(size, last, pool, self._store, self._material)
        ranked = self._contest.candidates(size, (), anew=True)
        before = self._store.outputs.members(size.name)
        return stories_for(size, ranked, before, self._contest.face(size), self._material)

    def _pool(self, spec: OutputSpec, limit: int) -> tuple[StoredItem, ...]:
        if spec.only:
            return self._store.items.chosen(spec.name, limit)
        return self._store.items.latest(topic=spec.topic, limit=limit)

    def _owner(self, stored: StoredItem) -> str:
        return self._material.sources[stored.item.feed].owner

    def _top(
        self, spec: OutputSpec, held: Edition | None, news: "_News", *, is_chosen: bool
    ) -> Edition:
        material, stays = self._material, self._members(spec)  # a copy, should this go wrong
        handed = handed_over(stays, material.forward(stays), now=material.now)
        stays.update((stay.story, stay) for stay in handed)
        ranked = self._contest.candidates(spec, _standing(stays), anew=is_chosen)
        changed = enlist(spec, ranked, stays, self._contest.face(spec), now=material.now)
        stays.update((stay.story, stay) for stay in changed)
        standing = _standing(stays)
        if held and not handed and not changed and not news.tells_of(standing):
            return held
        born = self._store.outputs.born(spec.name, material.now)
        edition = top(spec, stays, material.told(standing), material.sources, born=born)
        self._store.outputs.enrol((*handed, *changed))
        self._stays[spec.name] = stays
        return edition

    def _members(self, spec: OutputSpec) -> dict[str, Stay]:
        if spec.name not in self._stays:
            self._stays[spec.name] = dict(self._store.outputs.members(spec.name))
        return dict(self._stays[spec.name])

    def _render(self, edition: Edition, press: Press) -> None:
        spec = edition.spec
        pages: Pages = ()
        with press.keeping(spec.name):
            pages = self._archivist.due(edition)
        leaf = self._archivist.current(spec, pages)
        is_out = False
        for form in Format:
            with press.keeping(addresses.path(spec, form)):
                printed = documents.render(edition, form, self._site, leaf)
                is_out = press.put_feed(spec, form, printed) or is_out
        if is_out:
            self._archivist.keep(edition, pages)

    def _opml(self, now: datetime) -> bytes:
        born = self._store.outputs.born(opml.PATH, now)
        material = self._material
        return opml.render(material.feeds.values(), material.sources, self._site, updated=born)


class _News:
    """What was filed or revised since the last step, and which editions that may concern."""

    def __init__(self, material: Material) -> None:
        self._all = material.renamed
        self._changed = material.changed
        self._topics = {topic for stored in self._changed for topic in stored.topics}
        self._stories = {stored.story for stored in self._changed}
        self._ids = {name for s in self._changed for name in (s.item.id, s.lead)}

    def concerns(self, spec: OutputSpec, held: Edition) -> bool:
        """Tell whether a Latest output may have to be composed anew."""
        if self._all:
            return True
        if spec.only is None and (spec.topic in self._topics if spec.topic else self._changed):
            return True
        return any(entry.id in self._ids for entry in held.entries)

    def tells_of(self, stories: tuple[str, ...]) -> bool:
        """Tell whether there is anything new of one of ``stories``."""
        return self._all or not self._stories.isdisjoint(stories)


def _standing(stays: Mapping[str, Stay]) -> tuple[str, ...]:
    return tuple(story for story, stay in stays.items() if stay.left is None)
