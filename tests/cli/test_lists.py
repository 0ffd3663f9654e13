"""Feeds come from other programs, go to them, and are removed: feeds.yaml stays its owner's."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from aggregator.cli import main

FEEDS = """\
# mine
feeds:
  # World

  - url: https://gazette.example/rss   # the old one
    topics: world
    # it is slow

  - https://courier.example/rss

  # Science
  - id: orrery
    url: https://orrery.example/feed
"""
OPML = b"""<opml version="2.0"><body><outline text="Science">
<outline text="Tide" xmlUrl="https://tide.example/rss"/>
<outline text="Gazette" xmlUrl="http://www.gazette.example/rss/"/></outline>
<outline text="Odds"><outline text="Tide again" xmlUrl="https://tide.example/rss"/>
<outline text="Lamp" xmlUrl="gopher://lamp.example/"/>
<outline text="Buoy" xmlUrl="https://buoy.example/atom"/></outline></body></opml>"""


@pytest.fixture
def feeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "feeds.yaml").write_text(FEEDS, encoding="utf-8")
    (tmp_path / "list.opml").write_bytes(OPML)
    return tmp_path / "feeds.yaml"


def call(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def test_feeds_of_a_list_are_added_and_every_line_before_stays(feeds: Path) -> None:
    done = call("import", "list.opml")
    assert done.exit_code == 0, done.output
    assert feeds.read_text("utf-8") == FEEDS + (
        "\n  - url: https://tide.example/rss\n    title: Tide\n    topics: science\n"
        "\n  - url: https://buoy.example/atom\n    title: Buoy\n"
    )
    assert "added 2 feeds to feeds.yaml, from line 15 on" in done.stdout
    assert call("check").exit_code == 0


def test_duplicates_and_what_cannot_be_polled_are_told(feeds: Path) -> None:
    told = call("import", "-", "--dry-run", given=OPML)
    assert "note: line 5 lists http://www.gazette.example/rss/ already" in told.stderr
    assert "note: https://tide.example/rss was named before" in told.stderr
    assert "note: gopher://lamp.example/ cannot be polled: " in told.stderr
    assert "note: no topic has the name of these folders: Odds" in told.stderr
    assert "would add 2 feeds" in told.stdout
    assert feeds.read_text("utf-8") == FEEDS


def test_a_list_imported_twice_adds_nothing(feeds: Path) -> None:
    call("import", "list.opml", "--topic", "sport")
    once = feeds.read_text("utf-8")
    assert once.count("sport") == 2
    again = call("import", "list.opml")
    assert (again.exit_code, again.stdout) == (1, "nothing to add\n")
    assert feeds.read_text("utf-8") == once


def test_a_list_may_begin_the_file(feeds: Path) -> None:
    feeds.unlink()
    assert call("import", "list.opml").exit_code == 0
    assert call("check").exit_code == 0
    assert feeds.read_text("utf-8").startswith("# The feeds to poll.")


def test_what_is_exported_can_be_imported_elsewhere(feeds: Path) -> None:
    assert call("export", "out.opml").exit_code == 0
    assert call("export").stdout_bytes.startswith(b"<?xml")
    urls = etree.parse("out.opml").xpath("//@xmlUrl")
    assert urls == [
        "https://gazette.example/rss",
        "https://courier.example/rss",
        "https://orrery.example/feed",
    ]
    taken = call("export", "out.opml")
    assert taken.exit_code == 2
    assert "nothing is overwritten" in taken.output
    feeds.unlink()
    assert call("import", "out.opml").exit_code == 0
    assert "topics: world" in feeds.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("orrery", FEEDS.replace("  - id: orrery\n    url: https://orrery.example/feed\n", "")),
        (
            "http://www.courier.example/rss/",
            FEEDS.replace("  - https://courier.example/rss\n\n", ""),
        ),
        (
            "gazette-example-rss",
            FEEDS.replace(
                "  - url: https://gazette.example/rss   # the old one\n"
                "    topics: world\n    # it is slow\n\n",
                "",
            ),
        ),
    ],
)
def test_a_feed_is_removed_and_every_other_line_stays(feeds: Path, name: str, left: str) -> None:
    done = call("remove", name)
    assert done.exit_code == 0, done.output
    assert feeds.read_text("utf-8") == left
    assert call("check").exit_code == 0


def test_a_feed_that_is_not_listed_cannot_be_removed(feeds: Path) -> None:
    told = call("remove", "tide")
    assert told.exit_code == 1
    assert 'feeds.yaml has no feed "tide"' in told.stderr
    assert call("remove", "orrery", "--dry-run").stdout.startswith(
        "would remove the feed on line 12"
    )
    assert feeds.read_text("utf-8") == FEEDS


def test_settings_that_speak_of_a_removed_feed_are_named(feeds: Path) -> None:
    Path("config").mkdir()
    Path("config/outputs.yaml").write_text(
        "outputs:\n- {name: sky, kind: latest, only: {feeds: [orrery]}}\n", encoding="utf-8"
    )
    assert "mend this, too: config/outputs.yaml:2:" in call("remove", "orrery").stderr
