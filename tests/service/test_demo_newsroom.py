"""What the made-up publishers print: dates, agency copies, independent words, the update."""

import re
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from aggregator.service.demo.newsroom import Article, Newsroom

NOW = datetime(2024, 2, 29, 13, 37, 21, 500, tzinfo=UTC)


def printed(newsroom: Newsroom) -> dict[str, Article]:
    """Every article by ``publisher/slug``."""
    return {
        f"{publisher.id}/{article.slug}": article
        for publisher in newsroom.publishers
        for article in newsroom.articles(publisher.id)
    }


def shingles(article: Article) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", " ".join(article.paragraphs).casefold())
    return set(zip(*(words[start:] for start in range(4)), strict=False))


def overlap(one: Article, other: Article) -> float:
    """Share of the smaller text's word 4-grams that the other has too."""
    a, b = shingles(one), shingles(other)
    return len(a & b) / min(len(a), len(b))


def test_everything_is_dated_within_the_ten_hours_before_now() -> None:
    ages = [NOW - article.published for article in printed(Newsroom(NOW)).values()]
    assert min(ages) >= timedelta(0)
    assert timedelta(hours=9) < max(ages) <= timedelta(hours=10)


def test_the_same_moment_prints_the_same_articles() -> None:
    assert printed(Newsroom(NOW)) == printed(Newsroom(NOW))


def test_a_publishers_newest_report_stands_first() -> None:
    newsroom = Newsroom(NOW)
    for publisher in newsroom.publishers:
        dates = [article.published for article in newsroom.articles(publisher.id)]
        assert dates == sorted(dates, reverse=True)


def test_there_is_enough_to_fill_a_front_page() -> None:
    articles = printed(Newsroom(NOW))
    assert len(articles) >= 45
    assert sum(article.picture is not None for article in articles.values()) >= 20
    told_by: dict[str, int] = {}
    for article in articles.values():
        told_by[article.slug] = told_by.get(article.slug, 0) + 1
    assert sum(number >= 3 for number in told_by.values()) >= 8


@pytest.mark.parametrize(
    "copy",
    [
        "harbour-gazette/rates",
        "harbour-gazette/hay-fever",
        "northfield-courier/merger",
        "hillfoot-herald/breakwater",
    ],
)
def test_an_agency_copy_has_its_own_headline_and_the_agencys_words(copy: str) -> None:
    articles = printed(Newsroom(NOW))
    original = articles["mna/" + copy.partition("/")[2]]
    assert articles[copy].title != original.title
    assert "(MNA)" in articles[copy].paragraphs[0]
    assert any(words.startswith("ALSO READ:") for words in articles[copy].paragraphs)
    assert original.paragraphs[-1] not in articles[copy].paragraphs
    assert overlap(articles[copy], original) >= 0.7


def test_independent_reports_of_one_event_share_hardly_a_phrase() -> None:
    reports = {
        place: article
        for place, article in printed(Newsroom(NOW)).items()
        if "(MNA)" not in article.paragraphs[0] or place.startswith("mna/")
    }
    pairs = [
        (one, other)
        for one, other in combinations(reports, 2)
        if reports[one].home != reports[other].home
    ]
    assert len(pairs) > 500
    close = {pair: overlap(reports[pair[0]], reports[pair[1]]) for pair in pairs}
    assert {pair for pair, share in close.items() if share >= 0.15} == set()


def test_a_sister_title_carries_the_same_words_from_the_others_site() -> None:
    articles = printed(Newsroom(NOW))
    assert articles["quayside-ledger/trams"].home == "northfield-courier"
    assert (
        articles["quayside-ledger/trams"].paragraphs
        == articles["northfield-courier/trams"].paragraphs
    )


def test_the_update_brings_one_new_report_and_one_revision() -> None:
    newsroom = Newsroom(NOW)
    before = printed(newsroom)
    newsroom.updated = True
    after = printed(newsroom)
    assert after.keys() - before.keys() == {"harbour-gazette/breakwater-closed"}
    assert before.keys() <= after.keys()
    assert {place for place in before if before[place] != after[place]} == {"mna/breakwater"}
    revised = after["mna/breakwater"]
    assert revised.published == before["mna/breakwater"].published
    assert revised.updated == NOW.replace(microsecond=0)
    assert overlap(revised, before["mna/breakwater"]) >= 0.6
