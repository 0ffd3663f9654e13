"""Parsing only what changed gives what parsing the whole gives."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.items import Entry
from aggregator.model.visits import ParsedFeed, Unreadable
from aggregator.sources.parse import parse
from aggregator.sources.rereading import parse_changed
from aggregator.sources.splitting import Memory, Reading, digest_of_piece

URL = "https://gazette.example/feeds/news.xml"
SPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:x="urn:unknown" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)
HEADS = {
    "rss": f'<rss version="2.0" {SPACES}><channel>',
    "rdf": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    f'xmlns="http://purl.org/rss/1.0/" {SPACES}><channel rdf:about="/">',
    "atom": f'<feed xmlns="http://www.w3.org/2005/Atom" {SPACES}>',
}
TAILS = {"rss": "</channel></rss>", "rdf": "</rdf:RDF>", "atom": "</feed>"}

ORDINARY = (
    "<title>Ferry sails {n}</title>",
    "<guid>ferry-{n}</guid>",
    "<id>tag:gazette.example,2026:{n}</id>",
    "<link>/news/{n}</link>",
    '<link href="/news/{n}" rel="alternate"/>',
    "<description>It sailed &lt;b&gt;again&lt;/b&gt; at {n}.</description>",
    "<description><![CDATA[<p>It sailed, <a href='b/{n}'>they say</a></p>]]></description>",
    "<pubDate>Mon, 02 Mar 2026 10:{n:02}:00 GMT</pubDate>",
    "<updated>2026-03-02T10:{n:02}:00Z</updated>",
    "<dc:creator>Ann {n}</dc:creator>",
    "<author><name>Ann {n}</name></author>",
    "<category>Ships</category>",
    "<content:encoded>&lt;p&gt;Long story {n}&lt;/p&gt;</content:encoded>",
    '<content type="html">&lt;p&gt;Story {n}&lt;/p&gt;</content>',
    '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi {n}</p></div></content>',
    '<media:content url="/{n}.jpg" medium="image"/>',
    '<media:statistics views="{n}"/>',
    "<media:description>A ferry {n}</media:description>",
    '<enclosure url="/{n}.mp3" type="audio/mpeg" length="{n}"/>',
)
# Each of these was found in feedparser or in a feed to reach beyond its entry, or nearly so.
TRICKY = (
    "<dc:language>de</dc:language>",
    "<language>fr_CH</language>",
    '<content type="html"><div xml:lang="de" xml:base="/deep/"><p>Raw</p></div></content>',
    '<content type="xhtml"><div><title>In</title><summary>s</summary></div></content>',
    '<content type="xhtml"><div><details><summary>s</summary></details></div></content>',
    "<content type='xhtml'><div><video><source/></video><category>c</category></div></content>",
    "<content type='xhtml'><div></div><language>it</language></content>",
    "<summary>One {n}</summary><summary>Two {n}</summary>",
    "<description>One {n}</description><description>Two {n}</description>",
    "<source><title>Wire</title><link href='/w'/><author><name>W</name></author></source>",
    "<source url='/wire'>Wire {n}</source>",
    "<image><url>/{n}.png</url><title>Pic</title><link>/p</link><description>d</description></image>",
    "<image><description>d</description><summary>u</summary><width>{n}</width></image>",
    "<textinput><title>Find</title><name>q</name><description>d</description></textinput>",
    '<svg xmlns="http://www.w3.org/2000/svg"><title>Drawn</title></svg>',
    '<description type="xhtml"><svg xmlns="http://www.w3.org/2000/svg"><title>D</title></svg></description>',
    '<media:title xmlns:media="http://purl.org/dc/elements/1.1/">Other {n}</media:title>',
    '<x:thing xmlns:x="urn:other">thing {n}</x:thing>',
    "<x:thing>thing {n}</x:thing>",
    '<y:link xmlns:y="urn:unknown">/y/{n}</y:link>',
    '<dc:title xmlns:dc="urn:unknown">T {n}</dc:title>',
    "<![CDATA[</item></entry>]]>",
    "<description><![CDATA[<item>{n}</item>]]></description>",
    '<description><![CDATA[<media:statistics views="{n}"/>]]></description>',
    "<!-- <item> </item> <entry> </entry> -->",
    "<?go <entry> </entry> ?>",
    "<item><title>Nested {n}</title></item>",
    "<entry/>",
    "<feed><title>Feed {n}</title></feed>",
    "<channel><title>Feed {n}</title></channel>",
    "<rss xml:lang='nl'/>",
    "<title>&nbsp;{n}</title>",
    "<title>&#xD800;</title>",
    "<title>no end {n}",
    "<itunes:owner><itunes:name>Own {n}</itunes:name></itunes:owner>",
    "<itunes:image href='/i{n}.png'/>",
    "<body>Body {n}</body>",
    "<where>x</where>",
    "<newlocation>/new</newlocation>",
    "<media:statistics views='1'/><media:statistics views=\"{n}\"/>",
    "<description type='xhtml'><p>as <media:statistics views=\"{n}\"/></p></description>",
)
STARTS = (
    "",
    ' xml:base="https://other.example/x/"',
    ' xml:lang="de"',
    ' xmlns:z="urn:z"',
    ' xmlns=""',
)
WORDS = (
    "<title>Gazette {n}</title>",
    "<lastBuildDate>Mon, 02 Mar 2026 11:{n:02}:00 GMT</lastBuildDate>",
    "<updated>2026-03-02T11:{n:02}:00Z</updated>",
    "<ttl>{n}</ttl>",
    "<language>en-gb</language>",
    "<image><url>/logo.png</url><title>Gazette</title><link>/</link></image>",
    "<textinput><title>Find</title></textinput>",
    "<description>News</description>",
    "<itunes:summary>News</itunes:summary><description>More</description>",
    "<link>/home/{n}</link>",
    "<skipHours><hour>{n}</hour></skipHours>",
    "<!-- {n} -->",
    "<x:thing a='{n}'/>",
)
GAPS = ("", "\n", "\r\n  ", "\r")
ODD_GAPS = (
    "<!-- -->",
    "<!-- <item></item> -->",
    "text",
    "<?go?>",
    "<title>Late</title>",
    "]]&gt;",
    "]",
)


def numbered(parts: Sequence[str], sure: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(parts), sure).map(lambda pair: pair[0].format(n=pair[1]))


@st.composite
def entries_of(draw: st.DrawFn, kind: str, parts: Sequence[str]) -> str:
    name = "entry" if kind == "atom" else "item"
    start = draw(st.sampled_from((*[""] * 6, *STARTS)))
    # Most say something, lest most documents be read as a whole for that alone.
    start += draw(st.sampled_from((">", *["><title>Said</title>"] * 5)))
    inside = draw(st.lists(numbered(parts, st.integers(1, 9)), min_size=1, max_size=4))
    return f"<{name}{start}{''.join(inside)}</{name}>"


@st.composite
def documents(draw: st.DrawFn, parts: Sequence[str], gaps: Sequence[str]) -> tuple[bytes, bytes]:
    """Return a document, and an earlier one of the same feed: a part of it, under another head."""
    kind = draw(st.sampled_from(sorted(HEADS)))
    said = st.lists(st.sampled_from(WORDS), max_size=3)
    entries = draw(st.lists(entries_of(kind, parts), min_size=1, max_size=5))
    before = draw(st.lists(st.sampled_from(entries), min_size=1, max_size=4))
    words = draw(said)
    other = words if draw(st.booleans()) else draw(said)
    gap = st.sampled_from(gaps)

    def made(words: list[str], number: int, entries: list[str]) -> bytes:
        head = HEADS[kind] + "".join(word.format(n=number) for word in words)
        head += "</channel>" if kind == "rdf" else ""
        listed = "".join(draw(gap) + entry for entry in entries)
        return (head + listed + draw(gap) + TAILS[kind]).encode()

    return made(words, 1, entries), made(other, 2, before)


def assert_equal_to_the_whole(body: bytes, earlier: bytes) -> Reading:
    first, alone = parse_changed(earlier, "", URL, None), parse(earlier, "", URL)
    assert first.document == alone
    memory = None
    if first.digests:
        memory = Memory(context=first.context, marks=dict.fromkeys(first.digests, b"a mark.."))
    reading, whole = parse_changed(body, "", URL, memory), parse(body, "", URL)
    if not reading.digests:
        assert reading.document == whole
        return reading
    assert isinstance(reading.document, ParsedFeed)
    assert isinstance(whole, ParsedFeed)
    assert isinstance(alone, ParsedFeed)
    assert reading.document.meta == whole.meta
    assert len(whole.entries) == len(reading.digests)
    assert reading.document.entries == tuple(whole.entries[place] for place in reading.places)
    assert reading.document.omitted == len(whole.entries) - len(reading.places)
    held = dict(zip(first.digests, alone.entries, strict=False))  # none if it was not cut
    for digest, mark, entry in zip(reading.digests, reading.marks, whole.entries, strict=True):
        assert mark is None or held[digest] == entry
    return reading


@settings(deadline=None, max_examples=150)
@given(documents(ORDINARY, GAPS))
def test_ordinary_documents_read_in_part_say_what_they_say_as_a_whole(
    pair: tuple[bytes, bytes],
) -> None:
    assert_equal_to_the_whole(*pair)


@settings(deadline=None, max_examples=300)
@given(documents((*ORDINARY, *TRICKY), (*GAPS * 10, *ODD_GAPS)))
def test_tricky_documents_read_in_part_say_what_they_say_as_a_whole(
    pair: tuple[bytes, bytes],
) -> None:
    assert_equal_to_the_whole(*pair)


@settings(deadline=None, max_examples=200)
@given(documents((*ORDINARY[:4], *TRICKY), GAPS))
def test_documents_of_tricks_alone_read_in_part_say_what_they_say_as_a_whole(
    pair: tuple[bytes, bytes],
) -> None:
    assert_equal_to_the_whole(*pair)


def rss(items: str, *, title: str = "Gazette", more: str = "") -> bytes:
    return (
        f'<rss version="2.0" {SPACES}><channel><title>{title}</title>{more}{items}</channel></rss>'
    ).encode()


def item(number: int, more: str = "") -> str:
    return f"<item><guid>{number}</guid><title>Story {number}</title>{more}</item>"


def known_after(body: bytes, content_type: str = "") -> Memory:
    reading = parse_changed(body, content_type, URL, None)
    assert reading.digests, reading.because
    return Memory(context=reading.context, marks=dict.fromkeys(reading.digests, b"a mark.."))


def parsed(reading: Reading) -> list[str]:
    assert isinstance(reading.document, ParsedFeed)
    return [entry.title for entry in reading.document.entries]


def test_only_new_entries_are_parsed_though_title_and_date_of_the_feed_moved() -> None:
    memory = known_after(rss(item(1) + item(2), more="<lastBuildDate>a</lastBuildDate>"))
    body = rss(item(3) + item(1) + item(2), title="The Gazette", more="<ttl>30</ttl>")
    reading = parse_changed(body, "", URL, memory)
    assert parsed(reading) == ["Story 3"]
    assert reading.places == (0,)
    whole = parse(body, "", URL)
    assert isinstance(whole, ParsedFeed)
    assert reading.document == replace(whole, entries=whole.entries[:1], omitted=2)


def test_a_document_with_nothing_new_still_tells_of_its_feed() -> None:
    memory = known_after(rss(item(1)))
    reading = parse_changed(rss(item(1), title="Renamed"), "", URL, memory)
    assert parsed(reading) == []
    assert reading.document.meta.title == "Renamed"  # type: ignore[union-attr]
    assert reading.document.omitted == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (rss(item(1)), rss(item(1), more="<language>de</language>")),
        (rss(item(1)), rss(item(1)).replace(b"<channel>", b'<channel xml:base="/deep/">')),
        (rss(item(1)), rss(item(1)).replace(b"<channel>", b'<channel xml:lang="de">')),
        (rss(item(1)), rss(item(1)).replace(b'"urn:unknown"', b'"http://www.w3.org/2005/Atom"')),
        (rss(item(1)), rss(item(1)).replace(b'"2.0"', b'"0.91"')),
        (rss(item(1)), rss(item(1), more="<image><url>/a.png</url></image>")),
    ],
)
def test_what_surrounds_all_entries_and_speaks_for_them_is_a_reason_to_read_all(
    before: bytes, after: bytes
) -> None:
    reading = parse_changed(after, "", URL, known_after(before))
    assert parsed(reading) == ["Story 1"]
    assert reading.document == parse(after, "", URL)


def test_a_prefix_that_known_entries_need_and_nobody_declares_any_more_is_missed() -> None:
    body = rss(item(1, "<dc:creator>Ann</dc:creator>"))
    undeclared = body.replace(b'xmlns:dc="http://purl.org/dc/elements/1.1/"', b"")
    reading = parse_changed(undeclared, "", URL, known_after(body))
    assert reading.because == "SAXParseException"
    assert reading.document == parse(undeclared, "", URL)


def test_another_address_of_the_feed_is_a_reason_to_read_all() -> None:
    body = rss(item(1, "<link>/1</link>"))
    reading = parse_changed(body, "", "https://gazette.example/other/", known_after(body))
    assert parsed(reading) == ["Story 1"]


def test_a_text_in_which_a_known_entry_is_quoted_is_no_entry() -> None:
    memory = known_after(rss(item(1)))
    quoted = rss("", more=f"<description><![CDATA[{item(1)}]]></description>")
    reading = parse_changed(quoted, "", URL, memory)
    assert reading.digests == ()
    assert reading.document == parse(quoted, "", URL)
    commented = rss(f"<!-- {item(1)} -->")
    assert parse_changed(commented, "", URL, memory).document == parse(commented, "", URL)


@pytest.mark.parametrize(
    ("inside", "because"),
    [
        ("<description><![CDATA[</item>]]></description>", "elements between or after the entries"),
        ("<description><![CDATA[<item>]]></description>", "an entry has a say in others"),
        ('<a:b xmlns:a="urn:new"/>', "an entry has a say in others"),
        ('<title type="html"><div xml:lang="de">x</div></title>', "an entry has a say in others"),
        (
            '<media:title xmlns:media="http://purl.org/dc/elements/1.1/">x</media:title>',
            "an entry has a say in others",
        ),
        ("<title>&nbsp;</title>", "SAXParseException"),
        ('<media:statistics views="1"/><!-- -->', "figures in a text"),
    ],
)
def test_an_entry_that_reaches_beyond_itself_has_the_whole_read(inside: str, because: str) -> None:
    body = rss(item(1) + item(2, inside) + item(3))
    reading = parse_changed(body, "", URL, known_after(rss(item(1) + item(3))))
    assert reading.because == because
    assert reading.digests == ()
    assert reading.document == parse(body, "", URL)


@pytest.mark.parametrize(
    ("body", "because"),
    [
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', "JSON"),
        (rss(item(1)).decode().encode("utf-16"), "encoding"),
        (b"<?xml version='1.0' encoding='klingon'?>" + rss(item(1)), "encoding"),
        (
            b"<?xml version='1.0' encoding='utf-8'?>" + rss(item(1, "\xe9")).replace(b"\xc3", b""),
            "",
        ),
        (b"", "unreadable"),
        (rss("<item></item>"), "an entry says nothing"),
        (rss(item(1))[:-6], "SAXParseException"),
        (b"<html><body><item></item></body></html>", "unreadable"),
        (
            b'<feed><subtitle type="xhtml"><p><entry>no</entry></p></subtitle></feed>',
            "elements between",
        ),
        (rss(f"<!-- {item(1)} -->"), "cuts"),
        (b"<channel><item><title>no feed</title></item></channel>", "no version"),
    ],
)
def test_what_cannot_be_cut_is_read_as_ever(body: bytes, because: str) -> None:
    reading = parse_changed(body, "", URL, None)
    assert because in reading.because
    assert reading.because
    assert reading.digests == ()
    assert reading.document == parse(body, "", URL)


@pytest.mark.conforms("D33")
@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251", "gb2312", "shift_jis", "utf-8"])
def test_encodings_are_those_of_the_whole(charset: str) -> None:
    word = {"windows-1251": "Паром", "gb2312": "渡轮", "shift_jis": "港"}.get(charset, "Fähre")
    old, new = item(1, f"<category>{word}</category>"), item(2, f"<category>{word} 2</category>")

    def written(items: str) -> bytes:
        declared = f"<?xml version='1.0' encoding='{charset}'?>\n"
        return (declared + rss(items).decode()).encode(charset)

    reading = parse_changed(written(new + old), "", URL, known_after(written(old)))
    whole = parse(written(new + old), "", URL)
    assert reading.places == (0,)
    assert isinstance(whole, ParsedFeed)
    assert reading.document.entries == whole.entries[:1]  # type: ignore[union-attr]
    assert whole.entries[0].categories == (f"{word} 2",)


def test_the_encoding_is_settled_by_the_whole_and_not_by_what_is_left_of_it() -> None:
    # The first story shows that it is Latin-1; the bytes of the second would be sound UTF-8.
    declared = b"<?xml version='1.0' encoding='iso-8859-1'?>"
    old, new = item(1, "<category>\xe9</category>"), item(2, "<category>\xc3\xa9</category>")
    body = declared + rss(new + old).decode().encode("iso-8859-1")
    memory = known_after(declared + rss(old).decode().encode("iso-8859-1"))
    (entry,) = parse_changed(body, "", URL, memory).document.entries  # type: ignore[union-attr]
    whole = parse(body, "", URL)
    assert not isinstance(whole, Unreadable)
    assert entry == whole.entries[0]


def test_views_counted_anew_are_not_parsed_anew() -> None:
    def body(views: int) -> bytes:
        counted = f'<media:community><media:statistics views="{views}"/></media:community>'
        return rss(item(1, counted))

    assert parsed(parse_changed(body(250), "", URL, known_after(body(2)))) == []


def test_entries_are_told_by_all_their_bytes() -> None:
    one, other = item(1).encode(), item(1, " ").encode()
    assert digest_of_piece(one) != digest_of_piece(other)
    assert parsed(parse_changed(rss(item(1, " ")), "", URL, known_after(rss(item(1))))) == [
        "Story 1"
    ]


def test_two_parsers_agree_on_what_surrounds_entries() -> None:
    body = rss(item(1))
    assert known_after(body) == known_after(body)


def test_dates_links_and_languages_of_known_entries_stay_with_them() -> None:
    old = item(1, "<link>/1</link><pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate>")
    body = rss(item(2, "<dc:language>de</dc:language>") + old)
    reading = assert_equal_to_the_whole(body, rss(old))
    assert reading.places == (0,)
    (entry,) = reading.document.entries  # type: ignore[union-attr]
    assert isinstance(entry, Entry)
    assert entry.language == "de"
