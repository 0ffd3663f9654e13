from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.items import Entry
from aggregator.sources.normalise import TEASER, Markup, WireEntry, normalise

BASE = "https://gazette.example/feed"
WIRE = WireEntry(
    guid="1",
    links=("/a",),
    title=Markup(value="Quay &amp; ferry"),
    summary=Markup(value="<p>It <b>closes</b>.</p>"),
)


def entry_of(wire: WireEntry, language: str | None = None) -> Entry:
    entry = normalise(wire, base=BASE, language=language)
    assert entry is not None
    return entry


def text(value: str) -> Markup:
    return Markup(value=value, is_html=False)


def test_markup_does_not_move_the_digest_and_words_do() -> None:
    digest = entry_of(WIRE).digest
    assert len(digest) == 64
    same = replace(WIRE, summary=Markup(value='<div class="x"><p>It <i>closes</i>.</p></div>'))
    assert entry_of(same).digest == digest
    assert entry_of(replace(WIRE, summary=Markup(value="It opens."))).digest != digest
    assert entry_of(replace(WIRE, title=text("Other"))).digest != digest
    more = replace(WIRE, contents=(Markup(value="<p>It closes.</p><p>Soon.</p>"),))
    assert entry_of(more).digest != digest


def test_an_entry_needs_a_guid_a_link_or_words() -> None:
    assert normalise(WireEntry(), base=BASE, language=None) is None
    assert normalise(WireEntry(links=("javascript:x",)), base=BASE, language=None) is None
    assert entry_of(WireEntry(links=("", "javascript:x", "/b"))).link == "https://gazette.example/b"
    assert entry_of(WireEntry(summary=text("Only words here"))).title == "Only words here"
    assert entry_of(WireEntry(guid=" x ")).guid == "x"


def test_the_teaser_ends_at_a_word_and_repeats_no_headline() -> None:
    long = entry_of(replace(WIRE, summary=text("word " * 500)))
    assert len(long.summary) <= TEASER
    assert long.summary.endswith("word…")
    assert entry_of(replace(WIRE, summary=text("QUAY & ferry"))).summary == ""


def test_the_longer_of_summary_and_content_is_the_text() -> None:
    wire = replace(WIRE, contents=(Markup(value="<p>Short</p>"),))
    assert entry_of(wire).content_html == "<p>It <b>closes</b>.</p>"
    pictures = replace(WIRE, contents=(Markup(value='<img src="/p.jpg" alt="">' * 9),))
    assert entry_of(pictures).content_html == "<p>It <b>closes</b>.</p>"
    assert entry_of(pictures).image == "https://gazette.example/p.jpg"


def test_plain_text_is_escaped() -> None:
    entry = entry_of(replace(WIRE, summary=text("a <script>x</script> b")))
    assert entry.content_html == "a &lt;script&gt;x&lt;/script&gt; b"
    assert entry.summary == "a <script>x</script> b"


def test_relative_addresses_start_from_the_texts_own_base() -> None:
    inner = Markup(value='<a href="b">b</a>', base="https://desk.example/x/")
    assert 'href="https://desk.example/x/b"' in entry_of(replace(WIRE, summary=inner)).content_html


def test_names_come_without_addresses() -> None:
    wire = replace(
        WIRE,
        authors=(
            "ann@gazette.example (Ann Other)",
            "Bob <bob@gazette.photography>",
            "By Cy Third",
            "desk@gazette.example",
            "Ann Other",
            "\u202eDee\n Fourth",
        ),
    )
    assert entry_of(wire).authors == ("Ann Other", "Bob", "Cy Third", "Dee Fourth")


def test_dates_fall_back_from_published_to_created_to_updated() -> None:
    june = "2024-06-04T10:00:00Z"
    for wire in (
        replace(WIRE, published=june, updated="2024-06-05"),
        replace(WIRE, published="null", created=june, updated="2024-06-05"),
        replace(WIRE, updated=june),
    ):
        found = entry_of(wire).published
        assert found is not None
        assert found.day == 4
    assert entry_of(WIRE).published is None
    assert entry_of(replace(WIRE, published=june)).updated is None


def test_the_language_is_the_entrys_then_the_feeds() -> None:
    assert entry_of(replace(WIRE, language="fr_CA"), "en").language == "fr-CA"
    assert entry_of(replace(WIRE, language="?"), "en").language == "en"


def test_enclosures_are_absolute_once_each_and_honest() -> None:
    wire = replace(
        WIRE,
        enclosures=(
            ("/a.mp3", "Audio/MPEG", "12"),
            ("https://gazette.example/a.mp3", "", ""),
            ("javascript:x", "", ""),
            ("/b.mp3", "nonsense", "-1"),
            ("/c.jpg", "image/jpeg", "0"),
        ),
    )
    entry = entry_of(wire)
    assert [(one.url[-6:], one.media_type, one.length) for one in entry.enclosures] == [
        ("/a.mp3", "audio/mpeg", 12),
        ("/b.mp3", None, None),
        ("/c.jpg", "image/jpeg", None),
    ]
    assert entry.image == "https://gazette.example/c.jpg"


@settings(deadline=None, max_examples=60)
@given(st.builds(
    WireEntry,
    guid=st.text(max_size=20),
    links=st.tuples(st.text(max_size=20)),
    title=st.builds(Markup, value=st.text(max_size=40), is_html=st.booleans()),
    summary=st.builds(Markup, value=st.text(max_size=80), is_html=st.booleans()),
    published=st.text(max_size=20),
    authors=st.tuples(st.text(max_size=20)),
    categories=st.tuples(st.text(max_size=20)),
))  # fmt: skip
def test_nothing_a_publisher_writes_makes_it_raise(wire: WireEntry) -> None:
    entry = normalise(wire, base=BASE, language=None)
    if entry is not None:
        assert repr(entry).encode()
        assert entry.guid or entry.link or entry.title
        assert normalise(wire, base=BASE, language=None) == entry
