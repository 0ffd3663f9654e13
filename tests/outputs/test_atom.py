"""RFC 4287 section by section, on what we print."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from aggregator.model.editions import Also, Edition, EditionEntry, Kind, OutputSpec, Site, Source
from aggregator.model.items import Enclosure
from aggregator.outputs import atom
from aggregator.outputs.addresses import feed_id

BORN = datetime(2021, 9, 20, 8, 0, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", title="The Wire")
SPEC = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest")
ENTRY = EditionEntry(
    id="urn:example:1",
    title="Bridge opens",
    link="https://post.example/1",
    published=BORN,
    updated=BORN + timedelta(hours=1),
    summary="The toll is two crowns.",
)
SOURCE = Source(title="Post", url="https://post.example/rss", home="https://post.example/")
NS = {"a": "http://www.w3.org/2005/Atom", "m": "http://search.yahoo.com/mrss/"}


def feed_of(*entries: EditionEntry, spec: OutputSpec = SPEC, hubs: tuple[str, ...] = ()) -> Any:
    updated = max((e.updated for e in entries), default=BORN)
    edition = Edition(spec=spec, updated=updated, entries=entries)
    return etree.fromstring(atom.render(edition, replace(SITE, hubs=hubs)).body)


def found(node: Any, path: str) -> list[str]:
    """The texts and attribute values at ``path``."""
    return [str(hit) for hit in node.xpath(path, namespaces=NS)]


@pytest.mark.conforms("B12")
def test_a_feed_has_one_id_title_updated_and_author_even_when_empty() -> None:
    feed = feed_of()
    for name in ("id", "title", "updated", "author/a:name"):
        assert len(found(feed, f"/a:feed/a:{name}/text()")) == 1
    assert found(feed, "/a:feed/a:updated/text()") == ["2021-09-20T08:00:00+00:00"]


@pytest.mark.conforms("B12")
def test_every_entry_has_one_id_title_updated_published_and_an_author() -> None:
    feed = feed_of(ENTRY, replace(ENTRY, id="urn:example:2", source=SOURCE))
    for entry in feed.iterfind("a:entry", NS):
        for name in ("id", "title", "updated", "published"):
            assert len(found(entry, f"a:{name}/text()")) == 1
    assert found(feed, "a:entry/a:author/a:name/text()") == ["Post"]


def test_updated_of_the_feed_is_that_of_its_newest_entry() -> None:
    later = replace(ENTRY, id="urn:example:2", updated=BORN + timedelta(hours=3))
    feed = feed_of(ENTRY, later)
    assert found(feed, "/a:feed/a:updated/text()") == [max(found(feed, "a:entry/a:updated/text()"))]


@pytest.mark.conforms("B13")
def test_a_feed_has_exactly_one_self_and_one_alternate_link() -> None:
    feed = feed_of(ENTRY)
    assert found(feed, "a:link[@rel='self']/@href") == ["https://wire.example/feeds/latest.atom"]
    assert found(feed, "a:link[@rel='self']/@type") == ["application/atom+xml"]
    assert found(feed, "a:link[@rel='alternate']/@href") == ["https://wire.example/"]
    assert len(found(feed, "a:link/@href")) == 2


def test_the_alternate_of_a_topic_is_its_page() -> None:
    spec = OutputSpec(name="topics/science/top", kind=Kind.TOP, title="Science", topic="science")
    feed = feed_of(spec=spec)
    alternate = found(feed, "a:link[@rel='alternate']/@href")
    assert alternate == ["https://wire.example/topics/science"]


def test_the_id_of_a_feed_follows_its_name_and_installation_and_nothing_else() -> None:
    renamed = replace(SPEC, title="Newest", description="else", limit=5)
    other = replace(SPEC, name="top")
    ids = [found(feed_of(spec=spec), "a:id/text()")[0] for spec in (SPEC, renamed, other)]
    assert ids[0] == ids[1] != ids[2]
    # Subscribers know it: it must never change.
    assert ids[0] == "urn:uuid:dcbe2f61-3eba-5d6c-baec-e6edae96ca13"


def test_two_installations_never_share_the_id_of_a_feed() -> None:
    moved = replace(SITE, base_url="https://elsewhere.example")
    ours, there, theirs = (
        feed_id(SPEC, site) for site in (SITE, moved, replace(SITE, installation="another"))
    )
    assert ours == there != theirs


def test_hubs_are_links_of_the_feed() -> None:
    two = ("https://hub.example/", "https://other.example/")
    feed = feed_of(ENTRY, hubs=two)
    assert found(feed, "/a:feed/a:link[@rel='hub']/@href") == [*two]


@pytest.mark.conforms("B14")
def test_source_is_kept_whole() -> None:
    feed = feed_of(replace(ENTRY, source=SOURCE))
    (source,) = feed.iterfind("a:entry/a:source", NS)
    assert found(source, "a:id/text()") == ["https://post.example/rss"]
    assert found(source, "a:title/text()") == ["Post"]
    assert found(source, "a:updated/text()") == ["2021-09-20T09:00:00+00:00"]
    assert found(source, "a:link[@rel='self']/@href") == ["https://post.example/rss"]
    assert found(source, "a:link[@rel='alternate']/@href") == ["https://post.example/"]


def test_a_source_without_title_bears_its_host() -> None:
    feed = feed_of(replace(ENTRY, source=replace(SOURCE, title=" ")))
    assert found(feed, "a:entry/a:source/a:title/text()") == ["post.example"]


@pytest.mark.conforms("B21")
def test_all_enclosures_are_links_with_type_and_length_when_known() -> None:
    enclosures = (
        Enclosure(url="https://post.example/a.mp3", media_type="audio/mpeg", length=12),
        Enclosure(url="https://post.example/b", media_type="not a type", length=-1),
        Enclosure(url="https://post.example/c.mp4", media_type="video/mp4"),
    )
    feed = feed_of(replace(ENTRY, enclosures=enclosures))
    links = feed.findall("a:entry/a:link[@rel='enclosure']", NS)
    assert [link.get("href") for link in links] == [e.url for e in enclosures]
    assert [link.get("type") for link in links] == ["audio/mpeg", None, "video/mp4"]
    assert [link.get("length") for link in links] == ["12", None, None]
    assert found(feed, "a:entry/a:link[not(@rel) or @rel='alternate']/@href") == [ENTRY.link]


@pytest.mark.conforms("B16")
def test_content_is_html_and_the_summary_is_plain_text() -> None:
    feed = feed_of(replace(ENTRY, summary="AT&T <b>", content_html="<p>AT&amp;T</p>"))
    assert found(feed, "a:entry/a:content/@type") == ["html"]
    assert found(feed, "a:entry/a:content/text()") == ["<p>AT&amp;T</p>"]
    assert found(feed, "a:entry/a:summary/@type") == []
    assert found(feed, "a:entry/a:summary/text()") == ["AT&T <b>"]


@pytest.mark.conforms("B20")
def test_a_title_is_plain_text() -> None:
    feed = feed_of(replace(ENTRY, title="AT&T <b>"))
    assert found(feed, "a:entry/a:title/@type") == []
    assert found(feed, "a:entry/a:title/text()") == ["AT&T <b>"]


@pytest.mark.conforms("B17")
def test_an_entry_without_content_has_an_alternate_link_and_one_without_link_has_content() -> None:
    bare = replace(ENTRY, summary="")
    feed = feed_of(bare, replace(bare, id="urn:example:2", link=""))
    first, second = feed.iterfind("a:entry", NS)
    assert (len(first.findall("a:content", NS)), len(first.findall("a:link", NS))) == (0, 1)
    assert (len(second.findall("a:content", NS)), len(second.findall("a:link", NS))) == (1, 0)


@pytest.mark.conforms("B19")
def test_language_is_told_for_the_feed_and_for_entries_that_differ() -> None:
    french = replace(ENTRY, id="urn:example:2", language="fr")
    unknown = replace(ENTRY, id="urn:example:3", language="??")
    feed = feed_of(replace(ENTRY, language="en"), french, unknown)
    assert found(feed, "/a:feed/@xml:lang") == ["en"]
    assert [found(e, "@xml:lang") for e in feed.iterfind("a:entry", NS)] == [[], ["fr"], []]


def test_pictures_are_told_as_media() -> None:
    feed = feed_of(replace(ENTRY, image="https://post.example/i.jpg"))
    assert found(feed, "a:entry/m:thumbnail/@url") == ["https://post.example/i.jpg"]
    assert found(feed, "a:entry/m:content[@medium='image']/@url") == ["https://post.example/i.jpg"]


def test_an_agency_is_a_contributor() -> None:
    feed = feed_of(replace(ENTRY, agency="Reuters"))
    assert found(feed, "a:entry/a:contributor/a:name/text()") == ["Reuters"]


def test_entries_keep_the_order_of_the_edition() -> None:
    entries = [replace(ENTRY, id=f"urn:example:{n}") for n in (3, 1, 2)]
    assert found(feed_of(*entries), "a:entry/a:id/text()") == [e.id for e in entries]


def test_who_else_reports_it_is_in_the_content() -> None:
    also = Also(title="Toll", link="https://h.example/", source="Herald", owner="h", published=BORN)
    (content,) = found(feed_of(replace(ENTRY, also=(also,))), "a:entry/a:content/text()")
    assert content.startswith("<p>The toll is two crowns.</p><p>Also reported by</p>")
    assert 'Herald: <a href="https://h.example/">Toll</a>' in content


def test_a_document_says_that_it_is_utf_8_and_has_no_doctype() -> None:
    body = atom.render(Edition(spec=SPEC, updated=BORN, entries=()), SITE).body
    assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert b"DOCTYPE" not in body
