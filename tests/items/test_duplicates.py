import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.items.duplicates import Candidate, News, find, matches, text_of
from aggregator.items.likeness import USUAL, Policy, containment, judge
from aggregator.items.shelf import MemoryShelf
from aggregator.items.sketch import sketch
from aggregator.model.items import Copy, Entry

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
WIRE = (
    "A ferry with 212 people on board ran aground off Port Maren on Tuesday after its steering"
    " failed in a heavy swell, the coast guard said. Nobody was hurt. Four tugs tried to pull the"
    " ship free at high tide but gave up when two lines broke. Passengers were brought ashore in"
    " lifeboats and spent the night in a school. The operator said the vessel, built in 1998, had"
    " passed an inspection in March. Divers are to examine the hull as soon as the wind has eased,"
    " which forecasters do not expect before Thursday. A spill has not been observed so far."
)
OWN = (
    "Marta Quill had just ordered soup when her plate began to slide. Half an hour later she sat"
    " in an orange boat with her two sons, looking back at lights that leaned the wrong way. The"
    " island's only link to the mainland sits on a sandbank since yesterday, and nobody dares say"
    " for how long. In the gymnasium where the travellers were put up, teachers cooked pasta for"
    " hundreds. What broke, a mechanic told me, was a pump that should have been replaced."
)
TEASER = (
    "The harbour authority of Port Maren wants to close the old breakwater to walkers for three"
    " years while its foundations are rebuilt"
)
FURNITURE = (
    "Good Morning Harbour is the flagship newscast of Channel Nine with Ann Lee and Bo Karr and"
    " airs weekdays at six in the morning. Subscribe and watch more on our pages and in the app"
    " that brings you all the stories of the day as they happen wherever you are right now."
)


class Desk:
    """Items in order of arrival, each folded under what it repeats."""

    def __init__(self, policy: Policy = USUAL) -> None:
        self.shelf = MemoryShelf()
        self.policy = policy
        self.taken = 0

    def take(
        self,
        title: str,
        text: str,
        *,
        at: str | None = None,
        feed: str = "",
        owner: str = "",
        day: datetime = NOON,
        on_page: str = "",
    ) -> Copy | None:
        self.taken += 1
        name = feed or f"feed-{self.taken}"
        news = News(
            title=title,
            text=text,
            canonical=at,
            feed=name,
            owner=owner or name,
            at=day,
            on_page=on_page,
        )
        found = find(news, self.shelf, self.policy)
        self.shelf.add(
            Candidate(
                id=f"item-{self.taken}",
                seq=self.taken,
                lead=found.lead if found else None,
                title=title,
                text=text,
                canonical=at,
                feed=name,
                owner=owner or name,
                at=day,
                on_page=on_page,
            )
        )
        return found


def verdict(found: Copy | None) -> tuple[str, str] | None:
    return (found.lead, found.rule) if found else None


# The same text


def test_an_agency_text_under_another_headline_is_a_copy() -> None:
    desk = Desk()
    desk.take("Ferry aground off Port Maren", WIRE, at="https://a.example/ferry-aground-off-maren")
    furnished = f"PORT MAREN, May 3 (ANI) - {WIRE} (ANI)\nALSO READ: Breakwater to close"
    found = desk.take("212 rescued from ship", furnished, at="https://b.example/212-rescued-ship")
    assert found == Copy(lead="item-1", rule="same-text", figure=1.0)


