"""Roles in processes of their own: each may be killed, and nothing is lost or doubled."""

import asyncio
import re
import signal
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from aggregator.service.run import PAUSED
from aggregator.storage import open_shared, open_store
from tests.fleet import SERVICE, Member, sailing, until
from tests.origin import Line, Origin, Reply, answer
from tests.postgres import Server
from tests.service.stage import item, rss
from tests.stores import Hand

pytest.importorskip("procrastinate")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LATEST = "feeds/latest.atom"


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
    """And those that it had asked already are asked once more, but not at once."""
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
        cut = bring_forward(url)
        assert cut, "none was cut off: the test must kill earlier"
        assert {f"/{name.removeprefix('f')}" for name in cut} <= asked
        assert set(cut.values()) == {timedelta(seconds=45)}
        until(lambda: holds(web, *(f"Ferry {n} " for n in range(8))))
    seen = Counter(each.target for each in origin.log)
    assert seen == {f"/{n}": 2 if f"f{n}" in cut else 1 for n in range(8)}


def bring_forward(url: str) -> dict[str, timedelta]:
    """Let visits that never ended be made again now; return when they would have been."""
    with closing(Hand(url)) as hand:
        rows = hand.execute(
            "UPDATE feed SET next_due = '2020-01-01T00:00:00Z' FROM feed AS was"
            " WHERE was.id = feed.id AND feed.because = 'attempt'"
            " RETURNING feed.id, was.next_due::timestamptz - was.attempted_at::timestamptz"
        ).fetchall()
    return dict(rows)


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


def test_a_desk_that_is_killed_in_a_transaction_leaves_its_work_to_the_next_at_once(
    origin: Origin, tmp_path: Path, url: str
) -> None:
    """Nobody waits until it is clear that the first one is dead: the next one leads, so it is."""
    feeds = feeds_of(origin, 2)
    with sailing(tmp_path, url, feeds, "scheduler", "poller", "organiser", "web") as fleet:
        _, _, first, web = fleet.members
        until(lambda: holds(web, "Ferry 0 ", "Ferry 1 "))
        second = fleet.start("organiser")
        origin.script("/0", answer(200, rss(item(7), item(0))))
        with closing(Hand(url)) as hand:
            hand.execute("BEGIN")
            hand.execute("LOCK TABLE story IN SHARE MODE")
            recall(url)
            until(lambda: waits_for_a_table(url))
            first.kill()
            hand.execute("ROLLBACK")
        until(lambda: holds(web, "Ferry 7 ", "Ferry 0 ", "Ferry 1 "))
        assert '"took over"' in second.said()


def waits_for_a_table(url: str) -> bool:
    with closing(Hand(url)) as hand:
        return bool(
            hand.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_xid IS NOT NULL AND wait_event = 'relation'"
            ).fetchall()
        )


def test_jobs_that_are_handed_back_wait_for_nobodys_clock(url: str) -> None:
    """A machine whose clock is ahead would else have them wait until the others catch up."""
    from aggregator.service.fleet.engine import TABLE, Engine, tables  # noqa: PLC0415 - an extra

    async def scene() -> int:
        engine = Engine(url)
        async with engine.open():
            await engine.send_to([5])
            with closing(Hand(url)) as hand:
                hand.execute("UPDATE procrastinate_jobs SET status = 'doing'")  # by nobody
            return await engine.rescue()

    with closing(open_shared(url)) as store:
        store.make_once(TABLE, tables())
    assert asyncio.run(scene()) == 1
    with closing(Hand(url)) as hand:
        rows = hand.execute(
            "SELECT status, scheduled_at < now() - interval '1 day' FROM procrastinate_jobs"
        ).fetchall()
    assert rows == [("todo", True)]


def test_a_job_takes_few_feeds_of_a_host_and_those_of_others_on_its_beat() -> None:
    """A host that answers slowly would else hold up the others for fifty answers."""
    from aggregator.service.fleet.poller import BATCH, share  # noqa: PLC0415 - an extra

    due = [f"slow/{n}" for n in range(9)] + [f"host{n}/" for n in range(2 * BATCH)]
    chosen = share(due, lambda url: url.partition("/")[0])
    assert chosen == [*due[:4], *due[9 : 9 + BATCH - 4]]


def test_a_job_ends_though_the_connection_is_lost_over_that(url: str) -> None:
    """It would else hold its beat until the poller is started anew."""
    from aggregator.service.fleet.engine import TABLE, VISITS, Engine, tables  # noqa: PLC0415

    async def scene() -> None:
        begun, go, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def visit(_: int) -> None:
            begun.set()
            await go.wait()

        engine = Engine(url, visit=visit)
        async with engine.open():
            await engine.send_to([5])
            working = asyncio.create_task(engine.work(VISITS, at_once=1, stop=stop))
            await begun.wait()
            with closing(Hand(url)) as hand:
                hand.execute("BEGIN")
                hand.execute("SELECT 1 FROM procrastinate_jobs FOR UPDATE")
                go.set()
                await asyncio.to_thread(until, lambda: cut_off(url, "finish_job"))
                hand.execute("ROLLBACK")
            await asyncio.to_thread(until, lambda: not jobs(url))
            stop.set()
            await working

    with closing(open_shared(url)) as store:
        store.make_once(TABLE, tables())
    asyncio.run(scene())


