"""What stands in a Top output now, what does not, and why?"""

from datetime import datetime

from msgspec import Struct

from aggregator.model.editions import OutputSpec
from aggregator.model.published import Stay
from aggregator.model.stories import Rank
from aggregator.outputs.editions import story_entry
from aggregator.outputs.reasons import why
from aggregator.service.contest import Contest
from aggregator.service.material import Material
from aggregator.storage import Store
from aggregator.stories.ranking import DEFAULT, RankSettings


class Explained(Struct, frozen=True, kw_only=True):
    """A story and its part in a Top output: its rank as a sum, and why it stands or does not.

    ``place`` is from 1, None for one that does not stand; ``rank`` None for one that is over.
    """

    story: str
    title: str
    link: str
    owners: tuple[str, ...]
    place: int | None
    rank: Rank | None
    because: str


class Explainer:
    """Reads a store, and writes nothing. Works on the store's thread."""

    def __init__(self, store: Store, now: datetime, ranking: RankSettings = DEFAULT) -> None:
        self._store = store
        self._material = Material(store, ranking)
        self._material.refresh(now)
        self._contest = Contest(store, self._material)

    def standing(self, spec: OutputSpec) -> tuple[Explained, ...]:
        """Return what stands in a Top output, in its order."""
        stays = self._store.outputs.standing(spec.name)
        listed = sorted(stays.values(), key=lambda stay: stay.place)
        return tuple(self.explain(spec, stay.story) for stay in listed)

    def next_in_line(self, spec: OutputSpec, most: int) -> tuple[Explained, ...]:
        """Return the ``most`` strongest stories that do not stand in a Top output."""
        standing = frozenset(self._store.outputs.standing(spec.name))
        ranked = self._contest.candidates(spec, standing, anew=True)
        outside = [one for one in ranked if one.story not in standing]
        return tuple(self.explain(spec, one.story) for one in outside[:most])

    def explain(self, spec: OutputSpec, story: str) -> Explained:
        """Say why ``story`` stands in a Top output, or why not."""
        standing = self._store.outputs.standing(spec.name)
        ranked = self._contest.candidates(spec, standing, anew=False)
        named = {story, *standing, *(one.story for one in ranked)}
        stays = self._store.outputs.stays_of(spec.name, named)
        face = self._contest.face(spec)
        stay = stays.get(story)
        told = self._material.told([story]).get(story)
        entry = None
        if told:
            shown = stay or _as_if(spec, story, told.items[0].item.id, self._material.now)
            entry = story_entry(shown, told, self._material.sources)
        source = entry.source.owner if entry and entry.source else ""
        others = tuple(also.owner for also in entry.also) if entry else ()
        return Explained(
            story=story,
            title=entry.title if entry else "",
            link=entry.link if entry else "",
            owners=(source, *others) if source else others,
            place=stay.place + 1 if stay and stay.left is None else None,
            rank=self._material.ranks.get(story),
            because=why(spec, ranked, stays, story, face, now=self._material.now),
        )

    def story_of(self, name: str) -> str | None:
        """Return the story that ``name`` means: its id, the id of one of its items, an old id."""
        item = self._store.items.by_id([name]).get(name)
        if item is not None:
            return item.story
        return self._store.stories.current(name) or self._store.stories.current(f"urn:uuid:{name}")


def _as_if(spec: OutputSpec, story: str, item: str, now: datetime) -> Stay:
    return Stay(
        output=spec.name, story=story, entered=now, updated=now, milestone=0, face=item, entry=story
    )
