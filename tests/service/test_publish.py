"""What subscribers are given, edition after edition, from a real store."""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model.errors import StoreError
from aggregator.service.material import Material
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.newsroom import entries, ids, others, publisher, served, tell
from tests.service.stage import HOUR, NOW, from_outside, settings_for, store_in

pytestmark = pytest.mark.usefixtures("engine")

FEEDS = [
    "{id: harbour, url: 'https://harbour.example/feed', topics: [business]}",
    "{id: north, url: 'https://north.example/feed', topics: [sport]}",
    "{id: ledger, url: 'https://ledger.example/feed', topics: [business]}",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS)


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Store]:
    held = store_in(tmp_path)
    held.feeds.configure(settings.feeds, now=NOW)
    yield held
    held.close()


def lose(folder: Path, feed: str) -> None:
    """Lose a feed's row, so that nobody knows any more whom its items are to be credited to."""
    with from_outside(folder) as db:
        db.execute("DELETE FROM feed WHERE id = ?", [feed])


@contextmanager
def kept_from(folder: Path, feed: str) -> Iterator[None]:
    """Keep a feed's row away for a while."""
    with from_outside(folder) as db:
        db.execute(f"CREATE TABLE elsewhere AS SELECT * FROM feed WHERE id = '{feed}'")
        lose(folder, feed)
        yield
        db.execute("INSERT INTO feed SELECT * FROM elsewhere")


@pytest.mark.conforms("B59")
def test_an_output_that_cannot_be_composed_keeps_its_bytes_and_harms_no_other(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="s1", topics=("business",))
    tell(store, "north", 1, story="s2", topics=("sport",))
    press.publish(NOW)
    before = served(store)

    lose(tmp_path, "north")
    new = tell(store, "ledger", 1, story="s3", topics=("business",), now=NOW + HOUR)
    published = press.publish(NOW + HOUR)

    broken = {"latest", "top", "topics/sport/latest", "topics/sport/top"}
    assert dict(published.refused) == dict.fromkeys(broken, "KeyError: 'north'")
    after = served(store)
    for name in broken:
        for form in ("atom", "rss", "json"):
            assert after[f"feeds/{name}.{form}"] == before[f"feeds/{name}.{form}"]
    assert new in ids(store, "topics/business/latest")
    assert {edition.spec.name for edition in published.editions} == {
        "topics/business/latest",
        "topics/business/top",
    }


