"""Which feeds does a page offer?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sources.discover import (
    MAX_OFFERS,
    common_places,
    offers_of,
    spelled_out,
)
from aggregator.sources.envelope import is_page
from aggregator.sources.page import MAX_PAGE

PAGE = "https://www.paper.example/news/today.html"


def offered(markup: str, content_type: str = "text/html", url: str = PAGE) -> list[str]:
    return [offer.url for offer in offers_of(markup.encode(), content_type, url)]


def test_a_page_offers_what_it_declares_in_its_order_with_title_and_format() -> None:
    markup = """<!doctype html><html><head>
        <link rel="alternate" type="application/rss+xml" title="Paper &amp; Co" href="/rss">
        <LINK HREF="/atom?a=1&amp;b=2" TYPE="application/atom+xml; charset=utf-8" REL="Alternate">
        <link rel="home alternate" type="application/feed+json" href="//cdn.example/feed.json">
        </head></html>"""
    found = offers_of(markup.encode(), "text/html", PAGE)
    assert [(o.url, o.title, o.format, o.declared) for o in found] == [
        ("https://www.paper.example/rss", "Paper & Co", "RSS", True),
        ("https://www.paper.example/atom?a=1&b=2", "", "Atom", True),
        ("https://cdn.example/feed.json", "", "JSON Feed", True),
    ]


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ('<link rel="stylesheet" type="application/rss+xml" href="/feed">', "is no alternate"),
        ('<link rel="alternate stylesheet" href="/feed.xml">', "is a style sheet"),
        ('<link rel="alternate" hreflang="fr" href="/fr/">', "is a translation"),
        ('<link rel="alternate" type="text/xml+oembed" href="/oembed">', "is oEmbed"),
        ('<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">', "a post"),
        ('<link rel="alternate" type="application/rss+xml" href="">', "leads nowhere"),
        ('<link rel="alternate" type="application/rss+xml" href="ftp://a.example/f">', "scheme"),
        ('<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">', "script"),
        ('<link rel="alternate" type="application/rss+xml" href="data:,rss">', "data"),
        ('<link rel="alternate" type="application/rss+xml" href="file:///etc/feed.xml">', "file"),
        ('<!-- <link rel="alternate" type="application/rss+xml" href="/feed"> -->', "a comment"),
        ("<script>document.write('<link rel=feed href=/feed>')</script>", "no script is run"),
        ('<a href="https://reader.example/subscribe/feed/x">Follow</a>', "another's"),
        ('<a href="/feedback">Write to us</a>', "a word that begins alike"),
        ('<link rel="alternate" type="application/rss+xml" href="#x">', "the page itself"),
    ],
)
def test_what_is_no_feed_of_the_page_is_not_offered(element: str, why: str) -> None:
    assert offered(f"<html><head></head><body>{element}</body></html>") == [], why


def test_feeds_of_comments_come_last() -> None:
    markup = """
        <link rel=alternate type=application/rss+xml title="Blog &raquo; Comments" href=/c.xml>
        <link rel=alternate type=application/rss+xml href=/comments/feed/>
        <link rel=alternate type=application/rss+xml title="Commentary Today" href=/rss.xml>
        <a href="/atom.xml">Atom</a>"""
    found = offers_of(markup.encode(), "text/html", "https://blog.example/")
    assert [(offer.url.partition("example")[2], offer.comments) for offer in found] == [
        ("/rss.xml", False),
        ("/atom.xml", False),
        ("/c.xml", True),
        ("/comments/feed/", True),
    ]


def test_links_that_look_like_feeds_come_after_what_is_declared_with_their_words() -> None:
    markup = """<body><a href="/rss/world">World <b>news</b></a>
        <a href="https://feeds.paper.example/all">not one</a>
        <a href="https://feeds.host.example/paper.rss">Elsewhere</a>
        <a href="feed://paper.example/feed/">Old</a><a href="/?feed=rss2">WordPress</a>
        <link rel="feed" href="/declared"></body>"""
    found = offers_of(markup.encode(), "text/html", PAGE)
    assert [(offer.url, offer.title) for offer in found] == [
        ("https://www.paper.example/declared", ""),
        ("https://www.paper.example/rss/world", "World news"),
        ("https://feeds.host.example/paper.rss", "Elsewhere"),
        ("https://paper.example/feed/", "Old"),
        ("https://www.paper.example/?feed=rss2", "WordPress"),
    ]


def test_an_address_is_offered_once_and_as_declared() -> None:
    markup = """<a href="/feed">here</a><a href="/feed#top">here</a>
        <link rel=alternate type=application/rss+xml title=Main href="/feed">"""
    found = offers_of(markup.encode(), "text/html", PAGE)
    assert [(offer.url, offer.title, offer.declared) for offer in found] == [
        ("https://www.paper.example/feed", "Main", True)
    ]


def test_addresses_start_from_the_base_that_the_page_names() -> None:
    link = "<link rel=alternate type=application/rss+xml href=rss.xml>"
    assert offered(link) == ["https://www.paper.example/news/rss.xml"]
    assert offered(f"<base href=/blog/>{link}") == ["https://www.paper.example/blog/rss.xml"]
    for useless in ("javascript:1", "http://[", "https://a.example:x/"):
        assert offered(f"<base href='{useless}'>{link}") == offered(link)


@pytest.mark.parametrize("charset", ["utf-16", "windows-1251", "no-such-charset", "utf-8"])
def test_the_header_tells_the_encoding_and_a_wrong_one_does_no_harm(charset: str) -> None:
    markup = "<link rel=alternate type=application/rss+xml title='Новости' href=/rss>"
    known = "utf-8" if charset.startswith("no") else charset
    (offer,) = offers_of(markup.encode(known), f"text/html; charset={charset}", PAGE)
    assert offer.url == "https://www.paper.example/rss"
    if charset != "no-such-charset":
        assert offer.title == "Новости"


def test_titles_are_one_short_line_that_cannot_steer_a_terminal() -> None:
    title = "A\x1b[31m\u202eb\n" + "c" * 5000
    link = f"<link rel=alternate type=application/rss+xml href=/rss title='{title}'>"
    (offer,) = offers_of(link.encode(), "text/html; charset=utf-8", PAGE)
    assert offer.title.startswith("A[31mb ccc")
    assert len(offer.title) <= 120


HOSTILE = {
    "comments opened": b"<!--" * 500_000,
    "attributes opened": b'<a href="' * 200_000,
    "many attributes": b"<link " + b" ".join(b"a%d=1" % n for n in range(200_000)) + b">",
    "deep": b"<div>" * 400_000,
    "open brackets": b"<" * 2_000_000,
    "nothing": b"",
    "zeros": b"\0" * 2_000_000,
    "entities": b'<a href="' + b"&amp" * 500_000 + b'">',
    "one long link": b"<a href='/feed?" + b"a" * 2_000_000 + b"'>",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_pages_are_looked_at_and_offer_nothing(name: str) -> None:
    assert offers_of(HOSTILE[name], "text/html", PAGE) == ()


def test_of_very_many_links_the_first_are_offered() -> None:
    links = b"".join(
        b"<link rel=alternate type=application/rss+xml href=/%d.rss>" % n for n in range(20_000)
    )
    found = offers_of(links, "text/html", PAGE)
    assert len(found) == MAX_OFFERS
    assert found[0].url.endswith("/0.rss")
    late = b" " * MAX_PAGE + b"<link rel=alternate type=application/rss+xml href=/x>"
    assert offers_of(late, "text/html", PAGE) == ()


_ELEMENTS = ("<link ", "<a ", "<base ", "rel=feed ", "type=application/rss+xml ", "href=", ">")


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            (*_ELEMENTS, "'", '"', "//", "[", "http://", "x.example", "feed", "%zz", ":99999", "é")
        ),
        max_size=40,
    )
)
def test_whatever_is_offered_is_a_web_address(pieces: list[str]) -> None:
    for offer in offers_of("".join(pieces).encode(), "text/html", PAGE):
        assert offer.url.startswith(("https://", "http://"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("example.org", ["https://example.org", "http://example.org"]),
        (" example.org:8080/a ", ["https://example.org:8080/a", "http://example.org:8080/a"]),
        ("//example.org", ["https://example.org", "http://example.org"]),
        ("http://example.org/a", ["http://example.org/a"]),
        ("https://me:pw@example.org/", ["https://me:pw@example.org/"]),
        ("feed://example.org/a", ["https://example.org/a", "http://example.org/a"]),
        ("feed:https://example.org/a", ["https://example.org/a"]),
        ("a.org/?u=http://b", ["https://a.org/?u=http://b", "http://a.org/?u=http://b"]),
        ("ftp://example.org", []),
        ("file:///etc/passwd", []),
        ("feed:file:///etc/passwd", []),
        ("javascript:alert(1)", []),
        ("mailto:me@example.org", []),
        ("two words", []),
        ("", []),
        ("https://", []),
    ],
)
def test_what_somebody_types_is_spelled_out(typed: str, meant: list[str]) -> None:
    assert list(spelled_out(typed)) == meant


def test_common_places_begin_in_the_folder_of_the_page() -> None:
    assert common_places("https://a.example")[0] == "https://a.example/feed/"
    assert common_places("https://a.example/blog/x.html?y#z")[:3] == (
        "https://a.example/blog/feed/",
        "https://a.example/blog/index.xml",
        "https://a.example/feed/",
    )


def test_a_page_is_told_by_its_header_or_its_start() -> None:
    assert is_page(b"", "text/html; charset=utf-8")
    assert is_page(b"\n<!DOCTYPE html>", "")
    assert is_page(b"\xef\xbb\xbf<?xml version='1.0'?><!-- <rss> -->\n<HTML lang=en>", "text/xml")
    assert is_page(b"<link rel=alternate href=/feed>", "")
    assert not is_page(b"<!doctype html><rss version='2.0'/>")
    assert not is_page(b"<opml><head><title>x</title></head><body/></opml>", "")
    assert not is_page(b"<?xml version='1.0'?><opml/>", "text/xml")
    assert not is_page(b"%PDF-1.4", "application/pdf")
