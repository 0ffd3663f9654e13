"""The database is on a server that goes away while the service runs, and comes back."""

from pathlib import Path

import pytest

from aggregator.storage import open_store
from tests.origin import Origin, answer
from tests.postgres import Server
from tests.service.stage import HOUR, FastClock, item, play, rss
from tests.service.test_run import is_there, is_unwell, running, says

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("postgres")]


def test_pages_are_served_and_polling_goes_on_by_itself(origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(2), item(1))))
    feed = f"{{id: a, url: '{origin.url('/a')}'}}"
    server, ahead = Server.begin(), FastClock()

    async def scene() -> None:
        store = open_store(server.new(), root=tmp_path)
        async with running(tmp_path, feed, store=store, now=ahead) as run:
            await run.until(lambda page: b"Ferry 1" in page.content, "feeds/latest.atom")
            server.stop()
            await run.service._tick()
            health = await run.get("healthz")
            assert is_unwell(health)
            assert says("tick:", "cannot be reached")(health)
            assert is_there(await run.get("feeds/latest.atom"))

            server.start()
            ahead.ahead = 9 * HOUR
            await run.until(lambda page: b"Ferry 2" in page.content, "feeds/latest.atom")
            assert is_there(await run.until(is_there))

    try:
        play(scene())
    finally:
        server.end()
    assert len(origin.log) == 2
