"""Roles in processes of their own: each may be killed, and nothing is lost or doubled."""

import asyncio
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.storage import open_store
from tests.fleet import Member, sailing, until
from tests.origin import Line, Origin, Reply, answer
from tests.postgres import Server
from tests.service.stage import item, rss
from tests.stores import Hand

pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LATEST = "feeds/latest.atom"


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    made = postgres.new()
    yield made
    postgres.drop(made)


def feeds_of(origin: Origin, count: int) -> list[str]:
    """Script feeds that bring an item at each visit, for ever."""
    for number in range(count):
        path = f"/{number}"
        origin.script(path, answer(200, rss(item(number))))
    return [f"{{id: f{n}, url: '{origin.url(f'/{n}')}', every: 5m}}" for n in range(count)]


def holds(web: Member, *words: str) -> bool:
    body = web.get(LATEST) or b""
    return all(word.encode() in body for word in words)


def test_pollers_a_desk_and_webs_are_one_service(origin: Origin, tmp_path: Path, url: str) -> None:
    feeds = feeds_of(origin, 6)
    roles = ("scheduler", "scheduler", "poller", "poller", "organiser", "organiser", "web", "web")
    with sailing(tmp_path, url, feeds, *roles) as fleet:
        one, other = (member for member in fleet.members if member.role == "web")
        until(lambda: holds(one, *(f"Ferry {n} " for n in range(6))))
        until(lambda: one.get(LATEST) == other.get(LATEST))
        assert one.get("index.html") == other.get("index.html") is not None
        assert fleet.end() == [0] * len(roles)
    assert sorted(each.target for each in origin.log) == [f"/{n}" for n in range(6)]
    with closing(open_store(url, root=tmp_path)) as store:
        assert store.items.count() == 6


def test_what_a_killed_poller_had_in_hand_is_done_by_another(
    origin: Origin, tmp_path: Path, url: str
) -> None:
    """But for those asked already, which come again when due: nobody is asked twice at once."""
    feeds = feeds_of(origin, 8)
    for number in range(8):
        origin.script(f"/{number}", slowly(answer(200, rss(item(number)))))
    with sailing(tmp_path, url, feeds, "scheduler", "poller", "organiser", "web") as fleet:
        _, poller, _, web = fleet.members
        until(lambda: len(origin.log) == 3)
        poller.kill()
        asked = {each.target for each in origin.log}
        fleet.start("poller")
        until(lambda: holds(web, *(f"Ferry {n} " for n in range(8) if f"/{n}" not in asked)))
    assert sorted(each.target for each in origin.log) == [f"/{n}" for n in range(8)]


def slowly(reply: Reply) -> Reply:
    async def replying(line: Line) -> None:
        await asyncio.sleep(0.7)
        await reply(line)

    return replying


@pytest.mark.parametrize("role", ["scheduler", "organiser"])
def test_where_one_leads_another_takes_over(
    origin: Origin, tmp_path: Path, url: str, role: str
) -> None:
    feeds = feeds_of(origin, 2)
    roles = ("scheduler", "poller", "organiser", "web")
    with sailing(tmp_path, url, feeds, *roles) as fleet:
        first, web = fleet.members[roles.index(role)], fleet.members[-1]
        until(lambda: holds(web, "Ferry 0 ", "Ferry 1 "))
        before = web.get(LATEST)
        second = fleet.start(role)
        assert "leads" not in second.said()
        first.kill()
        until(lambda: "leads" in second.said())
        origin.script("/0", answer(200, rss(item(7), item(0))))
        recall(url)
        until(lambda: holds(web, "Ferry 7 ", "Ferry 0 ", "Ferry 1 "))
        assert ids(before or b"") < ids(web.get(LATEST) or b"")


def test_a_restart_of_the_database_is_survived_by_all(origin: Origin, tmp_path: Path) -> None:
    feeds, server = feeds_of(origin, 2), Server.begin()
    try:
        url = server.new()
        with sailing(tmp_path, url, feeds, "scheduler", "poller", "organiser", "web") as fleet:
            web = fleet.members[-1]
            until(lambda: holds(web, "Ferry 0 ", "Ferry 1 "))
            server.stop(signal.SIGQUIT)
            assert holds(web, "Ferry 0 ", "Ferry 1 ")
            server.start()
            origin.script("/0", answer(200, rss(item(7), item(0))))
            recall(url)
            until(lambda: holds(web, "Ferry 7 "))
            assert all(member.process.poll() is None for member in fleet.members)
    finally:
        server.end()


def recall(url: str) -> None:
    """Let feed f0 be due now."""
    with closing(Hand(url)) as hand:
        hand.execute("UPDATE feed SET next_due = '2020-01-01T00:00:00Z' WHERE id = 'f0'")


def ids(feed: bytes) -> set[bytes]:
    return set(re.findall(rb"<id>(urn:[^<]*)</id>", feed))
