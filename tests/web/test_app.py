import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import brotli
import httpx
import pytest
import zstandard
from starlette.types import Message

from aggregator.model.editions import Rendered, Site
from aggregator.web.app import Health, build
from aggregator.web.served import MemoryShelf, Served

SITE = Site(base_url="https://wire.example/news", title="Wire")
CHANGED = datetime(2031, 5, 12, 9, 40, 7, 999, tzinfo=UTC)
STAMP = "Mon, 12 May 2031 09:40:07 GMT"
BODY = b'<?xml version="1.0" encoding="UTF-8"?><feed>' + b"<entry>news</entry>" * 200 + b"</feed>"
ATOM = "application/atom+xml"
CSP = "content-security-policy"


def rendered(path: str = "feeds/latest.atom", body: bytes = BODY, kind: str = ATOM) -> Rendered:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Rendered(path=path, media_type=kind, body=body, etag=etag, changed_at=CHANGED)


def shelf() -> MemoryShelf:
    filled = MemoryShelf()
    for document in (
        rendered(),
        rendered("feeds/topics/science/top.json", b'{"items": []}', "application/feed+json"),
        rendered("index.html", b"<!doctype html>front" + b" " * 900, "text/html"),
        rendered("topics/science/index.html", b"<!doctype html>science", "text/html"),
        rendered("feeds.opml", b"<opml/>", "text/x-opml"),
    ):
        filled.put(document.path, Served.of(document))
    return filled


def well() -> Health:
    return Health(ok=True, version="1.2.3")


async def story(key: str) -> Served | str | None:
    """Return the page of the one story there is, under its key of today."""
    if key == "gone":
        return "stories/kept"
    page = rendered("stories/kept/index.html", b"<!doctype html>story" + b" " * 900, "text/html")
    return Served.of(page) if key == "kept" else None


