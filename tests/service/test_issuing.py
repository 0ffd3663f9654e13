"""Digests, issue after issue, from a real store."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.service.publish import Publisher
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.newsroom import assign, entries, publisher, served, tell
from tests.service.stage import HOUR, NOW, bring, entry, settings_for, store_in

pytestmark = pytest.mark.usefixtures("engine")

FEEDS = [
    f"{{id: {name}, url: 'https://{name}.example/'}}" for name in ("harbour", "north", "ledger")
]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
OUTPUTS = """
outputs:
  - kind: digest
    name: noon
    title: At noon
    schedule: every day at 13:00 Europe/Berlin, top 2
    limit: 2
    milestones: [2, 3]
  - {kind: digest, name: items, schedule: "every day at 12:00, latest 2"}
"""
NOON = NOW  # 13:00 in Berlin, where it is winter


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS, OUTPUTS)


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Store]:
    held = store_in(tmp_path)
    held.feeds.configure(settings.feeds, now=NOW - DAY)
    yield held
    held.close()


def started(store: Store, settings: Settings, at: datetime = NOON - HOUR) -> Publisher:
    press = publisher(store, settings)
    press.publish(at)
    return press


def headlines(store: Store, name: str = "noon") -> list[tuple[str, int]]:
    """Return title and number of headlines of each issue."""
    return [(one["title"], one["content_html"].count("<li>")) for one in entries(store, name)]


def test_an_issue_comes_out_once_at_its_time_and_stays_as_it_is(
    store: Store, settings: Settings
) -> None:
    press = started(store, settings)
    for number, story in enumerate("abc"):
        tell(store, "harbour", number, story=story, now=NOON - HOUR)
    press.publish(NOON - MINUTE)
    assert entries(store, "noon") == []

    press.publish(NOON)
    assert headlines(store) == [("At noon: Monday, 2 March 2026", 2)]
    before = served(store)
    page = before["digests/noon/2026-03-02/index.html"]
    assert b">At noon: Monday, 2 March 2026</h1>" in page.body
    tell(store, "north", 9, story="a", now=NOON + HOUR)
    press.publish(NOON + HOUR)
    publisher(store, settings).publish(NOON + 2 * HOUR)
    assert {p: r for p, r in served(store).items() if "noon" in p} == {
        p: r for p, r in before.items() if "noon" in p
    }


def test_what_an_issue_told_is_told_again_only_when_it_has_grown(
    store: Store, settings: Settings
) -> None:
    press = started(store, settings)
    for number, story in enumerate("ab"):
        tell(store, "harbour", number, story=story)
    press.publish(NOON)
    tell(store, "harbour", 7, story="a", now=NOON + DAY)  # no further owner
    tell(store, "north", 7, story="b", now=NOON + DAY)
    tell(store, "ledger", 7, story="new", now=NOON + DAY)
    press.publish(NOON + DAY)
    (issue, _) = entries(store, "noon")
    told = [title for title in ("harbour tells 0", "harbour tells 1", "ledger tells 7")
            if title in issue["content_html"]]  # fmt: skip
    assert told == ["harbour tells 1", "ledger tells 7"]


def test_an_issue_of_items_lists_what_came_since_the_last_one(
    store: Store, settings: Settings
) -> None:
    press = started(store, settings)
    for number in range(3):
        tell(store, ("harbour", "north", "ledger")[number], number, story="s")
    press.publish(NOON)
    tell(store, "north", 7, story="s", now=NOON + DAY)
    press.publish(NOON + DAY)
    assert [count for _, count in headlines(store, "items")] == [1, 2]


def test_what_was_stored_before_an_issue_and_filed_after_it_is_in_the_next(
    store: Store, settings: Settings
) -> None:
    press = started(store, settings)
    for feed in ("north", "ledger"):
        tell(store, feed, 1, story="s", now=NOON - HOUR)
    one = entry("north", 2, "Stored in time", published=NOON - HOUR / 2)
    (late,) = bring(store, "north", [one], now=NOON)
    press.publish(NOON)
    assign(store, late, story="s")
    tell(store, "ledger", 3, story="s", now=NOON)  # in the very second of the issue
    press.publish(NOON + DAY)
    assert listed(store) == ["Stored in time", "ledger tells 3"]

    old = entry("ledger", 4, "There before", published=NOON - 9 * DAY)
    (late,) = bring(store, "ledger", [old], now=NOON + DAY + HOUR)
    assign(store, late, story="s")
    tell(store, "north", 5, story="s", now=NOON + DAY + HOUR)
    press.publish(NOON + 2 * DAY)
    assert listed(store) == ["north tells 5"]


def listed(store: Store) -> list[str]:
    """Return the headlines of the last issue of items, in order of name."""
    return sorted(
        re.findall(r'<strong><a href="[^"]*">([^<]*)', entries(store, "items")[0]["content_html"])
    )


def test_missed_issues_are_made_up_for_by_one_once_the_news_is_in(
    store: Store, settings: Settings
) -> None:
    started(store, settings)
    tell(store, "harbour", 1, story="a")
    back = NOON + 3 * DAY + 2 * HOUR
    press = started(store, settings, back)
    assert entries(store, "noon") == []  # feeds are asked first

    tell(store, "harbour", 2, story="b", now=back)
    press.publish(back + MINUTE)
    assert [title for title, _ in headlines(store)] == ["At noon: Thursday, 5 March 2026"]


def test_a_missed_issue_does_not_wait_for_news_for_ever(store: Store, settings: Settings) -> None:
    started(store, settings)
    tell(store, "harbour", 1, story="a")
    press = started(store, settings, NOON + 2 * HOUR)
    press.publish(NOON + 2 * HOUR + 5 * MINUTE)
    assert len(entries(store, "noon")) == 1


def test_a_new_digest_begins_with_the_next_issue_and_an_empty_one_waits(
    store: Store, settings: Settings
) -> None:
    press = started(store, settings, NOON + HOUR)
    tell(store, "harbour", 1, story="a", now=NOON + HOUR)
    press.publish(NOON + 2 * HOUR)
    assert entries(store, "noon") == []

    later = NOON + 5 * DAY  # nothing was reported for long
    press.publish(later)
    assert entries(store, "noon") == []
    tell(store, "harbour", 2, story="b", now=later + HOUR)
    press.publish(later + HOUR)
    assert len(entries(store, "noon")) == 1


def test_a_clock_that_is_set_back_makes_no_second_issue(store: Store, settings: Settings) -> None:
    press = started(store, settings)
    tell(store, "harbour", 1, story="a")
    press.publish(NOON)
    for at in (NOON - HOUR, NOON - DAY, NOON, NOON + MINUTE):
        press.publish(at)
    assert len(entries(store, "noon")) == 1


def test_a_digest_keeps_its_limit_and_old_issues_are_gone(store: Store, settings: Settings) -> None:
    press = started(store, settings)
    dropped: list[Any] = []
    for day in range(4):
        tell(store, "harbour", day, story=f"s{day}", now=NOON + day * DAY)
        dropped += press.publish(NOON + day * DAY).dropped
    assert len(entries(store, "noon")) == 2
    assert dropped == [f"digests/noon/2026-03-0{n}/index.html" for n in (2, 3)]
    assert set(dropped) <= store.outputs.retired()
    assert "digests/noon/2026-03-05/index.html" in served(store)
    assert publisher(store, settings).publish(NOON + 4 * DAY).dropped == ()
