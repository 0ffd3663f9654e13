"""Outputs that take some only: what gets in, when, and what is left as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.service.choosing import LOOK_BACK
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.newsroom import entries, ids, others, publisher, served, tell
from tests.service.stage import HOUR, NOW, settings_for, store_in

pytestmark = pytest.mark.usefixtures("engine")

FEEDS = [
    "{id: harbour, url: 'https://harbour.example/feed', language: en}",
    "{id: north, url: 'https://north.example/feed'}",
    "{id: ledger, url: 'https://ledger.example/feed'}",
]
WORDS = """
outputs:
  - {kind: latest}
  - {kind: latest, name: sea, only: {words: {any: [ferry, light ship], none: cruise}}}
  - {kind: top, name: north, only: {owners: north.example}}
  - {kind: top, name: dry, only: {words: {none: ferry}}}
  - {kind: latest, name: english, only: {languages: en}}
  - {kind: top, name: talk, only: {sources: 2}}
  - {kind: latest, name: talked, only: {sources: 2}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS, WORDS)


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Store]:
    held = store_in(tmp_path)
    held.feeds.configure(settings.feeds, now=NOW)
    yield held
    held.close()


def test_items_get_in_by_their_words_as_they_are_filed(store: Store, settings: Settings) -> None:
    press = publisher(store, settings)
    press.publish(NOW)
    ferry = tell(store, "harbour", 1, story="a", title="Ferry late")
    tell(store, "harbour", 2, story="b", title="Ferry on a cruise")
    ship = tell(store, "north", 1, story="c", title="The light ship is dark")
    tell(store, "north", 2, story="d", title="Ships of light")
    press.publish(NOW + HOUR)
    assert sorted(ids(store, "sea")) == sorted((ferry, ship))
    assert len(ids(store, "latest")) == 4


