"""Who stands in Top News, since when, and at which place?

Three rules keep subscribers calm: what has left never comes back, a story is dated anew only at
milestones, and nobody enters or overtakes by a hair.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.editions import OutputSpec
from aggregator.model.published import Stay
from aggregator.outputs.shares import Share

MARGIN = 1.15  # a newcomer to a full Top list must be this much stronger than the weakest member
OVERTAKING = 1.25  # ... and a member this much stronger than whom it passes; on a recorded day the
# first ten changed 1.5 times an hour, 2.1 at 1.1 and 2.4 without, and were nearer to the final ones
MIN_OWNERS = 2  # what one owner alone reports is Latest, not Top
MIN_WEIGHT = 2.0  # ... unless it weighs as much as two ordinary ones
FILL = 10  # ... or fewer than this many stories are reported by several


class Candidate(Struct, frozen=True, kw_only=True):
    """A story that may stand in a Top list.

    ``owners`` is how many report it in their own words, ``weight`` what these weigh together.
    """

    story: str
    score: float
    owners: int
    weight: float = 0.0


class Face(Struct, frozen=True, kw_only=True):
    """The item whose headline would stand for a story, and whose it is."""

    item: str
    owner: str


FaceOf = Callable[[str, Share], Face]
"""Names the face of a story, of an owner with places left if one of them reports it."""


def milestone(owners: int, steps: Sequence[int]) -> int:
    """Return the highest of ``steps`` that ``owners`` independent reports have reached, or 0."""
    return max((step for step in steps if step <= owners), default=0)


def handed_over(
    stays: Mapping[str, Stay], forward: Mapping[str, str], *, now: datetime
) -> tuple[Stay, ...]:
    """Return the stays that change because their stories merged into others.

    ``forward`` maps a story to what it merged into. Subscribers keep the entry that they know,
    under its id, unless the other story stands beside it already. What has left stays away under
    its new name too, unless subscribers know that.
    """
    changed: dict[str, Stay] = {}
    for story, into in sorted(
        forward.items(), key=lambda one: (stays[one[0]].left is not None, one)
    ):
        stay = stays[story]
        held = changed.get(into, stays.get(into))
        if stay.left is None:
            changed[story] = replace(stay, left=now)
        if held is None or (held.left is not None and stay.left is None):
            changed[into] = replace(stay, story=into)
    return tuple(changed.values())


def enlist(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    face: FaceOf,
    *,
    now: datetime,
) -> tuple[Stay, ...]:
    """Decide who enters, stays in and leaves a Top output, and where each stands.

    ``ranked`` are the stories still being reported, strongest first. Returns the stays that
    change.
    """
    standing = {story: stay for story, stay in stays.items() if stay.left is None}
    share = Share(spec)
    inside = still_in(spec, ranked, standing, share)
    entering = _let_in(spec, ranked, stays, inside, share=share, face=face)
    after = {
        held.story: _entrance(spec, held, entering[held.story], now)
        if held.story in entering
        else _grown(spec, held, standing[held.story], share=share, face=face, now=now)
        for held in inside
    }
    listed = settled(inside, [stay.story for stay in sorted(standing.values(), key=_by_place)])
    kept = [replace(after[story], place=place) for place, story in enumerate(listed)]
    gone = [replace(stay, left=now) for story, stay in standing.items() if story not in set(listed)]
    return (*gone, *(stay for stay in kept if stays.get(stay.story) != stay))


def settled(inside: Sequence[Candidate], before: Sequence[str]) -> list[str]:
    """Return ``inside`` in the order ``before`` it, but for those that are clearly too low.

    Nobody stands below a story that it beats by `OVERTAKING`; scores that draw level or fade
    together change nothing.
    """
    known = {story: place for place, story in enumerate(before)}
    order = sorted(
        inside, key=lambda one: (known.get(one.story, len(known)), -one.score, one.story)
    )
    listed: list[Candidate] = []
    for one in order:
        listed.insert(_place(one, listed), one)
    return [one.story for one in listed]


def _place(one: Candidate, above: Sequence[Candidate]) -> int:
    """Return the place of ``one`` among those listed: below whom it does not clearly beat.

    It passes what is a hair weaker only on its way past somebody whom it clearly beats.
    """
    place = len(above)
    for at in range(len(above) - 1, -1, -1):
        if above[at].score >= one.score:
            break
        if one.score >= above[at].score * OVERTAKING:
            place = at
    return place


def _by_place(stay: Stay) -> tuple[int, str]:
    return stay.place, stay.story


def still_in(
    spec: OutputSpec, ranked: Sequence[Candidate], standing: Mapping[str, Stay], share: Share
) -> list[Candidate]:
    """Return those that stand and may go on standing, limit and shares kept."""
    filled = several(ranked) >= min(FILL, spec.limit)
    inside: list[Candidate] = []
    for held in ranked:
        if held.story not in standing or (filled and is_lone(held)):
            continue
        owner = standing[held.story].owner
        if len(inside) == spec.limit or share.refuses(owner):
            continue
        share.take(owner)
        inside.append(held)
    return inside


def weakest(inside: Sequence[Candidate]) -> Candidate:
    """Return who goes first when somebody has to."""
    return min(inside, key=lambda held: (held.score, held.story))


def _let_in(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    inside: list[Candidate],
    *,
    share: Share,
    face: FaceOf,
) -> dict[str, Face]:
    """Put newcomers ``inside``, strongest first, in place of those that are clearly weaker."""
    entering: dict[str, Face] = {}
    room = room_for_lone(spec, ranked, inside)
    for candidate in ranked:
        if candidate.story in stays or (is_lone(candidate) and room <= 0):
            continue
        last = weakest(inside) if len(inside) >= spec.limit else None
        if last and candidate.score <= last.score * MARGIN:
            break
        pick = face(candidate.story, share)
        if share.refuses(pick.owner):
            continue
        if last:
            inside.remove(last)
            share.give_back(stays[last.story].owner)
        share.take(pick.owner)
        room -= is_lone(candidate)
        inside.append(candidate)
        entering[candidate.story] = pick
    return entering


def several(ranked: Sequence[Candidate]) -> int:
    """Return how many stories more than one owner reports, or one that counts for two."""
    return sum(not is_lone(candidate) for candidate in ranked)


def room_for_lone(
    spec: OutputSpec, ranked: Sequence[Candidate], inside: Sequence[Candidate]
) -> int:
    """Return how many more stories of one owner only may fill the list up."""
    return min(FILL, spec.limit) - several(ranked) - sum(map(is_lone, inside))


def is_lone(candidate: Candidate) -> bool:
    """Tell whether a story is reported by one owner only, and not by one that counts for two."""
    return candidate.owners < MIN_OWNERS and candidate.weight < MIN_WEIGHT


def _grown(
    spec: OutputSpec, held: Candidate, stay: Stay, *, share: Share, face: FaceOf, now: datetime
) -> Stay:
    reached = milestone(held.owners, spec.milestones)
    if reached <= stay.milestone:
        return stay
    share.give_back(stay.owner)
    pick = face(held.story, share)
    share.take(pick.owner)
    return replace(stay, milestone=reached, updated=now, face=pick.item, owner=pick.owner)


def _entrance(spec: OutputSpec, candidate: Candidate, face: Face, now: datetime) -> Stay:
    return Stay(
        output=spec.name,
        story=candidate.story,
        entered=now,
        updated=now,
        milestone=milestone(candidate.owners, spec.milestones),
        face=face.item,
        entry=candidate.story,
        owner=face.owner,
    )
