"""What a filter passes, whatever the script, and at what cost."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from aggregator.model.editions import Filter
from aggregator.model.items import Entry, Item, StoredItem
from aggregator.outputs.filters import Filters, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNERS = {"harbour": "gazette", "north": "courier"}


def stored(title: str = "", summary: str = "", language: str | None = None) -> StoredItem:
    entry = Entry(title=title, summary=summary, language=language, content_html="<p>ferry</p>")
    item = Item(
        id="i",
        feed="harbour",
        key="k",
        entry=entry,
        first_seen=NOW,
        published=NOW,
        updated=NOW,
        listed=NOW,
    )
    return StoredItem(seq=1, item=item, topics=("sea", "world"))


def verdict(only: Filter, one: StoredItem) -> Verdict:
    return Filters({"o": only}, OWNERS, {"north": "de"}).verdicts(one).get("o", Verdict.OTHER)


def passes(only: Filter, one: StoredItem) -> bool:
    return verdict(only, one) is Verdict.PASSES


FOUND = [
    ("ferry", "Last FERRY leaves"),
    ("container ship", "A container\nship, aground"),
    ("Zürich", "ZÜRICH baut"),
    ("straße", "STRASSE gesperrt"),
    ("équipe", "L’équipe gagne"),
    ("Trump", "Trump's tower"),
    ("Москва", "В МОСКВА сегодня"),
    ("चुनाव", "आम चुनाव आज"),
    ("انتخابات", "نتائج انتخابات اليوم"),
    ("東京", "本日、東京都で"),
    ("东京 奥运", "东京奥运开幕"),
    ("서울", "서울에서 열린"),
    ("ＡＢＣ", "abc news"),
    ("covid-19", "COVID-19 cases"),
    ("C", "Vitamin C helps"),
]
NOT_FOUND = [
    ("art", "Party starts"),
    ("container ship", "ship container"),
    ("ferry", "ferries"),
    ("京東", "東京都"),
    (".*", "anything"),
    ("Zurich", "Zürich"),
]


@pytest.mark.parametrize(("phrase", "text"), FOUND)
def test_a_phrase_is_found_as_whole_words_in_any_script_and_case(phrase: str, text: str) -> None:
    assert passes(Filter(words_any=(phrase,)), stored(text))
    assert passes(Filter(words_any=(phrase,)), stored("x", text))


@pytest.mark.parametrize(("phrase", "text"), NOT_FOUND)
def test_parts_of_words_other_orders_and_patterns_are_not_found(phrase: str, text: str) -> None:
    assert not passes(Filter(words_all=(phrase, "zzz")), stored(text))
    assert passes(Filter(words_none=(phrase,), topics=("sea",)), stored(text)) or phrase == ".*"
    assert not passes(Filter(words_any=(phrase, "zzz")), stored(text)) or phrase == ".*"


def test_a_phrase_does_not_reach_from_the_title_into_nothing() -> None:
    assert not passes(Filter(words_any=("ferry",)), stored("only the text names it"))


def test_any_all_and_none_work_together() -> None:
    only = Filter(words_any=("ferry", "ship"), words_all=("storm",), words_none=("cruise",))
    assert passes(only, stored("Storm stops ship"))
    assert not passes(only, stored("Ship sails"))
    assert not passes(only, stored("Storm"))
    assert verdict(only, stored("Storm stops cruise ship")) is Verdict.BARRED


def test_topics_feeds_owners_and_languages_ask_for_one_of_theirs_and_all_kinds_at_once() -> None:
    one = stored("t", language="en-GB")
    assert passes(Filter(topics=("sport", "sea")), one)
    assert not passes(Filter(topics=("sport",)), one)
    assert passes(Filter(feeds=("harbour",), owners=("gazette",), languages=("de", "EN")), one)
    assert not passes(Filter(feeds=("harbour",), owners=("courier",)), one)
    assert not passes(Filter(feeds=("north",)), one)
    assert not passes(Filter(languages=("en",)), stored("t", language="eng"))
    assert not passes(Filter(languages=("en-US",)), one)
    assert not passes(Filter(languages=("en",)), stored("t"))


def test_an_item_is_put_to_the_filters_that_are_named_only() -> None:
    filters = Filters(
        {"a": Filter(topics=("sea",)), "b": Filter(topics=("sea",))}, OWNERS, {"north": "de"}
    )
    assert set(filters.verdicts(stored("t"))) == {"a", "b"}
    assert set(filters.verdicts(stored("t"), ["b"])) == {"b"}
    unknown = replace(stored("t"), item=replace(stored("t").item, feed="elsewhere"))
    assert set(filters.verdicts(unknown)) == {"a", "b"}


def test_what_would_stall_a_pattern_is_looked_through_at_once() -> None:
    """Repetitions of repetitions are what backtracking takes a lifetime for."""
    text = "a" * 100_000 + " " + "ab " * 50_000
    phrases = (*("a " * n + "b" for n in range(1, 50)), "(a+)+$", "a" * 5_000)
    assert not passes(Filter(words_any=phrases), stored(text, text))