def test_a_copy_cut_by_half_is_found_whichever_comes_first() -> None:
    half = WIRE[: len(WIRE) // 2]
    for first, second in ((WIRE, half), (half, WIRE)):
        desk = Desk()
        desk.take("Ferry aground off Port Maren", first)
        assert desk.take("212 rescued from ship", second) is not None


def test_a_reporters_own_account_of_the_event_stands_for_itself() -> None:
    desk = Desk()
    desk.take("Ferry aground off Port Maren", WIRE)
    assert desk.take("Ferry aground off Port Maren", OWN) is None


def test_two_reports_that_share_only_their_quotations_are_two() -> None:
    speech = "“" + " ".join(f"promise{number}" for number in range(45)) + "”"
    desk = Desk()
    desk.take("Minister speaks", f"The minister said in Port Maren: {speech} There was applause.")
    assert desk.take("Promises", f"Hecklers met her in the square. {speech} And it rained.") is None


def test_a_copy_of_a_copy_goes_under_the_first() -> None:
    desk = Desk()
    desk.take("Ferry aground off Port Maren", WIRE)
    desk.take("212 rescued from ship", WIRE)
    assert verdict(desk.take("Night in a school after wreck", WIRE)) == ("item-1", "same-text")


def test_yesterdays_market_report_in_todays_words_is_another() -> None:
    report = (
        "The main index closed {} percent lower at {} points as investors took profits. Banks lost"
        " {} percent and miners {} percent while makers of machines gained {} percent. Turnover was"
        " {} million crowns against a thirty-day average of {} million. The yield of the ten-year"
        " bond rose to {} percent. Traders said the week's figures on prices would set the tone for"
        " the rest of the month and advised clients to wait before buying banks or miners again."
    )
    desk = Desk()
    desk.take("Shares close lower", report.format(*range(10, 18)))
    assert desk.take("Stocks fall again", report.format(*range(30, 38))) is None


def test_the_lead_is_never_itself_a_copy() -> None:
    desk = Desk()
    edited = f"{WIRE[:430]} {OWN[:150]}"
    desk.take("Ferry aground off Port Maren", WIRE)
    assert verdict(desk.take("212 rescued from ship", edited)) == ("item-1", "same-text")
    assert desk.take("Soup on a slope", edited) == Copy(lead="item-1", rule="same-text", figure=1.0)


def test_of_two_that_are_as_alike_the_earlier_leads() -> None:
    desk = Desk()
    for name in ("FzmrngbHVNQ", "aqsH3ktIkNo"):
        at = f"https://video.example/watch?v={name}"
        assert desk.take("Ferry aground off Port Maren", WIRE, at=at) is None
    assert verdict(desk.take("212 rescued from ship", WIRE)) == ("item-1", "same-text")


def test_a_later_report_that_repeats_the_background_is_another() -> None:
    sentences = WIRE.split(". ")
    later = f"{OWN[:260]} {'. '.join(sentences[2:])}"
    figure = containment(sketch("", WIRE), sketch("", later))
    assert 0.5 < figure < USUAL.sure
    desk = Desk()
    desk.take("Ferry aground off Port Maren", WIRE)
    assert desk.take("Soup on a slope", later) is None


def test_a_round_up_is_no_copy_of_what_it_tells_of() -> None:
    desk = Desk()
    desk.take("Ferry aground off Port Maren", WIRE[:280])
    desk.take("Breakwater to close", TEASER)
    told = f"Good morning. {FURNITURE} {TEASER}. {WIRE[:280]} {OWN}"
    assert desk.take("The morning in brief", told) is None


def test_one_who_repeats_two_shows_them_to_be_one() -> None:
    words = [f"word{number}x" for number in range(220)]
    desk = Desk()
    assert desk.take("First part", " ".join(words[:120])) is None
    assert desk.take("Last part", " ".join(words[100:])) is None
    middle = News(
        title="Between", text=" ".join(words[50:170]), canonical=None, feed="f", owner="f"
    )
    assert {copy.lead for copy in matches(middle, desk.shelf)} == {"item-1", "item-2"}


# Teasers


def test_a_teaser_under_another_headline_is_a_copy() -> None:
    desk = Desk()
    desk.take("Breakwater to close for three years", TEASER)
    found = desk.take("No walks by the sea", f"{TEASER}… Continue reading")
    assert verdict(found) == ("item-1", "same-teaser")


def test_a_teaser_is_a_copy_of_the_full_text_that_it_begins() -> None:
    desk = Desk()
    desk.take("Ferry aground off Port Maren", WIRE)
    assert verdict(desk.take("212 rescued", WIRE[:170])) == ("item-1", "same-teaser")


def test_a_short_teaser_needs_the_headline_too() -> None:
    short = " ".join(TEASER.split()[:10])
    desk = Desk()
    desk.take("Breakwater to close for walkers", short)
    assert desk.take("No walks by the sea", short) is None
    found = desk.take("Breakwater to close for walkers | Harbour Gazette", short)
    assert verdict(found) == ("item-1", "same-title-and-teaser")


def test_equal_headlines_over_different_matters_stay_apart() -> None:
    desk = Desk()
    desk.take("What we know so far", TEASER)
    assert desk.take("What we know so far", OWN[:200]) is None
    assert desk.take("What we know so far", "") is None


def test_headlines_that_differ_in_their_figures_alone_are_two_days() -> None:
    desk = Desk()
    teaser = f"{TEASER}, and the health ministry has its figures"
    desk.take("Covid: 24 new cases in Port Maren", teaser, at="https://a.example/covid-new-cases")
    later = "Covid: 31 new cases in Port Maren"
    assert desk.take(later, teaser, at="https://b.example/covid-new-cases") is None


# The same address


@pytest.mark.parametrize("headline", ["No walks on the breakwater", ""])
def test_one_address_in_two_feeds_is_one_article_under_a_headline_akin(headline: str) -> None:
    desk = Desk()
    place = "https://a.example/2026/05/03/breakwater-closes"
    desk.take("Breakwater to close for three years", TEASER, at=place)
    found = desk.take(headline, "", at=place)
    assert verdict(found) == ("item-1", "same-address")


def test_what_a_feed_adds_to_all_its_links_is_no_place_on_the_page() -> None:
    desk = Desk()
    place = "https://a.example/2026/breakwater-to-close-for-years"
    desk.take("Breakwater to close for three years", TEASER, at=place, on_page="#atom-all")
    assert verdict(desk.take("No walks by the sea", "", at=place)) == ("item-1", "same-address")


def test_episodes_of_two_podcasts_that_link_to_one_show_page_stay_apart() -> None:
    desk = Desk()
    place = "https://a.example/shows/the-harbour-after-dark"
    desk.take("Breakwater to close for three years", TEASER, at=place)
    assert desk.take("Why ferries run aground", "", at=place) is None


def test_posts_of_a_live_blog_are_no_copies_of_it_nor_of_one_another() -> None:
    desk = Desk()
    place = "https://a.example/live/crisis-at-the-coast"
    desk.take("Ferry aground off Port Maren: live", WIRE, at=place, feed="a")
    for number, post in enumerate(("Ferry tugs wait for the tide", "Divers ready at the ferry")):
        found = desk.take(post, "", at=place, feed="b", on_page=f"#post-{number}")
        assert found is None


def test_a_collection_page_that_shows_one_story_after_another_is_many_items() -> None:
    desk = Desk()
    place = "https://a.example/world/live-news/crisis-at-the-coast"
    desk.take("Ferry aground off Port Maren", WIRE, at=place, feed="a")
    assert desk.take("Breakwater to close to walkers", TEASER, at=place, feed="a") is None
    assert desk.take("Breakwater to close to walkers", TEASER, at=place, feed="b") is not None


def test_a_guid_that_moved_on_with_the_same_story_is_the_same_article() -> None:
    desk = Desk()
    place = "https://a.example/news/ferry-aground-off-maren"
    desk.take("Ferry aground off Port Maren", "", at=place, feed="a")
    found = desk.take("Ferry aground off Port Maren: what we know", "", at=place, feed="a")
    assert verdict(found) == ("item-1", "same-address")


def test_a_page_that_shows_other_stories_in_another_feed_is_no_one_article() -> None:
    desk = Desk()
    place = "https://a.example/world/live-news/crisis-at-the-coast"
    desk.take("Ferry aground off Port Maren", WIRE, at=place)
    assert desk.take("Breakwater to close to walkers", TEASER, at=place) is None


def test_two_items_that_link_to_a_front_page_are_two() -> None:
    desk = Desk()
    desk.take("Ferry aground off Port Maren", "", at="https://a.example/")
    assert desk.take("Breakwater to close", "", at="https://a.example/") is None


# The same headline


HEADLINE = "Ferry with 212 people aground off Port Maren after steering fails"


def test_a_portal_that_lists_a_headline_alone_repeats_it() -> None:
    desk = Desk()
    desk.take(HEADLINE, WIRE, at="https://a.example/ferry-aground-off-maren")
    found = desk.take(f"{HEADLINE} - Portal", "", at="https://portal.example/AA178Gz1")
    assert verdict(found) == ("item-1", "same-headline")


def test_an_equal_headline_is_found_among_many_that_share_phrases() -> None:
    desk = Desk()
    desk.take(HEADLINE, "", at="https://portal.example/AA178Gz1")
    for number in range(12):
        own = " ".join(f"other{number}word{place}x" for place in range(60))
        assert desk.take(f"About other matters {number}", f"{WIRE[:110]} {own}") is None
    found = desk.take(HEADLINE, WIRE, at="https://a.example/ferry-aground-off-maren")
    assert verdict(found) == ("item-1", "same-headline")


@pytest.mark.parametrize(
    ("headline", "text", "days"),
    [
        ("What we know so far", "", 0),  # everybody's
        (HEADLINE, OWN, 0),  # two reporters hit upon it
        (HEADLINE, "", 7),  # a column comes weekly
    ],
)
def test_an_equal_headline_alone_is_not_enough(headline: str, text: str, days: int) -> None:
    desk = Desk()
    desk.take(headline, WIRE, at="https://a.example/ferry-aground-off-maren")
    day = NOON + timedelta(days=days)
    assert desk.take(headline, text, at="https://portal.example/AA178Gz1", day=day) is None


# One site, several addresses


def test_a_number_stays_when_the_slug_follows_a_new_headline() -> None:
    desk = Desk()
    desk.take("LOT cancels flights", TEASER, at="https://a.example/lot-cancels-flights-7380029")
    at = "https://a.example/no-flights-from-two-cities-7380029"
    found = desk.take("No flights from two cities", f"{TEASER[:90]} and more to come", at=at)
    assert verdict(found) == ("item-1", "same-number")
    other = "https://a.example/soup-on-a-slope-7380029"
    assert desk.take("Soup on a slope", OWN, at=other) is None


def test_two_recordings_of_one_programme_stay_apart() -> None:
    desk = Desk()
    title = "Good Morning Harbour livestream: May 3"
    desk.take(title, FURNITURE, at="https://video.example/watch?v=FzmrngbHVNQ", feed="nine")
    other = desk.take(title, FURNITURE, at="https://video.example/watch?v=aqsH3ktIkNo", feed="nine")
    assert other is None


def test_a_misspelt_address_mended_is_the_same_article() -> None:
    desk = Desk()
    title, feed = "Breakwater to close for three years", "a"
    desk.take(title, TEASER, at="https://a.example/news/harbour-brakwater-to-close", feed=feed)
    found = desk.take(
        title, TEASER, at="https://a.example/news/harbour-breakwater-to-close", feed=feed
    )
    assert verdict(found) == ("item-1", "same-title-and-teaser")


@pytest.mark.parametrize("slug", ["court-delays-breakwater", "breakwater-to-close-not-now"])
def test_a_publishers_later_article_that_begins_alike_is_another(slug: str) -> None:
    desk = Desk()
    desk.take("Breakwater to close", TEASER, at="https://a.example/breakwater-to-close-now")
    later = f"{' '.join(TEASER.split()[:17])} but has to wait for the court"
    at = f"https://a.example/{slug}"
    assert desk.take("Judges delay the works", later, at=at) is None
    assert desk.take("Judges delay the works", later, at="https://b.example/works") is not None


def test_what_stands_in_every_item_of_a_feed_makes_no_copies() -> None:
    desk = Desk()
    matters = [
        "a fire in the market hall",
        "the mayor's new bicycle",
        "tides",
        "a prize for bakers",
    ]
    for number, matter in enumerate(matters):
        text = f"Today we talk about {matter}. {FURNITURE}"
        at = f"https://video.example/watch?v=aqsH3ktIkN{number}"
        assert desk.take(f"Report on {matter}", text, at=at, feed="nine") is None
    mirrored = desk.take(
        "Harbour festival opens",
        f"It begins. {FURNITURE}",
        at="https://m.example/x1",
        feed="mirror",
    )
    assert mirrored is None


def test_what_stands_in_every_item_of_a_feed_hides_no_copies() -> None:
    desk = Desk()
    for matter in ("a fire in the market hall", "the mayor's new bicycle", "tides and tempers"):
        desk.take(f"Report on {matter}", f"About {matter}. {FURNITURE}", feed="nine")
    desk.take("Ferry aground off Port Maren", f"{WIRE} {FURNITURE}", feed="nine")
    assert verdict(desk.take("212 rescued from ship", WIRE, feed="b")) == ("item-4", "same-text")


def test_sister_sites_need_the_headline_for_a_teaser_and_not_for_a_text() -> None:
    desk = Desk()
    desk.take("Breakwater to close for years", TEASER, feed="a", owner="house")
    assert desk.take("No walks by the sea", TEASER, feed="b", owner="house") is None
    desk.take("Ferry aground off Port Maren", WIRE, feed="a", owner="house")
    assert desk.take("212 rescued from ship", WIRE, feed="b", owner="house") is not None


# Policy, order, shelf


def test_a_feed_that_is_never_folded_stands_for_itself() -> None:
    desk = Desk(Policy(never_fold=frozenset({"own"})))
    place = "https://a.example/2026/05/03/ferry"
    desk.take("Ferry aground off Port Maren", WIRE, at=place)
    assert desk.take("Ferry aground off Port Maren", WIRE, at=place, feed="own") is None


def test_nothing_is_folded_under_a_feed_that_is_never_folded() -> None:
    desk = Desk(Policy(never_fold=frozenset({"own"})))
    place = "https://a.example/2026/05/03/ferry"
    desk.take("Ferry aground off Port Maren", WIRE, at=place, feed="own")
    assert desk.take("Ferry aground off Port Maren", "", at=place) is None
    assert desk.take("212 rescued from ship", WIRE) is None


@given(st.permutations([WIRE, WIRE[:300], OWN, TEASER, f"{TEASER} and more", FURNITURE]))
@settings(deadline=None, max_examples=40)
def test_order_of_arrival_changes_what_is_folded_never_whether(texts: list[str]) -> None:
    desk = Desk()
    folded = [text for text in texts if desk.take(f"About {text[:12]}", text) is not None]
    assert len(folded) == 2
    assert OWN not in folded
    assert FURNITURE not in folded


def test_judging_is_symmetric() -> None:
    drawn = [sketch("A title of words", text) for text in (WIRE, WIRE[:250], OWN, TEASER)]
    for a, b in itertools.combinations(drawn, 2):
        assert judge(a, b) == judge(b, a)


@pytest.mark.parametrize(("share", "folded"), [(0.30, False), (0.75, True)])
def test_the_figure_decides(share: float, folded: bool) -> None:
    words = [f"word{number}x" for number in range(200)]
    cut = round(len(words) * share)
    other = words[:cut] + [f"other{number}x" for number in range(200 - cut)]
    found = judge(sketch("One two three", " ".join(words)), sketch("Four five", " ".join(other)))
    assert (found is not None) is folded


def test_a_hash_keeps_its_newest_items_only() -> None:
    shelf = MemoryShelf(cap=2)
    drawn = sketch("", TEASER)
    for seq in (1, 2, 3):
        shelf.add(
            Candidate(
                id=str(seq),
                seq=seq,
                lead=None,
                owner="a",
                feed="a",
                canonical=None,
                title="",
                text=TEASER,
                at=NOON,
            )
        )
    assert [one.id for one in shelf.sharing(drawn.index, 8)] == ["2", "3"]


def test_the_fuller_text_of_an_entry_is_compared() -> None:
    assert text_of(Entry(summary="short", content_html=f"<p>{TEASER}</p>")) == TEASER
    assert text_of(Entry(summary=TEASER, content_html="<p>short</p>")) == TEASER