def ask(
    path: str = "/feeds/latest.atom",
    *,
    method: str = "GET",
    standing: MemoryShelf | None = None,
    health: Callable[[], Health] = well,
    **headers: str,
) -> httpx.Response:
    """One request through the application, without a network; the body is not decoded."""

    async def go() -> httpx.Response:
        app = build(standing or shelf(), health=health, site=SITE, max_age=300, story=story)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
            fields = {"accept-encoding": "identity"}
            fields |= {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.stream(method, path, headers=fields) as answer:
                answer._content = b"".join([part async for part in answer.aiter_raw()])
                return answer

    return asyncio.run(go())


ETAG = ask().headers["etag"]


@pytest.mark.conforms("B11")
def test_a_renamed_feed_sends_readers_to_its_new_address_for_good() -> None:
    standing = shelf()
    standing.retire("feeds/old.atom", "feeds/latest.atom")
    for path in ("/feeds/old.atom", "/news/feeds/old.atom"):
        for method in ("GET", "HEAD"):
            answer = ask(path, method=method, standing=standing)
            assert answer.status_code == 301
            assert answer.headers["location"] == "https://wire.example/news/feeds/latest.atom"
            assert answer.content == b""


@pytest.mark.conforms("B66")
def test_what_was_taken_away_is_gone_and_what_never_was_is_not_found() -> None:
    standing = shelf()
    for path in ("feeds/latest.atom", "topics/science/index.html"):
        standing.drop(path)
    for path in ("/feeds/latest.atom", "/topics/science", "/topics/science/"):
        answer = ask(path, standing=standing)
        assert answer.status_code == 410
        assert b"taken away for good" in answer.content
    assert ask("/feeds/never.atom", standing=standing).status_code == 404

    standing.put("feeds/latest.atom", Served.of(rendered()))
    assert ask(standing=standing).status_code == 200


@pytest.mark.conforms("B46", "B53", "B58")
def test_a_feed_is_served_with_all_that_caches_and_readers_ask_for() -> None:
    answer = ask()
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert answer.headers["content-length"] == str(len(BODY))
    assert answer.headers["last-modified"] == STAMP
    assert answer.headers["vary"].startswith("Accept-Encoding")
    assert answer.headers["cache-control"] == (
        "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400"
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "etag" in answer.headers["access-control-expose-headers"].lower()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers[CSP] == "default-src 'none'; style-src 'self'; sandbox"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.conforms("B55", "B64")
def test_links_name_the_feed_itself_and_its_other_formats_whatever_the_host_header() -> None:
    assert ask("/feeds/topics/science/top.json", host="evil.example").headers["link"] == (
        '<https://wire.example/news/feeds/topics/science/top.json>; rel="self", '
        "<https://wire.example/news/feeds/topics/science/top.atom>; "
        'rel="alternate"; type="application/atom+xml", '
        "<https://wire.example/news/feeds/topics/science/top.rss>; "
        'rel="alternate"; type="application/rss+xml"'
    )


def unpacked(body: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(body)


@pytest.mark.conforms("B52")
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP;Q=1.0", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=0.5, zstd", "zstd"),
        ("br;q=0.5, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("gzip;q=0, *", "br"),
        ("*;q=0.1", "br"),
        ("deflate", None),
        ("gzip;q=banana", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0, gzip;q=0.001", "gzip"),
        ("*;q=0, identity", None),
        ("gzip," * 2000, None),
    ],
)
def test_the_client_weighs_the_codings(accepted: str, coding: str | None) -> None:
    answer = ask(accept_encoding=accepted)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == coding
    undo = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": unpacked, None: bytes}[coding]
    assert undo(answer.content) == BODY
    assert answer.headers["vary"].startswith("Accept-Encoding")


@pytest.mark.conforms("B52")
def test_a_client_that_rules_everything_out_is_told_so() -> None:
    answer = ask(accept_encoding="identity;q=0, gzip;q=0, br;q=0, zstd;q=0")
    assert answer.status_code == 406
    assert answer.headers["vary"].startswith("Accept-Encoding")


@pytest.mark.conforms("B47", "B48")
def test_each_coding_has_a_tag_of_its_own_and_all_are_the_same_next_time() -> None:
    tags = [ask(accept_encoding=c).headers["etag"] for c in ("identity", "gzip", "br", "zstd")]
    assert len(set(tags)) == 4
    assert all(tag.startswith('"') for tag in tags)
    assert tags == [
        ask(accept_encoding=c).headers["etag"] for c in ("identity", "gzip", "br", "zstd")
    ]
    assert Served.of(rendered()) == Served.of(rendered())


def test_what_does_not_shrink_is_sent_as_it_is() -> None:
    answer = ask("/feeds.opml", accept_encoding="gzip, br")
    assert "content-encoding" not in answer.headers


BARE = ETAG.strip('"')


@pytest.mark.conforms("B48")
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        (f'"other", {ETAG}', 304),
        (f'W/"a,b",W/{ETAG} , "c"', 304),
        ("*", 304),
        (f'"{BARE}-gzip"', 304),
        (f'W/"{BARE}-gzip"', 304),
        (BARE, 304),
        ('"other"', 200),
        (f'"{BARE}x"', 200),
        (f'"{BARE}.gzip"', 200),
        ("", 200),
        ('"', 200),
    ],
)
def test_tags_are_compared_weakly_in_lists_and_as_proxies_mangle_them(
    asked: str, status: int
) -> None:
    assert ask(if_none_match=asked).status_code == status


@pytest.mark.conforms("B48")
def test_a_tag_holds_for_its_own_coding_only() -> None:
    tag = ask(accept_encoding="gzip").headers["etag"]
    assert ask(accept_encoding="gzip", if_none_match=tag).status_code == 304
    assert ask(accept_encoding="br", if_none_match=tag).status_code == 200


