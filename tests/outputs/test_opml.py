from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from aggregator.model.editions import Kind, OutputSpec, Site, Source
from aggregator.model.feeds import Feed
from aggregator.outputs import opml

BORN = datetime(2021, 9, 20, 8, 0, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", title="The Wire")
POST = Feed(
    id="post", url="https://post.example/rss?a=1&b=2", topics=("world", "art"), language="en"
)
SOURCE = Source(title="Post & <Co>", url="https://post.example/rss", home="https://post.example/")


def root_of(*feeds: Feed, **sources: Source) -> Any:
    return etree.fromstring(opml.render(feeds, sources, SITE, updated=BORN))


def test_the_head_has_title_and_dates() -> None:
    root = root_of()
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/title") == "The Wire"
    assert root.findtext("head/dateCreated") == "Mon, 20 Sep 2021 08:00:00 GMT"
    assert root.find("body") is not None


@pytest.mark.conforms("B42")
def test_an_outline_has_what_importers_want() -> None:
    (outline,) = root_of(POST, post=SOURCE).iterfind("body/outline")
    assert dict(outline.attrib) == {
        "type": "rss",
        "text": "Post & <Co>",
        "title": "Post & <Co>",
        "xmlUrl": "https://post.example/rss?a=1&b=2",
        "htmlUrl": "https://post.example/",
        "language": "en",
        "category": "/world,/art",
    }


def test_a_title_from_ops_wins_and_the_host_stands_in_for_none() -> None:
    named = Feed(id="a", url="https://a.example/", title="Ours")
    nameless = Feed(id="b", url="https://www.b.example/rss")
    outlines = root_of(named, nameless, a=SOURCE).findall("body/outline")
    assert [outline.get("text") for outline in outlines] == ["Ours", "b.example"]


@pytest.mark.conforms("B42", "D48")
def test_user_names_and_passwords_are_never_printed() -> None:
    feed = Feed(
        id="a",
        url="https://ann:hunter2@a.example:8443/rss",
        credentials=("ann", "hunter2"),
        headers=(("X-Key", "hunter2"),),
    )
    source = Source(title="A", url="https://a.example/", home="https://ann:hunter2@a.example/")
    body = opml.render([feed], {"a": source}, SITE, updated=BORN)
    assert b"hunter2" not in body
    assert b"ann" not in body
    assert b'xmlUrl="https://a.example:8443/rss"' in body


def test_disabled_feeds_are_not_listed_and_order_is_kept() -> None:
    feeds = [Feed(id=n, url=f"https://{n}.example/", enabled=n != "b") for n in "cba"]
    outlines = root_of(*feeds).findall("body/outline")
    assert [outline.get("text") for outline in outlines] == ["c.example", "a.example"]


def test_forbidden_characters_are_removed() -> None:
    source = Source(title="Po\x00st\ud800", url="https://post.example/rss")
    (outline,) = root_of(POST, post=source).iterfind("body/outline")
    assert outline.get("title") == "Post"


def test_our_own_outputs_are_a_list_that_readers_import() -> None:
    specs = (
        OutputSpec(name="latest", kind=Kind.LATEST, title="Latest"),
        OutputSpec(name="topics/sea/top", kind=Kind.TOP, title="Sea\x00", topic="sea"),
    )
    body = opml.of_outputs(specs, SITE, updated=BORN)
    assert body == opml.of_outputs(specs, SITE, updated=BORN)
    plain, sea = etree.fromstring(body).findall("body/outline")
    assert plain.get("xmlUrl") == f"{SITE.base_url}/feeds/latest.atom"
    assert plain.get("category") is None
    assert (sea.get("text"), sea.get("category")) == (f"{SITE.title}: Sea", "/sea")
    assert sea.get("htmlUrl") == f"{SITE.base_url}/topics/sea"
