"""Who announces a feed: Link headers first, then the document, the first match of each relation."""

import json
from typing import Any

import pytest

from aggregator.model.push import NO_HUB, HubLinks
from aggregator.model.visits import Fetched, ParsedFeed, Unreadable
from aggregator.sources.parse import parse
from aggregator.sources.websub.discovery import advertised, in_headers, of_links, ways
from tests.origin import Origin, answer
from tests.sources.conftest import Asker

URL = "https://paper.example/feed.xml"
HUB, OTHER = "https://hub.example/", "https://other-hub.example/push?a=1,2;b"
SELF = "https://paper.example/the-feed"

ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Paper</title><id>urn:x:1</id>
<link rel="hub" href="{HUB}"/><link rel="self" href="{SELF}"/><link href="https://paper.example/"/>
<entry><id>urn:x:2</id><title>News</title><link rel="hub" href="https://entry.example/"/></entry>
</feed>"""
RSS = f"""<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Paper</title>
<link>https://paper.example/</link><description>d</description>
<atom:link rel="self" type="application/rss+xml" href="{SELF}"/><atom:link rel="hub" href="{HUB}"/>
<item><title>News</title><guid>2</guid></item></channel></rss>"""
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Paper",
        "feed_url": SELF,
        "hubs": [{"type": "rssCloud", "url": OTHER}, {"type": "WebSub", "url": HUB}],
        "items": [{"id": "2", "title": "News"}],
    }
)


@pytest.mark.parametrize(
    ("lines", "hubs", "topic"),
    [
        ([f'<{HUB}>; rel="hub", <{SELF}>; rel="self"'], [HUB], SELF),
        ([f"<{SELF}>;rel=self", f"<{HUB}>;rel=hub"], [HUB], SELF),
        ([f'<{OTHER}>; rel="hub"; title="a, b; \\"c\\"", <{HUB}>; REL=HUB'], [OTHER, HUB], None),
        ([f'<{URL}>; rel="self hub"'], [URL], URL),
        (["</push>; rel=hub, <?self=other>; rel=self"], ["https://paper.example/push"], None),
        ([f'<{HUB}>; rel="hub"; anchor="https://somebody.example/"'], [], None),
        ([f'<{HUB}>; rel="stylesheet"; rel="hub"'], [], None),
        (["<javascript:alert(1)>; rel=hub, <>; rel=hub, <ftp://x/>; rel=hub"], [], None),
        (["nonsense, <unclosed; rel=hub", ";;;=,,,"], [], None),
        ([f"<{HUB}{n}>; rel=hub" for n in range(9)], [f"{HUB}{n}" for n in range(4)], None),
        (["<" * 9000, "; " * 9000, '"' * 9000], [], None),
        ([], [], None),
    ],
)
@pytest.mark.conforms("C01", "C37")
def test_link_headers_are_read_as_they_are_written_in_the_wild(
    lines: list[str], hubs: list[str], topic: str | None
) -> None:
    found = in_headers([(b"Link", line.encode()) for line in lines], URL)
    assert list(found.hubs) == hubs
    assert topic is None or found.topic == topic


@pytest.mark.parametrize("document", [ATOM, RSS, JSON], ids=["atom", "rss", "json"])
@pytest.mark.conforms("C01", "C39", "C40")
def test_the_links_of_a_document_are_its_own_and_not_those_of_an_entry(document: str) -> None:
    parsed = parse(document.encode(), "text/xml", URL)
    assert isinstance(parsed, ParsedFeed)
    assert parsed.meta.links == HubLinks(hubs=(HUB,), topic=SELF)


PAGE = f"""<!doctype html><html><head><link rel=stylesheet href="/x.css"><title>Paper</title>
<LINK REL="Hub" HREF="{HUB}"><link rel="self" href="/the-feed"></head><body><p>News</body></html>"""


@pytest.mark.conforms("C01", "C38")
@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (PAGE, HubLinks(hubs=(HUB,), topic=SELF)),
        (PAGE.replace("<title>", "<script>'<link rel=hub href=x>'</script><title>"),
         HubLinks(hubs=(HUB,), topic=SELF)),
        (f"<!doctype html><!-- <link rel=hub href={HUB}> --><p>none", NO_HUB),
        ("<!doctype html>" + "<link rel=hub href=http://h/>" * 9000, HubLinks(hubs=("http://h/",))),
        ("<!doctype html><link rel='hub", NO_HUB),
        ("<title>Paper</title><link rel=hub href=/push>",
         HubLinks(hubs=("https://paper.example/push",))),
        ("<!doctype html><base href=https://base.example/x/><link rel=hub href=push>",
         HubLinks(hubs=("https://base.example/x/push",))),
    ],
)  # fmt: skip
def test_the_link_elements_of_a_page_are_read_in_the_worker(page: str, expected: HubLinks) -> None:
    found = parse(page.encode(), "text/html", URL)
    assert isinstance(found, Unreadable)
    assert found.links == expected


def test_a_page_is_read_in_the_encoding_that_its_header_names() -> None:
    page = "<!doctype html><link rel=hub href='/п'>".encode("koi8-r")
    found = parse(page, "text/html; charset=koi8-r", URL)
    assert isinstance(found, Unreadable)
    assert found.links == HubLinks(hubs=("https://paper.example/п",))


IN_HEADER = HubLinks(hubs=(HUB,), topic=SELF)
IN_DOCUMENT = HubLinks(hubs=(OTHER,), topic=f"{URL}?of=document")


@pytest.mark.parametrize(
    ("headers", "document", "expected"),
    [
        (IN_HEADER, IN_DOCUMENT, IN_HEADER),
        (NO_HUB, IN_DOCUMENT, IN_DOCUMENT),
        (HubLinks(hubs=(HUB,)), IN_DOCUMENT, HubLinks(hubs=(HUB,), topic=IN_DOCUMENT.topic)),
        (HubLinks(topic=SELF), IN_DOCUMENT, HubLinks(hubs=(OTHER,), topic=SELF)),
        (HubLinks(topic=SELF), NO_HUB, NO_HUB),
        (HubLinks(hubs=(HUB,)), NO_HUB, HubLinks(hubs=(HUB,), topic=URL)),
    ],
)
@pytest.mark.conforms("C01", "C41")
def test_headers_go_before_the_document_relation_by_relation(
    headers: HubLinks, document: HubLinks, expected: HubLinks
) -> None:
    assert advertised(headers, document, asked=URL, url=URL) == expected


@pytest.mark.parametrize(
    ("topic", "url", "believed"),
    [
        (f"{URL}?self=other", URL, True),
        ("http://feeds.paper.example/x", URL, True),
        ("https://new.example/feed", "https://new.example/feed?redirect=complete", True),
        (SELF, "https://mirror.example/feed", True),
        ("https://bbc.example/feed", URL, False),
        ("http://127.0.0.1/feed", URL, False),
    ],
)
@pytest.mark.conforms("C02", "C42")
def test_the_topic_is_what_the_document_calls_itself_unless_that_is_somebody_elses(
    topic: str, url: str, believed: bool
) -> None:
    found = advertised(NO_HUB, HubLinks(hubs=(HUB,), topic=topic), asked=URL, url=url)
    assert found == (HubLinks(hubs=(HUB,), topic=topic) if believed else NO_HUB)


@pytest.mark.parametrize(
    ("hubs", "tried"),
    [
        (["http://a.example/", "https://b.example/"],
         ["https://b.example/", "https://a.example/", "http://a.example/"]),
        (["http://a.example:8080/"], ["http://a.example:8080/"]),
        (["http://a.example/", "https://a.example/"], ["https://a.example/", "http://a.example/"]),
        ([], []),
    ],
)  # fmt: skip
@pytest.mark.conforms("C23")
def test_hubs_are_asked_over_https_first(hubs: list[str], tried: list[str]) -> None:
    assert list(ways(hubs)) == tried


def test_a_link_without_an_address_on_the_web_is_none() -> None:
    links = [("hub", "mailto:a@b"), ("hub", ""), ("SELF", "/feed"), ("self", "/second")]
    assert of_links(links, URL) == HubLinks(topic="https://paper.example/feed")


@pytest.mark.conforms("C37", "C43", "C44")
@pytest.mark.parametrize("status", [301, 302])
def test_an_answer_carries_what_its_own_headers_say_not_those_of_a_redirect(
    origin: Origin, visit: Asker, status: int
) -> None:
    there = origin.script(
        "/there", answer(200, b"<rss/>", {"Link": f'<{HUB}>; rel="hub", </self>; rel="self"'})
    )
    here = origin.script(
        "/here", answer(status, headers={"Location": there, "Link": f"<{OTHER}>; rel=hub"})
    )
    found: Any = visit(here)
    assert isinstance(found, Fetched)
    assert found.links == HubLinks(hubs=(HUB,), topic=origin.url("/self"))