@pytest.mark.conforms("B49")
@pytest.mark.parametrize(
    ("since", "status"),
    [
        (STAMP, 304),
        ("Mon, 12 May 2031 09:40:08 GMT", 304),
        ("Monday, 12-May-31 09:40:07 GMT", 304),
        ("Mon May 12 09:40:07 2031", 304),
        ("Mon, 12 May 2031 09:40:06 GMT", 200),
        ("yesterday", 200),
        ("Mon, 99 May 2031 09:40:06 GMT", 200),
        ("", 200),
    ],
)
def test_a_date_will_do_where_there_is_no_tag(since: str, status: int) -> None:
    assert ask(if_modified_since=since).status_code == status


@pytest.mark.conforms("B49")
def test_a_tag_rules_over_a_date() -> None:
    assert ask(if_modified_since=STAMP, if_none_match='"other"').status_code == 200
    past = "Mon, 12 May 2030 09:40:07 GMT"
    assert ask(if_modified_since=past, if_none_match=ETAG).status_code == 304


@pytest.mark.conforms("B50", "B52")
def test_not_modified_repeats_what_caches_need_and_has_no_body() -> None:
    answer, whole = ask(if_none_match=ETAG), ask()
    assert answer.content == b""
    for name in ("etag", "last-modified", "cache-control", "vary", "link", CSP):
        assert answer.headers[name] == whole.headers[name]
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers


@pytest.mark.conforms("B51")
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_head_is_get_without_the_body(coding: str) -> None:
    head, get = ask(method="HEAD", accept_encoding=coding), ask(accept_encoding=coding)
    assert head.content == b""
    assert dict(head.headers) == dict(get.headers)
    assert ask(method="HEAD", if_none_match=ETAG).status_code == 304


def test_no_body_is_handed_to_the_server_for_head() -> None:
    bodies: list[bytes] = []

    async def send(message: Message) -> None:
        bodies.append(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "HEAD", "path": "/feeds/latest.atom", "headers": []}
    app = build(shelf(), health=well, site=SITE, max_age=300, story=story)
    asyncio.run(_called(app(scope, receive, send)))
    assert bodies == [b"", b""]


async def _called(answer: Awaitable[None]) -> None:
    await answer


@pytest.mark.conforms("D29", "D43")
def test_a_page_may_show_pictures_and_its_style_and_nothing_else() -> None:
    answer = ask("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers[CSP].startswith(
        "default-src 'none'; img-src 'self' https: http: data:; style-src 'self';"
    )
    assert "access-control-allow-origin" not in answer.headers
    assert "script" not in answer.headers[CSP]


@pytest.mark.conforms("B56")
@pytest.mark.parametrize(
    ("path", "start"),
    [
        ("/", b"<!doctype html>front"),
        ("/topics/science", b"<!doctype html>science"),
        ("/topics/science/", b"<!doctype html>science"),
        ("/news/topics/science", b"<!doctype html>science"),
        ("/news/feeds/latest.atom", BODY),
        ("/news/", b"<!doctype html>front"),
    ],
)
def test_pages_answer_with_and_without_slash_and_prefix(path: str, start: bytes) -> None:
    assert ask(path).content.startswith(start)


@pytest.mark.conforms("B66", "D50")
@pytest.mark.parametrize(
    "path",
    [
        "/feeds/nothing.atom",
        "/feeds/",
        "/feeds/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/feeds/latest.atom%00",
        "/feeds/latest.atom/",
        "//feeds/latest.atom",
        "/C:/windows/win.ini",
        "/topics/%F0%9F%97%9E",
    ],
)
def test_only_known_addresses_lead_anywhere(path: str) -> None:
    answer = ask(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Nothing here" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.conforms("B66", "D44")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/feeds/latest.atom"])
