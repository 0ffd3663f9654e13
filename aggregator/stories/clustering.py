"""Which items are about one event?

Each item, as it arrives, joins the open story that it resembles, opens one, or shows two to be
one. The rule, measured on labelled streams in ten languages (``docs/heuristics.md``):

- likeness is the cosine between the item's weighted terms and a story's sum, a little less for
  every day between them;
- it counts less where other stories are alike too (`RIVALRY`), so that one threshold holds while
  the number of open stories grows;
- a rival story that resembles the joined one merges into it, the largest keeping its id.

Everything follows from the sequence of items and the times given with them, in whole numbers. A
`Trace` of each item is all that must be stored to resume exactly.
"""

import math
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from aggregator.model.stories import Placement
from aggregator.stories.gathering import LIFE, SILENCE, Gathering
from aggregator.stories.postings import Postings
from aggregator.stories.traces import Trace
from aggregator.stories.vectors import Frequencies, Vector, amounts, vector_of

JOIN = 0.125  # likeness left after rivalry and silence
JOIN_AT_LEAST = 0.14  # likeness before rivalry: the first items of an empty desk have no rivals
RIVALS = 3
STORIES = 8  # candidates looked at, the best included
SILENCE_COST = 0.06  # times ln(1 + days)
MERGE = (0.22, 0.28, 0.34)  # likeness of two stories left after rivalry, by size of the smaller
MERGE_RIVALRY = 0.6
COLD = 300  # texts of a language, before which it learns ahead
AHEAD = 100  # pieces to `expect` at a time

_NAMESPACE = uuid.UUID("5f0c9a3e-0c2b-5a86-9f7e-6d3c1f1b7a54")  # never change: ids depend on it
_DAY = timedelta(days=1)

Ranked = list[tuple[float, Gathering]]  # likeness and story, best first


class Piece(Struct, frozen=True, kw_only=True):
    """What clustering reads of an item.

    ``body`` is plain text, "" when the feed has none. ``language`` is a tag such as ``en-GB``; its
    first part decides which items are compared. ``at`` is the item's published time, never later
    than its arrival. ``copy_of_story`` is given when the item repeats another's text.
    """

    id: str
    title: str
    at: datetime
    summary: str = ""
    body: str = ""
    language: str | None = None
    feed_title: str = ""
    owner: str = ""
    copy_of_story: str | None = None


