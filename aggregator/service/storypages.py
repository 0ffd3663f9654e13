"""What does the page of a story tell?"""

import uuid
from collections.abc import Mapping

from msgspec import Struct

from aggregator.model.editions import Kind, OutputSpec, Rendered, Site, Source
from aggregator.model.items import StoredItem
from aggregator.model.published import Stay
from aggregator.model.stories import Rank, StoryFacts, Topic
from aggregator.outputs import pages
from aggregator.outputs.addresses import story_page
from aggregator.outputs.documents import etag_of
from aggregator.outputs.editions import Told, entry_of, face_of
from aggregator.storage import Store
from aggregator.stories.ranking import DEFAULT, RankSettings, rank

OTHERS = 6  # stories from Top News on the page of another


class Moved(Struct, frozen=True, kw_only=True):
    """The story goes by another id now; its page stands at ``path``."""

    path: str


class StoryPages:
    """Prints pages of stories on demand. Works on the store's thread."""

    def __init__(
        self,
        store: Store,
        *,
        outputs: tuple[OutputSpec, ...],
        topics: tuple[Topic, ...],
        site: Site,
        ranking: RankSettings = DEFAULT,
    ) -> None:
        self._store = store
        self._tops = tuple(
            spec.name for spec in outputs if spec.kind is Kind.TOP and not spec.private
        )
        self._feeds = tuple(
            spec
            for spec in outputs
            if (spec.topic, spec.only, spec.schedule, spec.private) == (None, None, None, False)
        )
        self._topics = {topic.slug: topic for topic in topics}
        self._site = site
        self._ranking = ranking

    def page(self, key: str) -> Rendered | Moved | None:
        """Print the page of the story that ``stories/KEY`` names; None when there is none."""
        story = _id_of(key)
        current = self._store.stories.current(story) if story else None
        if current is None:
            return None
        if current != story:
            return Moved(path=story_page(current))
        return self._print(current, self._standing(), self._publishers())

    def standing(self) -> tuple[Rendered, ...]:
        """Print the pages of all stories that stand in a Top output now."""
        stays, publishers = self._standing(), self._publishers()
        printed = (self._print(stay.story, stays, publishers) for stay in stays)
        return tuple(page for page in printed if page is not None)

    def _standing(self) -> tuple[Stay, ...]:
        """Return a stay for each story that stands somewhere, those who came last first."""
        standing = self._store.outputs.standing
        held = {story: stay for name in self._tops for story, stay in standing(name).items()}
        return tuple(sorted(held.values(), key=lambda s: (s.entered, s.story), reverse=True))

    def _publishers(self) -> "_Publishers":
        configured = self._store.feeds.configured().values()
        return _Publishers(
            sources=self._store.feeds.sources(),
            weights={feed.id: feed.weight for feed in configured},
        )

    def _print(
        self, story: str, standing: tuple[Stay, ...], publishers: "_Publishers"
    ) -> Rendered | None:
        items = self._store.stories.items([story]).get(story)
        facts = self._store.stories.fact(story)
        if not items or facts is None:
            return None
        body = pages.story(
            self._site,
            self._told(facts, items, _around(story, standing), publishers),
            topics=self._topics.values(),
            feeds=self._feeds,
        )
        return Rendered(
            path=f"{story_page(story)}/index.html",
            media_type=pages.MEDIA_TYPE,
            body=body,
            etag=etag_of(body),
            changed_at=max(stored.item.first_seen for stored in items),
        )

    def _told(
        self,
        facts: StoryFacts,
        items: tuple[StoredItem, ...],
        around: "_Around",
        publishers: "_Publishers",
    ) -> pages.StoryTold:
        sources, weights = publishers.sources, publishers.weights
        named = self._named(around)
        return pages.StoryTold(
            id=facts.id,
            face=face_of(Told(story=facts.id, items=items), weights, sources).item,
            reports=tuple(_report(stored, sources) for stored in items),
            rank=self._rank(facts),
            topics=tuple(self._topics.values()),
            previous=named.get(around.previous),
            next=named.get(around.next),
            others=tuple(named[story] for story in around.others if story in named),
        )

    def _rank(self, facts: StoryFacts) -> Rank:
        last = max(voice.last for voice in facts.voices)
        return rank(facts, now=last, settings=self._ranking)

    def _named(self, around: "_Around") -> dict[str | None, pages.Neighbour]:
        """Return how the stories around are called, by id."""
        items = self._store.items.by_id(around.faces.values())
        return {
            story: pages.Neighbour(
                path=story_page(story),
                title=entry.title,
                language=entry.language,
            )
            for story, face in around.faces.items()
            if face in items and (entry := items[face].item.entry).title
        }


class _Publishers(Struct, frozen=True, kw_only=True):
    """How feeds are named and what they weigh, by id: read once, however many pages follow."""

    sources: Mapping[str, Source]
    weights: Mapping[str, float]


class _Around(Struct, frozen=True, kw_only=True):
    """Stories around one: ``faces`` are the ids of the items that stand for them."""

    faces: Mapping[str, str]
    previous: str | None
    next: str | None
    others: tuple[str, ...]


def _around(story: str, standing: tuple[Stay, ...]) -> _Around:
    """Return the stories around: the next came into the news after this one."""
    order = [stay.story for stay in standing]
    at = order.index(story) if story in order else -1
    later = order[at - 1] if at > 0 else None
    earlier = order[at + 1] if at + 1 < len(order) else None
    others = tuple(name for name in order if name not in {story, later, earlier})[:OTHERS]
    wanted = {later, earlier, *others}
    faces = {stay.story: stay.face for stay in standing if stay.story in wanted}
    return _Around(faces=faces, previous=earlier, next=later, others=others)


def _report(stored: StoredItem, sources: Mapping[str, Source]) -> pages.Report:
    return pages.Report(
        entry=entry_of(stored, sources),
        because=stored.story_because or "",
        copy_of=stored.lead,
        copy_because=stored.lead_because or "",
    )


def _id_of(key: str) -> str | None:
    try:
        found = uuid.UUID(key)
    except ValueError:
        return None
    return found.urn if str(found) == key else None
