"""The database, looked at and brought up to date from the command line."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from aggregator.storage import open_store
from aggregator.storage.sqlite.versions import ORDER
from tests.storage.test_upgrade import first_schema
from tests.stores import Hand

FILE = "aggregator.sqlite3"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--data", "d", "db", *arguments])


def test_before_the_first_run_there_is_none(here: Path) -> None:
    told = call("status")
    assert told.exit_code == 0
    assert "there is no database yet" in told.output
    assert call("upgrade").exit_code == 0
    assert not (here / "d").exists()


def test_the_database_of_a_service_that_runs_is_told(here: Path) -> None:
    with closing(open_store(f"sqlite:///{FILE}", root=here / "d")):
        told = call("status")
    assert told.exit_code == 0
    assert f"d/{FILE}: up to date" in told.output
    assert "in use by a service" in told.output
    assert "story_voice" in told.output
    assert json.loads(call("status", "--json").output)["rows"]["item"] == 0


def test_an_older_one_is_upgraded_with_a_backup_and_then_compacted(here: Path) -> None:
    first_schema(here / "d").rename(here / "d" / FILE)
    assert f"of an older version ({', '.join(ORDER[1:])} to be done)" in call("status").output
    done = call("upgrade")
    assert done.exit_code == 0, done.output
    assert f"is in d/{FILE}.before-{ORDER[1]}" in done.output
    assert "up to date already" in call("upgrade").output
    assert "bytes before" in call("compact").output


def test_what_this_version_cannot_use_ends_with_1(here: Path) -> None:
    open_store(f"sqlite:///{FILE}", root=here / "d").close()
    with closing(Hand(f"sqlite:///{here}/d/{FILE}")) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('aggregator', 'of_next_year', '')"
        )
    told = call("status")
    assert told.exit_code == 1
    assert "written by a newer version (of_next_year); run that" in told.output
    assert call("upgrade").exit_code == 1
    (here / "d" / FILE).write_bytes(b"Dear ferry")
    assert call("status").exit_code == 1
