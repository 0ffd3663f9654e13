"""When something is done about a subscription, and what: time comes in as an argument."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.push import NO_HUB, HubLinks, Standing, Subscription
from aggregator.sources.websub.leases import (
    FAREWELLS,
    Forget,
    Leave,
    Revisit,
    Step,
    Subscribe,
    after_failure,
    begun,
    patience,
    steps,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BASE = "https://news.example/push"
LINKS = HubLinks(hubs=("https://hub.example/",), topic="https://paper.example/feed")
ASKED = Subscription(
    token="t",
    feed="a",
    hub=LINKS.hubs[0],
    topic=LINKS.topic or "",
    callback=f"{BASE}/t",
    secret="s",
    standing=Standing.ASKED,
    asked_at=NOW,
    due=NOW + 6 * HOUR,
)
LIVE = begun(ASKED, str(10 * 86_400), now=NOW)
DENIED = replace(ASKED, token="d", standing=Standing.DENIED, due=NOW + DAY)
LEAVING = replace(LIVE, token="l", standing=Standing.LEAVING, due=NOW + HOUR, tries=1)


def at(
    now: datetime,
    *rows: Subscription,
    links: HubLinks | None = LINKS,
    visited: datetime | None = None,
    base: str = BASE,
) -> list[Step]:
    return list(steps(links, rows, callbacks=base, visited=visited or now, now=now))


def anew(
    links: HubLinks = LINKS,
    instead: tuple[Subscription, ...] = (),
    heir_of: Subscription | None = None,
) -> Subscribe:
    assert links.topic is not None
    return Subscribe(hubs=links.hubs, topic=links.topic, tries=0, instead=instead, heir_of=heir_of)


def kinds(found: list[Step]) -> list[type[Step]]:
    return [type(step) for step in found]


@pytest.mark.conforms("C09")
@pytest.mark.parametrize(
    ("said", "lease"),
    [
        ("864000", 10 * DAY),
        ("3600", HOUR),
        ("60", MINUTE),
        ("0", HOUR),
        (None, HOUR),
        ("", HOUR),
        ("-5", HOUR),
        ("ten", HOUR),
        ("1" + "0" * 12, 30 * DAY),
        ("999999999", 30 * DAY),
        ("9" * 5000, 30 * DAY),
    ],
)
def test_a_lease_lasts_as_the_hub_says_within_reason(said: str | None, lease: timedelta) -> None:
    live = begun(ASKED, said, now=NOW)
    assert live.standing is Standing.LIVE
    assert live.expires == NOW + lease
    # Renewed within it, but never more often than a lease of an hour would be.
    basis = max(lease, HOUR)
    assert NOW + basis / 2 <= live.due <= NOW + basis * 2 / 3


@pytest.mark.conforms("C09")
def test_renewals_are_spread_and_each_keeps_its_own_point() -> None:
    points = [begun(replace(ASKED, token=f"t{n}"), "864000", now=NOW).due for n in range(200)]
    assert len(set(points)) > 190
    assert max(points) - min(points) > DAY
    assert points[7] == begun(replace(ASKED, token="t7"), "864000", now=NOW).due


def test_the_first_lease_of_a_row_is_remembered_in_its_renewals() -> None:
    assert LIVE.since == NOW
    assert begun(replace(ASKED, since=NOW - DAY), "60", now=NOW).since == NOW - DAY


def test_a_feed_with_a_hub_is_subscribed_to_once_and_one_without_is_not() -> None:
    (first,) = at(NOW)
    assert first == anew()
    assert at(NOW, links=NO_HUB) == []
    assert at(NOW, ASKED) == at(NOW, LIVE) == at(NOW, DENIED) == at(NOW, LEAVING, LIVE) == []


@pytest.mark.conforms("C11")
def test_one_that_was_denied_or_not_answered_is_tried_again_a_day_later_at_most_daily() -> None:
    assert at(NOW + DAY - MINUTE, DENIED) == []
    (again,) = at(NOW + DAY, DENIED)
    assert again == anew(instead=(DENIED,))
    assert at(NOW + DAY, DENIED, links=NO_HUB) == [Forget(one=DENIED)]
    assert after_failure(ASKED, refused=True, now=NOW).due == NOW + DAY
    waits = [after_failure(replace(ASKED, tries=n), refused=False, now=NOW).due for n in range(99)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (NOW + 10 * MINUTE, NOW + DAY)
    assert [patience(n) for n in (0, 1, 2, 9)] == [6 * HOUR, 12 * HOUR, DAY, DAY]


@pytest.mark.conforms("C05", "C09", "C10")
def test_a_renewal_begins_with_a_look_at_the_feed_and_is_a_subscription_of_its_own() -> None:
    assert at(LIVE.due - MINUTE, LIVE, visited=NOW) == []
    assert at(LIVE.due, LIVE, visited=NOW) == [Revisit(one=LIVE)]
    (renewal,) = at(LIVE.due, LIVE, visited=LIVE.due - MINUTE)
    assert renewal == anew(heir_of=LIVE)
    asked = replace(ASKED, token="new", due=LIVE.due + 6 * HOUR)
    assert at(LIVE.due, LIVE, asked) == []  # the old one holds meanwhile


@pytest.mark.conforms("C09")
def test_a_lease_is_not_lost_because_its_publisher_cannot_be_asked() -> None:
    assert LIVE.expires is not None
    late = LIVE.expires - 2 * DAY
    assert kinds(at(late, LIVE, visited=NOW)) == [Subscribe]
    assert kinds(at(late - DAY, LIVE, visited=NOW)) == [Revisit]


@pytest.mark.conforms("A70", "C09")
def test_a_lease_that_ran_out_is_not_relied_on_and_the_hub_is_asked_anew() -> None:
    assert LIVE.expires is not None
    found = at(LIVE.expires, LIVE)
    assert found[0] == Forget(one=LIVE, lapsed=True)
    assert kinds(found[1:]) == [Subscribe]
    waiting = replace(ASKED, token="new", due=LIVE.expires + HOUR)
    assert at(LIVE.expires, LIVE, waiting) == [Forget(one=LIVE, lapsed=True)]


@pytest.mark.conforms("C10")
@pytest.mark.parametrize(
    ("links", "base"),
    [
        (replace(LINKS, topic="https://paper.example/new"), BASE),
        (replace(LINKS, hubs=("https://other.example/",)), BASE),
        (LINKS, "https://moved.example/push"),
    ],
)
def test_another_hub_topic_or_address_of_ours_is_followed_and_the_old_one_kept_until_then(
    links: HubLinks, base: str
) -> None:
    later = NOW + HOUR
    assert at(NOW + MINUTE, LIVE, links=links, base=base) == []  # no faster than that
    assert at(later, LIVE, links=links, base=base) == [anew(links, heir_of=LIVE)]


def test_one_more_hub_is_no_reason_to_change() -> None:
    more = replace(LINKS, hubs=("https://first.example/", *LINKS.hubs))
    assert at(NOW + DAY, LIVE, links=more) == []
    plain = replace(LINKS, hubs=("http://hub.example/",))
    assert at(NOW + DAY, LIVE, links=plain) == []  # it was reached over https


@pytest.mark.conforms("C18")
def test_what_is_no_longer_wanted_is_ended_and_the_hub_is_told_a_few_times() -> None:
    assert at(NOW, LIVE, DENIED, links=None) == [Leave(one=LIVE), Forget(one=DENIED)]
    assert at(NOW, ASKED, links=None) == [Leave(one=ASKED)]
    assert at(NOW, LEAVING, links=None) == []
    assert at(LEAVING.due, LEAVING, links=None) == [Leave(one=LEAVING)]
    tired = replace(LEAVING, tries=FAREWELLS)
    assert at(LEAVING.due, tired, links=None) == [Forget(one=tired)]
    over = replace(LEAVING, expires=NOW)
    assert at(LEAVING.due, over, links=None) == [Forget(one=over)]


def test_a_feed_that_names_no_hub_any_more_is_left_when_it_would_be_renewed() -> None:
    assert at(LIVE.due - MINUTE, LIVE, links=NO_HUB) == []
    assert at(LIVE.due, LIVE, links=NO_HUB) == [Leave(one=LIVE)]
