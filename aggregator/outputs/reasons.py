"""Why does a story stand in a Top list, or why not?"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aggregator.model.editions import OutputSpec
from aggregator.model.published import Stay
from aggregator.outputs.shares import Share
from aggregator.outputs.standing import (
    MARGIN,
    MIN_WEIGHT,
    Candidate,
    FaceOf,
    enlist,
    is_lone,
    room_for_lone,
    several,
    still_in,
    weakest,
)


def why(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    story: str,
    face: FaceOf,
    *,
    now: datetime,
) -> str:
    """Say for people why ``story`` stands in a Top output, or what keeps it out.

    ``ranked`` are the stories that the output would take, strongest first, as for `enlist`.
    """
    if story in stays:
        return _of(stays[story])
    candidate = next((one for one in ranked if one.story == story), None)
    if candidate is None:
        return "it is not what this output takes, or nobody reported it for three days"
    if kept_out := _kept_out(spec, ranked, stays, candidate, face):
        return kept_out
    entering = enlist(spec, ranked, stays, face, now=now)
    if any(stay.story == story for stay in entering):
        return "it enters with the next edition"
    return "stronger newcomers come before it"


def _kept_out(
    spec: OutputSpec,
    ranked: Sequence[Candidate],
    stays: Mapping[str, Stay],
    candidate: Candidate,
    face: FaceOf,
) -> str:
    share = Share(spec)
    standing = {name: stay for name, stay in stays.items() if stay.left is None}
    inside = still_in(spec, ranked, standing, share)
    if is_lone(candidate) and room_for_lone(spec, ranked, inside) <= 0:
        return (
            f"one owner alone reports it, and several report {several(ranked)} others"
            f" (an owner of weight {MIN_WEIGHT:g} would do)"
        )
    last = weakest(inside) if len(inside) >= spec.limit else None
    if last and candidate.score <= last.score * MARGIN:
        return (
            f"its score of {candidate.score:.2f} is not {MARGIN - 1:.0%} above that of the"
            f" weakest of {len(inside)}, {last.score:.2f}"
        )
    pick = face(candidate.story, share)
    if share.refuses(pick.owner):
        return f"{pick.owner} has its {share.most} entries"
    return ""


def _of(stay: Stay) -> str:
    if stay.left:
        return f"it left on {stay.left:%Y-%m-%d at %H:%M} UTC, and what has left never comes back"
    told = f"; last announced with {stay.milestone} owners" if stay.milestone else ""
    return f"it stands at place {stay.place + 1} since {stay.entered:%Y-%m-%d %H:%M} UTC{told}"
