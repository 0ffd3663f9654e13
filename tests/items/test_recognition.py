"""One feed's entries under other ids than before: which are items that we have?"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.items import recognition as r
from aggregator.items.habits import learned, remark_on
from aggregator.items.identity import key_of
from aggregator.items.known import Known, KnownItem, traits_of
from aggregator.items.recognition import keyed, recognise, rekeyed
from aggregator.model.feeds import NO_HABITS, FeedState, Habits, KeyRule
from aggregator.model.items import Enclosure, Entry
from aggregator.text.urls import canonical

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATE = FeedState(feed="f", url="https://f.example/", next_due=NOW)


def entry(guid: str | None, link: str | None, title: str, **wishes: object) -> Entry:
    place = canonical(link) if link else None
    plain = Entry(
        guid=guid, link=link, canonical=place, title=title, published=NOW, digest=f"d-{title}"
    )
    return replace(plain, **wishes)


FERRY = entry("a", "https://f.example/news/ferry-aground-101234", "A ferry ran aground off Maren")
BUDGET = entry("b", "https://f.example/news/council-budget-104321", "Council votes on its budget")
QUEEN = entry("c", "https://f.example/news/tulip-queen-109876", "Tulip queen crowned in the rain")
LATER = NOW + timedelta(hours=5)


@dataclass
class Past:
    """What a feed's earlier visits left, as the store would tell it."""

    items: dict[str, KnownItem] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, *entries: Entry) -> "Past":
        past = cls()
        for one in entries:
            item = KnownItem(
                id=f"id of {one.title}",
                digest=one.digest,
                guid=one.guid,
                link=one.link,
                canonical=one.canonical,
                title=one.title,
                published=one.published,
                enclosures=one.enclosures,
            )
            past.items[key_of(one)] = item
            past.entries[key_of(one)] = one
        return past

    def met(
        self, *entries: Entry, beside: tuple[str, ...] = (), habits: Habits = NO_HABITS
    ) -> dict[str, str]:
        """Return the rule by which each entry's title is recognised, for those that are."""
        known = Known(items=self.items)
        listed = rekeyed(keyed(entries, habits.key), known, habits)
        recalled: defaultdict[int, tuple[KnownItem, ...]] = defaultdict(tuple)
        for key, one in self.entries.items():
            for trait in traits_of("f", one):
                recalled[trait] = (*recalled[trait], self.items[key])
        state = replace(STATE, habits=habits)
        omitted = beside.__contains__ if beside else None
        found = recognise(state, listed, known, recalled, omitted=omitted)
        return {listed[key].title: match.rule for key, match in found.items()}


@pytest.mark.conforms("D37")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://f.example/news/1#0", "https://f.example/news/1#1"),
        ("http://f.example/news/1", "https://f.example/news/1"),
        ("https://www.f.example/news/1", "https://f.example/news/1"),
        ("https://f.example/news/1", "https://f.example/news/1?utm_source=rss"),
    ],
)
def test_a_guid_that_moves_in_its_form_alone_is_the_same_item(before: str, after: str) -> None:
    past = Past.of(replace(FERRY, guid=before))
    told = replace(FERRY, guid=after, title="Quite another headline now", digest="x")
    assert past.met(told) == {told.title: r.SAME_GUID}


def test_a_place_on_a_page_is_no_form_of_a_guid() -> None:
    live = "https://f.example/news/live-from-the-harbour-55555"
    past = Past.of(entry(f"{live}#post-1", live, "The first tug has come"))
    assert past.met(entry(f"{live}#post-2", live, "The tide has turned", published=LATER)) == {}


@pytest.mark.conforms("D37")
def test_a_new_guid_for_a_known_page_is_the_same_item() -> None:
    past = Past.of(FERRY)
    assert past.met(replace(FERRY, guid="z")) == {FERRY.title: r.SAME_PAGE}
    edited = replace(FERRY, guid="z", title="A ferry ran aground off Port Maren", digest="x")
    assert past.met(replace(edited, published=LATER)) == {edited.title: r.SAME_PAGE}


