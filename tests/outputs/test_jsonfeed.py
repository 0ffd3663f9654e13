"""JSON Feed 1.1 as its text demands it, on what we print."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from aggregator.model.editions import Also, Edition, EditionEntry, Kind, OutputSpec, Site, Source
from aggregator.model.items import Enclosure
from aggregator.outputs import jsonfeed
from tests.outputs.validator import jsonfeed as rules

BORN = datetime(2021, 9, 20, 8, 0, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", title="The Wire")
SPEC = OutputSpec(name="topics/art/top", kind=Kind.TOP, title="Art", topic="art")
ENTRY = EditionEntry(
    id="urn:example:1",
    title="Bridge opens",
    link="https://post.example/1",
    published=BORN,
    updated=BORN + timedelta(hours=1),
    summary="The toll is two crowns.",
)
RICH = replace(
    ENTRY,
    id="urn:example:2",
    content_html="<p>Long</p>",
    authors=("Ann Lee",),
    categories=("Cities",),
    language="fr",
    image="https://post.example/i.jpg",
    enclosures=(
        Enclosure(url="https://post.example/a.mp3", media_type="audio/mpeg", length=7),
        Enclosure(url="https://post.example/b"),
    ),
    agency="Reuters",
    source=Source(
        title="Post", url="https://post.example/rss", home="https://post.example/", owner="post"
    ),
    also=(
        Also(
            title="Toll",
            link="https://h.example/",
            source="Herald",
            owner="h",
            published=BORN,
            copy=True,
        ),
    ),
)


def body_of(*entries: EditionEntry, hubs: tuple[str, ...] = ()) -> bytes:
    updated = max((e.updated for e in entries), default=BORN)
    return jsonfeed.render(
        Edition(spec=SPEC, updated=updated, entries=entries), replace(SITE, hubs=hubs)
    ).body


def document_of(*entries: EditionEntry, hubs: tuple[str, ...] = ()) -> Any:
    document = json.loads(body_of(*entries, hubs=hubs))
    jsonschema.validate(document, rules.SCHEMA)
    return document


@pytest.mark.conforms("B37")
def test_a_feed_names_itself_and_its_page() -> None:
    document = document_of()
    assert document["title"] == "Art"
    assert document["feed_url"] == "https://wire.example/feeds/topics/art/top.json"
    assert document["home_page_url"] == "https://wire.example/topics/art"
    assert document["items"] == []


@pytest.mark.conforms("B35", "B36")
def test_documents_have_the_shape_of_the_standard() -> None:
    bare = replace(ENTRY, id="urn:example:3", summary="", link="")
    assert len(document_of(ENTRY, RICH, bare, hubs=("https://hub.example/",))["items"]) == 3


@pytest.mark.conforms("B37", "B38", "B39")
def test_an_item_has_all_that_an_entry_has() -> None:
    (item,) = document_of(RICH)["items"]
    assert item == {
        "id": "urn:example:2",
        "url": "https://post.example/1",
        "title": "Bridge opens",
        "content_html": "<p>Long</p><p>Also reported by</p>"
        '<ul><li>Herald: <a href="https://h.example/">Toll</a> (same text), '
        '<time datetime="2021-09-20T08:00:00Z">2021-09-20 08:00 UTC</time></li></ul>',
        "summary": "The toll is two crowns.",
        "image": "https://post.example/i.jpg",
        "date_published": "2021-09-20T08:00:00+00:00",
        "date_modified": "2021-09-20T09:00:00+00:00",
        "authors": [{"name": "Ann Lee"}],
        "tags": ["Cities"],
        "language": "fr",
        "attachments": [
            {
                "url": "https://post.example/a.mp3",
                "mime_type": "audio/mpeg",
                "size_in_bytes": 7,
            },
            {"url": "https://post.example/b", "mime_type": "application/octet-stream"},
        ],
        "_source": {
            "title": "Post",
            "url": "https://post.example/rss",
            "home": "https://post.example/",
            "owner": "post",
        },
        "_also": {
            "reports": [
                {
                    "title": "Toll",
                    "url": "https://h.example/",
                    "source": "Herald",
                    "owner": "h",
                    "date_published": "2021-09-20T08:00:00+00:00",
                    "copy": True,
                }
            ]
        },
        "_agency": {"name": "Reuters"},
    }


@pytest.mark.conforms("B36")
def test_an_item_without_any_text_still_has_content() -> None:
    (item,) = document_of(replace(ENTRY, summary=""))["items"]
    assert item["content_text"] == "Bridge opens"


@pytest.mark.conforms("B39")
def test_hubs_are_named_by_their_type() -> None:
    assert "hubs" not in document_of()
    two = ("https://hub.example/", "https://other.example/")
    hubs = document_of(hubs=two)["hubs"]
    assert hubs == [{"type": "WebSub", "url": url} for url in two]


@pytest.mark.conforms("B41")
def test_a_document_is_harmless_inside_a_script_element() -> None:
    body = body_of(replace(ENTRY, title="</script><!-- <script>"))
    assert b"</" not in body
    assert b"<!--" not in body
    assert json.loads(body)["items"][0]["title"] == "</script><!-- <script>"


@pytest.mark.conforms("B41")
def test_text_is_utf_8_and_not_escaped() -> None:
    assert "大桥通车 🌉".encode() in body_of(replace(ENTRY, title="大桥通车 🌉"))
