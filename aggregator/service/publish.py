"""How do stored items become what is served?

Compose, render, gate: an output whose edition did not change is not rendered, and bytes that did
not change are not written.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.model.editions import (
    Edition,
    EditionEntry,
    Format,
    Kind,
    OutputSpec,
    Rendered,
    Site,
    Source,
)
from aggregator.model.errors import StoreError
from aggregator.model.stories import StoryFacts, Topic
from aggregator.outputs import addresses, documents, gate, opml, pages
from aggregator.outputs.articles import Printed
from aggregator.outputs.editions import Told, face_of, latest, story_entry, top
from aggregator.outputs.standing import Candidate, Stay, enlist, handed_over
from aggregator.storage import Store
from aggregator.stories.ranking import independent, rank

WINDOW = timedelta(hours=72)  # a story without a report for this long is over
MISSED = timedelta(hours=36)  # how long Don't Miss remembers a story that left Top
MISSED_ENTRIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publish step changed: ``documents`` to serve, ``editions`` whose bytes are new.

    ``dropped`` are paths that no output has any more. ``refused`` are paths whose new render the
    gate held back, with the reason; the last good bytes stay.
    """

    documents: tuple[Rendered, ...] = ()
    editions: tuple[Edition, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


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

    def publish(self, now: datetime) -> Published:
        """Bring every output up to date with the store; one transaction."""
        with self._store.transaction():
            desk = _Desk.gathered(self._store, now)
            press = _Press(self._store, now)
            editions = self._editions(desk, press, now)
            fresh = [e for name, e in editions.items() if self._last.get(name) != e]
            for edition in fresh:
                self._render(edition, press)
            if fresh or not self._last:
                self._render_pages(editions, desk, press, now)
            press.put(opml.PATH, opml.MEDIA_TYPE, self._opml(desk, now))
            dropped = () if self._last else self._retire()
        self._last = editions
        return replace(press.published(fresh), dropped=dropped)

    def _retire(self) -> tuple[str, ...]:
        """Stop serving what an earlier configuration asked for."""
        wanted = {addresses.path(spec, form) for spec in self._outputs for form in Format}
        wanted |= {f"topics/{slug}/index.html" for slug in self._topics}
        wanted |= {"index.html", opml.PATH}
        left = tuple(r.path for r in self._store.outputs.all() if r.path not in wanted)
        for path in left:
            self._store.outputs.drop(path)
        return left

    def _editions(self, desk: "_Desk", press: "_Press", now: datetime) -> dict[str, Edition]:
        """Compose every output; one that cannot be stays as it was, and harms no other."""
        editions = {}
        for spec in self._outputs:
            try:
                editions[spec.name] = self._compose(spec, desk, now)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go out
                press.refuse(spec.name, f"{type(error).__name__}: {error}")
                if spec.name in self._last:
                    editions[spec.name] = self._last[spec.name]
        return editions

    def _compose(self, spec: OutputSpec, desk: "_Desk", now: datetime) -> Edition:
        born = self._store.outputs.born(spec.name, now)
        if spec.kind is Kind.TOP:
            return self._top(spec, desk, now, born)
        # One owner's share is cut after choosing, so choose more where there is a cap.
        wanted = spec.limit if spec.per_owner is None else spec.limit * 4
        items = self._store.items.latest(topic=spec.topic, limit=wanted)
        copies = self._store.items.copies(stored.item.id for stored in items)
        edition = latest(spec, items, copies, desk.sources, born=born)
        if self._last.get(spec.name) != edition:
            self._store.outputs.show(spec.name, [entry.id for entry in edition.entries])
        return edition

    def _top(self, spec: OutputSpec, desk: "_Desk", now: datetime, born: datetime) -> Edition:
        outputs = self._store.outputs
        stays = dict(outputs.members(spec.name))
        handed = handed_over(stays, desk.forward(_standing(stays)), now=now)
        stays.update((stay.story, stay) for stay in handed)
        ranked = desk.ranked(spec.topic, _standing(stays))
        changed = enlist(spec, ranked, stays, desk.face, now=now)
        stays.update((stay.story, stay) for stay in changed)
        outputs.enrol((*handed, *changed))
        told = desk.told(_standing(stays))
        return top(spec, ranked, stays, told, desk.sources, born=born)

    def _render(self, edition: Edition, press: "_Press") -> None:
        for form in Format:
            try:
                printed = documents.render(edition, form, self._site)
            except (ValueError, TypeError) as error:
                press.refuse(addresses.path(edition.spec, form), str(error))
                continue
            press.put_feed(edition.spec, form, printed)

    def _render_pages(
        self, editions: Mapping[str, Edition], desk: "_Desk", press: "_Press", now: datetime
    ) -> None:
        sections = tuple(self._sections(editions))
        front = pages.front(
            self._site,
            top=_edition(editions, Kind.TOP, None) or _nothing(Kind.TOP, now),
            latest=_edition(editions, Kind.LATEST, None) or _nothing(Kind.LATEST, now),
            sections=sections,
            dont_miss=self._missed(editions, desk, now),
        )
        press.put("index.html", pages.MEDIA_TYPE, front)
        for section in sections:
            body = pages.topic(self._site, section, topics=self._topics.values())
            press.put(f"topics/{section.topic.slug}/index.html", pages.MEDIA_TYPE, body)

    def _sections(self, editions: Mapping[str, Edition]) -> Iterable[pages.Section]:
        for slug, topic in self._topics.items():
            newest = _edition(editions, Kind.LATEST, slug)
            strongest = _edition(editions, Kind.TOP, slug)
            if newest and strongest:
                yield pages.Section(topic=topic, top=strongest, latest=newest)

    def _missed(
        self, editions: Mapping[str, Edition], desk: "_Desk", now: datetime
    ) -> tuple[EditionEntry, ...]:
        edition = _edition(editions, Kind.TOP, None)
        if edition is None:
            return ()
        stays = self._store.outputs.members(edition.spec.name).values()
        left = [s for s in stays if s.left and s.left > now - MISSED and s.story in desk.scores]
        left.sort(key=lambda stay: (-stay.milestone, stay.story))
        told = desk.told(stay.story for stay in left[:MISSED_ENTRIES])
        return tuple(
            story_entry(stay, told[stay.story], desk.sources)
            for stay in left[:MISSED_ENTRIES]
            if stay.story in told
        )

    def _opml(self, desk: "_Desk", now: datetime) -> bytes:
        born = self._store.outputs.born(opml.PATH, now)
        return opml.render(desk.feeds.values(), desk.sources, self._site, updated=born)


class _Desk:
    """What all outputs of one publish step share."""

    def __init__(self, store: Store, facts: tuple[StoryFacts, ...], now: datetime) -> None:
        self._store = store
        self._facts = facts
        self.sources: Mapping[str, Source] = store.feeds.sources()
        self.feeds = store.feeds.configured()
        self.weights = {feed.id: feed.weight for feed in self.feeds.values()}
        self.scores = {held.id: rank(held, now=now).score for held in facts}
        self._owners = {held.id: independent(held, now=now, within=WINDOW) for held in facts}
        self._told: dict[str, Told] = {}

    @classmethod
    def gathered(cls, store: Store, now: datetime) -> "_Desk":
        return cls(store, store.stories.facts(now - WINDOW), now)

    def forward(self, stories: Iterable[str]) -> dict[str, str]:
        """Tell which of ``stories`` merged into which."""
        now = {story: self._store.stories.current(story) for story in stories}
        return {story: into for story, into in now.items() if into and into != story}

    def ranked(self, topic: str | None, standing: Collection[str]) -> tuple[Candidate, ...]:
        """Return the stories of ``topic``, strongest first.

        One that stands may be less about it than one that enters: a share has no slack of its own.
        """
        chosen = [
            Candidate(
                story=held.id,
                score=self.scores[held.id],
                owners=self._owners[held.id],
                owner=max(held.voices, key=lambda voice: (voice.weight, voice.owner)).owner,
            )
            for held in self._facts
            if topic is None
            or topic in held.topics
            or (topic in held.touched and held.id in standing)
        ]
        return tuple(sorted(chosen, key=lambda candidate: (-candidate.score, candidate.story)))

    def face(self, story: str) -> str:
        return face_of(self.told([story])[story], self.weights)

    def told(self, stories: Iterable[str]) -> dict[str, Told]:
        wanted = dict.fromkeys(stories)
        missing = [story for story in wanted if story not in self._told]
        for story, items in self._store.stories.items(missing).items():
            if items:
                self._told[story] = Told(story=story, items=items)
        return {story: self._told[story] for story in wanted if story in self._told}


class _Press:
    """Puts what changed into the store, past the gate."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._done: list[Rendered] = []
        self._refused: list[tuple[str, str]] = []
        self._changed: set[str] = set()

    def put_feed(self, spec: OutputSpec, form: Format, printed: Printed) -> None:
        path = addresses.path(spec, form)
        for entry in printed.dropped:
            self.refuse(path, f"an entry was left out: {entry}")
        if self.put(path, addresses.MEDIA_TYPES[form], printed.body):
            self._changed.add(spec.name)

    def refuse(self, path: str, reason: str) -> None:
        self._refused.append((path, reason))

    def put(self, path: str, media_type: str, body: bytes) -> bool:
        """Replace what is served at ``path`` if ``body`` is new and sound; tell whether it was."""
        rendered = Rendered(
            path=path,
            media_type=media_type,
            body=body,
            etag=documents.etag_of(body),
            changed_at=self._now,
        )
        verdict = gate.judge(self._store.outputs.get(path), rendered)
        if isinstance(verdict, gate.Reject):
            self.refuse(path, verdict.reason)
            return False
        if verdict.changed:
            self._store.outputs.put(rendered)
            self._done.append(rendered)
        return verdict.changed

    def published(self, fresh: Iterable[Edition]) -> Published:
        return Published(
            documents=tuple(self._done),
            editions=tuple(edition for edition in fresh if edition.spec.name in self._changed),
            refused=tuple(self._refused),
        )


def _standing(stays: Mapping[str, Stay]) -> tuple[str, ...]:
    return tuple(story for story, stay in stays.items() if stay.left is None)


def _edition(editions: Mapping[str, Edition], kind: Kind, topic: str | None) -> Edition | None:
    for edition in editions.values():
        if edition.spec.kind is kind and edition.spec.topic == topic:
            return edition
    return None


def _nothing(kind: Kind, now: datetime) -> Edition:
    return Edition(spec=OutputSpec(name=kind, kind=kind, title=""), updated=now, entries=())