def test_a_take_over_that_failed_is_tried_again(origin: Origin, tmp_path: Path, url: str) -> None:
    with closing(open_shared(url)), closing(Hand(url)) as hand:
        hand.execute("BEGIN")
        hand.execute("LOCK TABLE feed")
        with sailing(tmp_path, url, feeds_of(origin, 1), "scheduler") as fleet:
            until(lambda: cut_off(url, "feed", by="pg_cancel_backend"))
            until(lambda: "failed" in fleet.members[0].said())
            hand.execute("ROLLBACK")
            until(lambda: hand.execute("SELECT id FROM feed").fetchall() == [("f0",)])


def cut_off(url: str, saying: str, by: str = "pg_terminate_backend") -> bool:
    """End a connection that waits for a lock with a statement; tell whether there was one.

    ``by`` what it is ended, or its statement only.
    """
    with closing(Hand(url)) as hand:
        rows = hand.execute(
            f"SELECT {by}(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE ?",
            [f"%{saying}%"],
        ).fetchall()
    return bool(rows)


def jobs(url: str) -> list[tuple[str, str]]:
    with closing(Hand(url)) as hand:
        return hand.execute("SELECT lock, status FROM procrastinate_jobs").fetchall()


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


def test_an_outage_that_outlasts_everybodys_patience_is_survived_by_all(
    origin: Origin, tmp_path: Path
) -> None:
    """What connects by itself has given up by then, and every lead is lost."""
    feeds, server = feeds_of(origin, 2), Server.begin()
    try:
        url = server.new()
        roles = ("scheduler", "poller", "organiser", "web")
        with sailing(tmp_path, url, feeds, *roles) as fleet:
            _, poller, desk, web = fleet.members
            until(lambda: holds(web, "Ferry 0 ", "Ferry 1 "))
            server.stop(signal.SIGQUIT)
            until(lambda: "reconnection attempt" in poller.said())
            until(lambda: "reconnection attempt" in desk.said())
            server.start()
            origin.script("/0", answer(200, rss(item(7), item(0))))
            recall(url)
            until(lambda: holds(web, "Ferry 7 "))
            assert fleet.end() == [0] * len(roles)
    finally:
        server.end()


def recall(url: str) -> None:
    """Let feed f0 be due now."""
    with closing(Hand(url)) as hand:
        hand.execute("UPDATE feed SET next_due = '2020-01-01T00:00:00Z' WHERE id = 'f0'")


def ids(feed: bytes) -> set[bytes]:
    return set(re.findall(rb"<id>(urn:[^<]*)</id>", feed))


def test_every_role_tells_whether_it_is_well_and_whether_it_has_the_database(
    origin: Origin, tmp_path: Path
) -> None:
    """Without the database nobody is to be started anew, and only webs have anything to give."""
    feeds, server = feeds_of(origin, 1), Server.begin()
    try:
        url = server.new()
        roles = ("scheduler", "poller", "organiser", "organiser", "web")
        with sailing(tmp_path, url, feeds, *roles) as fleet:
            *others, web = fleet.members
            until(lambda: holds(web, "Ferry 0 "))
            until(lambda: all(member.get("readyz") for member in fleet.members))
            server.stop(signal.SIGQUIT)
            until(lambda: not any(member.get("readyz") for member in others))
            assert all(member.get("healthz") for member in others)
            assert web.get("readyz")
            server.start()
            until(lambda: all(member.get("readyz") for member in fleet.members))
    finally:
        server.end()


def test_ops_see_everything_and_act_at_any_web(origin: Origin, tmp_path: Path, url: str) -> None:
    told = SERVICE + "ops: {token: correct-horse-battery, port: 0}\n"
    roles = ("scheduler", "poller", "organiser", "web", "web")
    with sailing(tmp_path, url, feeds_of(origin, 2), *roles, service=told) as fleet:
        poller, (one, other) = fleet.members[1], fleet.members[-2:]
        until(lambda: holds(one, "Ferry 0 ", "Ferry 1 "))
        assert b'visits_total{outcome="fetched"} 2.0' in (poller.get("metrics") or b"")
        assert one.get("status") is None
        page = httpx.get(f"http://127.0.0.1:{one.port}/status", auth=OPS).text
        assert "f0" in page
        assert "f1" in page
        act(one, "pause", "f0")
        act(other, "pause", "f1")
        with closing(Hand(url)) as hand:
            (text,) = hand.execute("SELECT text FROM note WHERE name = 'paused'").fetchone()
        assert text == '["f0", "f1"]'
        until(lambda: is_paused(one, 2) and is_paused(other, 2))


