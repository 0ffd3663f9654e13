"""Whatever the format, subscribers get the same, and strict parsers have no cause to complain."""

import calendar
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from types import FrameType
from typing import Any
from xml.parsers import expat

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from aggregator.model.editions import (
    Also,
    Edition,
    EditionEntry,
    Format,
    Kind,
    OutputSpec,
    Rendered,
    Site,
    Source,
)
from aggregator.model.items import Enclosure
from aggregator.outputs.clean import web_link
from aggregator.outputs.documents import MEDIA_TYPES, etag_of, render
from aggregator.outputs.gate import Accept, Verdict, judge
from aggregator.text.xml import one_line

BORN = datetime(2021, 9, 20, 8, 0, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", title="The Wire")
LATEST = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest", description="All of it")
TOPIC = OutputSpec(name="topics/science/top", kind=Kind.TOP, title="Top: Science", topic="science")
SOURCE = Source(
    title="Morning Post", url="https://post.example/rss", home="https://post.example/", owner="post"
)
PLAIN = EditionEntry(
    id="https://post.example/news/1#0",
    title="Bridge opens after nine years",
    link="https://post.example/news/1",
    published=BORN,
    updated=BORN + timedelta(minutes=5),
    summary="The toll is two crowns.",
    content_html="<p>The toll is two crowns, and the mayor paid it first.</p>",
    authors=("Ann Lee", "Bo Ek"),
    categories=("Cities", "Transport"),
    language="en",
    image="https://post.example/bridge.jpg",
    source=SOURCE,
)
REPORT = Also(
    title="Nine years & a <bridge>",
    link="https://herald.example/b?id=1&x=2",
    source="Herald",
    owner="herald",
    published=BORN,
)


def entry(number: int, **changes: Any) -> EditionEntry:
    """An entry like PLAIN with an id and link of its own."""
    own = {"id": f"urn:example:{number}", "link": f"https://post.example/news/{number}"}
    return replace(PLAIN, **{**own, **changes})


def edition(*entries: EditionEntry, spec: OutputSpec = LATEST) -> Edition:
    return Edition(
        spec=spec, updated=max((e.updated for e in entries), default=BORN), entries=entries
    )


MP3 = Enclosure(url="https://post.example/a.mp3", media_type="audio/mpeg", length=1234)
EDITIONS = {
    "empty": edition(),
    "plain": edition(PLAIN),
    "topic": edition(PLAIN, spec=TOPIC),
    "chinese": edition(
        entry(1, title="大桥通车 九年之后", summary="收费两元。", language="zh-Hans")
    ),
    "right to left": edition(entry(1, title="افتتاح الجسر بعد تسع سنوات", language="ar")),
    "astral": edition(entry(1, title="𠮷野家 🌉 opens")),
    "markup in title": edition(
        entry(1, title="AT&T <b> & Sons"), entry(2, title="1 < 2 ]]> &amp;")
    ),
    "three enclosures": edition(
        entry(
            1,
            enclosures=(
                MP3,
                replace(MP3, url="https://x.example/b", media_type=None, length=None),
                MP3,
            ),
        )
    ),
    "nothing but a title": edition(
        entry(1, summary="", content_html="", authors=(), categories=(), image=None, source=None)
    ),
    "summary only": edition(entry(1, content_html="")),
    "also reported": edition(
        entry(1, also=(REPORT,) * 20), entry(2, also=(replace(REPORT, copy=True),))
    ),
    "also without text": edition(entry(1, summary="", content_html="", also=(REPORT,))),
    "ids that are no address": edition(
        entry(1, id="tag:post.example,2021:1"),
        entry(2, id="urn:uuid:7f1c8a52-0000-5000-8000-000000000001"),
        entry(3, id="4711"),
    ),
    "id equal to link": edition(entry(1, id="https://post.example/news/1")),
    "very long": edition(
        entry(1, title="word " * 400 + "end", content_html="<p>" + "long text " * 30_000 + "</p>"),
        entry(2),
    ),
    "agency": edition(entry(1, agency="Reuters")),
    "hundred": edition(*(entry(n, published=BORN - timedelta(minutes=n)) for n in range(100))),
}


@dataclass(frozen=True, slots=True)
class Read:
    """What a subscriber sees of an entry. RSS has no date of update."""

    id: str
    title: str
    link: str
    published: datetime
    updated: datetime | None = None


def stored(an_edition: Edition, form: Format) -> list[Read]:
    return [
        Read(e.id, e.title, e.link, e.published, None if form is Format.RSS else e.updated)
        for e in an_edition.entries
    ]


def read_back(body: bytes, form: Format, **how: Any) -> list[Read]:
    if form is Format.JSON:
        return [_from_json(item) for item in json.loads(body)["items"]]
    parsed = feedparser.parse(BytesIO(body), **how)
    assert not parsed.bozo, parsed.bozo_exception
    return [_from_feedparser(e, form) for e in parsed.entries]


def _from_json(item: dict[str, str]) -> Read:
    dates = [datetime.fromisoformat(item[f"date_{name}"]) for name in ("published", "modified")]
    return Read(item["id"], item["title"], item.get("url", ""), *dates)


def _from_feedparser(parsed: Any, form: Format) -> Read:
    updated = None if form is Format.RSS else _moment(parsed.updated_parsed)
    return Read(
        parsed.id, parsed.title, parsed.get("link", ""), _moment(parsed.published_parsed), updated
    )


def _moment(parsed: Any) -> datetime:
    return datetime.fromtimestamp(calendar.timegm(parsed), UTC)


def judged(body: bytes, form: Format) -> Verdict:
    rendered = Rendered(
        path="x", media_type=MEDIA_TYPES[form], body=body, etag='"x"', changed_at=BORN
    )
    return judge(None, rendered)


def strictly_parsed(body: bytes) -> Any:
    """Parse with two strict parsers."""
    expat.ParserCreate().Parse(body, True)
    return etree.fromstring(body)


@pytest.mark.conforms("B67")
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", EDITIONS)
def test_a_document_reads_back_to_what_is_stored(name: str, form: Format) -> None:
    printed = render(EDITIONS[name], form, SITE)
    assert printed.dropped == ()
    assert read_back(printed.body, form) == stored(EDITIONS[name], form)


@pytest.mark.conforms("B57", "B61")
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", EDITIONS)
def test_a_document_passes_strict_parsers_and_the_gate(name: str, form: Format) -> None:
    body = render(EDITIONS[name], form, SITE).body
    if form is not Format.JSON:
        strictly_parsed(body)
    assert judged(body, form) == Accept(changed=True)


@pytest.mark.conforms("B06")
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", EDITIONS)
def test_equal_input_gives_equal_bytes(name: str, form: Format) -> None:
    first = render(EDITIONS[name], form, SITE).body
    assert render(EDITIONS[name], form, SITE).body == first


@pytest.mark.conforms("B32", "B63")
@pytest.mark.parametrize("form", Format)
def test_every_address_in_a_document_is_absolute(form: Format) -> None:
    wild = entry(
        1,
        link="javascript:alert(1)",
        image="/relative.jpg",
        enclosures=(Enclosure(url="data:text/plain,x"), MP3),
        source=replace(SOURCE, home="ftp://post.example/"),
        also=(replace(REPORT, link="//herald.example/x"),),
    )
    body = render(edition(wild), form, SITE).body.decode()
    for scheme in ("javascript:", "relative.jpg", "data:", "ftp:", '"//herald'):
        assert scheme not in body
    assert "https://post.example/a.mp3" in body


@pytest.mark.conforms("B60")
@pytest.mark.parametrize("form", Format)
def test_a_bad_entry_is_left_out_and_named_and_the_others_stay(form: Format) -> None:
    naive = entry(2, published=datetime(2021, 9, 20))  # noqa: DTZ001
    wrong: Any = None
    bad = (
        naive,
        entry(3, id="\x0b"),
        entry(4, content_html=wrong),
        entry(5, published=datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))),
    )
    printed = render(
        Edition(spec=LATEST, updated=BORN, entries=(entry(1), *bad, entry(6))), form, SITE
    )
    assert [read.id for read in read_back(printed.body, form)] == ["urn:example:1", "urn:example:6"]
    assert len(printed.dropped) == 4
    assert "urn:example:2" in printed.dropped[0]
    assert "zone" in printed.dropped[0]


