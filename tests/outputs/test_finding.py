from datetime import UTC, datetime, timedelta

from aggregator.model.items import Match
from aggregator.outputs.finding import FOUND, best_first, newest_first, spec_of

NOW = datetime(2031, 5, 12, 12, tzinfo=UTC)


def match(name: str, days: float, relevance: float = 1.0, lead: str | None = None) -> Match:
    at = NOW - timedelta(days=days)
    return Match(id=name, published=at, relevance=relevance, lead=lead)


def test_of_equal_matches_the_newer_is_better_and_a_much_better_one_beats_a_newer_one() -> None:
    found = [match("old", 10), match("new", 1), match("best", 20, relevance=9.0)]
    assert best_first(found, NOW) == ("best", "new", "old")
    assert newest_first(found) == ("new", "old", "best")


def test_a_copy_speaks_for_the_item_that_it_is_folded_under() -> None:
    found = [match("lead", 2, 1.0), match("copy", 1, 5.0, lead="lead"), match("other", 0, 2.0)]
    assert best_first(found, NOW) == ("lead", "other")
    assert newest_first(found) == ("other", "lead")


def test_a_search_shows_a_bounded_number() -> None:
    found = [match(f"{n}", n) for n in range(FOUND + 5)]
    assert len(best_first(found, NOW)) == len(newest_first(found)) == FOUND


def test_each_search_is_a_feed_of_its_own() -> None:
    assert spec_of("ferry").name != spec_of("storm").name
    assert spec_of("ferry").title == "Search: ferry"
