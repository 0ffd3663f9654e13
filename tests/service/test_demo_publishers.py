"""The made-up publishers over real HTTP, on loopback."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import feedparser
import httpx
import pytest
from lxml import etree

from aggregator.model.feeds import Feed
from aggregator.service.demo import Publishers

NOW = datetime(2024, 2, 29, 13, 37, 21, tzinfo=UTC)
SOUND = {
    "harbour-gazette": "rss20",
    "mna": "rss20",
    "touchline": "rss20",
    "northfield-courier": "atom10",
    "orrery": "atom10",
    "nordhafener-tagblatt": "rss10",
    "quayside-ledger": "json",
}

Visit = Callable[[Publishers, dict[str, Feed], httpx.AsyncClient], Awaitable[None]]


def during(visit: Visit) -> None:
    """Run ``visit`` while the publishers are up; nothing may fail behind its back."""
    failures: list[dict[str, object]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: failures.append(fault))
        async with (
            Publishers(NOW) as publishers,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            await visit(publishers, {feed.id: feed for feed in publishers.feeds()}, client)

    asyncio.run(run())
    assert failures == []


def test_every_sound_publisher_prints_a_feed_in_its_own_format() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        for name, version in SOUND.items():
            answer = await client.get(feeds[name].url)
            assert answer.status_code == 200
            if version == "json":
                assert len(answer.json()["items"]) >= 5
                continue
            etree.fromstring(answer.content)
            read = feedparser.parse(io.BytesIO(answer.content))
            assert (read.version, bool(read.bozo)) == (version, False)
            assert read.feed.title == feeds[name].title
            assert len({entry.id for entry in read.entries}) == len(read.entries) >= 5
            assert all(entry.content[0].value.startswith("<p>") for entry in read.entries)

    during(visit)


def test_the_troubled_publishers_answer_an_error_a_page_and_a_torn_document() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        assert feeds.keys() - SOUND.keys() == {
            "lighthouse-bulletin",
            "saltmarsh-observer",
            "hillfoot-herald",
        }
        assert (await client.get(feeds["lighthouse-bulletin"].url)).status_code == 500
        page = await client.get(feeds["saltmarsh-observer"].url)
        assert page.headers["content-type"].startswith("text/html")
        assert page.text.startswith("<!doctype html>")
        torn = (await client.get(feeds["hillfoot-herald"].url)).content
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(torn)
        whole = [entry for entry in feedparser.parse(io.BytesIO(torn)).entries if "link" in entry]
        assert len(whole) == 3

    during(visit)


def test_a_validator_sent_back_brings_304_and_no_body() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        for name in SOUND:
            url = feeds[name].url
            first = await client.get(url)
            etag, date = first.headers["etag"], first.headers["last-modified"]
            for asked in (
                {"If-None-Match": etag},
                {"If-None-Match": f'"other", W/{etag}'},
                {"If-Modified-Since": date},
                {"If-None-Match": etag, "If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
            ):
                again = await client.get(url, headers=asked)
                assert (again.status_code, again.content) == (304, b""), asked
                assert again.headers["etag"] == etag

    during(visit)


@pytest.mark.parametrize(
    "asked",
    [
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": "Thu, 29 Feb 2024 13:37:21 GMT"},
        {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ],
)
def test_a_validator_that_does_not_match_brings_the_whole_feed(asked: dict[str, str]) -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        answer = await client.get(feeds["mna"].url, headers=asked)
        assert answer.status_code == 200
        assert answer.content

    during(visit)


def test_the_update_is_news_only_to_readers_of_the_feeds_that_it_touches() -> None:
    async def visit(
        publishers: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient
    ) -> None:
        before = {name: (await client.get(feeds[name].url)).headers["etag"] for name in SOUND}
        publishers.advance()
        publishers.advance()
        changed = set()
        for name in SOUND:
            answer = await client.get(feeds[name].url, headers={"If-None-Match": before[name]})
            if answer.status_code == 200:
                changed.add(name)
                assert answer.headers["last-modified"] == "Thu, 29 Feb 2024 13:37:21 GMT"
        assert changed == {"harbour-gazette", "mna"}

    during(visit)


def test_every_headline_leads_to_a_page_and_every_picture_to_a_picture() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        entries = []
        for name, version in SOUND.items():
            answer = await client.get(feeds[name].url)
            if version == "json":
                entries += [(i["title"], i["url"], i.get("image")) for i in answer.json()["items"]]
                continue
            for entry in feedparser.parse(io.BytesIO(answer.content)).entries:
                media = entry.get("media_content", []) + entry.get("enclosures", [])
                image = next((m.get("url") or m.get("href") for m in media), None)
                entries.append((entry.title, entry.link, image))
        assert sum(image is not None for _, _, image in entries) >= 20
        for title, link, image in entries:
            page = await client.get(link)
            assert page.status_code == 200
            assert title.partition("'")[0] in page.text
            if image:
                picture = await client.get(image)
                assert picture.headers["content-type"] == "image/png"
                assert picture.content.startswith(b"\x89PNG")

    during(visit)


def test_a_sister_titles_article_is_linked_with_tracking_parameters() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        items = (await client.get(feeds["quayside-ledger"].url)).json()["items"]
        link = urlsplit(next(item["url"] for item in items if item["id"].endswith(":trams")))
        assert link.netloc == urlsplit(feeds["northfield-courier"].url).netloc
        assert parse_qs(link.query)["utm_source"] == ["quayside-ledger"]

    during(visit)


def test_only_get_and_head_are_answered_and_unknown_pages_are_missing() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        url = feeds["mna"].url
        head = await client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 1000
        refused = await client.post(url)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
        for path in ("/nothing", "/news/nothing", "/pictures/breakwater.png", "/news/rates.png"):
            assert (await client.get(httpx.URL(url).copy_with(path=path))).status_code == 404

    during(visit)


def test_a_visitor_who_does_not_speak_http_is_shown_the_door_and_others_are_served() -> None:
    async def visit(_: Publishers, feeds: dict[str, Feed], client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(feeds["mna"].url).port)
        writer.write(b"\x16\x03\x01 not http\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        assert (await client.get(feeds["mna"].url)).status_code == 200

    during(visit)


def test_stopping_does_not_wait_for_a_visitor_who_never_asks() -> None:
    async def run() -> None:
        publishers = Publishers(NOW)
        assert publishers.feeds() == ()
        await publishers.start()
        port = urlsplit(publishers.feeds()[0].url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.wait_for(publishers.stop(), timeout=5)
        await publishers.stop()
        assert await asyncio.wait_for(reader.read(), timeout=5) == b""
        writer.close()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(run())