@pytest.mark.conforms("B62")
@pytest.mark.parametrize("form", Format)
def test_forbidden_characters_are_removed_from_every_field(form: Format) -> None:
    dirt = "\x00\x0b\x1f\ufffe\ud800"
    dirty = entry(
        1,
        title=f"Bridge{dirt} opens",
        summary=f"The{dirt} toll",
        content_html=f"<p>The{dirt} toll.</p>",
        authors=(f"Ann{dirt}", dirt),
        categories=(f"Cities{dirt}", dirt),
        agency=f"Reu{dirt}ters",
        source=replace(SOURCE, title=f"Morning{dirt} Post"),
        also=(replace(REPORT, title=f"Nine{dirt} years", source=f"Her{dirt}ald"),),
    )
    printed = render(edition(dirty), form, replace(SITE, title=f"The{dirt} Wire"))
    assert printed.dropped == ()
    assert not any(bad in printed.body.decode() for bad in dirt[:-1])
    assert [read.title for read in read_back(printed.body, form)] == ["Bridge opens"]
    assert judged(printed.body, form) == Accept(changed=True)


@pytest.mark.parametrize("form", Format)
def test_a_title_is_never_empty(form: Format) -> None:
    titles = [
        entry(1, title="", summary="First words of it"),
        entry(2, title=" \n", summary="", link="https://www.post.example/x"),
        entry(3, title="\x00", summary="", link=""),
        entry(4, title="", summary="word " * 40),
    ]
    read = read_back(render(edition(*titles), form, SITE).body, form)
    assert [r.title for r in read[:3]] == ["First words of it", "post.example", "(untitled)"]
    assert read[3].title.endswith("word…")
    assert len(read[3].title) <= 81


