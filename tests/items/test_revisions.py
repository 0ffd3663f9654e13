"""When does a change matter to somebody who has read it?"""

import pytest
from msgspec.structs import replace

from aggregator.items.known import KnownItem
from aggregator.items.revisions import (
    MAX_REVISIONS,
    MAX_TITLES,
    Change,
    change_of,
    is_retitled,
    is_rewritten,
)
from aggregator.model.items import Entry

LINK = "https://f.example/a"
TEXT = (
    "A ferry with 212 people on board ran aground off Port Maren on Tuesday after its steering"
    " failed in a heavy swell. Nobody was hurt. Four tugs tried to pull the ship free at high tide."
)
ENTRY = Entry(link=LINK, canonical=LINK, title="A ferry ran aground", summary=TEXT, digest="1")
KNOWN = KnownItem(id="x", digest="1", link=LINK, canonical=LINK)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Two new Tube stations open", "Two new  tube stations open"),
        ("Ship ‘runs aground’", 'Ship "runs aground"'),
        ("Town adopts daylight savings", "Town adopts daylight saving"),
        ("A ferry ran aground off Maren | Harbour News", "A ferry ran aground off Maren"),
        ("A ferry ran aground (12 comments)", "A ferry ran aground (31 comments)"),
        ("Ran aground: a ferry", "A ferry ran aground"),
    ],
)
def test_a_headline_that_says_the_same_is_not_another(before: str, after: str) -> None:
    assert not is_retitled(replace(ENTRY, title=before), replace(ENTRY, title=after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("5 killed in shooting", "8 killed in shooting"),
        ("Ferry will sail", "Ferry will not sail"),
        ("A ferry ran aground", "A ferry is free again"),
    ],
)
def test_a_headline_that_says_something_else_is_another(before: str, after: str) -> None:
    assert is_retitled(replace(ENTRY, title=before), replace(ENTRY, title=after))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Nobody was hurt", "No one was hurt"),
        ("Tuesday", "Wednesday"),
        ("steering", "steerring"),
        ("high tide.", "high tide. 14 views. 3 min read. Updated 10:15"),
    ],
)
def test_an_editors_polish_and_a_pages_counters_are_no_news(old: str, new: str) -> None:
    after = replace(ENTRY, summary=TEXT.replace(old, new), digest="2")
    assert not is_rewritten(ENTRY, after)
    assert change_of(after, KNOWN, ENTRY) is Change.TOUCHED


@pytest.mark.parametrize(
    ("old", "new"),
    [("212", "214"), ("Nobody was hurt", "Three sailors and a passenger died of their injuries")],
)
def test_another_figure_or_sentence_is_news(old: str, new: str) -> None:
    after = replace(ENTRY, summary=TEXT.replace(old, new), digest="2")
    assert change_of(after, KNOWN, ENTRY) is Change.REVISED


def test_the_fuller_text_is_compared() -> None:
    after = replace(ENTRY, content_html=f"<p>{TEXT}</p><p>{TEXT[::-1]} and more</p>")
    assert is_rewritten(ENTRY, after)


@pytest.mark.conforms("D41")
def test_an_entry_that_never_rests_is_followed_by_its_headlines_alone() -> None:
    tired = replace(KNOWN, revisions=MAX_REVISIONS)
    clock = replace(ENTRY, summary=f"{TEXT} 12:31", digest="2")
    assert change_of(clock, tired, ENTRY) is Change.RESTLESS
    headline = replace(clock, title="The ferry is free")
    assert change_of(headline, tired, ENTRY) is Change.REVISED
    assert change_of(headline, replace(tired, titles=MAX_TITLES), ENTRY) is Change.RESTLESS


def test_another_address_is_noted_but_not_other_tracking() -> None:
    assert change_of(replace(ENTRY, link=f"{LINK}?utm_source=rss"), KNOWN, None) is Change.SAME
    moved = replace(ENTRY, link=f"{LINK}-b", canonical=f"{LINK}-b")
    assert change_of(moved, KNOWN, None) is Change.MOVED
    plain = replace(KNOWN, link="http://f.example/a")
    assert change_of(ENTRY, plain, None) is Change.MOVED
    assert change_of(ENTRY, KNOWN, None, recognised=True) is Change.MOVED
    assert change_of(moved, replace(KNOWN, revisions=MAX_REVISIONS), None) is Change.RESTLESS


@pytest.mark.parametrize("text", ["1," * 60_000, "9" * 120_000, "comments " * 14_000])
def test_no_text_takes_long_to_compare(text: str) -> None:
    """The work is bounded: it ran for minutes when words of long texts were paired off."""
    other = " ".join(f"w{number}" for number in range(12_000))
    assert is_rewritten(replace(ENTRY, summary=text), replace(ENTRY, summary=other))
    assert is_rewritten(replace(ENTRY, summary=other), replace(ENTRY, summary=other[::-1]))
