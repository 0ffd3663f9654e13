"""Back up, and restore elsewhere: from the command line."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from aggregator.storage import open_store


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with closing(open_store("sqlite:///data/aggregator.sqlite3", root=tmp_path)) as store:
        store.notes.put("installation", "abc")
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_backup_in_a_folder_is_named_by_date_and_restored_elsewhere(here: Path) -> None:
    (here / "kept").mkdir()
    made = call("backup", "kept")
    assert made.exit_code == 0, made.output
    (copy,) = (here / "kept").iterdir()
    assert f"backed up to kept/{copy.name}: 0 feeds, 0 items" in made.output
    assert made.output.rstrip().endswith("checked")

    back = call("--data", "other", "restore", f"kept/{copy.name}", "--json")
    assert back.exit_code == 0, back.output
    assert json.loads(back.output)["rows"]["note"] == 1
    with closing(open_store("sqlite:///aggregator.sqlite3", root=here / "other")) as store:
        assert store.notes.get("installation") == "abc"


def test_a_folder_that_is_asked_for_by_a_slash_is_made(here: Path) -> None:
    for _ in range(2):
        call("backup", "new/kept/")
    assert (here / "new" / "kept").is_dir()
    assert call("restore", "new/kept").stderr.endswith("is a folder; name a file in it\n")


def test_a_backup_needs_no_feeds_that_can_be_read(here: Path) -> None:
    (here / "feeds.yaml").write_text("feeds: [", encoding="utf-8")
    assert call("backup", "copy").exit_code == 0


def test_a_name_that_is_taken_is_refused_with_1(here: Path) -> None:
    (here / "copy").write_text("mine", encoding="utf-8")
    refused = call("backup", "copy")
    assert refused.exit_code == 1
    assert "aggregator: copy: is there already, and nothing is overwritten" in refused.stderr
    assert (here / "copy").read_text("utf-8") == "mine"