@pytest.mark.conforms("B18")
@pytest.mark.parametrize("form", Format)
def test_dates_are_the_same_instants_in_any_zone_and_to_the_second(form: Format) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    moment = BORN.astimezone(there).replace(microsecond=999_999)
    read = read_back(render(edition(entry(1, published=moment)), form, SITE).body, form)
    assert [r.published for r in read] == [BORN]


@pytest.mark.conforms("B08")
@pytest.mark.parametrize("form", Format)
def test_an_id_comes_once_even_if_the_edition_holds_it_twice(form: Format) -> None:
    printed = render(edition(entry(1), entry(1, title="Again"), entry(2)), form, SITE)
    assert [read.title for read in read_back(printed.body, form)] == [PLAIN.title] * 2
    assert len(printed.dropped) == 1


@pytest.mark.conforms("B45")
@pytest.mark.parametrize("form", Format)
def test_a_document_is_cut_at_whole_entries_at_about_a_megabyte(form: Format) -> None:
    great = [entry(n, content_html="<p>" + "x" * 150_000 + "</p>") for n in range(30)]
    printed = render(edition(*great), form, SITE)
    assert [r.id for r in read_back(printed.body, form)] == [e.id for e in great[:6]]
    assert "24 beyond" in printed.dropped[0]


@pytest.mark.conforms("B02")
@pytest.mark.parametrize("form", Format)
def test_another_base_address_moves_no_id(form: Format) -> None:
    here = read_back(render(EDITIONS["plain"], form, SITE).body, form)
    there = render(
        EDITIONS["plain"], form, replace(SITE, base_url="http://other.example/wire")
    ).body
    assert read_back(there, form) == here
    assert f"http://other.example/wire/feeds/latest.{form}".encode() in there
    assert b"wire.example" not in there


@pytest.mark.parametrize("form", Format)
def test_a_hub_is_named_only_when_there_is_one(form: Format) -> None:
    assert b"hub" not in render(EDITIONS["plain"], form, SITE).body
    site = replace(SITE, hubs=("https://hub.example/",))
    assert b"https://hub.example/" in render(EDITIONS["plain"], form, site).body


@pytest.mark.conforms("D52")
@pytest.mark.parametrize("form", Format)
def test_a_private_document_names_no_hub_and_not_its_own_address(form: Format) -> None:
    plain = EDITIONS["plain"]
    private = replace(plain, spec=replace(plain.spec, private=True))
    site = replace(SITE, hubs=("https://hub.example/",))
    document = render(private, form, site).body
    assert b"hub" not in document
    assert f"latest.{form}".encode() not in document
    assert read_back(document, form) == read_back(render(plain, form, SITE).body, form)


SCRIPT = """
import hashlib
from datetime import datetime, timezone
from aggregator.model.editions import Edition, EditionEntry, Format, Kind, OutputSpec, Site
from aggregator.outputs.documents import render
born = datetime(2021, 9, 20, 8, 0, tzinfo=timezone.utc)
one = EditionEntry(id="urn:example:1", title="Bridge", link="https://post.example/1",
                   published=born, updated=born, summary="Toll", categories=("a", "b", "c"))
edition = Edition(spec=OutputSpec(name="latest", kind=Kind.LATEST, title="Latest"),
                  updated=born, entries=(one,))
site = Site(base_url="https://wire.example")
for form in Format:
    print(hashlib.sha256(render(edition, form, site).body).hexdigest())
"""


