"""``aggregator explain``: every decision about an item, from the store alone."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from aggregator.cli import main
from aggregator.service.desk import Desk
from aggregator.service.searching import index_some
from tests.service.stage import (
    HOUR,
    NOW,
    bring,
    entry,
    environ_in,
    from_outside,
    settings_for,
    store_in,
)

FEEDS = [
    "{id: harbour, url: 'https://harbour.example/feed', owner: Harbour, topics: [world]}",
    "{id: north, url: 'https://north.example/feed', owner: North}",
]
TITLE = "Ferry with two hundred aboard runs aground off Port Maren"
TEASER = (
    "The coast guard said that nobody was hurt when the ferry from the islands ran onto a sandbank"
    " in a heavy swell on Tuesday, and that tugs would try again at high tide"
)
LEAD = "urn:x-harbour:1"


def explain(place: Path, *arguments: str) -> Result:
    files = ["--feeds", f"{place}/feeds.yaml", "--config", str(place), "--data", str(place)]
    words = [*files, "--log", "error", "explain", *arguments]
    return CliRunner().invoke(main, words, env=environ_in(place))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the folder of an installation with an item, known again and renamed, and its copy."""
    settings = settings_for(tmp_path, FEEDS)
    with closing(store_in(tmp_path)) as store:
        store.feeds.configure(settings.feeds, now=NOW)
        desk = Desk.over(store, settings)
        link = "https://harbour.example/news/ferry-aground-101234"
        first = entry("harbour", 1, TITLE, TEASER, link=link, canonical=link)
        bring(store, "harbour", [first])
        bring(store, "north", [entry("north", 2, TITLE, TEASER)], now=NOW + HOUR)
        desk.bring_out(NOW + HOUR)
        again = replace(first, guid="new-id", title=f"{TITLE}, again", digest="x")
        bring(store, "harbour", [again], now=NOW + 2 * HOUR)
    return tmp_path


def test_an_item_is_found_by_id_address_or_part_of_its_title(place: Path) -> None:
    by_id = explain(place, LEAD)
    assert by_id.exit_code == 0
    for name in ("http://www.harbour.example/news/ferry-aground-101234?utm_source=x", "MAREN, AG"):
        assert explain(place, name).output == by_id.output
    both = explain(place, "runs aground")
    assert both.output.count("  id  ") == 2


def test_an_item_of_long_ago_is_found_by_whole_words_of_its_title(place: Path) -> None:
    with closing(store_in(place)) as store:
        assert index_some(store)
    with from_outside(place) as db:
        db.execute("UPDATE item SET seq = 20000 WHERE feed = 'north'")
    assert explain(place, "hundred aboard ru").output.count("  id  ") == 2
    assert explain(place, "dred aboard ru").output.count("  id  ") == 1


def test_what_is_nowhere_is_said_so(place: Path) -> None:
    found = explain(place, "100%_sure")
    assert found.exit_code == 1
    assert 'no item is called "100%_sure"' in found.output


def test_it_tells_ids_headlines_copies_story_and_topics(place: Path) -> None:
    told = explain(place, LEAD).output
    for line in (
        f"{TITLE}, again",
        f"  known as   guid:{LEAD}, as it came",
        "  known as   guid:new-id, since 2026-03-02 14:00Z: same-page-under-another-guid 1.00",
        f"  was called {TITLE} (until 2026-03-02 14:00Z)",
        "  copy       of nothing",
        f"  also at    {TITLE} [north] urn:x-north:2: same-title-and-teaser 1.00",
        "  topic      world 1.00: ",
        "  in top     it stands at place 1 since 2026-03-02 13:00 UTC",
        "  in topics/world/top it stands at place 1 since ",
    ):
        assert line in told
    copy = explain(place, "urn:x-north:2").output
    assert f"  copy       of {TITLE}, again [harbour] {LEAD}: same-title-and-teaser 1.00" in copy


def test_as_json_it_tells_the_same_to_programs(place: Path) -> None:
    (lead,) = json.loads(explain(place, LEAD, "--json").stdout)
    (copy,) = json.loads(explain(place, "urn:x-north:2", "--json").stdout)
    assert [name["rule"] for name in lead["names"]] == [None, "same-page-under-another-guid"]
    assert [former["title"] for former in lead["headlines"]] == [TITLE]
    assert copy["copy_of"]["id"] == lead["id"] == LEAD
    assert copy["because"] == lead["copies"][0]["because"] == "same-title-and-teaser 1.00"
    assert (lead["story"], lead["story_items"]) == (copy["story"], 2)
