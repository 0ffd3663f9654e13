"""Nothing that we print gives a validator cause to complain; and the validator complains."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from aggregator.model.editions import EditionEntry, Format, Site, Source
from aggregator.model.feeds import Feed
from aggregator.model.items import Enclosure
from aggregator.outputs import opml
from aggregator.outputs.addresses import feed_url
from aggregator.outputs.documents import MEDIA_TYPES, render
from tests.outputs.test_contract_formats import EDITIONS, LATEST, PLAIN, SITE, edition, entry
from tests.outputs.validator import validate

NOW = datetime(2021, 9, 21, tzinfo=UTC)
HUBS = ("https://hub.example/", "https://other.example/hub")
WILD = entry(
    9,
    title="AT&T <b> & \x93Sons\x94 \ufffd",
    link="https://post.example/größe/a[1]?q=%zz#x#y",
    summary="He said &lt;p&gt; </a> \x85",
    content_html="<p>\x80 and \ufffd</p>",
    enclosures=(Enclosure(url="https://post.example/ä.mp3"),) * 2,
    image="https://bild.example/ü.jpg",
    categories=("Kunst & Kultur", "a/b"),
    source=Source(title="Größe", url="https://größe.example/rss", home="https://größe.example/"),
)
# Not titles that speak of markup, which validators take for a slip, nor ids that no item gets.
ALL = {**EDITIONS, "wild": edition(WILD)}
del ALL["markup in title"], ALL["ids that are no address"]

Breaking = Callable[[bytes], bytes]


def faults(body: bytes, form: Format, location: str | None = None) -> list[str]:
    at = location or feed_url(LATEST, form, SITE)
    return [str(one) for one in validate(body, MEDIA_TYPES[form], location=at, now=NOW)]


def printed(form: Format, *entries: EditionEntry) -> bytes:
    return render(edition(*entries or (PLAIN,)), form, SITE).body


@pytest.mark.conforms("B12", "B13", "B35", "B61")
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", ALL)
def test_a_document_has_no_fault(name: str, form: Format) -> None:
    body = render(ALL[name], form, replace(SITE, hubs=HUBS)).body
    assert faults(body, form, feed_url(ALL[name].spec, form, SITE)) == []


@pytest.mark.conforms("B42")
def test_the_list_of_feeds_has_no_fault() -> None:
    feeds = (
        Feed(id="a", url="https://user:secret@post.example/rss?a=1&b=ö", topics=("a & b",)),
        Feed(id="b", url="https://herald.example/atom", title="<b> &", language="pt_BR"),
    )
    told = {"a": Source(title="The Post", url="x", home="https://u:p@post.example/")}
    body = opml.render(feeds, told, SITE, updated=NOW)
    assert b"secret" not in body
    assert validate(body, opml.MEDIA_TYPE, location="", now=NOW) == ()


def put(before: str, after: str) -> Breaking:
    def put_in(body: bytes) -> bytes:
        assert before.encode() in body
        return body.replace(before.encode(), after.encode(), 1)

    return put_in


BROKEN: list[tuple[Format, Breaking, str]] = [
    (Format.ATOM, put("</feed>", ""), "not well-formed"),
    (Format.ATOM, put("<feed", "<!DOCTYPE feed><feed"), "DOCTYPE"),
    (Format.ATOM, put("xmlns:media", 'xmlns:x="urn:x" xmlns:media'), "name space 'urn:x'"),
    (Format.ATOM, put(' rel="self"', ' rel="via"'), "a link to itself is missing"),
    (Format.ATOM, put("latest.atom", "top.atom"), "and stands at"),
    (Format.ATOM, put(' xml:lang="en"', ""), "xml:lang is missing"),
    (Format.ATOM, put("<updated>", "<updated>x"), "is not an RFC 3339 date"),
    (Format.ATOM, put("2021-09-20T08:05", "2031-09-20T08:05"), "not a likely date"),
    (Format.ATOM, put("<title>Latest</title>", ""), "title stands there 0 times"),
    (Format.ATOM, put("<title>Latest", "<title>&amp;amp;"), "shows markup: '&amp;'"),
    (Format.ATOM, put("<id>urn:uuid:", "<id>urn:uuid:x"), "is not a UUID"),
    (Format.ATOM, put("<id>https://post.example/news/1#0", "<id>4711"), "not an absolute IRI"),
    (Format.ATOM, put('type="html"', 'type="CDATA"'), "the type 'CDATA'"),
    (Format.ATOM, put("&lt;p&gt;", "&lt;script&gt;"), "<script> is a risk"),
    (Format.ATOM, put("&lt;p&gt;", '&lt;p onclick="x"&gt;'), "<p onclick> is a risk"),
    (Format.ATOM, put("&lt;/p&gt;", ""), "<p> is not closed"),
    (Format.ATOM, put("&lt;/p&gt;", '&lt;/p&gt;&lt;img src="/a.png"&gt;'), "is relative"),
    (Format.ATOM, put("&lt;/p&gt;", '&lt;a href="JAVA\nscript:x"&gt;'), "is a risk"),
    (Format.ATOM, put('term="Cities"', 'term=""'), "is blank"),
    (Format.ATOM, put("<id>https://post.example/rss</id>", ""), "id stands there 0"),
    (Format.ATOM, put("<name>Ann Lee</name>", ""), "name is missing"),
    (Format.ATOM, put("<subtitle>", "<tagline/><subtitle>"), "may not stand there"),
    (Format.RSS, put('version="2.0"', 'version="0.91"'), "version 2.0"),
    (Format.RSS, put("<link>https://wire.example/</link>", ""), "link is missing"),
    (Format.RSS, put('rel="self"', 'rel="alternate"'), "atom:link to itself is missing"),
    (Format.RSS, put("08:00:00 GMT", "08:00 GMT"), "is not an RFC 822 date"),
    (Format.RSS, put("Mon, 20 Sep 2021 08:00", "Tue, 20 Sep 2021 08:00"), "was a Mon"),
    (Format.RSS, put(' isPermaLink="false">https://', ">urn:"), "is no web address"),
    (Format.RSS, put("https://post.example/news/1#0", "4711"), "hardly unique"),
    (Format.RSS, put("<language>en<", "<language>english<"), "not a language tag"),
    (Format.RSS, put("<ttl>15", "<ttl>0"), "whole number from 1"),
    (Format.RSS, put("<item><title>", "<item><author>Ann</author><title>"), "no address of e-mail"),
    (Format.RSS, put("<item><title>Bridge", "<item><title>&lt;/b&gt;"), "shows markup"),
    (Format.RSS, put('url="https://post.example/rss"', 'url="/rss"'), "is no web address"),
    (Format.RSS, put('medium="image"', 'medium="picture"'), "medium 'picture'"),
    (Format.RSS, put("<item>", "<item><pubDate>x</pubDate>"), "pubDate stands there 2 times"),
    (Format.JSON, put('"version":', '"_v":'), "'version' is a required"),
    (Format.JSON, put('"id":"https://post.example/news/1#0"', '"id":1'), "is not of type 'string'"),
    (Format.JSON, put('"_source":{', '"source":{'), "'source' "),
    (Format.JSON, put('"content_html"', '"banner_image"'), "anyOf: "),
    (Format.JSON, put("latest.json", "top.json"), "and stands at"),
    (Format.JSON, put("2021-09-20T08:00:00+00:00", "2021-09-20"), "not an RFC 3339 date"),
    (Format.JSON, put('"tags":["Cities"', '"tags":[""'), "should be non-empty"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "breaking", "told"), BROKEN)
def test_the_validator_finds(form: Format, breaking: Breaking, told: str) -> None:
    found = faults(breaking(printed(form)), form)
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize("form", Format)
def test_the_validator_finds_an_id_used_twice(form: Format) -> None:
    body = printed(form, entry(1), entry(2)).replace(b"urn:example:2", b"urn:example:1")
    assert any("'urn:example:1' is used twice" in fault for fault in faults(body, form))


def test_a_site_at_a_path_says_where_its_documents_stand() -> None:
    site = Site(base_url="https://example.org/wire", title="The Wire")
    for form in Format:
        body = render(edition(replace(PLAIN, language="fr")), form, site).body
        assert faults(body, form, f"https://example.org/wire/feeds/latest.{form}") == []
