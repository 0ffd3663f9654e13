"""What editors are told."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from aggregator.settings.reference import reference
from aggregator.settings.schemas import FILES, main, schema

ROOT = Path(__file__).resolve().parents[2]
PATHS = {"feeds": ROOT / "feeds.yaml"} | {
    name: ROOT / "config" / f"{name}.yaml"
    for name in ("service", "topics", "outputs", "ranking", "addresses", "copies")
}


def validator(name: str) -> Any:
    """Return a checker of the file ``name``.yaml."""
    found = schema(name)
    jsonschema.Draft7Validator.check_schema(found)
    return jsonschema.Draft7Validator(found)


def parsed(text: str) -> Any:
    """Read YAML as editors do."""
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_files_pass_and_name_their_schema(name: str) -> None:
    text = PATHS[name].read_text(encoding="utf-8")
    validator(name).validate(parsed(text))
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    told = json.loads((PATHS[name].parent / named).read_text(encoding="utf-8"))
    assert told == schema(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("feeds", "feeds:\n - url: https://a.example\n   wieght: 1"),
        ("feeds", "feeds:\n - url: https://a.example\n   every: 30x"),
        ("feeds", "feeds:\n - url: ftp://a.example"),
        ("feeds", "feeds:\n - title: x"),
        ("feeds", "feeds: []"),
        ("feeds", "feeds:\n - url: https://a.example\n   weight: 11"),
        ("feeds", "feeds:\n - url: https://a.example\n   id: a/b"),
        ("service", "listen: {port: 99999}"),
        ("service", "polling: {floor: soon}"),
        ("service", "lisen: {}"),
        ("topics", "topics:\n - slug: A B"),
        ("ranking", "half_life: long"),
        ("ranking", "copies: 2"),
        ("outputs", "outputs:\n - kind: best"),
        ("addresses", "tracking: ['a b']"),
        ("addresses", "sites: {a.example: {same_as: www.}}"),
        ("copies", "never_fold: {pairs: [[one]]}"),
        ("copies", "never_fold: {feds: [one]}"),
        ("outputs", "outputs:\n - {kind: top, name: ../x}"),
    ],
)
def test_faulty_files_do_not_pass(name: str, text: str) -> None:
    assert not validator(name).is_valid(parsed(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "feeds",
            "feeds:\n - https://a.example\n - url: ${URL}\n   weight: ${W}\n   topics: x",
        ),
        ("service", "listen: {port: '${PORT}'}\nlimits: {body_bytes: 100000}"),
        ("outputs", "outputs:\n - {kind: top, description: x, per_topic: true, name: 't/{topic}'}"),
    ],
)
def test_variables_and_short_forms_pass(name: str, text: str) -> None:
    validator(name).validate(parsed(text))


def test_every_key_is_described() -> None:
    groups = [group for name in FILES for group in schema(name).get("$defs", {}).values()]
    keys = [about for group in groups for about in group.get("properties", {}).items()]
    assert len(keys) > 40
    assert [key for key, about in keys if not about.get("description")] == []


def test_defaults_are_written_as_in_the_files() -> None:
    groups = schema("service")["$defs"]
    assert groups["Polling"]["properties"]["floor"]["default"] == "15m"
    assert groups["Listen"]["properties"]["port"]["default"] == 8080


def test_the_check_names_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--config", str(tmp_path), "--page", str(tmp_path / "settings.md")]
    assert main(places) == 0
    assert main([*places, "--check"]) == 0
    (tmp_path / "topics.schema.json").write_text("{}", encoding="utf-8")
    assert main([*places, "--check"]) == 1
    assert "topics.schema.json is stale" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "aggregator.settings.schemas", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_the_page_of_keys_names_every_one_with_its_default() -> None:
    lines = reference({name: schema(name) for name in FILES}).splitlines()
    assert "| `polling.floor` | `15m` |" in " ".join(lines)
    assert any(line.startswith("| `feeds[].tls.verify` | `true` | false accepts") for line in lines)
    keys = [line for line in lines if line.startswith("| `")]
    assert not [line for line in keys if line.endswith("|  |")]
    assert len(keys) > 100
