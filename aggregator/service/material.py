"""What have all outputs of one publish step in common, and what of it is new?"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from aggregator.model.editions import Source
from aggregator.model.feeds import Feed
from aggregator.model.items import StoredItem
from aggregator.model.stories import Rank, StoryFacts, Voice
from aggregator.outputs.editions import Told, face_of
from aggregator.outputs.shares import Share
from aggregator.outputs.standing import Candidate, Face
from aggregator.storage import Store
from aggregator.stories.ranking import DEFAULT, RankSettings, independent, rank

WINDOW = timedelta(hours=72)  # a story without a report for this long is over


class Material:
    """Sources, stories and their scores, kept from one publish step to the next.

    Read anew is only what was filed or revised since. After a step that failed, start afresh.
    """

    def __init__(self, store: Store, ranking: RankSettings = DEFAULT) -> None:
        self._store = store
        self._ranking = ranking
        self._mark: int | None = None
        self._facts: dict[str, StoryFacts] = {}
        self._told: dict[str, Told] = {}
        self._forwards: Mapping[str, str] = {}
        self.sources: Mapping[str, Source] = {}
        self.feeds: Mapping[str, Feed] = {}
        self.weights: Mapping[str, float] = {}
        self.changed: tuple[StoredItem, ...] = ()
        self.renamed = True
        self.merged = False
        self.now = datetime.min.replace(tzinfo=UTC)

    def refresh(self, now: datetime) -> None:
        """Take in what is new at ``now``.

        Then ``changed`` are the items that were filed or revised since the step before (none at
        first, when all is new), ``merged`` is whether stories merged, and ``renamed`` whether
        sources or feeds are others.
        """
        sources, feeds = self._store.feeds.sources(), self._store.feeds.configured()
        self.renamed = (sources, feeds) != (self.sources, self.feeds)
        self.sources, self.feeds = sources, feeds
        self.weights = {feed.id: feed.weight for feed in feeds.values()}
        self.now = now
        if self._mark is None:
            self._mark = self._store.items.mark()
            self._facts = {held.id: held for held in self._store.stories.facts(now - WINDOW)}
            self._forwards = self._store.stories.forwards()
        else:
            self._take_in(self._mark)
        self._weigh()

    def _take_in(self, mark: int) -> None:
        changed: list[StoredItem] = []
        while (found := self._store.items.changed(mark))[1] > mark:
            changed += found[0]
            mark = found[1]
        self._mark, self.changed, self.merged = mark, tuple(changed), False
        if not changed:
            return
        forwards = self._store.stories.forwards()
        self.merged, self._forwards = forwards != self._forwards, forwards
        touched = {stored.story for stored in changed if stored.story}
        for story in (*touched, *self._forwards):
            self._told.pop(story, None)
            self._facts.pop(story, None)
        self._facts.update((held.id, held) for held in self._store.stories.facts_of(touched))

    def _weigh(self) -> None:
        now, since = self.now, self.now - WINDOW
        over = [held.id for held in self._facts.values() if _last(held) < since]
        for story in over:
            del self._facts[story]
            self._told.pop(story, None)
        self.ranks: dict[str, Rank] = {
            held.id: rank(held, now=now, settings=self._ranking) for held in self._facts.values()
        }
        strongest = sorted(self.ranks.values(), key=lambda one: (-one.score, one.story))
        self._ranked = tuple(self._candidate(self._facts[one.story], one) for one in strongest)
        self._places = {one.story: place for place, one in enumerate(self._ranked)}

    def _candidate(self, held: StoryFacts, ranked: Rank) -> Candidate:
        return Candidate(
            story=held.id,
            score=ranked.score,
            owners=independent(held, now=self.now, within=WINDOW),
            weight=sum(voice.weight for voice in held.voices if self._counts(voice)),
        )

    def _counts(self, voice: Voice) -> bool:
        return not voice.copies_only and self.now - voice.last <= WINDOW

    def forward(self, stories: Iterable[str]) -> dict[str, str]:
        """Tell which of ``stories`` merged into which."""
        return {story: self._forwards[story] for story in stories if story in self._forwards}

    def owners(self, story: str) -> int:
        """Return how many independent owners report ``story``; 0 once it is over."""
        held = self._facts.get(story)
        return independent(held, now=self.now, within=WINDOW) if held else 0

    def ranked(
        self,
        topic: str | None = None,
        chosen: frozenset[str] | None = None,
        standing: Iterable[str] = (),
    ) -> tuple[Candidate, ...]:
        """Return the stories of ``topic`` among those ``chosen``, strongest first; None for all.

        One that stands may be less about the topic than one that enters: a share has no slack of
        its own. It need not be chosen any more.
        """
        stays = frozenset(standing)
        found = self._ranked
        if chosen is not None:
            places = sorted(self._places[s] for s in chosen | stays if s in self._places)
            found = tuple(self._ranked[place] for place in places)
        if topic is None:
            return found
        return tuple(one for one in found if self._is_about(topic, one.story, stays))

    def _is_about(self, topic: str, story: str, standing: frozenset[str]) -> bool:
        held = self._facts[story]
        return topic in held.topics or (topic in held.touched and story in standing)

    def face(self, story: str, share: Share, passed: frozenset[str] | None = None) -> Face:
        """Return the item that tells ``story`` best; one of those ``passed``, if there is one."""
        told = self.told([story])[story]
        fitting = tuple(one for one in told.items if passed is None or one.item.id in passed)
        chosen = Told(story=story, items=fitting or told.items)
        return face_of(chosen, self.weights, self.sources, share)

    def told(self, stories: Iterable[str]) -> dict[str, Told]:
        """Return all reports of each of ``stories``; one without any is left out."""
        wanted = dict.fromkeys(stories)
        missing = [story for story in wanted if story not in self._told]
        for story, items in self._store.stories.items(missing).items():
            if items:
                self._told[story] = Told(story=story, items=items)
        return {story: self._told[story] for story in wanted if story in self._told}


def _last(held: StoryFacts) -> datetime:
    return max(voice.last for voice in held.voices)