def test_a_page_of_several_entries_tells_none_of_them() -> None:
    one, other, third, fourth = (
        replace(FERRY, guid=f"{n}", title=f"Ferry aground, hour {n}", digest=f"{n}")
        for n in range(4)
    )
    assert Past.of(one, other).met(third) == {}
    assert Past.of(one).met(third, fourth) == {}


def test_what_stands_beside_an_item_is_not_that_item() -> None:
    again = replace(FERRY, guid="z", digest="x")
    assert Past.of(FERRY).met(FERRY, again) == {}
    assert Past.of(FERRY).met(again, beside=("guid:a",)) == {}, "not read, as its bytes were known"
    assert Past.of(FERRY).met(again, beside=("guid:b",)) == {FERRY.title: r.SAME_PAGE}


def test_a_front_page_tells_nothing() -> None:
    past = Past.of(entry("1", "https://f.example/", "Morning briefing for all of you"))
    again = entry("2", "https://f.example/", "Morning briefing for all of you", digest="x")
    assert past.met(replace(again, published=LATER)) == {}


def test_a_daily_title_is_a_new_item_every_day() -> None:
    past = Past.of(entry("1", "https://f.example/briefing/20260301", "Your morning briefing today"))
    link = "https://f.example/briefing/20260302"
    day = entry("2", link, "Your morning briefing today", published=NOW + timedelta(days=1))
    assert past.met(day) == {}
    assert past.met(replace(day, digest="another text")) == {}


@pytest.mark.conforms("D37")
def test_another_host_with_the_same_paths_is_the_same_feed() -> None:
    link = "https://news.other.example/news/ferry-aground-now"
    past = Past.of(replace(FERRY, link=link, canonical=link))
    there = "https://f.example/news/ferry-aground-now"
    assert past.met(replace(FERRY, guid="z", link=there, canonical=there)) == {
        FERRY.title: r.SAME_TITLE
    }
    redated = replace(FERRY, guid="z", link=there, canonical=there, published=LATER)
    assert past.met(redated) == {FERRY.title: r.SAME_WORDS}


@pytest.mark.conforms("D39")
def test_an_article_keeps_its_number_when_its_headline_and_slug_are_rewritten() -> None:
    past = Past.of(replace(FERRY, guid=None))
    link = "https://f.example/world/ferry-free-again-101234"
    told = entry(None, link, "A ferry ran aground off Maren, and is free", published=LATER)
    assert past.met(told) == {told.title: r.SAME_NUMBER}


@pytest.mark.conforms("D37")
def test_when_most_ids_change_at_once_a_page_or_title_and_date_are_enough() -> None:
    past = Past.of(FERRY, BUDGET, QUEEN)
    moved = [
        replace(
            one,
            guid=f"new {n}",
            link=f"https://f.example/?p={n}",
            canonical=f"https://f.example/?p={n}",
        )
        for n, one in enumerate((FERRY, BUDGET, QUEEN))
    ]
    assert set(past.met(*moved).values()) == {r.ALL_RETITLED}
    fresh = [entry(f"n{n}", f"https://f.example/n/{n}", f"News {n} of the day") for n in range(4)]
    assert past.met(*moved, *fresh) == {}, "three of seven are not most"
    assert past.met(*moved, beside=("guid:x",)) == {}, "one at least has kept its id"


def test_what_was_listed_twice_counts_once_unless_it_is_two_stories() -> None:
    again = replace(FERRY, title="A ferry ran aground, again", digest="x")
    assert list(keyed([FERRY, again], KeyRule.GUID)) == ["guid:a"]
    other = replace(BUDGET, guid="a")
    assert list(keyed([FERRY, other], KeyRule.GUID)) == [
        "guid:a",
        f"both:a\n{BUDGET.canonical}",
    ]


@pytest.mark.conforms("D38")
def test_another_story_under_a_known_guid_is_no_revision() -> None:
    past = Past.of(FERRY)
    other = replace(BUDGET, guid="a", published=LATER)
    listed = rekeyed(keyed([other], KeyRule.GUID), Known(items=past.items), NO_HABITS)
    assert list(listed) == [f"both:a\n{BUDGET.canonical}"]
    assert past.met(other) == {}


