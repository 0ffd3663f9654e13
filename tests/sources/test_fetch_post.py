"""What is sent to a hub, and where it may lead: the same door, the same limits as polling."""

import asyncio
import socket
from typing import Any

import pytest

from aggregator.model.visits import Failed, Posted, Refused
from tests.origin import Line, Origin, Reply, answer, hang
from tests.sources.conftest import Asker

FORM = (("hub.mode", "subscribe"), ("hub.topic", "https://a.example/?ü=1&b=2"))
BODY = b"hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F%3F%C3%BC%3D1%26b%3D2"


def taking(bodies: list[bytes], reply: Reply) -> Reply:
    """Keep the body of the request, then ``reply``."""

    async def replying(line: Line) -> None:
        length = int(line.seen.value("Content-Length") or b"0")
        bodies.append(await line.reader.readexactly(length))
        await reply(line)

    return replying


def post(url: str, visit: Asker, **policy: Any) -> Posted | Refused | Failed:
    return asyncio.run(visit.fetcher(**policy).post(url, FORM))


@pytest.mark.conforms("C03", "C06")
def test_a_form_is_sent_in_utf_8_and_any_success_will_do(origin: Origin, visit: Asker) -> None:
    bodies: list[bytes] = []
    for status in (202, 204, 200):
        url = origin.script("/hub", taking(bodies, answer(status, b"" if status == 204 else b"ok")))
        assert post(url, visit) == Posted(status=status)
    assert bodies == [BODY] * 3
    seen = origin.log[0]
    assert seen.method == "POST"
    assert seen.value("Content-Type") == b"application/x-www-form-urlencoded"
    assert not seen.values("Cookie") + seen.values("Referer")


@pytest.mark.conforms("C06", "C45", "C46")
@pytest.mark.parametrize("status", [307, 308])
def test_a_307_or_308_is_followed_by_posting_again(
    origin: Origin, visit: Asker, status: int
) -> None:
    bodies: list[bytes] = []
    origin.script("/there", taking(bodies, answer(202)))
    url = origin.script("/hub", taking(bodies, answer(status, headers={"Location": "/there"})))
    assert post(url, visit) == Posted(status=202)
    assert bodies == [BODY, BODY]
    assert [seen.method for seen in origin.log] == ["POST", "POST"]


@pytest.mark.conforms("C06")
@pytest.mark.parametrize("status", [301, 302, 303])
def test_no_other_redirect_is_followed(origin: Origin, visit: Asker, status: int) -> None:
    origin.script("/there", answer(202))
    found = post(origin.script("/hub", answer(status, headers={"Location": "/there"})), visit)
    assert isinstance(found, Failed)
    assert found.status == status
    assert origin.asked("/there") == []


@pytest.mark.conforms("C06")
def test_redirects_of_hubs_end_and_stay_where_we_may_reach(origin: Origin, visit: Asker) -> None:
    round_about = origin.script("/a", answer(307, headers={"Location": "/a"}))
    found = post(round_about, visit)
    assert isinstance(found, Failed)
    assert "circle" in found.reason
    inside = origin.script("/b", answer(308, headers={"Location": "http://10.0.0.1/"}))
    refused = post(inside, visit)
    assert isinstance(refused, Refused)
    assert "not public" in refused.reason


@pytest.mark.conforms("C06")
def test_a_refusal_is_told_in_the_hubs_own_words_on_one_line(origin: Origin, visit: Asker) -> None:
    found = post(origin.script("/hub", answer(422, b"hub.topic\r\n is unknown")), visit)
    assert isinstance(found, Failed)
    assert (found.status, found.reason.endswith(": hub.topic is unknown")) == (422, True)


def test_a_hub_that_hangs_or_floods_costs_no_more_than_a_publisher(
    origin: Origin, visit: Asker
) -> None:
    slow = post(origin.script("/slow", hang()), visit, total_seconds=0.3)
    assert isinstance(slow, Failed)
    assert "within 0.3 s" in slow.reason
    big = post(origin.script("/big", answer(200, b"x" * 200_000)), visit)
    assert big == Posted(status=200)  # what it says to it is of no matter


@pytest.mark.conforms("C06")
@pytest.mark.parametrize(
    "reply",
    [
        answer(202, b"no gzip", {"Content-Encoding": "gzip"}),
        answer(202, b"Tha", length=9),
        hang(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nTha"),
    ],
    ids=["corrupt", "cut", "slow"],
)
def test_a_hub_that_accepts_has_accepted_whatever_its_answer_holds(
    origin: Origin, visit: Asker, reply: Reply
) -> None:
    assert post(origin.script("/hub", reply), visit, total_seconds=1) == Posted(status=202)


@pytest.mark.conforms("C06")
def test_a_refusal_counts_with_its_status_although_its_words_are_cut(
    origin: Origin, visit: Asker
) -> None:
    found = post(origin.script("/hub", answer(404, b"Tha", length=9)), visit)
    assert found == Failed(reason="HTTP 404 Not Found", status=404)


@pytest.mark.conforms("C04")
def test_a_port_where_nobody_speaks_tls_is_told_from_a_hub_that_fails(
    origin: Origin, secure_origin: Origin, visit: Asker
) -> None:
    origin.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        nobody = f"https://127.0.0.1:{sock.getsockname()[1]}/"
        plain = origin.url("/hub").replace("http:", "https:")
        found = [post(url, visit) for url in (nobody, plain, secure_origin.url("/"))]
    assert [isinstance(one, Failed) and one.closed for one in found] == [True, True, False]
