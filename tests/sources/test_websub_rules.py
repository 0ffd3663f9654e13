"""What is asked of a hub, whom we believe, and how much: every rule of the subscriber but time."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from aggregator.model.push import Standing, Subscription
from aggregator.sources.websub.asking import Terms, farewell, is_public, subscription, wish
from aggregator.sources.websub.believing import (
    MAX_CHALLENGE,
    Confirmed,
    Denied,
    DeniedBefore,
    Ended,
    Unknown,
    is_signed,
    verdict_on,
)
from aggregator.sources.websub.quota import (
    BURST,
    MOST_BYTES,
    MOST_IN_ALL,
    MOST_WAITING,
    Allowance,
    has_room,
    spent,
)
from aggregator.sources.websub.trust import delivered, is_proven, missed

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
HUB, TOPIC = "https://hub.example/push", "https://paper.example/feed?a=1&b=ü"
TERMS = Terms(callbacks="https://news.example/wire/push")


def counting() -> Callable[[int], bytes]:
    """Return chance that can be foretold: the bytes of 1, then those of 2, and so on."""
    thrown = iter(range(1, 255))
    return lambda count: bytes([next(thrown)]) * count


def asked(hub: str = HUB, terms: Terms = TERMS) -> Subscription:
    return subscription("a", hub, TOPIC, terms=terms, now=NOW, due=NOW + DAY, chance=counting())


ASKED = asked()
LIVE = replace(ASKED, standing=Standing.LIVE, since=NOW, expires=NOW + DAY)
LEAVING = replace(LIVE, standing=Standing.LEAVING)


@pytest.mark.conforms("C03", "C04", "C05")
def test_a_wish_says_what_the_standard_asks_for_and_nothing_that_can_be_guessed() -> None:
    form = dict(wish(ASKED, 10 * DAY))
    assert form == {
        "hub.callback": ASKED.callback,
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.lease_seconds": "864000",
        "hub.secret": ASKED.secret,
    }
    assert ASKED.callback == f"https://news.example/wire/push/{ASKED.token}"
    assert len(ASKED.token) * 6 >= 128  # bits of urlsafe base64
    assert len(bytes.fromhex(ASKED.secret)) >= 32
    assert len(ASKED.secret) < 200
    assert ASKED.token not in ASKED.secret
    assert "%26b%3D%C3%BC" in urlencode(wish(ASKED, DAY))
    assert dict(farewell(ASKED)) == {
        "hub.callback": ASKED.callback,
        "hub.mode": "unsubscribe",
        "hub.topic": TOPIC,
    }


@pytest.mark.conforms("C04", "C05")
def test_every_subscription_has_an_address_and_a_secret_of_its_own() -> None:
    chance = counting()
    made = [
        subscription("a", HUB, TOPIC, terms=TERMS, now=NOW, due=NOW, chance=chance)
        for _ in range(5)
    ]
    assert len({one.token for one in made} | {one.secret for one in made}) == 10


@pytest.mark.conforms("C04")
def test_a_secret_goes_over_https_only_unless_ops_say_so() -> None:
    open_hub = "http://hub.example/"
    assert "hub.secret" not in dict(wish(asked(open_hub), DAY))
    assert "hub.secret" in dict(wish(asked(open_hub, replace(TERMS, open_secrets=True)), DAY))


def test_neither_token_nor_secret_stands_in_what_is_printed() -> None:
    assert not [word for word in (ASKED.token, ASKED.secret) if word in repr(ASKED)]


@pytest.mark.parametrize(
    ("base", "public"),
    [
        ("https://news.example.org", True),
        ("https://news.example.org:8443/wire", True),
        ("http://93.184.216.34", True),
        ("http://[2606:2800:220:1::1]/", True),
        ("http://localhost:8080", False),
        ("http://127.0.0.1:8080", False),
        ("http://192.168.1.7", False),
        ("http://[::1]:8080", False),
        ("http://10.1.2.3/wire", False),
        ("http://desk:8080", False),
        ("http://desk.local", False),
        ("http://desk.fritz.lan", False),
        ("https://a.internal.", False),
        ("https://news.example", False),
    ],
)
def test_an_address_that_no_hub_can_reach_is_known_by_its_looks(base: str, public: bool) -> None:
    assert is_public(base) is public


def call(**changes: str | None) -> dict[str, str]:
    query = {
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.challenge": "x<y>&z",
        "hub.lease_seconds": "864000",
    }
    changed = {f"hub.{name}": value for name, value in changes.items()}
    return {name: value for name, value in (query | changed).items() if value is not None}


@pytest.mark.conforms("C07", "C18", "C47")
@pytest.mark.parametrize(
    ("one", "query", "believed"),
    [
        (ASKED, call(), True),
        (LEAVING, call(mode="unsubscribe", lease_seconds=None), True),
        (None, call(), False),
        (ASKED, call(topic=f"{TOPIC}?invalid"), False),
        (ASKED, call(topic=None), False),
        (ASKED, call(mode="unsubscribe"), False),
        (ASKED, call(mode="SUBSCRIBE"), False),
        (ASKED, call(mode=None), False),
        (ASKED, call(challenge=None), False),
        (ASKED, call(challenge=""), False),
        (ASKED, call(challenge="x" * MAX_CHALLENGE), True),
        (ASKED, call(challenge="x" * (MAX_CHALLENGE + 1)), False),
        (LIVE, call(), False),  # a replay
        (LIVE, call(mode="unsubscribe"), False),  # somebody else's doing
        (LEAVING, call(), False),
        (replace(ASKED, standing=Standing.DENIED), call(), False),
    ],
)  # fmt: skip
def test_only_what_is_pending_is_confirmed_by_topic_and_mode(
    one: Subscription | None, query: dict[str, str], believed: bool
) -> None:
    verdict = verdict_on(one, query, now=NOW)
    kind = Ended if one is LEAVING else Confirmed
    assert isinstance(verdict, kind if believed else Unknown)
    if isinstance(verdict, Confirmed | Ended):
        assert verdict.echo == query["hub.challenge"]


@pytest.mark.conforms("C11")
@pytest.mark.parametrize("one", [ASKED, LIVE])
def test_a_hub_may_deny_at_any_time_and_is_asked_no_more_that_day(one: Subscription) -> None:
    query = {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "not\r\nyours\x1b[31m" * 99}
    verdict = verdict_on(one, query, now=NOW)
    assert isinstance(verdict, Denied)
    assert (verdict.after.standing, verdict.after.due) == (Standing.DENIED, NOW + DAY)
    assert verdict.reason.startswith("notyours")
    assert verdict.reason.isprintable()
    assert len(verdict.reason) <= 200
    assert not is_proven(replace(verdict.after, deliveries=99), NOW)
    for other in (query | {"hub.topic": "x"}, {"hub.mode": "denied"}):
        assert isinstance(verdict_on(one, other, now=NOW), Unknown)


@pytest.mark.conforms("C11", "C21")
def test_a_hub_that_denies_again_or_when_we_leave_changes_nothing() -> None:
    query = {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "no"}
    denied = replace(ASKED, standing=Standing.DENIED)
    assert verdict_on(denied, query, now=NOW) == DeniedBefore()
    assert verdict_on(LEAVING, query, now=NOW) == Unknown()


BODY, SECRET = b"caf\xc3\xa9 \x00\xff\r\n", "ab" * 32


def signed(name: str, body: bytes = BODY, secret: str = SECRET) -> str:
    return f"{name}={hmac.new(secret.encode(), body, name).hexdigest()}"


@pytest.mark.conforms("C13", "C14", "C48", "C49", "C50")
@pytest.mark.parametrize(
    ("signatures", "believed"),
    [
        ([signed("sha256")], True),
        ([signed("sha384")], True),
        ([signed("sha512")], True),
        ([signed("sha256").upper()], True),
        ([signed("sha1")], False),
        ([signed("sha1"), signed("sha256")], True),
        ([signed("md5")], False),
        ([f"{signed('sha256')}1234"], False),
        ([signed("sha256")[:-1]], False),
        ([signed("sha256", body=BODY.strip())], False),
        ([signed("sha256", secret="other")], False),
        ([signed("sha256").partition("=")[2]], False),
        (["sha256="], False),
        (["=", "", "sha256", "sha256=é", "shake_128=00", "sha256-128=00"], False),
        ([], False),
    ],
)
def test_a_delivery_is_believed_by_its_signature_over_its_very_bytes(
    signatures: list[str], believed: bool
) -> None:
    assert is_signed(BODY, signatures, SECRET, allow_sha1=False) is believed


@pytest.mark.conforms("C21")
def test_of_many_signatures_the_first_of_each_algorithm_counts() -> None:
    """However many there are, four digests are the most that we make."""
    wrong = ["sha256=00", "sha1=00"]
    assert not is_signed(BODY, [*wrong, signed("sha256")], SECRET, allow_sha1=True)
    assert is_signed(BODY, [*wrong * 3000, signed("sha512")], SECRET, allow_sha1=True)


@pytest.mark.conforms("C13")
def test_sha_1_is_believed_only_where_ops_allow_it() -> None:
    """RFC 2202, test case 2."""
    vector = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    text = b"what do ya want for nothing?"
    assert is_signed(text, [vector], "Jefe", allow_sha1=True)
    assert not is_signed(text, [vector], "Jefe", allow_sha1=False)
    # RFC 4231, test case 2.
    longer = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert is_signed(text, [longer], "Jefe", allow_sha1=False)


@pytest.mark.conforms("A70", "C22")
def test_a_hub_is_proven_by_a_delivery_and_doubted_the_more_the_oftener_it_fails() -> None:
    assert not is_proven(LIVE, NOW)
    one = delivered(LIVE)
    assert is_proven(one, NOW)
    assert not is_proven(one, NOW + DAY)  # the lease is over
    assert not is_proven(replace(one, standing=Standing.LEAVING), NOW)
    wanted = []
    for _ in range(8):
        one = missed(one)
        count = 0
        while not is_proven(one, NOW):
            one, count = delivered(one), count + 1
        wanted.append(count)
    assert wanted == [2, 4, 8, 16, 32, 64, 64, 64]


@pytest.mark.conforms("C21")
def test_a_flood_runs_dry_and_a_trickle_never_does() -> None:
    held: Allowance | None = None
    taken = 0
    for number in range(1000):
        left = spent(held, NOW + number * SECOND / 1000)
        held, taken = left or held, taken + (left is not None)
    assert taken == BURST
    for number in range(100):
        held = spent(held, NOW + (2 * number + 3) * SECOND)
        assert held is not None
    back = spent(held, NOW - DAY)
    assert back is None or back.left <= BURST


@pytest.mark.conforms("C21")
def test_what_nobody_has_read_yet_is_bounded() -> None:
    assert has_room(0, 0, 0)
    assert not has_room(MOST_WAITING, 0, 0)
    assert not has_room(1, MOST_BYTES, MOST_BYTES)
    assert not has_room(0, 0, MOST_IN_ALL)
