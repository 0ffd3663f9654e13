"""Two virtual days among publishers of every kind, with restarts and deaths in between."""

import asyncio
from pathlib import Path

import pytest

from aggregator.sources.politeness import Politeness
from bench.politeness import Outcome, lived

pytestmark = pytest.mark.slow

# Who never gives anything to ask with, and who lied at first.
PLAIN = ("neither", "missing", "denied", "moved", "detour", "chain", "chain-1", "liar")


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder: Path = tmp_path_factory.mktemp("town")
    return asyncio.run(lived(folder))


@pytest.mark.conforms(
    "A01",
    "A02",
    "A04",
    "A08",
    "A10",
    "A22",
    "A23",
    "A57",
    "A58",
    "A59",
    "A69",
    "A06",
    "A07",
    "A13",
    "A18",
    "A24",
    "A27",
    "A29",
    "A31",
    "A37",
    "A41",
    "A47",
    "A56",
    "A21",
)
def test_in_two_days_no_publisher_has_anything_to_complain_of(two_days: Outcome) -> None:
    """Of no request without conditions, altered or old validators, haste, cookies, parameters."""
    assert two_days.faults == {}
    assert (two_days.restarts, two_days.deaths) == (7, 6)
    assert sum(press.counts.requests for press in two_days.presses) > 1000


@pytest.mark.conforms("A01", "A69")
def test_in_two_days_each_address_is_asked_without_conditions_once(two_days: Outcome) -> None:
    asked = {press.name[:-2]: press.counts.unconditional for press in two_days.presses}
    assert {name: count for name, count in asked.items() if name not in PLAIN} == dict.fromkeys(
        asked.keys() - set(PLAIN), 1
    )
    assert asked["liar"] == 3


@pytest.mark.conforms("A44", "A45")
def test_who_is_gone_or_shuts_us_out_is_left_alone(two_days: Outcome) -> None:
    asked = {press.name[:-2]: press.counts.requests for press in two_days.presses}
    assert (asked["gone"], asked["denied"]) == (4, 2)


@pytest.mark.conforms("A69")
def test_our_own_log_gives_every_feed_the_same_score(two_days: Outcome) -> None:
    for press in two_days.presses:
        if press.named:
            own: Politeness = two_days.reports[press.name].politeness
            assert (own.points, own.visits) == (100, min(press.counts.requests, 48)), press.name
