from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.stories import StoryFacts, Voice
from aggregator.stories.ranking import DEFAULT, independent, rank, ranked

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def voice(
    owner: str,
    hours: float = 0,
    *,
    first: float | None = None,
    weight: float = 1.0,
    copy: bool = False,
) -> Voice:
    last = NOON - timedelta(hours=hours)
    since = last if first is None else NOON - timedelta(hours=first)
    return Voice(owner=owner, weight=weight, first=since, last=last, copies_only=copy)


def story(*voices: Voice, name: str = "s") -> StoryFacts:
    opened = min((one.first for one in voices), default=NOON)
    return StoryFacts(id=name, opened=opened, voices=voices)


def score(*voices: Voice) -> float:
    return rank(story(*voices), now=NOON).score


def test_more_owners_outrank_fewer() -> None:
    assert score(voice("a", 5), voice("b", 5)) > score(voice("a", 5))


def test_sister_titles_count_once() -> None:
    assert score(voice("a", 5), voice("a", 5)) == score(voice("a", 5))


def test_a_copy_counts_a_quarter() -> None:
    parts = dict(rank(story(voice("a", 5), voice("b", 5, copy=True)), now=NOON).parts)
    assert parts["copies"] == -0.75


def test_a_voice_halves_in_half_a_day() -> None:
    later = rank(story(voice("a", 5)), now=NOON + DEFAULT.half_life)
    assert later.score == pytest.approx(score(voice("a", 5)) / 2)


def test_new_owners_lift_a_story_by_the_formula() -> None:
    assert score(voice("a", 0)) == pytest.approx(1 + 0.2 * 1 / 3)
    assert dict(rank(story(voice("a", 5)), now=NOON).parts)["growth"] == 0


def test_an_owner_of_long_standing_is_no_growth() -> None:
    assert dict(rank(story(voice("a", 0, first=10)), now=NOON).parts)["growth"] == 0


def test_the_weight_of_a_source_counts() -> None:
    assert score(voice("a", 5, weight=2)) == pytest.approx(2 * score(voice("a", 5)))


def test_reports_from_the_future_do_not_count() -> None:
    assert score(voice("a", -1)) == 0
    assert score() == 0


VOICES = st.lists(
    st.builds(
        voice,
        st.sampled_from("abcdefgh"),
        st.floats(-5, 100),
        weight=st.floats(0.1, 5),
        copy=st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(VOICES)
def test_parts_add_up_to_the_score(voices: list[Voice]) -> None:
    found = rank(story(*voices), now=NOON)
    assert sum(figure for _, figure in found.parts) == found.score
    assert found.score >= -1e-9


@settings(deadline=None)
@given(VOICES, st.randoms())
def test_the_order_of_voices_does_not_matter(voices: list[Voice], chance: st.DrawFn) -> None:
    mixed = voices.copy()
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert rank(story(*mixed), now=NOON) == rank(story(*voices), now=NOON)


def test_equals_are_ordered_by_id() -> None:
    two = (story(voice("a", 5), name="s2"), story(voice("b", 5), name="s1"))
    assert [one.story for one in ranked(two, now=NOON)] == ["s1", "s2"]


def test_independent_owners_are_those_with_their_own_words_lately() -> None:
    facts = story(voice("a", 1), voice("a", 2), voice("b", 1, copy=True), voice("c", 30))
    assert independent(facts, NOON, timedelta(hours=24)) == 1
    assert independent(facts, NOON, timedelta(hours=48)) == 2
