"""Which items has each output's filter passed?

Every item is put to all filters once, when it was filed, and again when it is revised; what was
chosen stays. A filter that is new, or is not what it was, looks back over the newest items.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator

from msgspec import to_builtins

from aggregator.model.editions import Filter, Kind, OutputSpec
from aggregator.model.items import StoredItem
from aggregator.outputs.digests import lists_of
from aggregator.outputs.filters import Filters, Verdict
from aggregator.outputs.shares import POOL
from aggregator.service.material import Material
from aggregator.storage import Store
from aggregator.storage.protocol import Choice

LOOK_BACK = 5_000  # items
KEPT_FOR_STORIES = 10_000  # choices of a Top output; more than three days have
_NOTE = "filters"


class Chooser:
    """Keeps the choices of all filters up to date, a publish step at a time."""

    def __init__(self, store: Store, outputs: Iterable[OutputSpec]) -> None:
        self._store = store
        self._specs = {spec.name: spec for spec in outputs if spec.only}
        self._filters: Filters | None = None

    def choose(self, material: Material) -> frozenset[str]:
        """Put what is new to the filters; return the outputs that have new choices."""
        starting = self._filters is None
        if not self._specs and not (starting and self._store.notes.get(_NOTE)):
            return frozenset()
        if self._filters is None or material.renamed:
            owners = {feed: source.owner for feed, source in material.sources.items()}
            languages = {feed.id: feed.language for feed in material.feeds.values()}
            asked = {name: _asked(spec) for name, spec in self._specs.items()}
            self._filters = Filters(asked, owners, languages)
        if starting:
            chosen = self._resume(self._filters, material)
        elif material.changed:
            chosen = list(self._sift(self._filters, material, material.changed))
        else:
            return frozenset()
        return self._keep(chosen)

    def _resume(self, filters: Filters, material: Material) -> list[Choice]:
        """Catch up with what was filed while we were away, and look back where a filter is new."""
        noted = json.loads(self._store.notes.get(_NOTE) or "{}")
        known = {n for n, spec in self._specs.items() if noted.get("of", {}).get(n) == _mark(spec)}
        fresh = self._specs.keys() - known
        for name in noted.get("of", {}).keys() - known:
            self._store.items.unchoose(name)
        chosen: list[Choice] = []
        mark = noted.get("mark", 0)
        while known and (found := self._store.items.changed(mark))[1] > mark:
            chosen += self._sift(filters, material, found[0], known)
            mark = found[1]
        if fresh:
            newest = self._store.items.latest(topic=None, limit=LOOK_BACK)
            chosen += self._sift(filters, material, newest, fresh)
        return chosen

    def _sift(
        self,
        filters: Filters,
        material: Material,
        items: Iterable[StoredItem],
        names: Iterable[str] | None = None,
    ) -> Iterator[Choice]:
        """Yield the choices among ``items``, and among older ones whose story has grown enough."""
        stories: dict[str, None] = {}
        for stored in items:
            yield from self._choices(filters, material, stored, names)
            stories[stored.story or ""] = None
        growing = [n for n in (names or self._specs) if _counts_sources(self._specs[n])]
        for story in stories if growing else ():
            if grown := [n for n in growing if self._is_told_enough(n, story, material)]:
                told = material.told([story]).get(story)
                for stored in told.items if told else ():
                    yield from self._choices(filters, material, stored, grown)

    def _choices(
        self,
        filters: Filters,
        material: Material,
        stored: StoredItem,
        names: Iterable[str] | None,
    ) -> Iterator[Choice]:
        if stored.lead is not None:
            return  # it is listed under another
        for name, verdict in filters.verdicts(stored, names).items():
            barred = verdict is Verdict.BARRED
            if barred or self._is_told_enough(name, stored.story or "", material):
                yield Choice(output=name, seq=stored.seq, barred=barred)

    def _is_told_enough(self, name: str, story: str, material: Material) -> bool:
        """Tell whether a story has the sources that a Latest output asks for; Top asks later."""
        spec = self._specs[name]
        return not _counts_sources(spec) or material.owners(story) >= _asked(spec).sources

    def _keep(self, chosen: list[Choice]) -> frozenset[str]:
        self._store.items.choose(chosen)
        names = frozenset(choice.output for choice in chosen)
        for name in names:
            spec = self._specs[name]
            kept = spec.limit * POOL if lists_of(spec) is Kind.LATEST else KEPT_FOR_STORIES
            self._store.items.unchoose(name, keep=kept)
        of = {name: _mark(spec) for name, spec in self._specs.items()}
        note = {"mark": self._store.items.mark(), "of": of}
        self._store.notes.put(_NOTE, json.dumps(note))
        return names


def _asked(spec: OutputSpec) -> Filter:
    return spec.only or Filter()


def _counts_sources(spec: OutputSpec) -> bool:
    return lists_of(spec) is Kind.LATEST and _asked(spec).sources > 1


def _mark(spec: OutputSpec) -> str:
    """Return what tells a filter from every other one."""
    asked = json.dumps([lists_of(spec), to_builtins(_asked(spec))], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]
