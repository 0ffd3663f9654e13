"""RSS 2.0 and the RSS Advisory Board's profile, on what we print."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from aggregator.model.editions import Edition, EditionEntry, Kind, OutputSpec, Site, Source
from aggregator.model.items import Enclosure
from aggregator.outputs import rss

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
NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}


def channel_of(*entries: EditionEntry, spec: OutputSpec = SPEC, hubs: tuple[str, ...] = ()) -> Any:
    updated = max((e.updated for e in entries), default=BORN)
    edition = Edition(spec=spec, updated=updated, entries=entries)
    root = etree.fromstring(rss.render(edition, replace(SITE, hubs=hubs)).body)
    assert (root.tag, root.get("version"), len(root)) == ("rss", "2.0", 1)
    return root[0]


def found(node: Any, path: str) -> list[str]:
    return [str(hit) for hit in node.xpath(path, namespaces=NS)]


@pytest.mark.conforms("B23")
def test_a_channel_has_title_link_and_description_even_when_empty() -> None:
    channel = channel_of()
    assert found(channel, "title/text()") == ["Latest"]
    assert found(channel, "link/text()") == ["https://wire.example/"]
    assert found(channel, "description/text()") == ["Latest"]


@pytest.mark.conforms("B23", "B24")
def test_the_channel_link_is_the_page_and_not_the_hub_or_the_feed() -> None:
    spec = OutputSpec(name="topics/art/top", kind=Kind.TOP, title="Art", topic="art")
    channel = channel_of(ENTRY, spec=spec, hubs=("https://hub.example/",))
    assert found(channel, "link/text()") == ["https://wire.example/topics/art"]
    assert found(channel, "atom:link[@rel='self']/@href") == [
        "https://wire.example/feeds/topics/art/top.rss"
    ]
    assert found(channel, "atom:link[@rel='self']/@type") == ["application/rss+xml"]
    assert found(channel, "atom:link[@rel='hub']/@href") == ["https://hub.example/"]
    assert len(found(channel, "atom:link/@href")) == 2


@pytest.mark.conforms("B31", "B34")
def test_a_channel_tells_language_ttl_docs_and_generator() -> None:
    channel = channel_of(spec=replace(SPEC, language="de-AT"))
    assert found(channel, "language/text()") == ["de-AT"]
    assert found(channel, "ttl/text()") == ["15"]
    assert found(channel, "docs/text()") == ["http://www.rssboard.org/rss-specification"]
    assert found(channel, "generator/text()") == ["aggregator"]
    assert found(channel, "textInput | cloud | image") == []


def test_last_build_date_is_the_newest_update() -> None:
    channel = channel_of(ENTRY)
    (built,) = found(channel, "lastBuildDate/text()")
    assert parsedate_to_datetime(built) == ENTRY.updated


@pytest.mark.conforms("B30")
def test_dates_are_rfc_822_with_four_digits_of_year_and_gmt() -> None:
    old = datetime(1, 1, 1, 5, 0, tzinfo=UTC)
    channel = channel_of(ENTRY, replace(ENTRY, id="urn:example:2", published=old))
    assert found(channel, "item/pubDate/text()") == [
        "Mon, 20 Sep 2021 08:00:00 GMT",
        "Mon, 01 Jan 0001 05:00:00 GMT",
    ]


@pytest.mark.conforms("B04")
def test_a_guid_never_claims_to_be_a_permalink() -> None:
    linked = replace(ENTRY, id=ENTRY.link)
    moved = replace(linked, link="https://post.example/moved")
    for entry in (ENTRY, linked, moved):
        channel = channel_of(entry)
        assert found(channel, "item/guid/text()") == [entry.id]
        assert found(channel, "item/guid/@isPermaLink") == ["false"]


@pytest.mark.conforms("B26")
def test_names_are_dc_creators_and_there_is_no_author_without_mail() -> None:
    channel = channel_of(replace(ENTRY, authors=("Ann Lee", "Bo Ek"), agency="Reuters"))
    assert found(channel, "item/dc:creator/text()") == ["Ann Lee", "Bo Ek"]
    assert found(channel, "item/dc:contributor/text()") == ["Reuters"]
    assert found(channel, "item/author") == []


@pytest.mark.conforms("B15", "B25")
def test_source_names_the_feed_and_is_credited_where_nobody_else_is() -> None:
    source = Source(title="Post", url="https://post.example/rss", home="https://post.example/")
    channel = channel_of(replace(ENTRY, source=source))
    assert found(channel, "item/source/@url") == ["https://post.example/rss"]
    assert found(channel, "item/source/text()") == ["Post"]
    assert found(channel, "item/dc:creator/text()") == ["Post"]


@pytest.mark.conforms("B27")
def test_one_enclosure_has_all_its_attributes_and_the_others_are_media() -> None:
    enclosures = (
        Enclosure(url="https://post.example/a"),
        Enclosure(url="https://post.example/b.mp3", media_type="audio/mpeg", length=7),
        Enclosure(url="https://post.example/c"),
    )
    channel = channel_of(replace(ENTRY, enclosures=enclosures))
    (enclosure,) = channel.iterfind("item/enclosure")
    assert dict(enclosure.attrib) == {
        "url": "https://post.example/a",
        "length": "0",
        "type": "application/octet-stream",
    }
    assert [dict(media.attrib) for media in channel.iterfind("item/media:content", NS)] == [
        {"url": "https://post.example/b.mp3", "fileSize": "7", "type": "audio/mpeg"},
        {"url": "https://post.example/c"},
    ]


@pytest.mark.conforms("B28")
def test_full_text_is_content_encoded_beside_a_description_in_html() -> None:
    channel = channel_of(replace(ENTRY, summary="AT&T <b>", content_html="<p>Long</p>"))
    assert found(channel, "item/description/text()") == ["AT&amp;T &lt;b&gt;"]
    assert found(channel, "item/content:encoded/text()") == ["<p>Long</p>"]


@pytest.mark.conforms("B28")
def test_a_summary_alone_is_the_description_and_is_not_said_twice() -> None:
    channel = channel_of(replace(ENTRY, summary="AT&T <b>"))
    assert found(channel, "item/description/text()") == ["<p>AT&amp;T &lt;b&gt;</p>"]
    assert found(channel, "item/content:encoded") == []


@pytest.mark.conforms("B29")
def test_a_title_is_plain_text_escaped_once() -> None:
    edition = Edition(spec=SPEC, updated=BORN, entries=(replace(ENTRY, title="AT&T <b>"),))
    assert b"<title>AT&amp;T &lt;b&gt;</title>" in rss.render(edition, SITE).body


@pytest.mark.conforms("B33")
def test_a_picture_is_thumbnail_and_media_content_and_a_language_that_differs_is_told() -> None:
    channel = channel_of(replace(ENTRY, image="https://post.example/i.jpg", language="fr"))
    assert found(channel, "item/media:thumbnail/@url") == ["https://post.example/i.jpg"]
    assert found(channel, "item/media:content/@medium") == ["image"]
    assert found(channel, "item/dc:language/text()") == ["fr"]


def test_no_element_of_an_item_that_may_come_once_comes_twice() -> None:
    rich = replace(
        ENTRY,
        content_html="<p>Long</p>",
        enclosures=(Enclosure(url="https://post.example/a"),) * 3,
        source=Source(title="Post", url="https://post.example/rss"),
    )
    (item,) = channel_of(rich).iterfind("item")
    names = [str(child.tag) for child in item]
    for name in ("title", "link", "description", "guid", "pubDate", "source", "enclosure"):
        assert names.count(name) == 1, name