class Clusters:
    """The open stories, and the terms that lead to them."""

    def __init__(self) -> None:
        self._serial = 0
        self._expected: dict[str, dict[str, float]] = {}  # by item, counted but not placed
        self._frequencies = Frequencies()
        self._postings = Postings()
        self._open: dict[str, Gathering] = {}
        self._story_of: dict[int, str] = {}  # serial -> story, which may have been merged since
        self._forward: dict[str, str] = {}
        self._arrivals: deque[tuple[datetime, int]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def serial(self) -> int:
        """How many pieces were placed so far, over all runs."""
        return self._serial

    def place(self, piece: Piece, *, now: datetime) -> tuple[Placement, Trace]:
        """Put an item, never placed before, into a story; ``now`` must not go back between calls.

        The trace is to be stored with the placement, in the order of the calls.
        """
        self._let_go(now)
        language = language_key(piece.language)
        expected = self._expected.pop(piece.id, None)
        if piece.copy_of_story is not None:
            if expected is not None:
                self._frequencies.unlearn(language, expected)
            vector: Vector = {}
            story = self.current(piece.copy_of_story)
            placement = Placement(story=story, opened=False, similarity=1.0, because="copy")
        else:
            counts = amounts(piece.title, _text(piece), piece.feed_title)
            if expected is None:
                self._frequencies.learn(language, counts)
            vector = vector_of(counts, language, self._frequencies)
            placement = self._decide(piece, vector, now)
        trace = Trace(
            serial=self._serial + 1,
            item=piece.id,
            story=placement.story,
            opened=placement.opened,
            merged=placement.merged,
            language=language,
            at=piece.at,
            now=now,
            vector=vector,
        )
        self._remember(trace)
        return placement, trace

    def expect(self, pieces: Iterable[Piece]) -> None:
        """Learn the words of pieces that are about to be placed, where little is known yet.

        To a desk that has read ten articles every word seems rare, and strangers alike. Headlines
        have few common words, so that pieces without a text need none of this.
        """
        for piece in pieces:
            language, text = language_key(piece.language), _text(piece)
            if not text.strip() or self._frequencies.texts.get(language, 0) >= COLD:
                continue
            counts = amounts(piece.title, text, piece.feed_title)
            self._frequencies.learn(language, counts)
            self._expected[piece.id] = counts

    def current(self, story: str) -> str:
        """Return the id that ``story`` goes by now: its own, or what it merged into."""
        while story in self._forward:
            story = self._forward[story]
        return story

    def forget(self, now: datetime) -> None:
        """Free the memory of stories that can no longer be joined; changes no later placement."""
        self._let_go(now)
        self._open = {story: it for story, it in self._open.items() if it.is_open(now)}
        self._forward = {
            old: new for old, new in self._forward.items() if self.current(new) in self._open
        }
        self._postings.forget_before(self._oldest())

    def dump(self) -> dict[str, object]:
        """Return the term counts and the serial they stand at, fit for JSON; `restore` takes it.

        Worth storing once a day: counts reach back further than the traces that are kept.
        """
        return {"serial": self._serial, **self._frequencies.dump()}

    @classmethod
    def restore(
        cls, traces: Iterable[Trace], dumped: Mapping[str, object] | None = None
    ) -> "Clusters":
        """Return clusters that go on as if they had never stopped.

        ``traces`` are, in order, all since `gathering.LIFE` before ``dumped`` was made (or before
        now, when that is earlier); without ``dumped`` the term counts are learned from them alone.
        """
        clusters = cls()
        if dumped is not None:
            clusters._frequencies = Frequencies.load(dumped)
            clusters._serial = int(str(dumped["serial"]))
        counted = clusters._serial
        for trace in traces:
            if trace.vector and trace.serial > counted:
                clusters._frequencies.learn(trace.language, trace.vector)
            clusters._remember(trace, counted=trace.serial <= counted)
        return clusters

    def _decide(self, piece: Piece, vector: Vector, now: datetime) -> Placement:
        ranked = self._ranked(vector, at=piece.at, now=now)
        likeness, rivals, best = _best(ranked, piece.at)
        if best is None or likeness < JOIN_AT_LEAST or likeness - rivals < JOIN:
            because = f"opened: nearest {likeness:.2f}, rivals {rivals:.2f}" if best else "opened"
            story = story_id(piece.id)
            return Placement(story=story, opened=True, similarity=likeness, because=because)
        one = _same_event(best, [story for _, story in ranked if story is not best], vector)
        kept = max(one, key=lambda story: (story.size + (story is best), -story.serial))
        merged = tuple(story.id for story in one if story is not kept)
        because = f"joined {likeness:.2f}, rivals {rivals:.2f}"
        if merged:
            because += f", merged {len(merged)}"
        return Placement(
            story=kept.id, opened=False, similarity=likeness, merged=merged, because=because
        )

    def _ranked(self, vector: Vector, *, at: datetime, now: datetime) -> Ranked:
        """Open stories of the nearest items, by likeness."""
        found: dict[str, Gathering] = {}
        for serial in self._postings.nearest(vector, since=self._oldest()):
            story = self._open.get(self.current(self._story_of.get(serial, "")))
            if story is not None and story.is_open(now) and story.gap(at) <= SILENCE:
                found[story.id] = story
        ranked = [(story.nearness(vector), story) for story in found.values()]
        ranked.sort(key=lambda pair: (-pair[0], pair[1].serial))
        return ranked[:STORIES]

    def _remember(self, trace: Trace, *, counted: bool = False) -> None:
        """Make of a trace what placing its item made; the one way in which state changes.

        ``counted`` when the term counts know of it already.
        """
        self._serial = trace.serial
        if not trace.vector:
            return
        self._arrivals.append((trace.now, trace.serial))
        self._story_of[trace.serial] = trace.story
        self._postings.add(trace.serial, trace.vector)
        if trace.opened:
            self._open[trace.story] = Gathering.begun(trace)
        else:
            self._join(trace, counted=counted)

    def _join(self, trace: Trace, *, counted: bool) -> None:
        one = [self._open.pop(story, None) for story in (trace.story, *trace.merged)]
        self._forward.update(dict.fromkeys(trace.merged, trace.story))
        kept = one[0]
        if kept is None or None in one:
            return  # at a restart: a part of it is older than LIFE, so all of it is closed
        for other in one[1:]:
            if other is not None:
                kept.absorb(other)
        if not counted:
            self._frequencies.repeated(trace.language, kept.weights.keys() & trace.vector.keys())
        kept.add(trace.vector, at=trace.at, now=trace.now)
        self._open[trace.story] = kept

    def _let_go(self, now: datetime) -> None:
        """Let go of items older than any story that can be open at ``now``."""
        arrivals = self._arrivals
        while arrivals and now - arrivals[0][0] > LIFE:
            del self._story_of[arrivals.popleft()[1]]

    def _oldest(self) -> int:
        return self._arrivals[0][1] if self._arrivals else self._serial + 1


def story_id(item: str) -> str:
    """Return the permanent id of the story that ``item`` opens, as ``urn:uuid:…``."""
    return uuid.uuid5(_NAMESPACE, item).urn


def language_key(tag: str | None) -> str:
    """Return what groups languages: the first part of a tag, ``und`` when there is none."""
    return (tag or "und").replace("_", "-").split("-")[0].strip().casefold() or "und"


def _text(piece: Piece) -> str:
    """Summary and body, once where the body begins with the summary."""
    if piece.summary and piece.body.startswith(piece.summary[:40]):
        return piece.body
    return f"{piece.summary}\n{piece.body}"


def _best(ranked: Ranked, at: datetime) -> tuple[float, float, Gathering | None]:
    """Return the best story's likeness less its silence, the mean of its rivals, and itself."""
    if not ranked:
        return 0.0, 0.0, None
    aged = [likeness - _silence(story.gap(at)) for likeness, story in ranked]
    place = max(range(len(aged)), key=aged.__getitem__)
    rivals = [likeness for n, (likeness, _) in enumerate(ranked) if n != place]
    return aged[place], sum(rivals[:RIVALS]) / RIVALS, ranked[place][1]


def _silence(gap: timedelta) -> float:
    return SILENCE_COST * math.log(1 + gap / _DAY)


def _same_event(best: Gathering, others: list[Gathering], vector: Vector) -> list[Gathering]:
    """Return ``best`` and those of ``others`` that are one story with it once it has ``vector``."""
    likeness = [best.likeness(other, beside=vector) for other in others]
    descending = sorted(likeness, reverse=True)
    one = [best]
    for story, alike in zip(others, likeness, strict=True):
        rivals = descending.copy()
        rivals.remove(alike)
        smaller = min(story.size, best.size + 1, len(MERGE))
        if alike - MERGE_RIVALRY * sum(rivals[:RIVALS]) / RIVALS >= MERGE[smaller - 1]:
            one.append(story)
    return one


__all__ = ["Clusters", "Piece", "Trace", "language_key", "story_id"]