@pytest.mark.conforms("B59")
def test_outputs_that_cannot_be_composed_after_a_restart_keep_their_bytes(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    tell(store, "north", 1, story="s2", topics=("sport",))
    publisher(store, settings).publish(NOW)
    before = served(store)

    lose(tmp_path, "north")
    published = publisher(store, settings).publish(NOW + HOUR)

    assert published.dropped == ()
    before.pop("feeds.opml")  # which lists who is there
    assert before.items() <= served(store).items()
    kept = dict(published.refused)
    assert kept["index.html"] == "top and latest cannot be composed"


@pytest.mark.conforms("B59")
def test_a_page_that_cannot_be_printed_keeps_its_bytes_and_harms_nothing_else(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    """Don't Miss remembers a story whose publisher nobody knows any more."""
    four = settings_for(tmp_path, [*FEEDS, "{url: 'https://coast.example/', id: coast}"], ONE_PLACE)
    store.feeds.configure(four.feeds, now=NOW)
    press = publisher(store, four)
    tell(store, "north", 1, story="s1")
    press.publish(NOW)
    for feed in ("harbour", "ledger"):
        tell(store, feed, 1, story="s2", now=NOW + HOUR)
    press.publish(NOW + HOUR)
    before = served(store)

    with kept_from(tmp_path, "north"):
        told = tell(store, "coast", 1, story="s2", now=NOW + 2 * HOUR)
        published = press.publish(NOW + 2 * HOUR)
        assert dict(published.refused) == {
            "latest": "KeyError: 'north'",
            "index.html": "KeyError: 'north'",
        }
        assert "feeds/top.json" in {rendered.path for rendered in published.documents}
        assert store.outputs.get("index.html") == before["index.html"]

    published = press.publish(NOW + 2 * HOUR)
    assert published.refused == ()
    assert told in ids(store, "latest")
    page = store.outputs.get("index.html")
    assert page is not None
    assert page != before["index.html"]


def test_a_store_that_refuses_to_write_undoes_the_whole_step(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    """No output is half there: a refusal is not taken for a mishap of one output."""
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="s1")
    with from_outside(tmp_path) as db:
        db.refuse("INSERT", "output", "new.path LIKE '%top.rss'")

    with pytest.raises(StoreError, match="no room"):
        press.publish(NOW)
    assert served(store) == {}

    with from_outside(tmp_path) as db:
        db.accept("output")
    assert press.publish(NOW).refused == ()
    before = served(store)
    assert "index.html" in before

    new = tell(store, "north", 1, story="s1", now=NOW + HOUR)
    with from_outside(tmp_path) as db:
        db.refuse("INSERT", "output")
    with pytest.raises(StoreError, match="no room"):
        press.publish(NOW + HOUR)
    assert served(store) == before
    with from_outside(tmp_path) as db:
        db.accept("output")
    press.publish(NOW + HOUR)
    assert new in ids(store, "latest")


def test_an_output_that_could_not_be_composed_is_tried_again_though_nothing_is_new(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="s1")
    press.publish(NOW)
    new = tell(store, "north", 1, story="s2", now=NOW + HOUR)
    tell(store, "ledger", 1, story="s3", now=NOW + HOUR)
    with from_outside(tmp_path) as db:
        db.execute("UPDATE item SET authors = '[' WHERE id = ?", [new])
        changed = press.publish(NOW + HOUR)
        db.execute("UPDATE item SET authors = '[]' WHERE id = ?", [new])
    assert "latest" in dict(changed.refused)
    assert new not in ids(store, "latest")

    press.publish(NOW + HOUR)
    assert new in ids(store, "latest")


def test_a_new_report_shows_under_its_story_at_once_and_a_merged_story_is_one(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="s1")
    tell(store, "harbour", 2, story="s2")
    press.publish(NOW)
    tell(store, "north", 1, story="s1", now=NOW + HOUR)
    press.publish(NOW + HOUR)
    told = {one["id"]: [also["owner"] for also in others(one)] for one in entries(store, "top")}
    assert told == {"s1": ["north.example"], "s2": []}

    tell(store, "ledger", 1, story="s1", merged=("s2",), now=NOW + 2 * HOUR)
    press.publish(NOW + 2 * HOUR)
    (one,) = entries(store, "top")
    assert one["id"] == "s1"
    assert [also["owner"] for also in others(one)] == ["north.example", "ledger.example"]


def test_without_a_top_output_the_front_page_stays_as_it_is(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    tell(store, "harbour", 1, story="s1")
    publisher(store, settings_for(tmp_path, FEEDS, FEWER)).publish(NOW)
    again = publisher(store, settings_for(tmp_path, FEEDS, FEWER)).publish(NOW + HOUR)
    assert again.documents == ()


OUTPUTS = "outputs: [{kind: latest}, {kind: top}]\n"
FEWER = "outputs: [{kind: latest, title: News}]\n"


def test_outputs_that_ops_removed_are_dropped_and_no_other(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    tell(store, "harbour", 1, story="s1")
    wide = settings_for(tmp_path, FEEDS, OUTPUTS)
    publisher(store, wide).publish(NOW)
    before = set(served(store))

    published = publisher(store, settings_for(tmp_path, FEEDS, FEWER)).publish(NOW + HOUR)

    gone = {f"feeds/top.{form}" for form in ("atom", "rss", "json")}
    assert set(published.dropped) == gone
    assert set(served(store)) == before - gone
    assert publisher(store, settings_for(tmp_path, FEEDS, FEWER)).publish(NOW).dropped == ()


@pytest.mark.conforms("B06", "E52")
def test_equal_content_gives_no_new_bytes_and_no_new_time(store: Store, settings: Settings) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="s1", topics=("business",))
    tell(store, "north", 1, story="s1")
    tell(store, "ledger", 1, story="s2", topics=("business",))
    press.publish(NOW)
    before = served(store)
    assert {rendered.changed_at for rendered in before.values()} == {NOW}

    for again in (press, publisher(store, settings)):
        published = again.publish(NOW + HOUR)
        assert (published.documents, published.editions) == ((), ())
    assert served(store) == before

    tell(store, "north", 2, story="s3", topics=("sport",), now=NOW + 2 * HOUR)
    changed = {rendered.path for rendered in press.publish(NOW + 2 * HOUR).documents}
    assert "feeds/topics/sport/latest.atom" in changed
    assert "feeds/topics/business/latest.atom" not in changed


ONE_PLACE = "outputs: [{kind: latest}, {kind: top, limit: 1}]\n"


SILENT = "outputs: [{kind: top, milestones: []}]\n"
LOUD = "outputs: [{kind: top, limit: 8, milestones: [3, 5]}]\n"


@pytest.mark.parametrize(("outputs", "most"), [(SILENT, 0), (LOUD, 2)])
def test_no_story_is_told_anew_more_often_than_at_its_milestones(
    tmp_path: Path, outputs: str, most: int
) -> None:
    """Two days of a dozen publishers who tell of a dozen stories, in any order."""
    names = [f"paper{n}" for n in range(12)]
    feeds = [f"{{id: {name}, url: 'https://{name}.example/feed'}}" for name in names]
    settings = settings_for(tmp_path, feeds, outputs)
    dice = random.Random(7)
    dates: dict[str, set[str]] = defaultdict(set)
    with closing(store_in(tmp_path)) as store:
        store.feeds.configure(settings.feeds, now=NOW)
        press = publisher(store, settings)
        for step in range(96):
            now = NOW + step * HOUR / 2
            tell(store, dice.choice(names), step, story=f"s{dice.randrange(12)}", now=now)
            press.publish(now)
            for one in entries(store, "top"):
                dates[one["id"]].add(one["date_modified"])
    assert max(map(len, dates.values())) == most + 1


def test_a_story_that_merges_while_it_stands_in_top_keeps_its_entry_id(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    """It stands; what it merges into, and that again, did not."""
    press = publisher(store, settings_for(tmp_path, FEEDS, ONE_PLACE))
    face = tell(store, "harbour", 1, story="known")
    tell(store, "north", 1, story="known")
    tell(store, "ledger", 1, story="second")
    press.publish(NOW)
    (first,) = entries(store, "top")
    assert first["id"] == "known"

    tell(store, "ledger", 2, story="second", merged=("known",), now=NOW + HOUR)
    press.publish(NOW + HOUR)
    (held,) = entries(store, "top")
    assert (held["id"], held["url"]) == ("known", first["url"])
    assert store.outputs.members("top")["second"].face == face

    tell(store, "north", 2, story="third", merged=("second",), now=NOW + 2 * HOUR)
    publisher(store, settings_for(tmp_path, FEEDS, ONE_PLACE)).publish(NOW + 2 * HOUR)
    assert ids(store, "top") == ["known"]


def test_of_two_standing_stories_that_turn_out_to_be_one_the_kept_one_goes_on(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    for story, number in (("one", 1), ("other", 2)):
        tell(store, "harbour", number, story=story)
        tell(store, "north", number, story=story)
    press.publish(NOW)
    assert sorted(ids(store, "top")) == ["one", "other"]

    tell(store, "ledger", 1, story="one", merged=("other",), now=NOW + HOUR)
    press.publish(NOW + HOUR)
    assert ids(store, "top") == ["one"]

    tell(store, "ledger", 2, story="one", now=NOW + 2 * HOUR)
    assert press.publish(NOW + 2 * HOUR).refused == ()
    assert ids(store, "top") == ["one"]


def test_a_story_that_has_left_top_does_not_return_under_the_id_that_it_merged_into(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="known")
    tell(store, "north", 1, story="known")
    press.publish(NOW)
    assert ids(store, "top") == ["known"]
    later = NOW + 80 * HOUR
    press.publish(later)
    assert ids(store, "top") == []

    tell(store, "ledger", 2, story="other", merged=("known",), now=later)
    tell(store, "harbour", 3, story="other", now=later)
    press.publish(later)
    assert ids(store, "top") == []
    publisher(store, settings).publish(later + HOUR)
    assert ids(store, "top") == []


def test_a_late_copy_brings_no_story_back_that_was_told_weeks_ago(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    tell(store, "harbour", 1, story="known")
    tell(store, "north", 1, story="known")
    press.publish(NOW)
    press.publish(NOW + 80 * HOUR)
    later = NOW + 30 * 24 * HOUR
    store.tidy(later - 14 * 24 * HOUR)

    tell(store, "ledger", 2, story="known", now=later)
    publisher(store, settings).publish(later)
    assert ids(store, "top") == []


def test_only_who_still_reports_a_story_lends_it_weight(store: Store, settings: Settings) -> None:
    for number, feed in enumerate(("harbour", "north")):
        tell(store, feed, number, story="old")
    later = NOW + 80 * HOUR
    tell(store, "ledger", 2, story="old", now=later)
    material = Material(store)
    material.refresh(later)
    (held,) = material.ranked()
    assert (held.owners, held.weight) == (1, 1.0)


def test_an_output_taken_out_of_the_configuration_keeps_no_item_alive(
    store: Store, settings: Settings
) -> None:
    tell(store, "harbour", 1, story="s1")
    tell(store, "harbour", 2, story="s2")
    seen = [stored.item.id for stored in store.items.all()]
    store.outputs.show("removed", seen)
    assert store.items.prune(NOW + 9 * HOUR, 9) == 0
    publisher(store, replace(settings, outputs=())).publish(NOW)
    assert store.items.prune(NOW + 9 * HOUR, 9) == 1, "the last one filed always stays"
