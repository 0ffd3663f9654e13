from datetime import UTC, datetime, timedelta

import pytest

from aggregator.stories.gathering import LIFE, TERMS_HELD, TERMS_KEPT, Gathering
from aggregator.stories.traces import Trace
from aggregator.stories.vectors import Vector, square

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def begun(vector: Vector, *, days: float = 0, serial: int = 1) -> Gathering:
    at = NOON + days * DAY
    trace = Trace(
        serial=serial,
        item=f"i{serial}",
        story=f"s{serial}",
        opened=True,
        merged=(),
        language="en",
        at=at,
        now=at,
        vector=vector,
    )
    return Gathering.begun(trace)


def test_a_merged_story_is_as_old_as_its_oldest_part() -> None:
    young, old = begun({"a": 1000}, days=5, serial=9), begun({"b": 1000})
    young.absorb(old)
    assert young.opened == NOON
    assert young.serial == 1
    assert young.size == 2
    assert young.is_open(NOON + LIFE)
    assert not young.is_open(NOON + LIFE + timedelta(seconds=1))


def test_the_kept_square_is_that_of_the_sum() -> None:
    story = begun({"a": 600, "b": 800})
    story.add({"a": 1000}, at=NOON, now=NOON)
    story.absorb(begun({"b": 1000, "c": 30}, serial=2))
    assert story.weights == {"a": 1600, "b": 1800, "c": 30}
    assert story.squared == square(story.weights)


def test_likeness_beside_a_vector_is_likeness_after_adding_it() -> None:
    story, other, vector = begun({"a": 600, "b": 800}), begun({"b": 1000}), {"b": 900, "c": 400}
    foreseen = story.likeness(other, beside=vector)
    story.add(vector, at=NOON, now=NOON)
    assert foreseen == pytest.approx(story.likeness(other, beside={}))


def test_a_long_story_keeps_its_heaviest_terms() -> None:
    story = begun({"main": 1000})
    story.add({f"t{n:03}": n + 1 for n in range(TERMS_HELD)}, at=NOON, now=NOON)
    assert len(story.weights) == TERMS_KEPT
    assert "main" in story.weights
    assert "t000" not in story.weights
    assert story.squared == square(story.weights)


def test_the_gap_is_to_the_nearer_end_of_a_story() -> None:
    story = begun({"a": 1000})
    story.add({"a": 1000}, at=NOON + DAY, now=NOON + DAY)
    assert story.gap(NOON - DAY) == DAY
    assert story.gap(NOON + DAY / 2) == timedelta()
    assert story.gap(NOON + 3 * DAY) == 2 * DAY
