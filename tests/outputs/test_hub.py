"""The rules of our own hub, without a network."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from aggregator.model.editions import Site
from aggregator.model.following import Errand, Follower, Task
from aggregator.outputs.hub import (
    LONGEST,
    PAUSES,
    SHORTEST,
    USUAL,
    Refusal,
    Wish,
    confirmed,
    has_room,
    host_of,
    later,
    lease_of,
    path_of,
    question,
    topic_of,
    wish_of,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SITE = Site(base_url="https://wire.example/news", hubs=("https://wire.example/news/hub",))
TOPIC = "https://wire.example/news/feeds/top.atom"
CALLBACK = "https://reader.example/cb/7f?user=1"
FORM = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.callback": CALLBACK}
FOLLOWER = Follower(
    path="feeds/top.atom", callback=CALLBACK, secret="s", since=NOW - DAY, expires=NOW + DAY
)


def asked(**changes: str) -> Wish | Refusal:
    form = FORM | {f"hub.{name}": value for name, value in changes.items()}
    return wish_of(form, SITE, lambda path: path == "feeds/top.atom")


def wish(**changes: str) -> Wish:
    found = asked(**changes)
    assert isinstance(found, Wish)
    return found


@pytest.mark.conforms("C28")
def test_a_form_becomes_a_wish() -> None:
    assert wish(secret="é" * 99) == Wish(
        mode="subscribe", path="feeds/top.atom", callback=CALLBACK, secret="é" * 99, lease=USUAL
    )
    # Who unsubscribes may do so after the feed is gone.
    gone = TOPIC.replace("top", "gone")
    assert wish(mode="unsubscribe", topic=gone).path == "feeds/gone.atom"


@pytest.mark.conforms("C28", "C34")
@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"mode": ""}, 400, "hub.mode"),
        ({"mode": "denied"}, 400, "hub.mode"),
        ({"mode": "publish"}, 403, "its own feeds"),
        ({"callback": ""}, 400, "missing"),
        ({"callback": "ftp://reader.example/cb"}, 400, "no http"),
        ({"callback": "https:///cb"}, 400, "no http"),
        ({"callback": "https://reader.example:0/cb"}, 400, "no http"),
        ({"callback": "https://reader.example:x/cb"}, 400, "no http"),
        ({"callback": "https://[::1/cb"}, 400, "no http"),
        ({"callback": "https://me:word@reader.example/cb"}, 400, "user name"),
        ({"callback": "https://reader.example/cb#x"}, 400, "fragment"),
        ({"callback": "https://reader.example/c b"}, 400, "percent-encoded"),
        ({"callback": "https://reader.example/\r\nx: y"}, 400, "percent-encoded"),
        ({"callback": "https://reader.example/" + "x" * 2000}, 400, "longer"),
        ({"secret": "é" * 100}, 400, "hub.secret"),
        ({"topic": ""}, 404, "hub.topic"),
        ({"topic": TOPIC + "?x=1"}, 404, "hub.topic"),
        ({"topic": TOPIC.replace("https", "http")}, 404, "hub.topic"),
        ({"topic": TOPIC.replace("top", "never")}, 404, "hub.topic"),
        ({"topic": "https://wire.example/news/private/x/top.atom"}, 404, "hub.topic"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(changes: dict[str, str], status: int, word: str) -> None:
    refusal = asked(**changes)
    assert isinstance(refusal, Refusal)
    assert refusal.status == status
    assert word in refusal.text


def test_a_topic_and_its_path_lead_to_each_other() -> None:
    for path in ("feeds/topics/art/top.json", "feeds/été.rss"):
        assert path_of(topic_of(path, SITE), SITE) == path


@pytest.mark.conforms("C31")
@pytest.mark.parametrize(
    ("said", "lease"),
    [
        ("", USUAL),
        ("0", USUAL),
        ("-5", USUAL),
        ("soon", USUAL),
        ("²", USUAL),
        ("1", SHORTEST),
        ("7200", SHORTEST),
        ("172800", 2 * DAY),
        ("9" * 400, LONGEST),
    ],
)
def test_every_lease_has_an_end_within_bounds(said: str, lease: timedelta) -> None:
    assert lease_of(said) == lease


@pytest.mark.conforms("C29")
def test_the_question_keeps_the_callbacks_query_and_names_the_lease() -> None:
    url = question(wish(lease_seconds="172800").errand(NOW), "c&=1", SITE)
    assert url.startswith(CALLBACK + "&")
    assert parse_qs(urlsplit(url).query) == {
        "user": ["1"],
        "hub.mode": ["subscribe"],
        "hub.topic": [TOPIC],
        "hub.challenge": ["c&=1"],
        "hub.lease_seconds": ["172800"],
    }


@pytest.mark.conforms("C30")
def test_a_confirmed_wish_goes_on_from_the_one_before() -> None:
    errand = wish(secret="new").errand(NOW)
    after = confirmed(errand, FOLLOWER, NOW)
    assert after == replace(FOLLOWER, secret="new", expires=NOW + USUAL)
    lapsed = replace(FOLLOWER, expires=NOW)
    assert confirmed(errand, lapsed, NOW) == replace(
        FOLLOWER, secret="new", since=NOW, expires=NOW + USUAL
    )
    assert confirmed(wish(mode="unsubscribe").errand(NOW), FOLLOWER, NOW) is None


@pytest.mark.conforms("C34")
def test_all_places_are_counted_and_those_of_one_host() -> None:
    others = [replace(FOLLOWER, callback=f"https://r{n}.example/cb") for n in range(7)]
    fits = {"most": 8, "pending": 0, "now": NOW}
    assert has_room(others, wish(), **fits)  # type: ignore[arg-type]
    assert not has_room(others, wish(), **(fits | {"pending": 1}))  # type: ignore[arg-type]
    assert not has_room([*others, replace(others[0], path="x")], wish(), **fits)  # type: ignore[arg-type]
    over = [replace(one, expires=NOW) for one in others]
    assert has_room([*others, *over], wish(), **fits)  # type: ignore[arg-type]
    neighbours = [replace(FOLLOWER, callback=f"{CALLBACK}{n}") for n in range(2)]
    assert not has_room(neighbours, wish(), **fits)  # type: ignore[arg-type]
    assert has_room([FOLLOWER, *neighbours], wish(), **fits)  # type: ignore[arg-type]


@pytest.mark.conforms("C33")
def test_what_fails_is_tried_later_and_later_and_not_for_ever() -> None:
    errand = Errand(
        task=Task.BRING, path="feeds/top.atom", address=CALLBACK, what='"x"', due=NOW, since=NOW
    )
    waits, now = [], NOW
    while again := later(errand, now):
        waits.append(again.due - now)
        errand, now = again, again.due
    assert tuple(waits) == PAUSES
    assert sum(waits, timedelta()) < DAY
    asking = replace(errand, tries=0)
    patient = later(asking, NOW, timedelta(hours=1))
    assert patient is not None
    assert patient.due == NOW + timedelta(hours=1)
    endless = later(asking, NOW, timedelta(days=365))
    assert endless is not None
    assert endless.due == NOW + PAUSES[-1]


def test_of_a_callback_only_its_host_is_told() -> None:
    assert host_of("https://Reader.example:8443/cb/secret?x") == "reader.example"
    assert "7f" not in repr(wish())
    assert "7f" not in repr(wish().errand(NOW))
    assert "7f" not in repr(FOLLOWER)
