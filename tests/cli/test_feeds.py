"""``aggregator feeds`` over a publisher of three feeds."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from aggregator.storage import open_store
from tests.origin import Origin, answer
from tests.service.stage import item, rss

pytestmark = pytest.mark.slow

SERVICE = "reach: {allow_private: 127.0.0.0/8}\npoliteness: {spacing: 0s, start_rate: 1000}\n"


def run(place: Path, *arguments: str) -> Result:
    files = ["--feeds", f"{place}/feeds.yaml", "--config", str(place), "--data", str(place)]
    return CliRunner().invoke(main, [*files, "--log", "error", *arguments])


@pytest.fixture
def place(tmp_path: Path, origin: Origin) -> Path:
    """Return a folder of settings: a feed that is well, one that fails, one that is new."""
    origin.script("/a", answer(200, rss(item(1)), {"ETag": '"1"'}))
    origin.script("/b", answer(500))
    urls = [f"{{id: {name}, url: '{origin.url(f'/{name}')}'}}" for name in "ab"]
    (tmp_path / "service.yaml").write_text(SERVICE, encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(f"feeds: [{', '.join(urls)}]\n", encoding="utf-8")
    return tmp_path


def test_before_the_first_run_it_says_what_is_missing(place: Path) -> None:
    found = run(place, "feeds")
    assert found.exit_code == 1
    assert "there is no database yet; `aggregator run` makes it" in found.output


@pytest.mark.conforms("A69")
def test_each_feed_is_shown_with_its_state_visits_and_politeness(place: Path) -> None:
    run(place, "poll")

    found = run(place, "feeds")

    assert found.exit_code == 1
    rows = {line.split()[0]: line for line in found.stdout.splitlines() if line}
    assert "well" in rows["a"]
    assert "s ago, fetched" in rows["a"]
    assert "100" in rows["a"]
    assert "failing (1)" in rows["b"]
    assert "HTTP 500 Internal Server Error" in rows["b"]
    assert "2 feeds, 1 not well; least polite: a, 100 of 100" in found.stdout
    assert run(place, "feeds", "a").exit_code == 0


def test_as_json_it_tells_the_same_to_programs(place: Path) -> None:
    run(place, "poll")
    (place / "feeds.yaml").write_text(
        (place / "feeds.yaml").read_text().replace("]", ", 'https://new.example/feed']")
    )

    found = run(place, "feeds", "--json")

    a, b, new = json.loads(found.stdout)
    assert (a["feed"], a["state"], a["well"], a["gaps"]) == ("a", "well", True, 0)
    assert a["last"]["outcome"] == "fetched"
    assert (a["last"]["status"], a["last"]["requests"], a["last"]["new"]) == (200, 1, 1)
    assert a["last"]["bytes"] == len(rss(item(1)))
    assert a["next"] > a["last"]["at"]
    assert a["politeness"] == {"points": 100, "visits": 1, "faults": [], "remarks": []}
    assert (b["state"], b["failures"], b["error"]) == (
        "failing",
        1,
        "HTTP 500 Internal Server Error",
    )
    assert (new["state"], new["last"], new["next"]) == ("not asked yet", None, None)


def test_a_name_that_is_no_feed_is_refused(place: Path) -> None:
    found = run(place, "feeds", "nobody")
    assert found.exit_code == 2
    assert '"nobody" is no feed in feeds.yaml' in found.output


def test_it_reads_beside_a_service_that_runs(place: Path) -> None:
    run(place, "poll")
    with closing(open_store("sqlite:///aggregator.sqlite3", root=place)) as store:
        store.notes.put("busy", "yes")
        assert "fetched" in run(place, "feeds").stdout
