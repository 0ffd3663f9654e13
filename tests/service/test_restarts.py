"""What publishers must not notice: that we were started anew, or killed."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.model.following import Follower
from aggregator.service import clock
from aggregator.service.house import opened
from aggregator.service.poll import Visit
from tests.follower import Followers
from tests.origin import Line, Origin, answer, hang
from tests.service.stage import (
    SERVICE,
    environ_in,
    from_outside,
    item,
    play,
    rss,
    settings_for,
    store_in,
)

pytestmark = pytest.mark.slow

HUB = "hub: {serve: on, allow_private: [127.0.0.0/8]}"
QUIET = answer(429, headers={"Retry-After": "7200"})


async def visits_of(folder: Path, feeds: list[str], *names: str) -> list[Visit]:
    """Start, visit the named feeds one after another as far as they are due, end."""
    async with opened(settings_for(folder, feeds), store_in(folder)) as service:
        await service.prepare()
        due = {feed.id: (feed, state) for feed, state in await service.due_now()}
        return [await service.poller.visit(*due[name]) for name in names]


@pytest.mark.conforms("A37")
def test_a_host_that_asked_for_quiet_is_left_alone_after_a_restart(
    origin: Origin, tmp_path: Path
) -> None:
    origin.script("/a", QUIET)
    feeds = [f"{{id: {name}, url: '{origin.url(f'/{name}')}'}}" for name in "ab"]

    play(visits_of(tmp_path, feeds, "a"))
    (visit,) = play(visits_of(tmp_path, feeds, "b"))

    assert (visit.outcome, visit.state.because) == ("put-off", "host-quiet")
    assert origin.asked("/b") == []


@contextmanager
def polling(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``aggregator poll``, or ``words``, over ``folder``; kill it when the block ends."""
    command = [sys.executable, "-m", "aggregator", "--log", "error"]
    places = ["--feeds", "feeds.yaml", "--config", ".", "--data", "."]
    process = subprocess.Popen(
        [*command, *places, *(words or ("poll",))],
        cwd=folder,
        env={**os.environ, **environ_in(folder), "PYTHONPATH": str(Path.cwd())},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.conforms("A23", "A37")
def test_a_host_that_asked_for_quiet_is_left_alone_after_a_kill(
    origin: Origin, tmp_path: Path
) -> None:
    """Its other feed hangs while the process dies: neither is asked by the next one."""
    asked = asyncio.Event()

    async def hanging(line: Line) -> None:
        asked.set()
        await line.hang()

    async def quieting(line: Line) -> None:
        await asked.wait()
        await QUIET(line)

    origin.script("/a", quieting)
    origin.script("/b", hanging)
    feeds = [f"'{origin.url(f'/{name}')}'" for name in "ab"]
    (tmp_path / "service.yaml").write_text(SERVICE, encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(f"feeds: [{', '.join(feeds)}]", encoding="utf-8")

    with polling(tmp_path):
        while not (asked.is_set() and quiet_of(tmp_path)):
            time.sleep(0.05)
    feeds.append(f"'{origin.url('/c')}'")
    (tmp_path / "feeds.yaml").write_text(f"feeds: [{', '.join(feeds)}]", encoding="utf-8")
    with polling(tmp_path) as second:
        assert second.wait(60) == 1

    assert [len(origin.asked(path)) for path in ("/a", "/b", "/c")] == [1, 1, 0]


def quiet_of(folder: Path) -> list[str]:
    """Return until when hosts want their peace, as stored by another process."""
    with from_outside(folder) as db:
        return [until for (until,) in db.execute("SELECT quiet_until FROM host") if until]


@pytest.mark.conforms("C26")
def test_what_was_published_and_not_brought_before_a_kill_is_brought_after_it(
    origin: Origin, tmp_path: Path
) -> None:
    """The first process is killed while a subscriber of its hub hangs with the news in hand."""
    origin.script("/feed", answer(200, rss(item(1))))
    followers = Followers(origin)
    callback = followers.at("/cb", hang(), answer(200))
    (tmp_path / "service.yaml").write_text(f"{SERVICE}{HUB}", encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(f"feeds: ['{origin.url('/feed')}']", encoding="utf-8")
    with polling(tmp_path) as first:
        assert first.wait(60) == 0
    store = store_in(tmp_path)
    now = clock.now()
    store.followers.put(
        Follower(
            path="feeds/latest.atom",
            callback=callback,
            secret="",
            since=now,
            expires=now + timedelta(days=1),
        )
    )
    store.close()
    # Another title is news for all who follow.
    titled = SERVICE.replace("base_url:", "title: Anew, base_url:")
    (tmp_path / "service.yaml").write_text(f"{titled}{HUB}", encoding="utf-8")

    run = ("run", "--listen", "127.0.0.1:0")
    with polling(tmp_path, *run):
        while not followers.brought:
            time.sleep(0.05)
    with polling(tmp_path, *run):
        while len(followers.brought) == 1 or errands(tmp_path):
            time.sleep(0.05)

    first_time, second_time = followers.brought
    assert first_time.body == second_time.body
    assert b"Anew" in second_time.body
    assert b"Ferry 1" in second_time.body


def errands(folder: Path) -> list[str]:
    with from_outside(folder) as db:
        return [task for (task,) in db.execute("SELECT task FROM errand")]
