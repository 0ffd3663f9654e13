"""Which stories may stand in a Top output, and under which headline?"""

from collections.abc import Iterable

from aggregator.model.editions import OutputSpec
from aggregator.outputs.shares import Share
from aggregator.outputs.standing import Candidate, Face, FaceOf
from aggregator.service.material import WINDOW, Material
from aggregator.storage import Store


class Contest:
    """Puts the stories of the moment to the filters of Top outputs."""

    def __init__(self, store: Store, material: Material) -> None:
        self._store = store
        self._material = material
        self._chosen: dict[str, frozenset[str]] = {}

    def candidates(
        self, spec: OutputSpec, standing: Iterable[str], *, anew: bool
    ) -> tuple[Candidate, ...]:
        """Return the stories that ``spec`` takes, strongest first; what stands it keeps.

        ``anew`` when its filter may have chosen others than the last time.
        """
        material, stays = self._material, frozenset(standing)
        if spec.only is None:
            return material.ranked(spec.topic, standing=stays)
        if anew or material.merged or spec.name not in self._chosen:
            since = material.now - WINDOW
            self._chosen[spec.name] = self._store.stories.chosen(spec.name, since)
        ranked = material.ranked(spec.topic, self._chosen[spec.name], stays)
        enough = spec.only.sources
        return tuple(one for one in ranked if one.owners >= enough or one.story in stays)

    def face(self, spec: OutputSpec) -> FaceOf:
        """Return what names the face of a story in ``spec``: a report that its filter passes."""

        def face(story: str, share: Share) -> Face:
            passed = self._store.stories.passed(spec.name, story) if spec.only else None
            return self._material.face(story, share, passed)

        return face
