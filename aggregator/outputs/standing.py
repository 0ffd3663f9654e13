"""Who stands in Top News, and since when?

Two rules keep subscribers calm: what has left never comes back, and a story is dated anew only at
milestones.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.model.editions import OutputSpec

MARGIN = 1.15  # a newcomer to a full Top list must be this much stronger than the weakest member
MIN_OWNERS = 2  # what one owner alone reports is Latest, not Top
FILL = 10  # ... unless fewer than this many stories are reported by several
MILESTONES = (3, 6, 12, 24, 48, 96)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A story's stay in a Top output.

    Subscribers saw it first at ``entered``. ``milestone`` is the number of independent owners it
    was last announced with, ``updated`` when. ``face`` is the id of the item whose headline
    stands for it since then. ``entry`` is the id that subscribers know it by: the story's, or that
    of a story that merged into it while it stood. ``left`` is set once it has gone, and it never
    comes back.
    """

    output: str
    story: str
    entered: datetime
    updated: datetime
    milestone: int
    face: str
    entry: str
    left: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A story that may stand in a Top list: its score, its independent owners, the main one."""

    story: str
    score: float
    owners: int
    owner: str = ""


def milestone(owners: int) -> int:
    """Return the highest milestone that ``owners`` independent reports have reached, or 0."""
    return max((step for step in MILESTONES if step <= owners), default=0)


def handed_over(
    stays: Mapping[str, Stay], forward: Mapping[str, str], *, now: datetime
) -> tuple[Stay, ...]:
    """Return the stays that change because stories that stand merged into others.

    ``forward`` maps a standing story to what it merged into. Subscribers keep the entry that they
    know, under its id, unless the other story stands beside it already.
    """
    changed: dict[str, Stay] = {}
    for story, into in sorted(forward.items()):
        stay = stays[story]
        held = changed.get(into, stays.get(into))
        changed[story] = replace(stay, left=now)
        if held is None or held.left is not None:
            changed[into] = replace(stay, story=into)
    return tuple(changed.values())


def enlist(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    face: Callable[[str], str],
    *,
    now: datetime,
) -> tuple[Stay, ...]:
    """Decide who enters, stays in and leaves a Top output.

    ``ranked`` are the stories still being reported, strongest first; ``face`` names the item that
    would stand for a story now. Returns the stays that change.
    """
    standing = {story: stay for story, stay in stays.items() if stay.left is None}
    inside = _still_in(spec, ranked, standing)
    entering: dict[str, Stay] = {}
    for newcomer in _newcomers(spec, ranked, stays, inside):
        if len(inside) >= spec.limit:
            weakest = _weakest(inside)
            if newcomer.score < weakest.score * MARGIN:
                break
            inside.remove(weakest)
            entering.pop(weakest.story, None)
        inside.append(newcomer)
        entering[newcomer.story] = _entrance(spec, newcomer, face(newcomer.story), now)
    kept = {held.story: held for held in inside}
    leaving = [replace(stay, left=now) for story, stay in standing.items() if story not in kept]
    grown = [
        replace(stay, milestone=milestone(held.owners), updated=now, face=face(held.story))
        for held in inside
        if (stay := standing.get(held.story)) and milestone(held.owners) > stay.milestone
    ]
    return (*leaving, *grown, *entering.values())


def _still_in(
    spec: OutputSpec, ranked: Sequence[Candidate], standing: Mapping[str, Stay]
) -> list[Candidate]:
    """Return those that stand and may go on standing, the list's limit kept."""
    filled = _several(ranked) >= min(FILL, spec.limit)
    inside = [held for held in ranked if held.story in standing and not (filled and _lone(held))]
    while len(inside) > spec.limit:
        inside.remove(_weakest(inside))
    return inside


def _weakest(inside: Sequence[Candidate]) -> Candidate:
    return min(inside, key=lambda held: (held.score, held.story))


def _newcomers(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    inside: Sequence[Candidate],
) -> list[Candidate]:
    room_for_lone = min(FILL, spec.limit) - _several(ranked) - sum(map(_lone, inside))
    shares = Counter(held.owner for held in inside)
    chosen: list[Candidate] = []
    for candidate in ranked:
        if candidate.story in stays or (_lone(candidate) and room_for_lone <= 0):
            continue
        if spec.per_owner is not None and shares[candidate.owner] >= spec.per_owner:
            continue
        room_for_lone -= _lone(candidate)
        shares[candidate.owner] += 1
        chosen.append(candidate)
        if len(chosen) == spec.limit:
            break
    return chosen


def _several(ranked: Sequence[Candidate]) -> int:
    return sum(not _lone(candidate) for candidate in ranked)


def _lone(candidate: Candidate) -> bool:
    return candidate.owners < MIN_OWNERS


def _entrance(spec: OutputSpec, candidate: Candidate, face: str, now: datetime) -> Stay:
    return Stay(
        output=spec.name,
        story=candidate.story,
        entered=now,
        updated=now,
        milestone=milestone(candidate.owners),
        face=face,
        entry=candidate.story,
    )
