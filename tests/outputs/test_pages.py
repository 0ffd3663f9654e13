from datetime import UTC, datetime, time
from html.parser import HTMLParser
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from aggregator.model.editions import Also, EditionEntry, Filter, Kind, OutputSpec, Schedule, Site
from aggregator.model.stories import Topic
from aggregator.outputs import pages
from aggregator.outputs.finding import spec_of
from aggregator.outputs.pages import Report
from aggregator.outputs.pages.cards import direction, reading_minutes
from aggregator.outputs.wording import moment, shortened
from tests.outputs import sample_pages as sample

VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """A page read back: every tag with its attributes, and the text under each heading."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.headings: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(body.decode("utf-8"))
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2", "h3"}:
            self.headings.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"h1", "h2", "h3"} & set(self._open):
            tag, text = self.headings[-1]
            self.headings[-1] = (tag, text + data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [a for t, a in self.tags if t == tag and wanted.items() <= a.items()]

    def hrefs(self) -> list[str]:
        return [a["href"] for a in self.all("a")]


def front(site: Site = sample.SITE, *entries: EditionEntry) -> Page:
    top = sample.edition("top", "Top News", *entries) if entries else sample.top()
    return Page(
        pages.front(
            site,
            top=top,
            latest=sample.edition("latest", "Latest") if entries else sample.latest(),
            sections=() if entries else sample.sections(),
            dont_miss=() if entries else sample.missed(),
        )
    )


def test_equal_news_give_equal_bytes() -> None:
    twice = [
        pages.front(
            sample.SITE,
            top=sample.top(),
            latest=sample.latest(),
            sections=sample.sections(),
            dont_miss=sample.missed(),
        )
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    assert pages.topic(sample.SITE, sample.abroad()) == pages.topic(sample.SITE, sample.abroad())


def test_the_front_page_has_the_sections_of_a_newspaper() -> None:
    named = [text.strip() for tag, text in front().headings if tag == "h2"]
    assert named[:3] == ["Top News", "Latest", "Don’t Miss"]
    assert "Latest from Science" in named
    assert named[-1] == "Subscribe"


def test_headings_come_in_order_and_only_one_is_first() -> None:
    for page in (front(), Page(pages.topic(sample.SITE, sample.abroad()))):
        levels = [int(tag[1]) for tag, _ in page.headings]
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_strongest_story_leads() -> None:
    headlines = [text.strip() for tag, text in front().headings if tag == "h3"]
    assert headlines[0] == sample.top().entries[0].title


def test_no_headline_stands_twice() -> None:
    top, latest = sample.top(), sample.latest()
    again = replace(latest, entries=(top.entries[0], *latest.entries, latest.entries[0]))
    page = Page(
        pages.front(sample.SITE, top=top, latest=again, sections=(), dont_miss=top.entries[:2])
    )
    headlines = [text for tag, text in page.headings if tag == "h3"]
    assert len(headlines) == len(set(headlines)) == len(top.entries) + 17


def test_entries_without_an_address_of_their_own_are_all_shown() -> None:
    home = sample.source(0).home
    assert home
    first = replace(sample.entry("One note"), link=home)
    second = replace(sample.entry("Another note"), link=home)
    assert [t.strip() for tag, t in front(sample.SITE, first, second).headings if tag == "h3"] == [
        "One note",
        "Another note",
    ]


def test_what_others_report_is_counted_and_linked_and_left_out_of_latest() -> None:
    lead = sample.top().entries[0]
    copy = replace(sample.entry("The same elsewhere"), link=lead.also[0].link)
    latest = sample.edition("latest", "Latest", copy)
    page = Page(
        pages.front(
            sample.SITE,
            top=sample.edition("top", "Top News", lead),
            latest=latest,
            sections=(),
            dont_miss=(),
        )
    )
    assert "Also reported by 7 others" in page.text
    assert {other.link for other in lead.also} <= set(page.hrefs())
    assert ", same text" in page.text
    assert "The same elsewhere" not in page.text


def test_credit_reading_time_and_dateline_are_given() -> None:
    page = front()
    assert "(MNA)" in page.text
    assert "3 mins read" in page.text
    assert {"datetime": "2031-05-12T08:05:00Z"} in page.all("time")


def test_the_main_feeds_can_be_discovered_and_all_are_a_link_away() -> None:
    page = front()
    assert [a["href"] for a in page.all("link", rel="alternate")] == [
        "/feeds/top.atom",
        "/feeds/top.rss",
        "/feeds/top.json",
        "/feeds/latest.atom",
        "/feeds/latest.rss",
        "/feeds/latest.json",
    ]
    assert {"/feeds/latest.json", "/feeds.opml", "/subscribe", "/search"} <= set(page.hrefs())
    assert all(a["type"] for a in page.all("link", rel="alternate"))


def test_an_edition_without_a_title_is_no_feed() -> None:
    page = Page(
        pages.front(
            sample.SITE,
            top=sample.edition("top", ""),
            latest=sample.latest(),
            sections=(),
            dont_miss=(),
        )
    )
    assert not any("/feeds/top" in href for href in page.hrefs())
    assert len(page.all("link", rel="alternate")) == 3


def test_addresses_carry_the_path_of_the_base_address_and_no_host() -> None:
    page = front(Site(base_url="https://example.org/news", title="The Wire"))
    ours = [href for href in page.hrefs() if not href.startswith(("https://", "#"))]
    assert len(ours) > 20
    assert all(href.startswith("/news/") for href in ours)
    assert page.all("link", rel="stylesheet")[0]["href"].startswith("/news/style.css?v=")
    assert page.all("link", rel="canonical") == [
        {"rel": "canonical", "href": "https://example.org/news/"}
    ]


@pytest.mark.conforms("D29", "D32")
def test_pages_have_no_script_and_pictures_leave_no_trace_and_shift_nothing() -> None:
    page = front()
    assert page.all("script") == []
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    pictures = page.all("img")
    assert len(pictures) == 14
    assert all({"width", "height", "alt"} <= set(p) for p in pictures)
    assert all(p["referrerpolicy"] == "no-referrer" for p in pictures)
    assert all(p["loading"] == "lazy" for p in pictures[1:])


def test_there_are_landmarks_and_a_way_past_the_masthead() -> None:
    page = front()
    assert page.hrefs()[0] == "#news"
    assert [len(page.all(tag)) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["aria-labelledby"] in ids for a in page.all("section"))


def test_each_story_says_its_language_and_direction() -> None:
    page = Page(pages.topic(sample.SITE, sample.abroad()))
    told = [(a["lang"], a["dir"]) for a in page.all("article")]
    assert told[:4] == [("ar", "rtl"), ("he", "rtl"), ("fa", "rtl"), ("en", "ltr")]
    assert ("zh-Hans", "ltr") in told


def test_an_empty_paper_says_what_to_do() -> None:
    page = Page(
        pages.front(
            sample.SITE,
            top=sample.edition("top", "Top News"),
            latest=sample.edition("latest", "Latest"),
            sections=(),
            dont_miss=(),
        )
    )
    assert "No stories yet; the first poll is under way" in page.text
    assert {"/feeds.opml", "/healthz", "/feeds/top.atom"} <= set(page.hrefs())
    section = sample.abroad()
    bare = replace(section, top=replace(section.top, entries=()))
    assert (
        "No stories from Mashriq yet"
        in Page(
            pages.topic(sample.SITE, replace(bare, latest=replace(section.latest, entries=())))
        ).text
    )


def test_latest_stands_alone_while_nothing_is_ranked() -> None:
    page = Page(
        pages.front(
            sample.SITE,
            top=sample.edition("top", "Top News"),
            latest=sample.latest(),
            sections=(),
            dont_miss=(),
        )
    )
    assert [t for tag, t in page.headings if tag == "h2"] == ["Latest", "Subscribe"]


def test_an_entry_that_cannot_be_printed_is_left_out() -> None:
    broken = replace(sample.entry("No zone"), published=datetime(2031, 1, 1))  # noqa: DTZ001
    page = front(sample.SITE, broken, sample.entry("Sound"))
    assert "Sound" in page.text
    assert "No zone" not in page.text


VECTORS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<base href=//evil.example>",
    "data:text/html,<script>alert(1)</script>",
    "\x00\x1b[2J\u202e<iframe src=//evil.example>",
)


@pytest.mark.parametrize("evil", VECTORS)
def test_text_from_feeds_is_never_markup(evil: str) -> None:
    sound = front(sample.SITE, sample.entry("Sound", standfirst="Sound", scene="sea", others=1))
    source = replace(sample.source(0), title=evil, home=evil, owner=evil)
    other = Also(title=evil, link=evil, source=evil, owner=evil, published=sample.NOW)
    entry = replace(
        sample.entry(evil, standfirst=evil, agency=evil, language=evil),
        id=evil,
        link=evil,
        image=evil,
        authors=(evil,),
        categories=(evil,),
        content_html=evil,
        source=source,
        also=(other,) * 5,
    )
    page = front(replace(sample.SITE, title=evil, contact=evil), entry)
    known = {tag for tag, _ in sound.tags} | {"details", "summary", "bdi", "small"}
    assert {tag for tag, _ in page.tags} <= known
    assert all(not name.startswith("on") for _, a in page.tags for name in a)
    for _, attributes in page.tags:
        for name in ("href", "src"):
            target = attributes.get(name, "/")
            assert target.startswith(("/", "#", "https://"))
    assert "49" not in page.text.replace("2031", "")


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Ferry", None, "ltr"),
        ("«مرحبا»", None, "rtl"),
        ("Ferry", "ar", "ltr"),
        ("שלום", "en", "rtl"),
        ("2031", "he-IL", "rtl"),
        ("2031", "az-Arab", "rtl"),
        ("2031", "ar-Latn", "ltr"),
        ("2031", None, "ltr"),
    ],
)
def test_words_tell_the_direction_before_language_does(
    text: str, language: str | None, expected: str
) -> None:
    assert direction(text, language) == expected


def test_reading_time_is_told_from_a_full_minute_on() -> None:
    assert reading_minutes("<p>" + "word " * 150 + "</p>", "en") == 0
    assert reading_minutes("<p>" + "word " * 660 + "</p>", "en") == 3
    assert reading_minutes("<p>" + "<i class='x'></i>" * 500 + "</p>", "en") == 0
    assert reading_minutes("<p>" + "字" * 1000 + "</p>", "ja") == 2


def test_times_of_the_day_have_no_date_and_others_do() -> None:
    today = sample.NOW.date()
    assert moment(sample.NOW, today).text == "09:40 UTC"
    assert moment(datetime(2031, 5, 11, 0, 5, tzinfo=UTC), today).text == "11 May, 00:05 UTC"
    assert moment(datetime(2030, 5, 11, 0, 5, tzinfo=UTC), today).text == "11 May 2030, 00:05 UTC"


def test_long_text_is_cut_at_a_word_where_there_are_words() -> None:
    assert shortened("one two, three", 10) == "one two…"
    assert shortened("字" * 20, 10) == "字" * 9 + "…"
    assert shortened("  short \n text ", 20) == "short text"


def test_refusals_are_pages_too() -> None:
    for body in (pages.not_found(sample.SITE), pages.not_allowed(sample.SITE)):
        page = Page(body)
        assert page.headings[0][0] == "h1"
        assert "/" in page.hrefs()


def told_page(told: pages.StoryTold | None = None) -> Page:
    return Page(pages.story(sample.SITE, told or sample.story_told()))


def test_a_story_page_tells_who_reported_it_when_and_why_it_is_one() -> None:
    page = told_page()
    sections = [text.strip() for tag, text in page.headings if tag == "h2"]
    assert sections == [
        "Reported by 6 owners",
        "Timeline",
        "Why it is here",
        "Latest from Top News",
    ]
    owners = [text for tag, text in page.headings if tag == "h3"]
    assert owners[0] == "Harbour Gazette"
    assert owners[-1] == "Orrery another’s text"
    assert "The text of Harbour Gazette (same-text 0.93)" in page.text
    assert "joined 0.41, rivals 0.11" in page.text
    assert "together7.25" in page.text.replace("\n", "")
    times = [tag["datetime"] for tag in page.all("time")]
    assert times[-7:] == sorted(times[-7:])


def test_a_story_page_leads_to_the_stories_before_and_after_it() -> None:
    page = told_page()
    assert [a["href"] for a in page.all("a", rel="prev")] == ["/stories/a"]
    assert [a["href"] for a in page.all("a", rel="next")] == ["/stories/b"]
    alone = told_page(replace(sample.story_told(), previous=None, next=None, others=()))
    assert [a for a in page.all("a") if a.get("rel")] != []
    assert [a for a in alone.all("a") if a.get("rel")] == []


def test_a_report_that_cannot_be_printed_is_left_out_of_its_story() -> None:
    told = sample.story_told()
    naive = replace(told.reports[0].entry, published=datetime(2031, 5, 12))  # noqa: DTZ001
    page = told_page(replace(told, reports=(Report(entry=naive), *told.reports[1:])))
    assert "Reported by 5 owners" in page.text
    with pytest.raises(ValueError, match="no report"):
        told_page(replace(told, reports=(Report(entry=naive),)))


@pytest.mark.conforms("D29")
def test_words_of_a_report_are_never_markup_on_a_story_page() -> None:
    told = sample.story_told()
    bad = "<script>alert(1)</script>"
    entry = replace(told.reports[0].entry, title=bad, summary=bad, authors=(bad,), agency=bad)
    report = Report(entry=entry, because=bad, copy_of=told.reports[1].entry.id, copy_because=bad)
    neighbour = pages.Neighbour(path="stories/x", title=bad)
    page = told_page(
        replace(
            told,
            reports=(report, *told.reports[1:]),
            previous=neighbour,
            next=neighbour,
            others=(neighbour,),
        )
    )
    assert page.all("script") == []
    assert page.text.count("alert(1)") >= 8


def test_several_reports_of_a_story_lead_to_its_page_from_the_front() -> None:
    entry = replace(sample.top().entries[0], story="urn:uuid:7b0d9c2e-6a39-5a86-9f7e-6d3c1f1b7a54")
    assert "/stories/7b0d9c2e-6a39-5a86-9f7e-6d3c1f1b7a54" in front(sample.SITE, entry).hrefs()
    alone = front(sample.SITE, replace(entry, also=()))
    assert [href for href in alone.hrefs() if "/stories/" in href] == []


def test_every_topic_with_news_of_its_own_has_a_section_whatever_latest_holds() -> None:
    told = sample.sections()
    news = tuple(entry for section in told for entry in section.latest.entries)
    busy = sample.edition("latest", "Latest", *sample.latest().entries[:10], *news)
    page = Page(
        pages.front(sample.SITE, top=sample.top(), latest=busy, sections=told, dont_miss=())
    )
    named = [text.strip() for tag, text in page.headings if tag == "h2"]
    assert [f"Latest from {section.topic.title}" for section in told] == named[2:-1]


@pytest.mark.conforms("D32")
def test_without_images_a_page_names_no_other_host_but_in_links() -> None:
    site = replace(sample.SITE, images=False)
    told = pages.story(site, sample.story_told())
    for page in (front(site), Page(told), Page(pages.topic(site, sample.abroad()))):
        assert page.all("img") == []
        loaded = [a["href"] for a in page.all("link") if a["rel"] not in {"alternate", "canonical"}]
        assert all(href.startswith("/") for href in loaded)


def test_where_no_search_is_offered_none_is_linked() -> None:
    assert "/search" not in front(replace(sample.SITE, search=False)).hrefs()


def search_page(query: str, *entries: EditionEntry, by_date: bool = False) -> Page:
    found = replace(sample.edition("latest", "x", *entries), spec=spec_of(query))
    return Page(pages.search(sample.SITE, found, by_date=by_date))


def test_a_search_tells_how_much_it_found_and_is_a_feed() -> None:
    page = search_page("ferry & tide", *sample.latest().entries[:3])
    assert "3 reports of ferry & tide" in page.text
    assert page.all("input", name="q")[0]["value"] == "ferry & tide"
    assert "/search?q=ferry%20%26%20tide&by=date" in page.hrefs()
    assert page.all("link", rel="alternate")[0]["href"] == "/search.atom?q=ferry%20%26%20tide"
    assert page.all("meta", name="robots") == [{"name": "robots", "content": "noindex"}]
    newest = search_page("ferry", sample.latest().entries[0], by_date=True)
    assert "One report of" in newest.text
    assert "/search?q=ferry" in newest.hrefs()


def test_what_was_searched_for_is_never_markup() -> None:
    evil = '"><script>alert(1)</script>'
    page = search_page(evil)
    assert page.all("script") == []
    assert page.all("input", name="q")[0]["value"] == evil


def offered(*specs: OutputSpec) -> Page:
    topics = (Topic(slug="science", title="Science"),)
    return Page(pages.subscribe(sample.SITE, specs, topics))


def test_the_page_of_feeds_tells_in_words_what_each_holds_and_where_it_is() -> None:
    page = offered(
        OutputSpec(name="latest", kind=Kind.LATEST, title="Latest", limit=100),
        OutputSpec(name="topics/science/top", kind=Kind.TOP, title="Science", topic="science"),
    )
    assert [text.strip() for tag, text in page.headings if tag == "h2"] == ["Everything", "Science"]
    assert "Everything, newest first." in page.text
    assert "What matters now from Science: one entry for each story" in page.text
    assert "dated anew when its 3rd, 6th and 12th owner joins in, and so on" in page.text
    assert "Up to 100 entries, at most half of them from one owner" in page.text
    for form in ("atom", "rss", "json"):
        assert f"https://wire.example/feeds/latest.{form}" in page.text
        assert f"/feeds/topics/science/top.{form}" in page.hrefs()
    assert "feed:https://wire.example/feeds/latest.atom" in page.hrefs()
    found = [a["href"] for a in page.all("link", rel="alternate")]
    assert found == ["/feeds/latest.atom", "/feeds/topics/science/top.atom"]
    assert "https://wire.example/outputs.opml" in page.hrefs()


def test_filters_and_digests_are_told_in_words_too() -> None:
    only = Filter(
        topics=("science",), languages=("en",), words_any=("ferry", "tide"), words_none=("cruise",),
        sources=3,
    )  # fmt: skip
    when = Schedule(
        days=(0, 1, 2, 3, 4), time=time(7), zone=ZoneInfo("Europe/Oslo"), lists=Kind.TOP, most=10
    )
    sea = OutputSpec(name="sea", kind=Kind.LATEST, title="The sea", only=only, per_owner=2)
    page = offered(
        replace(sea, description="Salt water."),
        OutputSpec(name="dawn", kind=Kind.DIGEST, title="Dawn", schedule=when, limit=7),
    )
    assert (
        "Only: topics Science; languages en; any of the words “ferry” and “tide”; none of the words"
        " “cruise”; stories that 3 independent owners report." in page.text
    )
    assert "Salt water." in page.text
    assert "at most 2 from one owner." in page.text
    assert (
        "One issue every weekday at 07:00 (Europe/Oslo): the first 10 of Top News at that time."
        in page.text
    )
    assert "The last 7 issues." in page.text
