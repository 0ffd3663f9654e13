import asyncio

import httpx
import pytest
from msgspec.structs import replace

from aggregator.model.editions import Format, Rendered, Site
from aggregator.web.app import build
from aggregator.web.search import routes
from aggregator.web.served import MemoryShelf, Served
from tests.web.test_app import CHANGED, CSP, SITE, story, well

ASKED: list[tuple[str, Format | None, bool]] = []


async def search(text: str, form: Format | None, *, by_date: bool) -> Served | None:
    ASKED.append((text, form, by_date))
    if text == "busy":
        return None
    kind = "text/html" if form is None else "application/atom+xml"
    body = text.encode("utf-8", "replace") + b" " * 900
    return Served.of(
        Rendered(path="search", media_type=kind, body=body, etag='"s"', changed_at=CHANGED)
    )


def ask(path: str, *, method: str = "GET", site: Site = SITE, **headers: str) -> httpx.Response:
    async def go() -> httpx.Response:
        app = build(
            MemoryShelf(),
            health=well,
            site=site,
            max_age=300,
            story=story,
            more=routes(search, site, max_age=300),
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x.example") as client:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=fields)

    ASKED.clear()
    return asyncio.run(go())


def test_a_search_is_answered_as_a_page_that_may_be_kept_and_asked_again_by_condition() -> None:
    answer = ask("/search?q=night+ferry&by=date")
    assert (answer.status_code, ASKED) == (200, [("night ferry", None, True)])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "form-action 'self'" in answer.headers[CSP]
    again = ask("/search?q=night+ferry", if_none_match=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert ask("/news/search").status_code == 200


def test_what_is_found_is_a_feed_in_every_format_that_names_itself_and_the_others() -> None:
    for form in Format:
        answer = ask(f"/search.{form}?q=caf%C3%A9%20%26")
        assert (answer.status_code, ASKED) == (200, [("café &", form, True)])
        own = f'<https://wire.example/news/search.{form}?q=caf%C3%A9%20%26>; rel="self"'
        assert own in answer.headers["link"]
        assert answer.headers["link"].count('rel="alternate"') == 2
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.conforms("D53")
def test_a_feed_of_no_words_is_refused_and_what_to_write_is_said() -> None:
    for text in ("", "?q=", "?q=-a", '?q="'):
        answer = ask(f"/search.atom{text}")
        assert (answer.status_code, ASKED) == (400, [])
        assert "/search.atom?q=words" in answer.text
    assert ask("/search.exe?q=a").status_code == 404


def test_who_comes_at_a_busy_moment_is_asked_to_come_back() -> None:
    answer = ask("/search?q=busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["cache-control"] == "no-store"


def test_searches_are_not_for_robots_and_nothing_is_written_there() -> None:
    assert "Disallow: /search" in ask("/robots.txt").text
    assert ask("/search?q=a", method="POST").status_code == 405


def test_a_site_without_a_search_has_no_page_for_it() -> None:
    site = replace(SITE, search=False)
    assert ask("/search?q=a", site=site).status_code == 404
    assert ask("/search.atom?q=a", site=site).status_code == 404
    assert ASKED == []


def test_without_pictures_a_page_may_load_none_from_elsewhere() -> None:
    policy = ask("/search?q=a", site=replace(SITE, images=False)).headers[CSP]
    assert "img-src 'self';" in policy
    assert "http:" not in policy
