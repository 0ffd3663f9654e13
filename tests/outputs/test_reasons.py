"""Why a story stands or does not is said, and is what happens."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.editions import Kind, OutputSpec
from aggregator.model.published import Stay
from aggregator.outputs.reasons import why
from aggregator.outputs.shares import Share
from aggregator.outputs.standing import Candidate, Face, enlist

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOP = OutputSpec(name="top", kind=Kind.TOP, title="Top", limit=2)


def face(story: str, _: Share) -> Face:
    return Face(item=story, owner="A" if story < "m" else "B")


def pool(**scores: tuple[float, int]) -> tuple[Candidate, ...]:
    found = [Candidate(story=s, score=score, owners=n) for s, (score, n) in scores.items()]
    return tuple(sorted(found, key=lambda one: (-one.score, one.story)))


def edition(spec: OutputSpec, ranked: tuple[Candidate, ...]) -> dict[str, Stay]:
    return {stay.story: stay for stay in enlist(spec, ranked, {}, face, now=NOW)}


def said(spec: OutputSpec, ranked: tuple[Candidate, ...], stays: Mapping[str, Stay], s: str) -> str:
    return why(spec, ranked, stays, s, face, now=NOW)


def test_each_reason_is_named() -> None:
    first = pool(a=(5.0, 3), b=(4.0, 2))
    stays = edition(TOP, first)
    assert said(TOP, first, stays, "a") == (
        "it stands at place 1 since 2026-03-01 12:00 UTC; last announced with 3 owners"
    )
    assert said(TOP, first, stays, "x").startswith("it is not what this output takes")

    more = pool(a=(5.0, 3), b=(4.0, 2), c=(4.2, 2), lone=(9.0, 1), z=(7.0, 2))
    assert said(TOP, more, stays, "c") == (
        "its score of 4.20 is not 15% above that of the weakest of 2, 4.00"
    )
    assert said(TOP, more, stays, "lone") == (
        "one owner alone reports it, and several report 4 others (an owner of weight 2 would do)"
    )
    assert said(TOP, more, stays, "z") == "it enters with the next edition"
    both = pool(a=(5.0, 3), b=(4.0, 2), y=(7.0, 2), z=(8.0, 2), zz=(6.0, 2))
    assert said(TOP, both, stays, "zz") == "stronger newcomers come before it"

    capped = replace(TOP, limit=4, per_owner=2)
    assert said(capped, more, stays, "c") == "A has its 2 entries"

    gone = {**stays, "b": replace(stays["b"], left=NOW + timedelta(hours=1))}
    assert said(TOP, more, gone, "b") == (
        "it left on 2026-03-01 at 13:00 UTC, and what has left never comes back"
    )


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from("abcxyz"), st.tuples(st.floats(0.1, 9), st.integers(1, 4))),
    st.dictionaries(st.sampled_from("abcxyz"), st.tuples(st.floats(0.1, 9), st.integers(1, 4))),
    st.sampled_from([None, 1, 2]),
)
def test_what_is_said_to_enter_does_and_nothing_else(
    before: dict[str, tuple[float, int]], now: dict[str, tuple[float, int]], cap: int | None
) -> None:
    spec = replace(TOP, per_owner=cap)
    stays = edition(spec, pool(**before))
    ranked = pool(**now)
    entering = {one.story for one in enlist(spec, ranked, stays, face, now=NOW)} - stays.keys()
    told = {one.story for one in ranked if one.story not in stays}
    said_to_enter = {s for s in told if said(spec, ranked, stays, s).startswith("it enters")}
    assert said_to_enter <= entering
    others = {said(spec, ranked, stays, s) for s in entering - said_to_enter}
    # Who enters in place of another is judged by the list as it stood.
    assert all("entries" in reason or "weakest" in reason for reason in others)