OPS = ("ops", "correct-horse-battery")


def act(web: Member, action: str, feed: str) -> None:
    """Press a button of the status page."""
    at = f"http://127.0.0.1:{web.port}"
    ours = {"Origin": at}
    done = httpx.post(f"{at}/status/{action}", data={"feed": feed}, auth=OPS, headers=ours)
    assert done.status_code == 303


def is_paused(web: Member, count: int) -> bool:
    metrics = httpx.get(f"http://127.0.0.1:{web.port}/metrics", auth=OPS).text
    return f'feeds{{state="paused"}} {count}.0' in metrics


def test_edits_are_taken_over_by_all_roles_while_they_run(
    origin: Origin, tmp_path: Path, url: str
) -> None:
    first, second = feeds_of(origin, 2)
    outputs = "outputs: [{kind: latest}, {kind: latest, name: two, only: {feeds: [f1]}}]\n"
    roles = ("scheduler", "poller", "organiser", "web")
    with sailing(tmp_path, url, [first], *roles) as fleet:
        web = fleet.members[-1]
        until(lambda: holds(web, "Ferry 0 "))
        put(tmp_path / "feeds.yaml", "feeds: [{url: nowhere}]\n")
        until(lambda: all("settings refused" in m.said() for m in fleet.members[1:]))
        put(tmp_path / "outputs.yaml", outputs)
        put(tmp_path / "feeds.yaml", f"feeds: [{first}, {second}]\n")
        until(lambda: holds(web, "Ferry 0 ", "Ferry 1 "))
        until(lambda: web.get("feeds/two.atom") is not None)
        assert b"Ferry 0 " not in (web.get("feeds/two.atom") or b"")
        put(tmp_path / "outputs.yaml", "outputs: [{kind: latest}]\n")
        put(tmp_path / "feeds.yaml", f"feeds: [{first.replace('/0', '/1')}]\n")
        origin.script("/1", answer(200, rss(item(8))))
        bring_near(url)
        until(lambda: holds(web, "Ferry 8 "))
    assert len(origin.asked("/0")) == 1


@pytest.mark.parametrize("is_good", [True, False], ids=["good", "with a mistake since"])
def test_who_takes_the_desk_over_goes_on_by_the_latest_settings_that_were_good(
    origin: Origin, tmp_path: Path, url: str, *, is_good: bool
) -> None:
    """Both waited and led by files that are no more: what was taken away must not come back."""
    feeds, outputs = feeds_of(origin, 1), tmp_path / "outputs.yaml"
    outputs.write_text("outputs: [{kind: latest}, {kind: latest, name: two}]\n", encoding="utf-8")
    with sailing(tmp_path, url, feeds, "scheduler", "poller", "web", "organiser") as fleet:
        web, first = fleet.members[-2:]
        until(lambda: "leads" in first.said() and web.get("feeds/two.atom"))
        fleet.start("organiser")
        second = fleet.members[-1]
        until(lambda: second.get("readyz"))
        put(outputs, "outputs: [{kind: latest}, {kind: latest, name: three}]\n")
        until(lambda: web.get("feeds/three.atom") and web.get("feeds/two.atom") is None)
        if not is_good:
            until(lambda: "settings read" in second.said())
            put(outputs, "outputs: [{kind: nothing}]\n")
            until(lambda: "settings refused" in first.said())
        first.kill()
        until(lambda: "leads" in second.said())
        origin.script("/0", answer(200, rss(item(0), item(9))))
        recall(url)
        until(lambda: holds(web, "Ferry 9 "))
        assert b"Ferry 9 " in (web.get("feeds/three.atom") or b"")
        assert web.get("feeds/two.atom") is None
        assert "settings taken over" not in second.said()


def put(path: Path, text: str) -> None:
    """Replace a file as editors do."""
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def bring_near(url: str) -> None:
    """Let the feed that was given another address be due, once all know of that."""

    def is_known() -> bool:
        with closing(Hand(url)) as hand:
            return bool(
                hand.execute(
                    "UPDATE feed SET next_due = '2020-01-01T00:00:00Z'"
                    " WHERE id = 'f0' AND url LIKE '%/1' RETURNING id"
                ).fetchall()
            )

    until(is_known)


def test_what_ops_paused_is_not_visited_and_keeps_nobody_busy(
    origin: Origin, tmp_path: Path, url: str
) -> None:
    feeds = feeds_of(origin, 2)
    with closing(open_store(url, root=tmp_path)) as store:
        store.notes.put(PAUSED, '["f0"]')
    with sailing(tmp_path, url, feeds, "scheduler", "poller", "organiser", "web") as fleet:
        until(lambda: holds(fleet.members[-1], "Ferry 1 "))
        until(lambda: not jobs(url))
        assert origin.asked("/0") == []
