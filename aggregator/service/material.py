"""What have all outputs of one publish step in common?"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from aggregator.model.editions import Source
from aggregator.model.stories import StoryFacts
from aggregator.outputs.editions import Told, face_of
from aggregator.outputs.shares import Share
from aggregator.outputs.standing import Candidate, Face
from aggregator.storage import Store
from aggregator.stories.ranking import independent, rank

WINDOW = timedelta(hours=72)  # a story without a report for this long is over


class Material:
    """Sources, stories and their scores, read once for all outputs of a publish step."""

    def __init__(self, store: Store, facts: tuple[StoryFacts, ...], now: datetime) -> None:
        self._store = store
        self._facts = facts
        self.sources: Mapping[str, Source] = store.feeds.sources()
        self.feeds = store.feeds.configured()
        self.weights = {feed.id: feed.weight for feed in self.feeds.values()}
        self.scores = {held.id: rank(held, now=now).score for held in facts}
        self._weighed = {
            held.id: sum(voice.weight for voice in held.voices if not voice.copies_only)
            for held in facts
        }
        self._owners = {held.id: independent(held, now=now, within=WINDOW) for held in facts}
        self._told: dict[str, Told] = {}

    @classmethod
    def gathered(cls, store: Store, now: datetime) -> "Material":
        """Read what every output needs; the rest is read when it is asked for."""
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
                weight=self._weighed[held.id],
            )
            for held in self._facts
            if topic is None
            or topic in held.topics
            or (topic in held.touched and held.id in standing)
        ]
        return tuple(sorted(chosen, key=lambda candidate: (-candidate.score, candidate.story)))

    def face(self, story: str, share: Share) -> Face:
        """Return the item that tells ``story`` best."""
        return face_of(self.told([story])[story], self.weights, self.sources, share)

    def told(self, stories: Iterable[str]) -> dict[str, Told]:
        """Return all reports of each of ``stories``; one without any is left out."""
        wanted = dict.fromkeys(stories)
        missing = [story for story in wanted if story not in self._told]
        for story, items in self._store.stories.items(missing).items():
            if items:
                self._told[story] = Told(story=story, items=items)
        return {story: self._told[story] for story in wanted if story in self._told}