def test_other_methods_are_refused_with_those_that_are_not(path: str, method: str) -> None:
    answer = ask(path, method=method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert ask("/nowhere", method=method).status_code == 404


@pytest.mark.conforms("B54")
def test_a_browser_elsewhere_may_ask_for_a_feed_with_conditions() -> None:
    answer = ask(method="OPTIONS", origin="https://reader.example")
    assert answer.status_code == 204
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in ask("/", method="OPTIONS").headers


def test_new_bytes_are_served_as_soon_as_they_stand_on_the_shelf() -> None:
    standing = shelf()
    standing.put("feeds/latest.atom", Served.of(rendered(body=b"<feed/>")))
    assert ask(standing=standing, if_none_match=ETAG).content == b"<feed/>"
    standing.drop("feeds/latest.atom")
    assert ask(standing=standing).status_code == 410


@pytest.mark.conforms("D46")
def test_health_is_told_in_numbers_and_words() -> None:
    good = ask("/healthz")
    assert (good.status_code, good.json()) == (200, {"status": "ok", "version": "1.2.3"})
    assert good.headers["cache-control"] == "no-store"
    bad = ask(
        "/healthz", health=lambda: Health(ok=False, version="1", because=("no poll for 2 h",))
    )
    assert bad.status_code == 503
    assert bad.json()["because"] == ["no poll for 2 h"]
    noted = ask("/healthz", health=lambda: Health(ok=True, version="1", notes=("an old part",)))
    assert noted.json() == {"status": "ok", "version": "1", "notes": ["an old part"]}
    assert ask("/healthz", method="POST").status_code == 405


@pytest.mark.conforms("B66")
def test_a_fault_shows_no_trace() -> None:
    def broken() -> Health:
        raise RuntimeError("secret")

    answer = ask("/healthz", health=broken)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.conforms("D43")
def test_the_style_the_icon_and_the_rules_for_robots_are_there() -> None:
    style = ask("/style.css?v=1")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    icon = ask("/favicon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in icon.headers[CSP]
    assert ask("/favicon.ico").status_code == 204
    assert ask("/robots.txt").text.startswith("User-agent: *")


def test_a_story_has_a_page_with_validators_and_the_headers_of_pages() -> None:
    answer = ask("/stories/kept", accept_encoding="br")
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "br")
    assert brotli.decompress(answer.content).startswith(b"<!doctype html>story")
    assert answer.headers[CSP].startswith("default-src 'none'")
    again = ask("/stories/kept", accept_encoding="br", if_none_match=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    head = ask("/stories/kept", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_a_story_that_merged_leads_to_the_one_it_is_part_of() -> None:
    answer = ask("/stories/gone")
    assert (answer.status_code, answer.headers["location"]) == (301, "/news/stories/kept")


def test_what_is_no_story_is_not_there() -> None:
    assert ask("/stories/none").status_code == 404
    assert ask("/stories/kept/more").status_code == 404


def test_all_addresses_hold_behind_a_proxy_that_keeps_the_prefix() -> None:
    for path in ("/news/healthz", "/news/stories/kept", "/news/style.css", "/news/feeds.opml"):
        assert ask(path).status_code == 200


def test_a_feed_that_somebody_looks_at_is_plain_xml_in_its_own_style() -> None:
    rss = shelf()
    rss.put("feeds/latest.rss", Served.of(rendered("feeds/latest.rss", kind="application/rss+xml")))
    for path, kind in (("/feeds/latest.atom", ATOM), ("/feeds/latest.rss", "application/rss+xml")):
        looked = ask(path, standing=rss, sec_fetch_dest="document")
        assert looked.headers["content-type"] == "application/xml; charset=utf-8"
        assert "style-src 'self'" in looked.headers[CSP]
        asked = ask(path, standing=rss)
        assert asked.headers["content-type"] == f"{kind}; charset=utf-8"
        assert "Sec-Fetch-Dest" in asked.headers["vary"]
        assert looked.content == asked.content
        assert looked.headers["etag"] == asked.headers["etag"]
    json = ask("/feeds/topics/science/top.json", sec_fetch_dest="document")
    assert json.headers["content-type"].startswith("application/feed+json")
    assert ask("/feed.css").headers["content-type"].startswith("text/css")
