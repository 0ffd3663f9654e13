"""What ops see of a service that runs, and what they have done; nothing secret is in any of it."""

import io
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from aggregator.cli import main
from aggregator.model.feeds import Move
from aggregator.service import logs
from aggregator.service.house import opened
from aggregator.service.operating import Operating
from aggregator.service.panel import ServicePanel
from aggregator.service.run import Service
from aggregator.service.visitlog import tell
from aggregator.settings import load
from aggregator.web.ops import Panel
from tests.origin import Origin, answer, raw
from tests.service.stage import (
    HOUR,
    NOW,
    SERVICE,
    SetClock,
    environ_in,
    item,
    play,
    rss,
    settings_for,
    store_in,
)
from tests.service.test_edits import asked, settle, source_in

CANARY = "canary-4711-tweets"


@dataclass(slots=True)
class Seen:
    service: Service
    panel: ServicePanel
    clock: SetClock

    async def page(self) -> str:
        self.panel._survey = None
        return (await self.panel.page("/")).decode()

    async def metrics(self) -> dict[str, float]:
        self.panel._survey = None
        body, _ = await self.panel.metrics()
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }


@asynccontextmanager
async def watching(folder: Path, *feeds: str) -> AsyncIterator[Seen]:
    clock = SetClock()
    async with opened(settings_for(folder, feeds), store_in(folder), now=clock) as service:
        await service.prepare()
        panel = ServicePanel(service)
        _: Panel = panel
        yield Seen(service=service, panel=panel, clock=clock)


def test_the_page_tells_how_each_feed_does_and_metrics_count_it(
    origin: Origin, tmp_path: Path
) -> None:
    well = origin.script("/well", answer(200, rss(item(1), item(2), title="A <b>paper</b>")))
    ill = origin.script("/ill", answer(403))

    async def scene() -> None:
        feeds = (f"{{id: w, url: '{well}'}}", f"{{id: i, url: '{ill}'}}")
        off = "{id: o, url: 'https://o.invalid/', enabled: false}"
        async with watching(tmp_path, *feeds, off) as seen:
            await settle(seen.service)
            await seen.service.bring_out()
            await asked(seen.service, "feeds/latest.atom")
            page = await seen.page()
            assert "1 fine, 1 blocked, 1 switched off." in page
            assert "A paper" in page
            assert "403" in page
            assert "python-httpx" in page
            told = await seen.metrics()
            assert told["aggregator_feeds fine"] == told["aggregator_feeds blocked"] == 1
            assert told["aggregator_visits_total fetched"] == 1
            assert told["aggregator_items_total new"] == 2
            assert told["aggregator_answers 200"] == 1
            assert told["aggregator_healthy"] == 1

            seen.clock.at += 2 * HOUR
            origin.script("/well", answer(200, rss(item(3), item(2), item(1))))
            await settle(seen.service)
            seen.clock.at += timedelta(minutes=2)
            await seen.service.bring_out()
            told = await seen.metrics()
            assert told["aggregator_delay_seconds_count served"] == 1
            assert told["aggregator_delay_seconds_sum served"] == 120
            assert "From our visit to readers" in await seen.page()

    play(scene())


@pytest.mark.conforms("D30")
def test_what_publishers_write_is_shown_as_text(origin: Origin, tmp_path: Path) -> None:
    head = b"HTTP/1.1 500 <img src=x onerror=alert(1)>\r\n\r\n"
    feed = f"{{id: a, url: '{origin.script('/b', raw(head))}', title: '<script>x'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            await settle(seen.service)
            page = await seen.page()
            assert "500" in page
            assert "&lt;script&gt;x" in page
            for tag in ("<img src=x", "<script>x"):
                assert tag not in page

    play(scene())


def test_ops_may_ask_for_a_visit_within_manners(origin: Origin, tmp_path: Path) -> None:
    feed = f"{{id: a, url: '{origin.script('/a', answer(200, rss(item(1))))}'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            await settle(seen.service)
            assert await seen.panel.act("poll", "a")
            assert "not to be asked before 12:05:00Z" in await seen.page()
            await settle(seen.service)
            assert len(origin.log) == 1

            seen.clock.at += timedelta(minutes=5)
            await seen.panel.act("poll", "a")
            assert "it is asked at the next tick" in await seen.page()
            await settle(seen.service)
            assert len(origin.log) == 2
            assert not await seen.panel.act("poll", "nobody")

    play(scene())