def _hashes(**environment: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.split()


@pytest.mark.conforms("B06", "B30")
def test_bytes_do_not_depend_on_clock_zone_locale_or_process() -> None:
    here = _hashes(TZ="UTC", LC_ALL="C", PYTHONHASHSEED="1")
    there = _hashes(TZ="Pacific/Auckland", LC_ALL="de_DE.UTF-8", PYTHONHASHSEED="2")
    one = EditionEntry(
        id="urn:example:1",
        title="Bridge",
        link="https://post.example/1",
        published=BORN,
        updated=BORN,
        summary="Toll",
        categories=("a", "b", "c"),
    )
    spec = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest")
    small = Edition(spec=spec, updated=BORN, entries=(one,))
    site = Site(base_url="https://wire.example")
    now = [hashlib.sha256(render(small, form, site).body).hexdigest() for form in Format]
    assert here == there == now


def test_rendering_leaves_the_locale_of_the_process_alone() -> None:
    called: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    sys.setprofile(watch)
    try:
        for form in Format:
            render(EDITIONS["plain"], form, SITE)
    finally:
        sys.setprofile(None)
    assert "render" in called
    assert "setlocale" not in called


def test_an_etag_is_strong_and_follows_the_bytes() -> None:
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert etag_of(b"a").startswith('"')
    assert etag_of(b"a").endswith('"')


def _taken_for_mangled(text: str) -> bool:
    """feedparser mends what looks like UTF-8 read as Latin-1, rightly or not."""
    try:
        return text.encode("latin-1").decode() != text
    except UnicodeError:
        return False


LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"))
SANE_TEXT = st.text(LETTERS, max_size=60).map(one_line)
TITLES = SANE_TEXT.filter(lambda text: bool(text) and not _taken_for_mangled(text))
WILD_TEXT = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["\ud800", "\x00", "\x0b", "\ufffe", "\r", "<b>", "&amp;", "]]>", "</script>", "<!--"]
        ),
    ),
    max_size=6,
).map("".join)
MOMENTS = st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
# Without a semicolon: feedparser reads "&x;" in an address as an entity and mends it.
PATHS = st.text("abcXYZ019-._~/?=&%:@,()[]é東", max_size=20)
LINKS = PATHS.map(lambda path: web_link(f"https://post.example/p/{path}"))


@st.composite
def editions(
    draw: st.DrawFn, text: st.SearchStrategy[str], titles: st.SearchStrategy[str]
) -> Edition:
    entries = [
        EditionEntry(
            id=f"urn:example:{number}",
            title=draw(titles),
            link=draw(LINKS),
            published=draw(MOMENTS),
            updated=draw(MOMENTS),
            summary=draw(text),
            content_html=draw(text),
            authors=tuple(draw(st.lists(text, max_size=2))),
            categories=tuple(draw(st.lists(text, max_size=2))),
            language=draw(st.none() | text),
            agency=draw(st.none() | text),
            image=draw(st.none() | LINKS | text),
            enclosures=tuple(
                Enclosure(url=url, media_type=kind, length=size)
                for url, kind, size in draw(
                    st.lists(
                        st.tuples(LINKS | text, st.none() | text, st.none() | st.integers()),
                        max_size=2,
                    )
                )
            ),
            source=draw(
                st.none() | st.builds(Source, title=text, url=LINKS | text, home=st.none() | text)
            ),
            also=tuple(
                Also(title=title, link=link, source=source, owner="o", published=BORN)
                for title, link, source in draw(
                    st.lists(st.tuples(text, LINKS | text, text), max_size=2)
                )
            ),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return edition(*entries)


# The same examples each time: feedparser mends more than we can name here.
@pytest.mark.conforms("B67")
@settings(deadline=None, max_examples=100, derandomize=True)
@given(editions(SANE_TEXT, TITLES))
def test_any_sane_edition_reads_back(any_edition: Edition) -> None:
    for form in Format:
        printed = render(any_edition, form, SITE)
        read = read_back(printed.body, form, sanitize_html=False, resolve_relative_uris=False)
        assert read == stored(any_edition, form)


@settings(deadline=None, max_examples=60)
@given(editions(WILD_TEXT, WILD_TEXT))
def test_no_text_whatever_breaks_a_document(any_edition: Edition) -> None:
    printed = {form: render(any_edition, form, SITE) for form in Format}
    ids = [e.id for e in any_edition.entries]
    for form, document in printed.items():
        assert judged(document.body, form) == Accept(changed=True)
        assert document.dropped == ()
    atom = strictly_parsed(printed[Format.ATOM].body)
    rss = strictly_parsed(printed[Format.RSS].body)
    items = json.loads(printed[Format.JSON].body)["items"]
    assert list(_texts(atom, "{*}entry", "{*}id")) == [i["id"] for i in items] == ids
    titles = [i["title"] for i in items]
    assert list(_texts(atom, "{*}entry", "{*}title")) == titles
    assert list(_texts(rss, "channel/item", "title")) == titles


def _texts(root: Any, entries: str, name: str) -> Iterator[str]:
    for element in root.iterfind(entries):
        yield element.findtext(name)
