"""What a person types, and what the exit status says."""

from pathlib import Path

import click
from click.testing import CliRunner

from aggregator.cli import COMMANDS, main


def test_check_says_that_all_is_fine(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: [https://a.example/rss]\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["--feeds", str(tmp_path / "feeds.yaml"), "check"])
    assert result.exit_code == 0
    assert "1 feeds" in result.output


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
