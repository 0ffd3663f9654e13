"""TLS: whom we believe, what ops may waive, and what is told when a handshake fails.

The certificates are for 127.0.0.1, localhost and press.test, signed by an authority whose key was
thrown away; one of them expired in 2002 and one is not valid before 2100.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.model.feeds import USUAL_TLS, Feed, FeedState, Tls
from aggregator.model.visits import Answer, Failed, Fetched
from aggregator.sources.certificates import contexts
from aggregator.sources.fetch import ask_for
from tests.origin import Origin, answer
from tests.sources.conftest import LOOPBACK_PEM, Asker

FEED = b"<rss version='2.0'/>"
HELD = Path(__file__).parent / "certificates"
PRESS = Tls(ca=str(HELD / "authority.pem"))
ANYBODY = Tls(verify=False)
REFUSED = "TLS certificate not accepted: "


def serving(certificate: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return tls


@contextmanager
def publisher(tls: ssl.SSLContext) -> Iterator[Origin]:
    here = Origin(tls=tls)
    here.start()
    here.script("/", answer(200, FEED))
    try:
        yield here
    finally:
        here.stop()


def told(found: Answer) -> str:
    assert isinstance(found, Failed), found
    return found.reason


@pytest.mark.conforms("D09")
@pytest.mark.parametrize(
    ("certificate", "host", "tls", "words"),
    [
        ("expired.pem", None, PRESS, "it has expired"),
        ("future.pem", None, PRESS, "it is not valid yet; is the clock"),
        ("host.pem", "other.test", PRESS, "it is for another host"),
        ("host.pem", None, USUAL_TLS, "nobody we know has signed it"),
        ("../loopback.pem", None, USUAL_TLS, "it is self-signed; if it is to be trusted"),
        ("../loopback.pem", None, PRESS, "it is self-signed"),
    ],
)
def test_each_fault_of_a_certificate_is_told_in_words_of_its_own(
    visit: Asker, certificate: str, host: str | None, tls: Tls, words: str
) -> None:
    visit.names = {"other.test": ("127.0.0.1",)}
    with publisher(serving(HELD / certificate)) as origin:
        assert told(visit(origin.url("/", host=host), tls=tls)).startswith(REFUSED + words)
        assert origin.log == []


TOO_OLD_FOR_IT = b"\x15\x03\x01\x00\x02\x02\x46"  # alert: protocol_version
SPEAKS_1_1 = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + bytes(33) + b"\x00\x2f\x00"  # hello


@pytest.mark.conforms("D09")
@pytest.mark.parametrize("tls", [USUAL_TLS, PRESS, ANYBODY], ids=["usual", "own", "not verified"])
@pytest.mark.parametrize("greeting", [TOO_OLD_FOR_IT, SPEAKS_1_1], ids=["alert", "hello"])
def test_tls_before_1_2_is_not_spoken_whatever_ops_waive(
    origin: Origin, visit: Asker, tls: Tls, greeting: bytes
) -> None:
    origin.greeting = greeting
    found = told(visit(origin.url("/").replace("http:", "https:"), tls=tls))
    assert found == "TLS failed: the host speaks no TLS as new as 1.2"


@pytest.mark.conforms("D09")
def test_tls_1_2_is_spoken(visit: Asker) -> None:
    old = serving(HELD / "host.pem")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with publisher(old) as origin:
        assert isinstance(visit(origin.url("/"), tls=PRESS), Fetched)


def test_a_port_that_speaks_no_tls_is_told(origin: Origin, visit: Asker) -> None:
    origin.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    found = told(visit(origin.url("/").replace("http:", "https:")))
    assert found == "TLS failed: the host does not speak TLS on this port"


@pytest.mark.parametrize("tls", [PRESS, Tls(ca=str(HELD / "host.pem")), ANYBODY])
def test_a_host_is_believed_by_its_authority_by_itself_or_unseen(visit: Asker, tls: Tls) -> None:
    with publisher(serving(HELD / "host.pem")) as origin:
        assert isinstance(visit(origin.url("/"), tls=tls), Fetched)


def test_who_is_believed_for_everybody_is_not_where_a_feed_names_its_own(visit: Asker) -> None:
    with publisher(serving(LOOPBACK_PEM)) as origin:
        trusted = {"extra_ca": str(LOOPBACK_PEM)}
        assert isinstance(visit(origin.url("/"), policy=trusted), Fetched)
        assert told(visit(origin.url("/"), tls=PRESS, policy=trusted)).startswith(REFUSED)


@pytest.mark.conforms("D09", "D10")
@pytest.mark.parametrize("tls", [PRESS, ANYBODY], ids=["own authority", "not verified"])
def test_what_a_feed_waives_holds_for_no_other_host(visit: Asker, tls: Tls) -> None:
    visit.names = {"press.test": ("127.0.0.1",)}
    with publisher(serving(HELD / "host.pem")) as origin:
        origin.script("/a", answer(302, headers={"Location": origin.url("/", host="press.test")}))
        assert told(visit(origin.url("/a"), tls=tls)).startswith(REFUSED + "nobody we know")
        assert [seen.target for seen in origin.log] == ["/a"]


def test_what_a_feed_waives_holds_for_its_host_on_the_way_from_http(
    origin: Origin, visit: Asker
) -> None:
    with publisher(serving(HELD / "host.pem")) as secure:
        url = origin.script("/a", answer(301, headers={"Location": secure.url("/")}))
        assert isinstance(visit(url, tls=PRESS), Fetched)


def test_a_feed_that_moved_to_another_host_leaves_its_options_behind() -> None:
    feed = Feed(id="a", url="https://press.test/rss", tls=ANYBODY)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for moved_to, wanted in (
        (None, ANYBODY),
        ("https://press.test:8443/rss", ANYBODY),
        ("https://else.test/rss", USUAL_TLS),
    ):
        state = FeedState(feed="a", url=feed.url, next_due=now, moved_to=moved_to)
        assert ask_for(feed, state).tls == wanted


def test_distinct_options_have_one_context_each() -> None:
    context_for = contexts()
    assert context_for(Tls()) is context_for(USUAL_TLS)
    assert context_for(PRESS) is context_for(Tls(ca=PRESS.ca))
    assert context_for(PRESS) is not context_for(USUAL_TLS)
    assert {context_for(tls).minimum_version for tls in (USUAL_TLS, PRESS, ANYBODY)} == {
        ssl.TLSVersion.TLSv1_2
    }


def test_an_authority_whose_file_went_away_fails_the_visit_only(
    tmp_path: Path, visit: Asker
) -> None:
    with publisher(serving(HELD / "host.pem")) as origin:
        gone = Tls(ca=str(tmp_path / "gone.pem"))
        assert told(visit(origin.url("/"), tls=gone)) == "the file under tls: ca cannot be read"


@pytest.mark.conforms("E38")
def test_no_newer_http_is_offered_than_is_spoken(visit: Asker) -> None:
    tls = serving(HELD / "host.pem")
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with publisher(tls) as origin:
        chosen: list[str | None] = []

        async def reply(line: object) -> None:
            chosen.append(line.writer.get_extra_info("ssl_object").selected_alpn_protocol())  # type: ignore[attr-defined]
            await answer(200, FEED)(line)  # type: ignore[arg-type]

        assert isinstance(visit(origin.script("/", reply), tls=PRESS), Fetched)
    assert chosen == ["http/1.1"]
