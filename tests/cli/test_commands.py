"""What a person types, and what the exit status says."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aggregator.cli import COMMANDS, main


def test_check_says_that_all_is_fine(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: [https://a.example/rss]\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["--feeds", str(tmp_path / "feeds.yaml"), "check"])
    assert result.exit_code == 0
    assert " 1 feed (" in result.output


def test_check_reports_every_mistake_with_its_place_and_ends_with_2(tmp_path: Path) -> None:
    bad = tmp_path / "feeds.yaml"
    bad.write_text(
        "feeds:\n- url: https://a.example/rss\n  wieght: 2\n- url: ftp://b.example\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(main, ["--feeds", str(bad), "check"])
    assert result.exit_code == 2
    assert ':3:3: unknown key "wieght"; did you mean "weight"?' in result.output
    assert ":4:" in result.output


def test_replay_of_an_empty_folder_says_what_it_wants(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "20210920T000720Z__bbc.xml" in result.output


def test_every_command_has_help() -> None:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert command.get_short_help_str()


@pytest.mark.parametrize(
    ("options", "environ"), [(["--config", "cofnig"], {}), ([], {"AGGREGATOR_CONFIG": "cofnig"})]
)
def test_a_folder_of_settings_that_was_named_must_be_there(
    tmp_path: Path, options: list[str], environ: dict[str, str]
) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("feeds: [https://a.example/rss]\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["--feeds", str(feeds), *options, "check"], env=environ)
    assert result.exit_code == 2
    assert "cofnig is no folder" in result.stderr


def test_the_usual_folder_of_settings_may_be_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("feeds.yaml").write_text("feeds: [https://a.example/rss]\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["check"]).exit_code == 0


@pytest.mark.parametrize("command", ["check", "feeds"])
def test_a_reader_that_goes_away_early_is_not_complained_of(tmp_path: Path, command: str) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: [https://a.example/rss]\n", encoding="utf-8")
    aggregator = [sys.executable, "-m", "aggregator", "--data", "d"]
    subprocess.run([*aggregator, "publish", "public"], cwd=tmp_path, check=True)
    with subprocess.Popen(
        [*aggregator, command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