def test_a_paused_feed_is_not_asked_until_it_is_resumed_also_after_a_restart(
    origin: Origin, tmp_path: Path
) -> None:
    feed = f"{{id: a, url: '{origin.script('/a', answer(200, rss(item(1))))}'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            await seen.panel.act("pause", "a")
            await settle(seen.service)
        async with watching(tmp_path, feed) as seen:
            await settle(seen.service)
            assert origin.log == []
            assert "1 paused." in await seen.page()
            await seen.panel.act("resume", "a")
            await settle(seen.service)
            assert len(origin.log) == 1

    play(scene())


def test_a_move_that_ops_accept_is_followed_without_further_trial(
    origin: Origin, tmp_path: Path
) -> None:
    new = origin.script("/new", answer(200, rss(item(1))))
    feed = f"{{id: a, url: '{origin.url('/old')}'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            store = seen.service.keeper.store

            def redirected() -> None:
                state = store.feeds.state("a")
                move = Move(to=new, since=NOW)
                store.feeds.save(replace(state, move=move, attempted_at=NOW - HOUR))

            await seen.service.keeper.run(redirected)
            assert "redirects for good" in await seen.page()
            assert "Accept the move" in await seen.page()
            await seen.panel.act("accept", "a")
            assert "write that into feeds.yaml" in await seen.page()
            await settle(seen.service)
            assert [one.target for one in origin.log] == ["/new"]

    play(scene())


def test_ops_are_told_of_a_blocked_feed_in_a_feed_that_readers_do_not_get(
    origin: Origin, tmp_path: Path
) -> None:
    feed = f"{{id: a, url: '{origin.script('/a', answer(403))}'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            await settle(seen.service)
            await seen.panel.watch()
            await seen.panel.watch()
            await seen.service.bring_out()
            body = (await seen.panel.alerts()).decode()
            assert body.count("<entry>") == 1
            assert "a: blocked" in body
            latest = await asked(seen.service, "feeds/latest.atom")
            assert "blocked" not in latest.text
            assert (await asked(seen.service, "feeds/ops.atom")).status_code == 404

    play(scene())


@pytest.mark.conforms("E56")
def test_alive_ready_and_stale_are_three_questions(origin: Origin, tmp_path: Path) -> None:
    feed = f"{{id: a, url: '{origin.script('/a', answer(500))}'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            assert (await asked(seen.service, "readyz")).status_code == 503
            assert (await asked(seen.service, "healthz")).status_code == 200
            await seen.service.bring_out()
            assert (await asked(seen.service, "readyz")).status_code == 200
            await settle(seen.service)
            assert (await asked(seen.service, "healthz")).status_code == 200
            seen.service.vitals._reached -= 3 * 3600
            stale = await asked(seen.service, "healthz")
            assert stale.status_code == 503
            assert "visits all failed" in stale.json()["because"][0]
            assert (await asked(seen.service, "readyz")).status_code == 200

    play(scene())


