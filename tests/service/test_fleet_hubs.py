"""Hubs of publishers, where pollers ask them and webs answer them."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet import SERVICE, Fleet, Member, sailing, until
from tests.hub import Hub
from tests.origin import Origin, answer
from tests.service.stage import item, rss
from tests.stores import Hand

pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOLD = SERVICE.replace('{subscribe: "off"}', "{subscribe: on, secret_over_http: true}")
ROLES = ("scheduler", "poller", "poller", "organiser", "web", "web")


@pytest.fixture
def hub(origin: Origin) -> Hub:
    """A hub that takes all forms, and a feed ``/a`` that names it."""
    hub = Hub(origin)
    links = f'<{hub.at("/hub")}>; rel="hub", <{origin.url("/a")}>; rel="self"'
    origin.script("/a", answer(200, rss(item(1)), {"Link": links}))
    return hub


def feed_of(origin: Origin) -> str:
    return f"{{id: a, url: '{origin.url('/a')}', every: 5m}}"


def webs_of(fleet: Fleet) -> tuple[Member, Member]:
    one, other = (member for member in fleet.members if member.role == "web")
    return one, other


def standings(url: str) -> list[str]:
    with closing(Hand(url)) as hand:
        rows = hand.execute("SELECT standing FROM subscription ORDER BY token").fetchall()
    return [standing for (standing,) in rows]


def subscribed(hub: Hub, fleet: Fleet, url: str) -> dict[str, str]:
    """Wait until the hub is asked, and let it ask back at the first web."""
    until(lambda: hub.forms)
    hub.base = f"http://127.0.0.1:{webs_of(fleet)[0].port}"
    form = hub.forms[0]
    assert asyncio.run(hub.ask(form)).status_code == 200
    assert standings(url) == ["live"]
    return form


def test_a_hub_is_asked_by_one_and_answered_by_any(
    origin: Origin, hub: Hub, tmp_path: Path, url: str
) -> None:
    with sailing(tmp_path, url, [feed_of(origin)], *ROLES, service=TOLD) as fleet:
        one, other = webs_of(fleet)
        form = subscribed(hub, fleet, url)
        hub.base = f"http://127.0.0.1:{other.port}"
        news = rss(item(2))
        assert asyncio.run(hub.deliver(form, news, signature="sha256=00")).status_code == 403
        assert asyncio.run(hub.deliver(form, news)).status_code == 202
        until(lambda: lists(one, b"Ferry 2 ") and lists(other, b"Ferry 2 "))
        assert [form["hub.mode"] for form in hub.forms] == ["subscribe"]
        assert len(origin.asked("/a")) == 1
        with closing(Hand(url)) as hand:
            hand.execute("UPDATE feed SET next_due = '2020-01-01T00:00:00Z'")
        until(lambda: len(origin.asked("/a")) == 2)
        until(lambda: because(url) == "push")


def lists(web: Member, words: bytes) -> bool:
    return words in (web.get("feeds/latest.atom") or b"")


def because(url: str) -> str:
    with closing(Hand(url)) as hand:
        (found,) = hand.execute("SELECT because FROM feed WHERE id = 'a'").fetchone()
    return str(found)


def test_the_hub_of_a_feed_that_was_removed_is_told(
    origin: Origin, hub: Hub, tmp_path: Path, url: str
) -> None:
    with sailing(tmp_path, url, [feed_of(origin)], *ROLES, service=TOLD) as fleet:
        form = subscribed(hub, fleet, url)
        origin.script("/b", answer(200, rss(item(9))))
        other = f"feeds: [{{id: b, url: '{origin.url('/b')}', every: 5m}}]\n"
        (tmp_path / "feeds.yaml").write_text(other, encoding="utf-8")
        until(lambda: len(hub.forms) == 2)
        assert hub.forms[1]["hub.mode"] == "unsubscribe"
        assert hub.forms[1]["hub.callback"] == form["hub.callback"]
        assert asyncio.run(hub.ask(hub.forms[1])).status_code == 200
        assert standings(url) == []
