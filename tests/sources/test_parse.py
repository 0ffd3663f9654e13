import gzip
import io
import pickle
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.visits import Document, ParsedFeed, Unreadable
from aggregator.sources.envelope import MAX_BODY, is_page
from aggregator.sources.parse import MAX_ENTRIES, parse

URL = "https://gazette.example/feeds/news.xml"


def rss(items: str) -> bytes:
    return (
        f'<rss version="2.0"><channel><title>Gazette</title><ttl>15</ttl>{items}</channel></rss>'
    ).encode()


def atom(links: str) -> bytes:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Gazette</title>{links}'
        "<entry><id>1</id><title>x</title></entry></feed>"
    ).encode()


def item(**parts: str) -> str:
    return (
        "<item>" + "".join(f"<{name}>{text}</{name}>" for name, text in parts.items()) + "</item>"
    )


def feed_of(document: Document) -> ParsedFeed:
    assert isinstance(document, ParsedFeed), document
    return document


def reason_of(document: Document) -> str:
    assert isinstance(document, Unreadable), document
    assert "\n" not in document.reason
    return document.reason


@pytest.mark.conforms("D40")
def test_a_redirect_changes_no_id_and_no_link() -> None:
    body = rss(item(guid="a-1", link="/a/1"))
    once = feed_of(parse(body, "text/xml", URL))
    again = feed_of(parse(body, "application/rss+xml; charset=utf-8", URL))
    assert once == again
    elsewhere = feed_of(parse(body, "text/xml", "https://cdn.example/other/feed"))
    assert once.entries[0].guid == elsewhere.entries[0].guid == "a-1"
    assert once.entries[0].link == "https://gazette.example/a/1"


@pytest.mark.parametrize(
    ("body", "older"),
    [
        (rss(item(guid="1")), None),
        (
            atom('<link rel="next" href="?page=2"/>'),
            "https://gazette.example/feeds/news.xml?page=2",
        ),
        (
            atom('<link rel="next" href="?page=2"/><link rel="prev-archive" href="/2026/02"/>'),
            "https://gazette.example/2026/02",
        ),
        (atom('<link rel="prev" href="/newer"/><link rel="next" href="javascript:x"/>'), None),
        (
            rss(
                '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="next"'
                ' href="https://gazette.example/?paged=2"/>' + item(guid="1")
            ),
            "https://gazette.example/?paged=2",
        ),
        (
            b'{"version": "https://jsonfeed.org/version/1.1", "items": [], "next_url": "/2"}',
            "https://gazette.example/2",
        ),
    ],
)
def test_where_older_entries_are_is_read_from_any_format(body: bytes, older: str | None) -> None:
    """RFC 5005 sections 3 and 4; an archive goes before a page."""
    assert feed_of(parse(body, "", URL)).meta.older == older


@pytest.mark.conforms("D18")
def test_only_the_first_entries_are_read_and_it_says_so() -> None:
    many = "".join(item(guid=str(number)) for number in range(MAX_ENTRIES + 5))
    feed = feed_of(parse(rss(many), "", URL))
    assert len(feed.entries) == MAX_ENTRIES
    assert feed.remarks == (f"only the first {MAX_ENTRIES} entries were read",)


@pytest.mark.conforms("A05", "D07")
def test_a_text_that_names_a_file_is_not_opened() -> None:
    assert "not XML" in reason_of(parse(b"/etc/passwd", "", URL))
    assert "not XML" in reason_of(parse(b"file:///etc/passwd", "", URL))


@pytest.mark.conforms("D17", "D18")
def test_fields_beyond_their_caps_cost_little() -> None:
    body = rss(
        item(
            guid="g" * 5000,
            title="t" * 5000,
            link="https://gazette.example/" + "l" * 9000,
            author="a@" + "a." * 16_000 + "!",
            description="d " * 400_000,
        )
        + item(guid="next")
    )
    long, following = feed_of(parse(body, "", URL)).entries
    assert (long.guid, long.link) == (None, None)
    assert len(long.title) == 4096
    assert all(len(author) <= 1024 for author in long.authors)
    assert len(long.summary) <= 600
    assert len(long.content_html) <= 300_000
    assert following.guid == "next"


@pytest.mark.conforms("D18")
def test_at_most_fifty_categories_and_enclosures() -> None:
    tags = "".join(f"<category>c{number}</category>" for number in range(80))
    files = "".join(f'<enclosure url="/{number}.mp3"/>' for number in range(80))
    entry = feed_of(parse(rss(f"<item><guid>1</guid>{tags}{files}</item>"), "", URL)).entries[0]
    assert len(entry.categories) == 50
    assert len(entry.enclosures) == 50


def test_a_packed_feed_without_the_header_is_unpacked() -> None:
    body = rss(item(guid="1"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("feed.xml", body)
    for wrapped in (gzip.compress(body), packed.getvalue()):
        feed = feed_of(parse(wrapped, "text/xml", URL))
        assert [entry.guid for entry in feed.entries] == ["1"]
        assert "unpacked" in feed.remarks[0]


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    assert "larger than 16 MiB" in reason_of(parse(gzip.compress(bytes(MAX_BODY + 1)), "", URL))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.xml", bytes(MAX_BODY + 1))
    assert "larger than 16 MiB" in reason_of(parse(packed.getvalue(), "", URL))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"BZh91AY", "bzip2"),
        (b"\x28\xb5\x2f\xfd\x00", "Zstandard"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04broken", "zip archive that cannot be read"),
        (b"\x1f\x8b\x08broken", "damaged"),
        (zlib.compress(b"x"), "not XML"),
        (b"{", "not well-formed"),
        (b"[" * 100_000, "not well-formed"),
        (b"[]", "no list of items"),
        (b"<html><body>x</body></html>", "HTML page"),
    ],
)
def test_what_is_no_feed_is_told_in_one_line(body: bytes, told: str) -> None:
    assert told in reason_of(parse(body, "", URL))


def test_a_feed_without_entries_is_a_feed() -> None:
    feed = feed_of(parse(rss(""), "", URL))
    assert feed.entries == ()
    assert feed.meta.title == "Gazette"
    assert feed.meta.ttl is not None
    assert feed.meta.ttl.total_seconds() == 900


def test_a_document_travels_between_processes() -> None:
    broken = feed_of(parse(rss(item(guid="1", title="a & b"))[:-6], "", URL))
    assert pickle.loads(pickle.dumps(broken)) == broken


@pytest.mark.conforms("D23")
@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.text(max_size=30))
def test_no_bytes_make_it_raise(body: bytes, content_type: str) -> None:
    for wrapped in (body, rss(item(guid="1"))[:60] + body, b"\x1f\x8b\x08" + body, b"{" + body):
        document = parse(wrapped, content_type, URL)
        assert isinstance(document, ParsedFeed) or "\n" not in document.reason


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_no_damage_to_a_feed_makes_it_raise(data: st.DataObject) -> None:
    whole = bytearray(rss(item(guid="1", title="&amp;", description="&lt;b&gt;x") * 2))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    parse(bytes(whole), "", URL)


@pytest.mark.conforms("D17")
def test_comments_before_nothing_are_told_apart_in_one_way() -> None:
    """Tried in every way, a thousand would outlast the sun."""
    assert "no feed" in reason_of(parse(b"<!---->" * 1000 + b"x", "", URL))
    assert not is_page(b"<!---->" * 1000 + b"x", "")
