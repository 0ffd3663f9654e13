from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from aggregator.model.editions import Also, Edition, EditionEntry, Kind, OutputSpec, Source
from aggregator.outputs.articles import Article, Selection, article_of, isolated, select
from aggregator.outputs.body import MAX_ALSO, MAX_CONTENT
from aggregator.outputs.clean import media_type, web_link

BORN = datetime(2021, 9, 20, 8, 0, tzinfo=UTC)
ENTRY = EditionEntry(
    id="urn:example:1",
    title="Bridge opens",
    link="https://post.example/1",
    published=BORN,
    updated=BORN,
    summary="1 < 2",
)
REPORT = Also(
    title="Toll <b>", link="https://h.example/?a&b", source="A & B", owner="h", published=BORN
)


def test_one_article_that_cannot_be_built_does_not_take_the_others_along() -> None:
    articles = tuple(article_of(replace(ENTRY, id=f"urn:example:{n}")) for n in range(3))

    def build(chosen: tuple[Article, ...]) -> bytes:
        ids = [article.entry.id for article in chosen]
        if "urn:example:1" in ids:
            raise ValueError("unprintable")
        return " ".join(ids).encode()

    printed = isolated(Selection(articles=articles, dropped=("earlier",)), build)
    assert printed.body == b"urn:example:0 urn:example:2"
    assert printed.dropped == ("earlier", "'urn:example:1': unprintable")


def test_a_fault_of_the_head_is_not_blamed_on_the_articles() -> None:
    def build(chosen: tuple[Article, ...]) -> bytes:
        raise ValueError("no title")

    with pytest.raises(ValueError, match="no title"):
        isolated(Selection(articles=(article_of(ENTRY),)), build)


def test_a_summary_alone_is_the_body_and_no_teaser() -> None:
    article = article_of(ENTRY)
    assert (article.body, article.teaser) == ("<p>1 &lt; 2</p>", "")


def test_text_is_the_body_and_the_summary_its_teaser() -> None:
    article = article_of(replace(ENTRY, content_html="<p>Long</p>"))
    assert (article.body, article.teaser) == ("<p>Long</p>", "1 < 2")


def test_a_text_of_unreasonable_length_gives_way_to_the_summary() -> None:
    article = article_of(replace(ENTRY, content_html="x" * (MAX_CONTENT + 1)))
    assert (article.body, article.teaser) == ("<p>1 &lt; 2</p>", "")


def test_other_reports_are_escaped_and_linked() -> None:
    article = article_of(replace(ENTRY, also=(REPORT, replace(REPORT, link="", copy=True))))
    when = '<time datetime="2021-09-20T08:00:00Z">2021-09-20 08:00 UTC</time></li>'
    assert article.body == (
        "<p>1 &lt; 2</p><p>Also reported by 2 others</p><ul>"
        f'<li>A &amp; B: <a href="https://h.example/?a&amp;b">Toll &lt;b&gt;</a>, {when}'
        f"<li>A &amp; B: Toll &lt;b&gt; (same text), {when}</ul>"
    )


def test_a_great_story_names_only_the_first_reports() -> None:
    body = article_of(replace(ENTRY, also=(REPORT,) * (MAX_ALSO + 5))).body
    assert body.count("<a ") == MAX_ALSO
    assert "<li>and 5 more</li>" in body


def test_authors_are_the_byline_and_the_source_stands_in() -> None:
    source = Source(title="Post", url="https://post.example/rss")
    assert article_of(replace(ENTRY, authors=("Ann", " ", "Ann"), source=source)).byline == ("Ann",)
    assert article_of(replace(ENTRY, source=source)).byline == ("Post",)
    assert article_of(ENTRY).byline == ()


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://post.example/a?b=1&c=%20#d", "https://post.example/a?b=1&c=%20#d"),
        ("HTTP://post.example/", "http://post.example/"),
        (" https://post.example/a b\n", "https://post.example/a%20b"),
        ('https://post.example/"<x>', "https://post.example/%22%3Cx%3E"),
        ("https://例え.example/東", "https://xn--r8jz45g.example/%E6%9D%B1"),
        ("https://post.example/a?b[]=1#c#d", "https://post.example/a?b%5B%5D=1#c%23d"),
        ("https://post.example/50%?a=%zz", "https://post.example/50%25?a=%25zz"),
        ("https://[2001:db8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//post.example/a", ""),
        ("/a", ""),
        ("https:///a", "https://a"),  # as browsers read it
        ("https://[::1/a", ""),
        ("https://post.example:port/", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_absolute_web_addresses_are_links(url: str | None, link: str) -> None:
    assert web_link(url) == link


def test_a_type_of_another_shape_is_not_told() -> None:
    types = [media_type(kind) for kind in ("audio/mpeg", "text/html; charset=x", "mp3", "", None)]
    assert types == ["audio/mpeg", "text/html; charset=x", None, None, None]


def test_a_headline_names_its_source_where_ops_want_it() -> None:
    spec = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest", source_in_title=True)
    taken = replace(ENTRY, source=Source(title="Post", url="https://post.example/rss"))
    made_here = replace(ENTRY, id="urn:example:2")
    edition = Edition(spec=spec, updated=BORN, entries=(taken, made_here))
    titles = [article.entry.title for article in select(edition).articles]
    assert titles == ["Bridge opens (Post)", "Bridge opens"]
