"""Is everything here that it needs? Each line ok, warn or fail, with what to do."""

import json
import os
import shutil
import socket
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.model.feeds import Feed
from aggregator.service import clock, doctor
from aggregator.storage import open_store
from tests.origin import Origin, answer

URL = "sqlite:///aggregator.sqlite3"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "feeds.yaml").write_text("feeds: ['http://127.0.0.1/rss']\n", encoding="utf-8")
    furnish(tmp_path, "https://news.example")
    return tmp_path


def furnish(folder: Path, base: str) -> None:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    (folder / "config" / "service.yaml").write_text(
        f"listen: {{port: {port}}}\nsite: {{base_url: '{base}', contact: ops@news.example}}\n",
        encoding="utf-8",
    )


def told() -> tuple[int, dict[str, tuple[str, str]]]:
    done = CliRunner().invoke(main, ["--data", "d", "doctor", "--json"])
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    return done.exit_code, {each["name"]: (each["standing"], each["text"]) for each in findings}


def test_where_all_is_well_nothing_fails_and_each_thing_is_told(here: Path) -> None:
    open_store(URL, root=here / "d").close()
    status, found = told()
    assert status == 0
    wanted = {"settings", "Python", "SQLite", "permissions", "disk", "database", "clock", "port"}
    assert {name for name, (standing, _) in found.items() if standing == "ok"} >= wanted
    lines = CliRunner().invoke(main, ["--data", "d", "doctor"]).stdout
    assert "\x1b" not in lines  # no colours where nobody looks
    assert "up to date, 0 items" in lines


def test_before_the_first_run_there_is_nothing_to_complain_of(here: Path) -> None:
    status, found = told()
    assert status == 0
    assert found["database"][0] == "ok"
    assert not (here / "d").exists()


def test_mistakes_in_settings_are_told_and_the_rest_is_looked_at(here: Path) -> None:
    (here / "feeds.yaml").write_text("feeds: [{ulr: 1}]\n", encoding="utf-8")
    status, found = told()
    assert status == 1
    assert found["settings"][0] == "fail"
    assert "feeds.yaml:1:" in found["settings"][1]
    assert found["Python"][0] == "ok"


def test_a_damaged_database_fails(here: Path) -> None:
    (here / "d").mkdir()
    (here / "d" / "aggregator.sqlite3").write_bytes(b"Dear ferry," * 99)
    status, found = told()
    assert status == 1
    assert found["database"] == (
        "fail",
        "d/aggregator.sqlite3: file is not a database; restore a backup in its place",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_fails(here: Path) -> None:
    (here / "d").mkdir(mode=0o500)
    assert told()[1]["permissions"][0] == "fail"


def test_a_port_that_somebody_has_fails(here: Path) -> None:
    config = here / "config" / "service.yaml"
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        port = line.getsockname()[1]
        config.write_text(f"listen: {{port: {port}}}\n", encoding="utf-8")
        status, found = told()
    assert (status, found["port"][0]) == (1, "fail")


def test_a_clock_that_went_back_is_warned_of(here: Path) -> None:
    with closing(open_store(URL, root=here / "d")) as store:
        now = clock.now()
        store.feeds.configure([Feed(id="a", url="http://127.0.0.1/rss")], now=now)
        later = now + timedelta(days=1)
        store.feeds.begin("a", now=later, next_due=later, because="attempt")
    assert told()[1]["clock"][0] == "warn"


def test_a_name_that_nobody_knows_is_warned_of(here: Path) -> None:
    (here / "feeds.yaml").write_text("feeds: ['http://a.invalid/rss']\n", encoding="utf-8")
    status, found = told()
    assert (status, found["names"][0]) == (0, "warn")


def test_the_public_address_is_tried_while_a_service_runs(here: Path, origin: Origin) -> None:
    origin.script("/healthz", answer(200, b'{"status": "ok"}'))
    furnish(here, origin.url(""))
    assert "not tried" in told()[1]["address"][1]
    with closing(open_store(URL, root=here / "d")):
        assert told()[1]["address"] == ("ok", f"{origin.url('')} leads here")
        origin.script("/healthz", answer(404, b""))
        assert told()[1]["address"][0] == "warn"
        origin.script("/healthz", answer(200, b"<html>"))
        assert "leads to something else" in told()[1]["address"][1]


def test_little_room_is_warned_of_and_hardly_any_fails(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(here).free
    monkeypatch.setattr(doctor, "ROOM", 2 * free)
    assert told()[1]["disk"][0] == "warn"
    monkeypatch.setattr(doctor, "LEAST_ROOM", 2 * free)
    assert told()[1]["disk"][0] == "fail"


def test_commands_can_be_completed() -> None:
    asked = {"COMP_WORDS": "aggregator ba", "COMP_CWORD": "1"}
    environ = {"_AGGREGATOR_COMPLETE": "bash_complete", **asked}
    done = CliRunner().invoke(main, prog_name="aggregator", env=environ)
    assert done.stdout == "plain,backup\n"