def test_one_feed_that_meets_what_nobody_thought_of_makes_the_service_ill_for_nobody(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        async with watching(tmp_path, "{id: a, url: 'https://a.invalid/rss'}") as seen:
            seen.service._not_stored("a", ValueError("odd"))
            health = (await asked(seen.service, "healthz")).json()
            assert health["status"] == "ok"
            assert "a: ValueError: odd; please report this" in health["notes"]

    play(scene())


def test_no_secret_is_in_anything_that_is_told(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the log, on the page, in metrics, health, alerts, and what commands print."""
    monkeypatch.setenv("KEY", f"{CANARY}-key")
    at = origin.url("").removeprefix("http://").removesuffix("/")
    origin.script("/a", answer(302, headers={"Location": f"http://10.9.9.9/?key={CANARY}-key"}))
    origin.script("/b", answer(500))
    (tmp_path / "service.yaml").write_text(
        f"{SERVICE}ops: {{token: {CANARY}-token}}\n", encoding="utf-8"
    )
    (tmp_path / "feeds.yaml").write_text(
        "feeds:\n"
        f"  - {{id: a, url: 'http://me:{CANARY}-pass@{at}/a?x=${{KEY}}'}}\n"
        f"  - {{id: b, url: 'http://{at}/b', headers: {{X-Key: 'Bearer {CANARY}-header'}}}}\n",
        encoding="utf-8",
    )
    told: list[str] = []
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    logs.set_up(json=True)
    settings = load(feeds=tmp_path / "feeds.yaml", config=tmp_path, environ=os.environ)
    logs.hide(settings.secrets)

    async def scene() -> None:
        async with opened(settings, store_in(tmp_path), now=SetClock()) as service:
            await service.prepare()
            operating = Operating(service, source_in(tmp_path))
            await settle(service)
            await service.bring_out()
            await operating.panel.watch()
            told.append((await operating.panel.page("/")).decode())
            told.append((await operating.panel.metrics())[0].decode())
            told.append((await operating.panel.alerts()).decode())
            told.append((await asked(service, "healthz")).text)
            told.append((await asked(service, "feeds.opml")).text)

    play(scene())
    told.append(stderr.getvalue())
    assert "visited" in told[-1]
    place = ["--feeds", str(tmp_path / "feeds.yaml"), "--config", str(tmp_path)]
    data = ["--data", str(tmp_path)]
    for command in (["feeds"], ["feeds", "--json"], ["check"]):
        done = CliRunner().invoke(main, [*place, *data, *command], env=environ_in(tmp_path))
        told.append(done.output)
    assert len(set(map(len, told))) > 3
    for text in told:
        assert CANARY not in text


@pytest.mark.conforms("E53")
def test_a_visit_is_one_line_whatever_it_brings(origin: Origin, tmp_path: Path) -> None:
    feed = f"{{id: a, url: '{origin.script('/a', answer(200, rss(item(1))))}'}}"
    lines: list[dict[str, object]] = []

    class Log:
        def info(self, event: str, **facts: object) -> None:
            lines.append({"event": event, **facts})

        warning = info

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            state = await seen.service.keeper.run(seen.service.keeper.store.feeds.state, "a")
            visit = await seen.service.poller.visit(seen.service.settings.feeds[0], state)
            tell(Log(), visit)

    play(scene())
    (line,) = lines
    assert json.loads(json.dumps(line))["outcome"] == "fetched"
    assert set(line) >= {"feed", "outcome", "new", "revised", "next", "because", "took"}


def test_the_token_opens_the_public_address_too(origin: Origin, tmp_path: Path) -> None:
    token = "correct-horse-battery"
    feed = f"{{id: a, url: '{origin.url('/a')}'}}"
    service_yaml = f"{SERVICE}ops: {{token: {token}}}\n"

    async def scene() -> None:
        settings = settings_for(tmp_path, [feed], service=service_yaml)
        async with opened(settings, store_in(tmp_path)) as service:
            await service.prepare()
            Operating(service, source_in(tmp_path))
            transport = httpx.ASGITransport(service.front)
            async with httpx.AsyncClient(transport=transport, base_url="https://x") as client:
                for path in ("/status", "/metrics", "/feeds/ops.atom"):
                    assert (await client.get(path)).status_code == 401
                    found = await client.get(path, auth=("ops", token))
                    assert found.status_code == 200

    play(scene())


def test_the_front_page_of_a_machine_that_is_offline_does_not_promise_a_first_edition(
    origin: Origin, tmp_path: Path
) -> None:
    feed = f"{{id: a, url: '{origin.script('/a', answer(500))}'}}"

    async def scene() -> None:
        async with watching(tmp_path, feed) as seen:
            await seen.service.bring_out()
            assert "the first poll is under way" in (await asked(seen.service, "")).text
            await settle(seen.service)
            await seen.service.bring_out()
            page = (await asked(seen.service, "")).text
            assert "no publisher could be read" in page
            assert "is under way" not in page
            seen.clock.at += 30 * HOUR
            origin.script("/a", answer(200, rss(item(1))))
            await settle(seen.service)
            await seen.service.bring_out()
            assert "Ferry 1 leaves" in (await asked(seen.service, "")).text

    play(scene())
