"""What an edit would do is told before it goes live, and nothing is done."""

import json
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from aggregator.cli import main
from aggregator.service import clock
from aggregator.service.desk import Desk
from aggregator.service.house import settled
from aggregator.storage import open_store
from tests.service.stage import bring, entry, settings_for

DATABASE = "aggregator.sqlite3"
FEEDS = ("{id: a, url: 'https://a.example/rss'}", "{id: b, url: 'https://b.example/rss'}")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with settings and a store that has served two feeds with the same articles."""
    settings = settings_for(tmp_path, FEEDS, "outputs: [{kind: latest}, {kind: top}]")
    now = clock.now()
    words = [
        "ferry",
        "harbour",
        "lighthouse",
        "library",
        "council",
        "orchestra",
        "glacier",
        "volcano",
        "bakery",
    ]
    with closing(open_store(f"sqlite:///{DATABASE}", root=tmp_path)) as store:
        settings = replace(settings, site=settled(settings.site, store))
        store.feeds.configure(settings.feeds, now=now)
        for name in ("a", "b"):
            listed = [
                entry(
                    name,
                    number,
                    f"The {word} opens again",
                    canonical=f"https://shared.example/{number}",
                    published=now - timedelta(minutes=number),
                )
                for number, word in enumerate(words)
            ]
            bring(store, name, listed, now=now)
        Desk.over(store, settings).bring_out(now)
    return tmp_path


def plan(place: Path, *options: str) -> str:
    where = ["--feeds", str(place / "feeds.yaml"), "--config", str(place), "--data", str(place)]
    done = CliRunner().invoke(main, [*where, "check", "--plan", *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_an_edit_that_changes_nothing_says_so_but_for_feeds_that_are_one(place: Path) -> None:
    found: dict[str, Any] = json.loads(plan(place, "--json"))
    assert found["added"] == found["removed"] == found["readdressed"] == []
    ((one, other, because),) = found["twins"]
    assert (one, other) == ("a", "b")
    assert "9 of 9 articles" in because
    assert [(each["gains"], each["losses"]) for each in found["outputs"]] == [([], [])] * 2


def test_feeds_and_headlines_that_come_and_go_are_named_and_nothing_is_done(place: Path) -> None:
    before = sha256((place / DATABASE).read_bytes()).hexdigest()
    files = sorted(path.name for path in place.iterdir())
    (place / "feeds.yaml").write_text(
        "feeds: [{id: a, url: 'https://a.example/new'}, 'https://c.example/rss']\n"
    )
    (place / "outputs.yaml").write_text(
        "outputs:\n"
        "  - {kind: latest, limit: 5}\n"
        "  - {kind: latest, name: quay, only: {words: {any: ferry}}}\n"
    )

    told = plan(place)

    assert "1 feed added: c-example-rss" in told
    assert "1 feed removed: b" in told
    assert "1 feed asked at another address: a" in told
    assert "latest: +0 -4" in told
    assert "quay: +1 -0\n  + The ferry opens again" in told
    assert "feeds/top.json (gone): +0 -" in told
    assert sha256((place / DATABASE).read_bytes()).hexdigest() == before
    left = {name for name in files if not name.endswith(("-wal", "-shm"))}
    assert {path.name for path in place.iterdir()} >= left
