import pytest

from aggregator.model.feeds import Validators
from aggregator.model.visits import Failed, Fetched, Gone, NotModified, Refused
from tests.origin import Origin, Reply, answer
from tests.sources.conftest import LOOPBACK_PEM, Asker

FEED = b"<rss version='2.0'/>"


def to(location: str | bytes, status: int = 302) -> Reply:
    return answer(status, b"moved", {"Location": location, "Set-Cookie": "a=1", "ETag": '"hop"'})


@pytest.mark.conforms("A46", "A47", "A59")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_followed_with_get(origin: Origin, visit: Asker, status: int) -> None:
    """And only the permanent ones say where the feed has moved."""
    origin.script("/b", answer(200, FEED, {"ETag": '"b"'}))
    found = visit(origin.script("/a", to("/b", status)))
    assert isinstance(found, Fetched)
    assert found.url == origin.url("/b")
    assert found.validators == Validators(url=origin.url("/b"), etag=b'"b"')
    assert found.moved_to == (origin.url("/b") if status in {301, 308} else None)
    assert [(seen.method, seen.target) for seen in origin.log] == [("GET", "/a"), ("GET", "/b")]


@pytest.mark.conforms("A48")
def test_only_the_leading_permanent_steps_say_where_a_feed_moved(
    origin: Origin, visit: Asker
) -> None:
    origin.script("/d", answer(200, FEED))
    origin.script("/c", to("/d", 301))
    origin.script("/b", to("/c", 302))
    found = visit(origin.script("/a", to("/b", 301)))
    assert isinstance(found, Fetched)
    assert found.moved_to == origin.url("/b")
    assert found.url == origin.url("/d")


def test_a_feed_that_did_not_move_says_so(origin: Origin, visit: Asker) -> None:
    found = visit(origin.script("/a", answer(200, FEED)))
    assert isinstance(found, Fetched)
    assert found.moved_to is None


@pytest.mark.conforms("A10")
def test_validators_go_to_the_address_that_gave_them_and_nowhere_else(
    origin: Origin, visit: Asker
) -> None:
    """A is asked plainly, B with what B gave."""
    origin.script("/b", answer(200, FEED, {"ETag": '"b"'}), answer(304))
    url = origin.script("/a", to("/b"))
    first = visit(url)
    assert isinstance(first, Fetched)
    second = visit(url, validators=first.validators)
    assert isinstance(second, NotModified)
    assert second.validators == first.validators
    sent = [(seen.target, seen.value("If-None-Match")) for seen in origin.log]
    assert sent == [("/a", None), ("/b", None), ("/a", None), ("/b", b'"b"')]


@pytest.mark.conforms("A10", "A11")
def test_validators_do_not_travel_to_a_redirects_target(origin: Origin, visit: Asker) -> None:
    origin.script("/b", answer(200, FEED))
    url = origin.script("/a", to("/b"))
    held = Validators(url=url, etag=b'"a"', last_modified=b"then")
    visit(url, validators=held)
    assert [seen.value("If-None-Match") for seen in origin.log] == [b'"a"', None]
    assert [seen.value("If-Modified-Since") for seen in origin.log] == [b"then", None]


@pytest.mark.conforms("A14")
def test_a_304_from_a_target_that_was_asked_plainly_is_a_failure(
    origin: Origin, visit: Asker
) -> None:
    origin.script("/b", answer(304))
    url = origin.script("/a", to("/b"))
    found = visit(url, validators=Validators(url=url, etag=b'"a"'))
    assert isinstance(found, Failed)


@pytest.mark.conforms("A52", "D10", "A58")
def test_secrets_do_not_follow_to_another_origin(origin: Origin, visit: Asker) -> None:
    """Neither credentials nor own headers nor cookies, and back home they return."""
    visit.names = {"other.test": ("127.0.0.1",)}
    url = origin.script("/a", to(origin.url("/b", host="other.test")))
    origin.script("/b", to(origin.url("/c")))
    origin.script("/c", answer(200, FEED))
    visit(url, credentials=("me", "pw"), headers=(("X-Api-Key", "k"), ("Cookie", "own=1")))
    kept = [(seen.value("Authorization"), seen.value("X-Api-Key")) for seen in origin.log]
    assert kept == [(b"Basic bWU6cHc=", b"k"), (None, None), (b"Basic bWU6cHc=", b"k")]
    assert [seen.value("Cookie") for seen in origin.log] == [b"own=1", None, b"own=1"]
    assert not any(seen.values("Referer") for seen in origin.log)


def test_a_user_name_in_a_location_is_neither_sent_nor_kept(origin: Origin, visit: Asker) -> None:
    origin.script("/b", answer(200, FEED))
    location = origin.url("/b#x").replace("//", "//evil:pw@")
    found = visit(origin.script("/a", to(location)))
    assert isinstance(found, Fetched)
    assert found.url == origin.url("/b")
    assert origin.log[1].value("Authorization") is None


