"""Pages of stories, from a real store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.model.editions import Rendered
from aggregator.service.desk import Desk
from aggregator.service.storypages import Moved
from aggregator.settings import Settings
from aggregator.storage import Store
from aggregator.storage.sqlite.store import SqliteStore
from tests.service.newsroom import tell
from tests.service.stage import NOW, settings_for, store_in
from tests.service.test_publish import FEEDS

pytestmark = pytest.mark.usefixtures("engine")

FERRY = "urn:uuid:11111111-1111-4111-8111-111111111111"
STORM = "urn:uuid:22222222-2222-4222-8222-222222222222"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS)


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Store]:
    held = store_in(tmp_path)
    held.feeds.configure(settings.feeds, now=NOW)
    yield held
    held.close()


def key(story: str) -> str:
    return story.removeprefix("urn:uuid:")


def test_a_story_is_told_with_all_who_report_it(store: Store, settings: Settings) -> None:
    for number, feed in enumerate(("harbour", "north", "ledger")):
        tell(store, feed, number, story=FERRY)
    desk = Desk.over(store, settings)
    desk.publisher.publish(NOW)

    page = desk.stories.page(key(FERRY))

    assert isinstance(page, Rendered)
    assert page.path == f"stories/{key(FERRY)}/index.html"
    assert b"Reported by 3 owners" in page.body
    assert b"north tells 1" in page.body
    assert desk.stories.page(key(FERRY)) == page
    assert desk.stories.standing() == (page,)


def test_publishers_are_read_once_however_many_stories_stand(
    store: Store, settings: Settings
) -> None:
    if not isinstance(store, SqliteStore):
        pytest.skip("statements are counted as SQLite tells of them")
    desk = Desk.over(store, settings)
    asked = []
    for start, story in ((0, FERRY), (10, STORM)):
        for number, feed in enumerate(("harbour", "north"), start=start):
            tell(store, feed, number, story=story)
        desk.publisher.publish(NOW)
        queries: list[str] = []
        store._connection.db.set_trace_callback(queries.append)
        assert len(desk.stories.standing()) == start // 10 + 1
        store._connection.db.set_trace_callback(None)
        asked.append(sum("FROM feed" in sql for sql in queries))
    assert asked[0] == asked[1] > 0


def test_a_story_that_merged_is_found_under_its_new_id(store: Store, settings: Settings) -> None:
    tell(store, "harbour", 1, story=FERRY)
    tell(store, "north", 2, story=STORM)
    tell(store, "ledger", 3, story=STORM, merged=(FERRY,))

    found = Desk.over(store, settings).stories.page(key(FERRY))

    assert found == Moved(path=f"stories/{key(STORM)}")


@pytest.mark.parametrize(
    "asked", ["", "x", key(FERRY), "11111111-1111-4111-8111-11111111111G", FERRY, "../index"]
)
def test_what_names_no_story_has_no_page(store: Store, settings: Settings, asked: str) -> None:
    assert Desk.over(store, settings).stories.page(asked) is None


def test_stories_that_stand_lead_to_each_other_in_the_order_in_which_they_came(
    store: Store, settings: Settings
) -> None:
    desk = Desk.over(store, settings)
    for start, story in ((0, FERRY), (10, STORM)):
        for number, feed in enumerate(("harbour", "north", "ledger"), start=start):
            tell(store, feed, number, story=story)
        desk.publisher.publish(NOW)

    ferry, storm = (desk.stories.page(key(story)) for story in (FERRY, STORM))

    assert isinstance(ferry, Rendered)
    assert isinstance(storm, Rendered)
    assert f'rel="next" href="/stories/{key(STORM)}"'.encode() in ferry.body
    assert f'rel="prev" href="/stories/{key(FERRY)}"'.encode() in storm.body
