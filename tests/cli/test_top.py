"""``aggregator top``: the list, the sums, the reasons."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from aggregator.service import clock
from tests.service.newsroom import publisher, tell
from tests.service.stage import HOUR, environ_in, settings_for, store_in

FEEDS = [
    f"{{id: {name}, url: 'https://{name}.example/'}}" for name in ("harbour", "north", "ledger")
]
OUTPUTS = "outputs: [{kind: top, limit: 1}, {kind: latest}]\n"


@pytest.fixture
def item(tmp_path: Path) -> str:
    """Publish two stories where one has its place; return an item of the other."""
    settings = settings_for(tmp_path, FEEDS, OUTPUTS)
    store = store_in(tmp_path)
    now = clock.now()
    store.feeds.configure(settings.feeds, now=now)
    for feed in ("harbour", "north", "ledger"):
        tell(store, feed, 1, story="urn:uuid:great", title="Ferry runs aground", now=now - HOUR)
    small = tell(store, "north", 2, story="urn:uuid:small", title="Bread dearer", now=now - HOUR)
    publisher(store, settings).publish(now)
    store.close()
    return small


def ask(folder: Path, *arguments: str) -> Result:
    place = ("--feeds", "feeds.yaml", "--config", ".", "--data", ".")
    where = [str(folder / part) if not part.startswith("-") else part for part in place]
    return CliRunner().invoke(main, [*where, "top", *arguments], env=environ_in(folder))


def test_the_list_is_shown_with_sums_and_reasons_and_who_is_next(tmp_path: Path, item: str) -> None:
    told = ask(tmp_path).output
    assert "  1. Ferry runs aground\n" in told
    assert " = owners 3.00 " in told
    assert "it stands at place 1 since" in told
    assert "harbour.example, north.example, ledger.example" in told
    assert "   - Bread dearer\n" in told
    assert "one owner alone reports it, and several report 1 others" in told


def test_one_story_is_asked_about_by_its_id_or_an_items(tmp_path: Path, item: str) -> None:
    for name in (item, "urn:uuid:small", "small"):
        (one,) = json.loads(ask(tmp_path, "--why", name, "--json").output)
        assert (one["place"], one["title"], one["story"]) == (
            None,
            "Bread dearer",
            "urn:uuid:small",
        )
        assert sum(one["parts"].values()) == pytest.approx(one["score"], abs=0.001)
    unknown = ask(tmp_path, "--why", "nothing")
    assert unknown.exit_code == 1
    assert "no story and no item has this id" in unknown.output


def test_a_name_that_is_no_top_output_is_refused(tmp_path: Path, item: str) -> None:
    refused = ask(tmp_path, "latest")
    assert refused.exit_code == 2
    assert '"latest" is no top output; there are: top' in refused.output
