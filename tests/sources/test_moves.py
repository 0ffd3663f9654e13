from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState, Move, Validators
from aggregator.sources.fetch import ask_for
from aggregator.sources.moves import address_to_ask, failed, followed, twin_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW, NEWER = "http://a.example/", "https://b.example/f", "https://c.example/f"
FEED = Feed(id="a", url=OLD, headers=(("X-Key", "s"),), credentials=("ann", "pw"))
STATE = FeedState(feed="a", url=OLD, next_due=NOW)
MOVED = replace(STATE, moved_to=NEW)


def seen(state: FeedState, to: str | None, *days: float) -> FeedState:
    for day in days:
        state = followed(state, to, now=NOW + day * DAY)
    return state


@pytest.mark.conforms("A46")
def test_a_move_is_learned_after_three_visits_over_two_days() -> None:
    """The configured address is kept beside it."""
    assert seen(STATE, NEW, 0).move == Move(to=NEW, since=NOW)
    assert seen(STATE, NEW, 0, 2).moved_to is None
    assert seen(STATE, NEW, *(hour / 24 for hour in range(47))).moved_to is None
    learned = seen(STATE, NEW, 0, 1, 2)
    assert (learned.moved_to, learned.move, learned.url) == (NEW, None, OLD)
    assert address_to_ask(FEED, learned) == NEW


@pytest.mark.conforms("A46")
def test_a_redirect_that_is_not_there_every_time_is_not_learned() -> None:
    state = seen(STATE, NEW, 0, 1)
    assert seen(seen(state, None, 1.5), NEW, 2, 3).moved_to is None
    assert seen(seen(state, NEWER, 1.5), NEW, 2, 3).moved_to is None


def test_a_feed_that_moves_again_is_followed_in_the_same_way() -> None:
    state = seen(MOVED, NEWER, 0, 1)
    assert address_to_ask(FEED, state) == NEW
    assert address_to_ask(FEED, seen(state, NEWER, 3)) == NEWER


@pytest.mark.conforms("A46")
def test_a_feed_that_moves_back_is_asked_where_it_is_configured() -> None:
    assert seen(MOVED, OLD, 0, 1, 3).moved_to is None


def test_good_visits_where_it_lives_now_change_nothing() -> None:
    assert seen(MOVED, None, 0, 1, 9) == MOVED


def test_an_edited_address_is_asked_whatever_was_learned() -> None:
    assert address_to_ask(replace(FEED, url=NEWER), MOVED) == NEWER


@pytest.mark.conforms("A46")
def test_a_learned_address_that_fails_is_given_up() -> None:
    assert failed(replace(MOVED, failures=2)).moved_to == NEW
    assert failed(replace(MOVED, failures=3)).moved_to is None


def test_a_clock_set_back_starts_the_trial_again() -> None:
    state = seen(STATE, NEW, 30)
    assert seen(state, NEW, 0, 1, 2).moved_to == NEW


@pytest.mark.conforms("A10", "A52")
def test_secrets_stay_at_home_and_validators_with_their_address() -> None:
    held = Validators(url=NEW, etag=b'"1"')
    ask = ask_for(FEED, replace(MOVED, validators=held))
    assert (ask.url, ask.validators) == (NEW, held)
    assert (ask.headers, ask.credentials) == ((), None)
    near = ask_for(FEED, replace(STATE, moved_to="http://a.example/new"))
    assert (near.headers, near.credentials) == (FEED.headers, FEED.credentials)


@pytest.mark.conforms("A53")
def test_of_feeds_at_one_address_one_is_asked() -> None:
    """The one that is configured so, else the first by name; one that fails leads nobody."""
    other = replace(MOVED, feed="b")
    at_home = FeedState(feed="z", url=NEW, next_due=NOW)
    assert twin_of(MOVED, [MOVED, other]) is None
    assert twin_of(other, [MOVED, other]) == "a"
    assert twin_of(MOVED, [MOVED, other, at_home]) == "z"
    assert twin_of(MOVED, [MOVED, replace(at_home, failures=1)]) is None
    assert twin_of(MOVED, [MOVED, replace(at_home, gone=True)]) is None
    assert twin_of(at_home, [MOVED, other, at_home]) is None
    away = replace(at_home, moved_to=NEWER)
    assert twin_of(MOVED, [MOVED, away]) is None
