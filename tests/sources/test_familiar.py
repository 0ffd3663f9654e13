"""An entry that is read without feedparser says what feedparser says of it."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aggregator.sources.familiar.elements import RULES
from aggregator.sources.found import wire_of
from aggregator.sources.parse import _feedparser
from aggregator.sources.rereading import _drive, _Reader, _Unsplittable
from aggregator.sources.splitting import Pieces, split
from tests.sources.test_rereading import STARTS, TAILS, URL

SPACES = (
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:cc="http://creativecommons.org/ns#license"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:x="urn:unknown"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
    ' xmlns:georss="http://www.georss.org/georss" xmlns:a="http://www.w3.org/2005/Atom"'
    ' xmlns:thr="http://purl.org/syndication/thread/1.0"'
)
HEADS = {
    "rss": f'<rss version="2.0"{SPACES}{{said}}><channel>',
    "rdf": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    f' xmlns="http://purl.org/rss/1.0/"{SPACES}{{said}}><channel rdf:about="/"></channel>',
    "atom": f'<feed xmlns="http://www.w3.org/2005/Atom"{SPACES}{{said}}>',
}
OTHERS = ("x:thing", "x:title", "comments", "slash_comments", "a:link", "a:summary", "a:updated")
NAMES = sorted({name.replace("_", ":", 1) for name in RULES} | set(RULES)) + list(OTHERS)
PREFIXES = {"media", "dc", "dcterms", "cc", "content", "itunes", "feedburner", "georss", "x", "a"}
USABLE = [
    name for name in NAMES
    if (":" not in name or name.split(":")[0] in PREFIXES) and not name.startswith("media:sta")
]  # fmt: skip
ATTRIBUTES = (
    'type="html"', 'type="TEXT"', 'type="text/plain"', 'type="xhtml"', 'type="image/png"',
    'rel="self"', 'rel="alternate"', 'rel="Enclosure"', 'href="/a?b=1&amp;c=2"', 'href=""',
    'href="https://paper.example/a#"', 'HREF="http://paper.example/b"', 'url="c.jpg"', 'uri="/d"',
    'medium="image"', 'width="640"', 'term="Ships"', 'term=""', 'label="Boats"', 'text="Pod"',
    'scheme="urn:s"', 'domain="urn:d"', 'isPermaLink="false"', 'isPermaLink="TRUE"',
    'xml:lang="de_AT"', 'xml:lang=""', 'xml:base="https://other.example/x/"', 'xml:base="y/"',
    'xml:space="preserve"', 'base="/z"', 'lang="fr"', 'mode="base64"', 'src="/e"',
    'thr:count="2"', 'x:href="/f"', 'x:note="n"', 'xmlns:y="urn:unknown"', 'xmlns="urn:else"',
    'xmlns:media="http://search.yahoo.com/mrss/"', 'xmlns:dc="urn:unknown"',
)  # fmt: skip
TEXTS = (
    "", " ", "Ferry sails", "\n  Ferry\n  sails ", "&lt;b&gt;bold&lt;/b&gt; ", "AT&amp;T",
    "a &lt; b", "&amp;eacute; &amp;nope;", "<![CDATA[<p>Hi <a href='/x'>you</a></p>]]>", "Ã¼ber",
    "caf\u00e9", "ship \u0093quoted\u0094", "https://paper.example/1?a=1&amp;b=2",
    "https://paper.example/1;x#",
    "HTTPS://Paper.example//2", "/3?a=b&amp;amp;c;", "http:///4", "  5.html ", "http://[", "ünï",
    "Mon, 02 Mar 2026 10:00:00 GMT", "2026-03-02T10:00:00Z", "one, two,, three ", "Ann (a@b.c)",
    "a<!-- - -->b", "a<?go on?>b", "<b>raw</b>", "x" * 9000,
)  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, names: list[str], inner: str = "") -> str:
    name = draw(st.sampled_from(names))
    chosen = st.lists(
        st.sampled_from(ATTRIBUTES), max_size=2, unique_by=lambda one: one.split("=")[0]
    )
    said = "".join(f" {one}" for one in draw(st.just([]) | chosen))
    return f"<{name}{said}>{draw(st.sampled_from(TEXTS))}{inner}</{name}>"


@st.composite
def entries(draw: st.DrawFn) -> str:
    """Return what is within an entry, groups of media and authors of many parts too."""
    some = st.lists(elements(USABLE), max_size=5)
    people = st.lists(elements(["name", "uri", "email", "x:thing", "a:name"]), max_size=3)
    said = draw(some)
    if draw(st.booleans()):
        name = draw(st.sampled_from(["media:group", "media:content", "media:community"]))
        said.append(f'<{name} url="/g">{"".join(draw(some))}</{name}>')
    if draw(st.booleans()):
        name = draw(st.sampled_from(["author", "dc:creator", "a:author"]))
        said.append(f"<{name}>\n{''.join(draw(people))}</{name}>")
    return "".join(draw(st.permutations(said)))


def document(kind: str, entries: list[str], *, said: str = "", start: str = "") -> bytes:
    name = "entry" if kind == "atom" else "item"
    listed = "".join(f"<{name}{start}>{entry}</{name}>" for entry in entries)
    return f"{HEADS[kind].format(said=said)}{listed}{TAILS[kind]}".encode()


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(sorted(HEADS)))
    of_item = ("", "", "", ' rdf:about="/id"' if kind == "rdf" else "", ' x:note="n"')
    start = draw(st.sampled_from((*of_item, *(start for start in STARTS if start != ' xmlns=""'))))
    said = draw(st.sampled_from(("", ' xml:lang="en_GB"', ' xml:base="https://base.example/b/"')))
    return document(kind, draw(st.lists(entries(), min_size=1, max_size=2)), said=said, start=start)


def read(body: bytes) -> list[Any]:
    """Return the entries of ``body``: a plain dictionary is one that feedparser did not read."""
    pieces = split(body)
    assert isinstance(pieces, Pieces), pieces
    return _drive(_Reader(URL), pieces.head, pieces.entries, pieces.tail)[1]


def asked(found: list[Any]) -> list[bool]:
    return [type(entry) is not dict for entry in found]


def assert_equal_to_feedparser(body: bytes, found: list[Any]) -> None:
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": URL}
    whole = _feedparser(body, headers)
    assert not whole.bozo
    for mine, theirs in zip(found, whole.entries, strict=True):
        assert wire_of(mine, URL) == wire_of(theirs, URL)


@settings(deadline=None, max_examples=400)
@given(documents())
def test_an_entry_read_without_feedparser_says_what_feedparser_says(body: bytes) -> None:
    try:
        found = read(body)
    except _Unsplittable:
        assume(False)
    assert_equal_to_feedparser(body, found)


@pytest.mark.parametrize("kind", sorted(HEADS))
@pytest.mark.parametrize("name", USABLE)
def test_an_element_with_a_rule_needs_no_feedparser(name: str, kind: str) -> None:
    texts = ("Ferry", "/a?b&amp;c;", "a &amp;amp; b", "\u0093")
    said = [f"<{name}>{text}</{name}>" for text in texts]
    deep = (
        [] if "author" in name or "creator" in name else [f"<media:group>{said[0]}</media:group>"]
    )
    body = document(kind, [*said, said[0] + said[1], said[1] + said[0], *deep])
    found = read(body)
    assert not any(asked(found))
    assert_equal_to_feedparser(body, found)


RSS = """
<title>Ferry &amp; bus</title><link>https://paper.example/1?utm_source=rss</link>
<comments>https://paper.example/1#c</comments><dc:creator><![CDATA[Ann]]></dc:creator>
<pubDate>Mon, 02 Mar 2026 10:00:00 +0000</pubDate><category><![CDATA[Ships]]></category>
<guid isPermaLink="false">https://paper.example/?p=1</guid>
<description><![CDATA[It sails <p>The post</p>]]></description>
<content:encoded><![CDATA[<p>It sails</p>]]></content:encoded>
<wfw:commentRss xmlns:wfw="http://wellformedweb.org/commentAPI/">https://a.example/</wfw:commentRss>
<media:content url="/a.jpg" medium="image"><media:title type="html">A ferry</media:title>
<media:credit role="author" scheme="urn:ebu">Bo</media:credit></media:content>
<enclosure url="/a.mp3" length="1" type="audio/mpeg"/><source url="https://b.example/">B</source>
<post-id xmlns="com-wordpress:feed-additions:1">1</post-id>
"""
BLOGGER = """
<id>tag:blogger.com,1999:blog-1.post-2</id><published>2026-03-02T10:00:00.000-08:00</published>
<updated>2026-03-02T10:00:00-08:00</updated><category scheme="urn:b" term="Ships"/>
<title type="text">Ferry</title><content type="html">&lt;p&gt;It sails&lt;/p&gt;</content>
<link rel="replies" type="text/html" href="https://a.example/c" title="0 Comments" thr:count="0"/>
<link rel="alternate" type="text/html" href="https://a.example/ferry.html" title="Ferry"/>
<author><name>Ann</name><uri>https://a.example/ann.png</uri><email>a@b.example</email>
<x:image rel="urn:thumb" width="16" height="16" src="/i.png"/></author>
<media:thumbnail xmlns:media="http://search.yahoo.com/mrss/" url="/t.jpg" height="72" width="72"/>
"""
YOUTUBE = """
<id>yt:video:1</id><x:videoId>1</x:videoId><title>Ferry</title><link rel="alternate" href="/w?v=1"/>
<author><name>Harbour</name><uri>https://a.example/channel/1</uri></author>
<published>2026-03-02T10:00:00+00:00</published><updated>2026-03-02T11:00:00+00:00</updated>
<media:group><media:title>Ferry!</media:title><media:content url="/v/1" type="video/mp4"/>
<media:thumbnail url="/hq.jpg" width="480"/><media:description>It sails</media:description>
<media:community><media:starRating count="5" average="4.00"/><media:statistics views="9"/>
</media:community></media:group>
"""
ALERT = """<title type="html">A &lt;b&gt;ferry&lt;/b&gt;</title><author><name></name></author>
<content type="html" xml:base="https://a.example/x/" xml:lang="en">&lt;a href="y"&gt;</content>"""


@pytest.mark.parametrize(
    ("kind", "entry"),
    [("rss", RSS), ("rdf", RSS), ("atom", BLOGGER), ("atom", YOUTUBE), ("atom", ALERT)],
    ids=("rss", "rdf", "blogger", "youtube", "alert"),
)
def test_entries_as_publishers_write_them_need_no_feedparser(kind: str, entry: str) -> None:
    body = document(kind, [entry, entry], said=' xmlns:wfw="http://wellformedweb.org/commentAPI/"')
    found = read(body)
    assert not any(asked(found))
    assert_equal_to_feedparser(body, found)


@pytest.mark.parametrize(
    "entry",
    [
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi</p></div></content>',
        '<content type="text/html" mode="base64">PGI+</content>',
        '<content type="image/png">iVBO</content>',
        '<content src="/elsewhere.html"/>',
        '<link xml:base="https://other.example/" href="a"/>',
        '<link x:href="/a" rel="alternate"/>',
        '<category lang="de">Schiffe</category>',
        "<description>One <b>raw</b></description>",
        "<image><url>/a.png</url><title>Pic</title></image>",
        "<source><title>Wire</title><link href='/w'/></source>",
        "<contributor><name>Ann</name><uri>/ann.png</uri></contributor>",
        "<author>Ann</author><author><email>a@b.example</email></author>",
        "<author><name>Ann</name><name>Bo</name></author>",
        "<media:group><author>Ann</author></media:group>",
        "<dc:summary>one of a name that is read</dc:summary><links>x</links>",
        '<x:b xmlns:x="urn:other">another name space</x:b><title>T</title>',
        "<itunes:owner><itunes:name>Ann</itunes:name></itunes:owner>",
    ],
)
def test_of_anything_else_feedparser_is_asked(entry: str) -> None:
    plain = "<title>Plain</title><link>/plain</link>"
    body = document("rss", [plain, entry + plain, plain])
    try:
        found = read(body)
    except _Unsplittable:
        return  # not even that: the whole document is read
    assert asked(found) == [False, True, False]
    assert_equal_to_feedparser(body, found)


def test_an_address_that_all_bases_leave_alone_is_not_joined_to_one() -> None:
    said = ("<link>https://a.example/b;c</link>", "<link>https://a.example/b?</link>",
            "<link>https://a.example/b#</link>", "<link>https://a.example</link>",
            "<link>HTTP://a.example/b</link>", "<link>http://A.example/../b</link>",
            "<link>https:///a.example/b</link>",
            "<link>https://a.example/b?c#d?e</link>")  # fmt: skip
    body = document("rss", list(said))
    assert_equal_to_feedparser(body, read(body))