def test_a_new_headline_date_and_slug_are_a_revision_while_something_stays() -> None:
    past = Past.of(FERRY)
    rewritten = [
        replace(FERRY, title="Loans for gas firms urged over price crisis", digest="x"),
        replace(
            FERRY,
            link="https://f.example/world/tugs-fail-101234",
            canonical="https://f.example/world/tugs-fail-101234",
            title="Tugs give up at high tide",
            published=LATER,
            digest="x",
        ),
    ]
    for one in rewritten:
        listed = rekeyed({"guid:a": one}, Known(items=past.items), NO_HABITS)
        assert list(listed) == ["guid:a"]


@pytest.mark.conforms("D38")
def test_a_section_page_that_leads_with_another_story_is_another_item() -> None:
    page = "https://f.example/collections/harbour"
    past = Past.of(entry(page, page, "A ferry ran aground off Maren"))
    lead = entry(page, page, "Council votes on its budget", published=LATER)
    assert list(rekeyed({f"guid:{page}": lead}, Known(items=past.items), NO_HABITS)) == [
        f"both:{page}\n{page}"
    ]


@pytest.mark.conforms("D38")
def test_where_guids_are_used_again_another_page_is_another_story() -> None:
    past = Past.of(FERRY)
    alike = replace(BUDGET, guid="a", title="A ferry ran aground off Maren too")
    met = rekeyed({"guid:a": alike}, Known(items=past.items), Habits(reused=1))
    assert list(met) == [f"both:a\n{BUDGET.canonical}"]


@pytest.mark.parametrize(
    ("habits", "key"),
    [
        (Habits(reformed=2), KeyRule.GUID),
        (Habits(reformed=3), KeyRule.FORM),
        (Habits(renewed=2), KeyRule.GUID),
        (Habits(renewed=3, reformed=9), KeyRule.LINK),
        (Habits(reworded=3), KeyRule.WORDS),
        (Habits(reused=2), KeyRule.BOTH),
    ],
)
def test_a_feeds_key_follows_its_own_history(habits: Habits, key: KeyRule) -> None:
    after = learned(habits, {}, listed=(), known=Known())
    assert after.key is key
    assert (remark_on(habits, after) is None) == (key is KeyRule.GUID)


def test_items_keep_under_whatever_key_their_feed_comes_to_be_told_apart() -> None:
    past = Past.of(FERRY, BUDGET)
    for rule in KeyRule:
        habits = Habits(key=rule)
        keys = set(keyed([FERRY, BUDGET], rule))
        met = past.met(FERRY, BUDGET, habits=habits)
        assert set(met) == {FERRY.title, BUDGET.title} or keys == set(past.items), rule


SHOW = "https://radio.example/podcasts/500005/the-hourly-news"


@pytest.mark.parametrize("link", [None, "https://radio.example/"])
@pytest.mark.parametrize("beside", [(), ("guid:0",)])
def test_a_bulletin_that_is_told_in_the_same_words_is_new_each_time(
    link: str | None, beside: tuple[str, ...]
) -> None:
    past = Past.of(entry("1", link, "World news bulletin", digest="same"))
    again = entry("2", link, "World news bulletin", digest="same", published=LATER)
    assert past.met(again, beside=beside) == {}
    assert past.met(replace(again, published=NOW)) != {}, "of one date it is the same"


def test_headlines_of_which_only_figures_differ_are_two_episodes_of_a_show() -> None:
    past = Past.of(entry("1", SHOW, "Hourly News: 11-25-2026 2PM EST"))
    later = entry("2", SHOW, "Hourly News: 11-25-2026 3PM EST", published=LATER)
    assert past.met(later) == {}


def test_another_recording_at_the_page_of_a_show_is_another_episode() -> None:
    def sound(name: str) -> tuple[Enclosure, ...]:
        return (Enclosure(url=f"https://radio.example/{name}", media_type="audio/mpeg"),)

    past = Past.of(entry("1", SHOW, "The news at the full hour", enclosures=sound("1.mp3?a=1")))
    later = entry("2", SHOW, "The news at the full hour", published=LATER)
    assert past.met(replace(later, enclosures=sound("2.mp3"))) == {}
    assert past.met(replace(later, enclosures=sound("1.mp3?a=2"))) != {}, "signed anew"