def test_an_item_that_does_not_say_is_in_the_language_of_its_feed(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    unsaid = tell(store, "harbour", 1, story="a", language=None)
    tell(store, "north", 1, story="b", language=None)
    press.publish(NOW)
    assert ids(store, "english") == [unsaid]


def test_a_story_is_in_when_a_report_passes_and_its_headline_is_of_one_that_does(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    for feed in ("harbour", "north"):
        tell(store, feed, 1, story="both", title=f"{feed} on the bridge")
        tell(store, "harbour", 2, story="other", title="Elsewhere")
    press.publish(NOW)
    (one,) = entries(store, "north")
    assert (one["id"], one["title"]) == ("both", "north on the bridge")
    assert [also["source"] for also in others(one)] == ["harbour"]


def test_a_story_is_out_when_most_reports_have_a_word_that_is_not_wanted(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="s", title="Ferry sinks")
    tell(store, "north", 1, story="s", title="Sinking in the bay")
    tell(store, "ledger", 1, story="t", title="Bread dearer")
    press.publish(NOW)
    assert set(ids(store, "dry")) == {"s", "t"}

    later = publisher(store, settings)
    tell(store, "harbour", 9, story="u", title="Ferry found", now=NOW + HOUR)
    tell(store, "north", 9, story="u", title="The ferry is found", now=NOW + HOUR)
    tell(store, "ledger", 9, story="u", title="Found!", now=NOW + HOUR)
    later.publish(NOW + HOUR)
    assert set(ids(store, "dry")) == {"s", "t"}


def test_sources_are_counted_when_a_story_has_grown(store: Store, settings: Settings) -> None:
    press = publisher(store, settings)
    first = tell(store, "harbour", 1, story="s", title="One")
    press.publish(NOW)
    assert (ids(store, "talk"), ids(store, "talked")) == ([], [])

    second = tell(store, "north", 1, story="s", title="Two", now=NOW + HOUR)
    press.publish(NOW + HOUR)
    assert ids(store, "talk") == ["s"]
    assert sorted(ids(store, "talked")) == sorted((first, second))


def test_a_restart_goes_on_where_the_filters_were(store: Store, settings: Settings) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="a", title="Ferry late")
    press.publish(NOW)
    tell(store, "harbour", 2, story="b", title="Ferry later")  # while nobody publishes
    publisher(store, settings).publish(NOW + HOUR)
    assert len(ids(store, "sea")) == 2


def test_a_filter_that_is_changed_looks_back_and_forgets(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    tell(store, "harbour", 1, story="a", title="Ferry late")
    bread = tell(store, "harbour", 2, story="b", title="Bread dearer")
    publisher(store, settings).publish(NOW)

    other = WORDS.replace("ferry, light ship", "bread")
    press = publisher(store, settings_for(tmp_path, FEEDS, other))
    press.publish(NOW + HOUR)
    assert ids(store, "sea") == [bread]
    assert LOOK_BACK > 1000


def test_outputs_that_take_some_only_are_offered_and_the_front_page_shows_none_of_them(
    store: Store, tmp_path: Path
) -> None:
    only = "outputs: [{kind: top, name: sea, title: The sea, only: {words: {any: ferry}}}]\n"
    tell(store, "harbour", 1, story="a", title="Ferry late")
    publisher(store, settings_for(tmp_path, FEEDS, only)).publish(NOW)
    assert len(ids(store, "sea")) == 1
    assert b'href="/feeds/sea.atom"' in served(store)["subscribe/index.html"].body
    assert b"/feeds/sea.atom" in served(store)["outputs.opml"].body
    assert b"Ferry late" not in served(store)["index.html"].body


def test_the_choices_of_filters_that_are_no_more_are_forgotten(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    tell(store, "harbour", 1, story="a", title="Ferry late")
    publisher(store, settings).publish(NOW)
    assert len(store.items.chosen("sea", 9)) == 1

    plain = settings_for(tmp_path, FEEDS, "outputs: [{kind: latest}]\n")
    publisher(store, plain).publish(NOW + HOUR)
    assert store.items.chosen("sea", 9) == ()


def test_what_stands_is_kept_whatever_becomes_of_its_words(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    ferry = tell(store, "harbour", 1, story="a", title="Ferry late")
    press.publish(NOW)
    tell(store, "harbour", 1, story="a", title="Boat late", now=NOW + HOUR)  # revised
    press.publish(NOW + HOUR)
    (one,) = entries(store, "sea")
    assert (one["id"], one["title"]) == (ferry, "Boat late")


def test_only_outputs_that_something_new_concerns_are_rendered(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="a", title="Ferry late")
    press.publish(NOW)
    before = served(store)
    tell(store, "ledger", 1, story="b", title="Bread dearer", now=NOW + HOUR)
    changed = {edition.spec.name for edition in press.publish(NOW + HOUR).editions}
    assert changed == {"latest", "dry", "english"}
    assert served(store)["feeds/sea.atom"] == before["feeds/sea.atom"]


RENAMED = """
outputs:
  - {kind: latest, name: all, was: [everything, latest]}
  - {kind: top, name: best, was: north, only: {owners: north.example}}
"""


@pytest.mark.conforms("B11")
def test_a_renamed_output_goes_on_with_its_entries_its_id_and_its_memory(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    press = publisher(store, settings)
    tell(store, "north", 1, story="a", title="Ferry late")
    press.publish(NOW)
    before = entries(store, "north")
    born = store.outputs.born("latest", NOW + 9 * HOUR)

    press = publisher(store, settings_for(tmp_path, FEEDS, RENAMED))
    published = press.publish(NOW + HOUR)

    assert entries(store, "best") == before
    assert store.outputs.members("north") == {}
    assert store.outputs.born("all", NOW + 9 * HOUR) == born == NOW
    assert "feeds/latest.atom" in published.dropped
    assert "feeds/latest.atom" in store.outputs.retired()
    assert store.outputs.get("feeds/latest.atom") is None
