"""What is not for everybody, from the settings to the reader, over the real web server."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.outputs.tokens import digest_of, opens, token_of
from aggregator.service.folder import SiteFolder
from aggregator.service.house import opened
from aggregator.service.run import Service
from aggregator.service.vitals import Vitals
from aggregator.web.serve import serve
from tests.service.newsroom import tell
from tests.service.stage import SERVICE, play, settings_for, store_in

ADA, BOB = token_of(b"a" * 24), token_of(b"b" * 24)
OUTPUTS = f"""
outputs:
  - kind: latest
  - kind: latest
    name: cabinet/room
    title: For the cabinet
    private: true
    tokens: {{ada: 'sha256:{digest_of(ADA)}', bob: 'sha256:{digest_of(BOB)}'}}
"""
HUB = "hub: {serve: on}"


@asynccontextmanager
async def house(folder: Path, outputs: str = OUTPUTS) -> AsyncIterator[tuple[Service, str]]:
    """An installation that has something to tell, and its address."""
    feeds = ["{id: a, url: 'https://a.example/'}"]
    settings = settings_for(folder, feeds, outputs, service=SERVICE + HUB)
    async with opened(settings, store_in(folder)) as service:
        await service.prepare()
        await service.keeper.run(tell, service.keeper.store, "a", 1, story="s1", title="Secret")
        await service.bring_out()
        stop = asyncio.Event()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        web = asyncio.create_task(
            serve(service.application(), "127.0.0.1", 0, stop, ready=address.set_result)
        )
        try:
            yield service, await address
        finally:
            stop.set()
            await web


@pytest.mark.conforms("B53", "D52")
def test_who_knows_a_token_reads_it_and_nobody_else_may_keep_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as (_, address), httpx.AsyncClient() as client:
            for token in (ADA, BOB):
                for form in ("atom", "rss", "json"):
                    url = f"{address}/private/{token}/cabinet/room.{form}"
                    answer = await client.get(url)
                    assert answer.status_code == 200
                    assert b"Secret" in answer.content
                    assert token.encode() not in answer.content
                    assert answer.headers["cache-control"] == "private, max-age=300"
                    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
                    assert answer.headers["referrer-policy"] == "no-referrer"
                    assert answer.headers["x-content-type-options"] == "nosniff"
                    assert "link" not in answer.headers
                    assert "access-control-allow-origin" not in answer.headers
                    known = {"if-none-match": answer.headers["etag"]}
                    again = await client.get(url, headers=known)
                    assert (again.status_code, again.content) == (304, b"")
                    assert again.headers["cache-control"] == "private, max-age=300"
                    head = await client.head(url)
                    assert (head.status_code, head.content) == (200, b"")
                    assert (await client.post(url)).status_code == 405

    play(scene())


@pytest.mark.conforms("D50", "D52")
def test_without_a_token_nothing_is_told_not_even_that_it_is_there(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as (_, address), httpx.AsyncClient() as client:
            nothing = await client.get(f"{address}/private/{ADA}/never.atom")
            for path in (
                f"private/{ADA[:-1]}A/cabinet/room.atom",
                f"private/{digest_of(ADA)}/cabinet/room.atom",
                "private//cabinet/room.atom",
                "private/cabinet/room.atom",
                "private/cabinet/../cabinet/room.atom",
                f"private/{ADA}/latest.atom",
                f"private/{ADA}/../latest.atom",
                f"private/{'x' * 5000}/cabinet/room.atom",
                "feeds/cabinet/room.atom",
                "private",
                f"private/{ADA}",
            ):
                answer = await client.get(f"{address}/{path}")
                assert (answer.status_code, answer.content) == (404, nothing.content), path
                assert b"Secret" not in answer.content

    play(scene())


@pytest.mark.conforms("D52")
def test_no_page_list_folder_or_hub_tells_of_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as (service, address), httpx.AsyncClient() as client:
            told = [one for one in service.keeper.store.outputs.all() if "private" not in one.path]
            assert len(told) > 3
            for one in told:
                assert b"cabinet" not in one.body.lower(), one.path
            folder = tmp_path / "public"
            await service.window.mirror(SiteFolder(folder))
            files = [str(path.relative_to(folder)) for path in folder.rglob("*")]
            assert "feeds/latest.atom" in files
            assert [name for name in files if "private" in name or "cabinet" in name] == []
            for topic in (f"private/{ADA}/cabinet/room.atom", "private/cabinet/room.atom"):
                form = {
                    "hub.mode": "subscribe",
                    "hub.topic": f"https://news.example/{topic}",
                    "hub.callback": "https://reader.example/cb",
                }
                assert (await client.post(f"{address}/hub", data=form)).status_code == 404

    play(scene())


@pytest.mark.conforms("D48")
def test_no_log_line_holds_a_token(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn").setLevel(logging.DEBUG)

    async def scene() -> None:
        async with house(tmp_path) as (_, address), httpx.AsyncClient() as client:
            for method in ("GET", "POST", "BREW"):
                await client.request(method, f"{address}/private/{ADA}/cabinet/room.atom")

    play(scene())
    out, err = capfd.readouterr()
    assert ADA not in out + err


@pytest.mark.conforms("D52")
def test_a_token_that_is_taken_out_opens_nothing_any_more(tmp_path: Path) -> None:
    async def read(outputs: str, token: str) -> int:
        async with house(tmp_path, outputs) as (_, address), httpx.AsyncClient() as client:
            return (await client.get(f"{address}/private/{token}/cabinet/room.atom")).status_code

    revoked = OUTPUTS.replace(f"ada: 'sha256:{digest_of(ADA)}', ", "")
    assert revoked != OUTPUTS
    nobody = OUTPUTS[: OUTPUTS.index("    tokens:")]
    assert play(read(OUTPUTS, ADA)) == 200
    assert play(read(revoked, ADA)) == 404
    assert play(read(revoked, BOB)) == 200
    assert play(read(nobody, BOB)) == 404


@pytest.mark.conforms("D52")
def test_what_becomes_private_is_gone_where_everybody_read_it(tmp_path: Path) -> None:
    async def read(outputs: str) -> list[int]:
        paths = ("feeds/cabinet/room.atom", f"private/{ADA}/cabinet/room.atom")
        async with house(tmp_path, outputs) as (_, address), httpx.AsyncClient() as client:
            return [(await client.get(f"{address}/{path}")).status_code for path in paths]

    public = OUTPUTS[: OUTPUTS.index("    private:")]
    assert play(read(public)) == [200, 404]
    assert play(read(OUTPUTS)) == [410, 200]
    assert play(read(public)) == [200, 404]


@pytest.mark.conforms("D52")
def test_a_token_is_known_by_its_digest_alone() -> None:
    assert len(ADA) == 32
    assert opens(ADA, [digest_of(BOB), digest_of(ADA)])
    assert not opens(ADA, [digest_of(BOB)])
    assert not opens("", [])
    assert not opens("é\udcff".encode("utf-8", "replace").decode(), [digest_of(ADA)])


def test_a_command_makes_a_token_and_says_where_it_goes(tmp_path: Path) -> None:
    (tmp_path / "outputs.yaml").write_text(OUTPUTS, encoding="utf-8")
    told = CliRunner().invoke(main, ["--config", str(tmp_path), "token", "carol"]).output
    (line,) = [line for line in told.splitlines() if "sha256:" in line]
    name, digest = line.strip().split(": ")
    urls = [line.strip() for line in told.splitlines() if "/private/" in line]
    token = urls[0].split("/")[4]
    assert (name, digest) == ("carol", f"sha256:{digest_of(token)}")
    assert urls == [
        f"http://localhost:8080/private/{token}/cabinet/room.{form}"
        for form in ("atom", "rss", "json")
    ]
    again = CliRunner().invoke(main, ["--config", str(tmp_path), "token"]).output
    assert token not in again
    (tmp_path / "outputs.yaml").unlink()
    assert "NAME.atom" in CliRunner().invoke(main, ["--config", str(tmp_path), "token"]).output


def test_a_private_feed_says_the_same_as_if_it_were_public(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as (service, _):
            store = service.keeper.store
            found = [
                store.outputs.get(p) for p in ("feeds/latest.json", "private/cabinet/room.json")
            ]
            public, private = (json.loads(one.body) for one in found if one)
            assert private["items"] == public["items"]
            assert "feed_url" not in private

    play(scene())


def test_health_tells_nobody_of_an_output_that_is_not_for_everybody() -> None:
    async def told() -> tuple[str, ...]:
        vitals = Vitals(feeds=1)
        vitals.keeps([("private/board.atom", "7 of 9 entries vanished, such as 'secret'")])
        return vitals.health().notes

    notes = " ".join(asyncio.run(told()))
    assert "the log says why" in notes
    assert "board" not in notes
    assert "secret" not in notes