@pytest.mark.conforms("D05", "A49")
@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "64:ff9b::7f00:1"])
def test_a_redirect_from_a_public_host_to_a_private_address_is_refused(
    origin: Origin, visit: Asker, address: str
) -> None:
    host = f"[{address}]" if ":" in address else address
    found = visit(origin.script("/a", to(f"http://{host}/latest/meta-data")))
    assert isinstance(found, Refused)
    assert "not public" in found.reason


@pytest.mark.conforms("D01", "D05")
def test_a_redirect_to_a_name_of_a_private_address_is_refused_without_a_connection(
    origin: Origin, visit: Asker
) -> None:
    """Loopback is only allowed as 127.0.0.1 here, and the trap listens on 127.0.0.2."""
    trap = Origin(host="127.0.0.2")
    trap.start()
    try:
        visit.names = {"public.test": ("127.0.0.1",), "inside.test": ("127.0.0.2",)}
        origin.script("/a", to(trap.url("/b", host="inside.test")))
        found = visit(
            origin.url("/a", host="public.test"), policy={"allow_private": ("127.0.0.1/32",)}
        )
        assert isinstance(found, Refused)
        assert trap.connections == 0
    finally:
        trap.stop()


@pytest.mark.conforms("A49")
@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://h/x", "javascript:alert(1)"])
def test_a_redirect_to_another_scheme_is_refused(
    origin: Origin, visit: Asker, location: str
) -> None:
    assert isinstance(visit(origin.script("/a", to(location))), Refused)


@pytest.mark.conforms("A49")
def test_redirects_that_go_round_are_given_up(origin: Origin, visit: Asker) -> None:
    origin.script("/b", to("/a"))
    found = visit(origin.script("/a", to("/b")))
    assert found == Failed(reason="redirects go round in a circle")
    assert len(origin.log) == 2


@pytest.mark.conforms("A49")
@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_no_more(
    origin: Origin, visit: Asker, hops: int, arrives: bool
) -> None:
    for n in range(hops):
        origin.script(f"/{n}", to(f"/{n + 1}"))
    origin.script(f"/{hops}", answer(200, FEED))
    found = visit(origin.url("/0"))
    assert isinstance(found, Fetched) is arrives
    assert len(origin.log) == 6


@pytest.mark.parametrize("headers", [{}, {"Location": ""}])
def test_a_redirect_to_nowhere_is_a_failure(
    origin: Origin, visit: Asker, headers: dict[str, str]
) -> None:
    found = visit(origin.script("/a", answer(302, b"", headers)))
    assert found == Failed(reason="HTTP 302 without a Location")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("b?x=1", "/dir/b?x=1"),
        ("../b", "/b"),
        ("?page=2", "/dir/a?page=2"),
        ("/ä".encode(), "/%C3%A4"),
        (b"/\xe4", "/%C3%A4"),
        ("//127.0.0.1:PORT/b", "/b"),
    ],
)
def test_a_location_is_read_against_where_it_was_said(
    origin: Origin, visit: Asker, location: str | bytes, target: str
) -> None:
    if isinstance(location, str):
        location = location.replace("PORT", str(origin.port))
    visit(origin.script("/dir/a", to(location), answer(200, FEED)))
    assert origin.log[1].target == target


@pytest.mark.conforms("A44")
def test_410_at_the_end_of_a_detour_does_not_end_the_feed(origin: Origin, visit: Asker) -> None:
    """Only the feed's own address, or where it has moved for good, can say so."""
    origin.script("/gone", answer(410))
    assert isinstance(visit(origin.script("/a", to("/gone", 302))), Failed)
    assert visit(origin.script("/b", to("/gone", 301))) == Gone()


@pytest.mark.conforms("A50")
def test_a_redirect_from_https_to_http_is_refused(
    origin: Origin, secure_origin: Origin, visit: Asker
) -> None:
    url = secure_origin.script("/a", to(origin.script("/b", answer(200, FEED))))
    found = visit(url, policy={"extra_ca": str(LOOPBACK_PEM)})
    assert isinstance(found, Refused)
    assert "https to http" in found.reason
    assert origin.log == []


@pytest.mark.conforms("A50", "A52")
def test_a_redirect_from_http_to_https_is_followed_without_secrets(
    origin: Origin, secure_origin: Origin, visit: Asker
) -> None:
    """Another scheme is another origin."""
    url = origin.script("/a", to(secure_origin.script("/b", answer(200, FEED)), 301))
    found = visit(url, credentials=("me", "pw"), policy={"extra_ca": str(LOOPBACK_PEM)})
    assert isinstance(found, Fetched)
    assert found.moved_to == secure_origin.url("/b")
    assert secure_origin.log[0].value("Authorization") is None
