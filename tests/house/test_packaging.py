"""What is shipped: lock files without addresses, a container that is nobody's root."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
ALL_LOCKS = ("requirements-build.lock", "requirements-postgres.lock", *LOCKS)

PINNED = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[0-9][0-9a-z.!+-]*)"
    r"(?: ; (?P<marker>[\w.' <>=!()]+))?"
    r"(?: --hash=sha256:[0-9a-f]{64})+"
)


def locked(name: str) -> list[str]:
    """The requirements of a lock file, continued lines joined."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def names(requirements: list[str]) -> set[str]:
    """Distribution names of requirements, normalised (PEP 503)."""
    heads = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", head[0]).lower() for head in heads if head}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, in order; comments left out."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    words = (line.split(None, 1) for line in text.splitlines() if line.strip())
    return [(word[0].upper(), re.sub(r"\s+", " ", word[1]).strip()) for word in words]


def last(instruction: str) -> str:
    return [arguments for name, arguments in instructions() if name == instruction][-1]


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_a_lock_file_holds_names_versions_markers_and_hashes_and_nothing_else(name: str) -> None:
    lines = locked(name)
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_a_lock_file_names_no_address_even_in_a_comment(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert re.findall(r"\w+://\S*|--?(?:extra-)?index-url|--find-links|--trusted-host", text) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_that_we_declare_is_locked(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = names(project["project"]["dependencies"])
    if name == "requirements-dev.lock":
        wanted |= names(project["dependency-groups"]["dev"])
    assert wanted - names(locked(name)) == set()


def test_both_lock_files_agree_on_every_version() -> None:
    pins = [
        {match["name"]: match["version"] for line in locked(name) if (match := PINNED.match(line))}
        for name in LOCKS
    ]
    both = pins[0].keys() & pins[1].keys()
    assert len(both) > 20
    assert {name for name in both if pins[0][name] != pins[1][name]} == set()


@pytest.mark.conforms("D55")
def test_h11_is_none_of_the_versions_that_misread_chunks() -> None:
    """h11 before 0.16 (GHSA-vqfr-h8mv-ghfj)."""
    for name in LOCKS:
        pins = [found for line in locked(name) if (found := PINNED.match(line))]
        (version,) = (pin["version"] for pin in pins if pin["name"] == "h11")
        assert tuple(map(int, version.split(".")[:2])) >= (0, 16)


@pytest.mark.conforms("D54")
def test_the_container_runs_as_somebody_other_than_root() -> None:
    user = last("USER").partition(":")[0]
    assert user not in {"", "0", "root"}
    stages = [place for place, (name, _) in enumerate(instructions()) if name == "FROM"]
    users = [place for place, (name, _) in enumerate(instructions()) if name == "USER"]
    assert users[-1] > stages[-1]


@pytest.mark.conforms("D54")
@pytest.mark.parametrize("instruction", ["ENTRYPOINT", "CMD"])
def test_the_container_starts_the_program_without_a_shell(instruction: str) -> None:
    words = json.loads(last(instruction))
    assert words[:1] == {"ENTRYPOINT": ["aggregator"], "CMD": ["run"]}[instruction]


def test_the_container_checks_health_without_a_shell() -> None:
    _, _, command = last("HEALTHCHECK").partition("CMD ")
    words = json.loads(command)
    assert words[0] == "python"
    compile(words[-1], "HEALTHCHECK", "exec")
    assert "/healthz" in words[-1]


def test_the_container_installs_from_the_lock_with_hashes() -> None:
    installs = [arguments for name, arguments in instructions() if "pip install" in arguments]
    assert installs
    assert any("-r ${LOCK}" in arguments for arguments in installs)
    assert last("ARG") == "LOCK=requirements.lock"
    for arguments in installs:
        for command in arguments.split("&&"):
            assert "--require-hashes" in command or "--no-deps" in command


@pytest.mark.conforms("D54")
def test_the_container_keeps_its_data_in_a_volume() -> None:
    assert json.loads(last("VOLUME")) == ["/data"]
    assert "AGGREGATOR_DATA_DIR=/data" in last("ENV")


def test_every_variable_that_the_container_sets_is_one_that_the_program_reads() -> None:
    program = "".join(
        path.read_text("utf-8") for path in sorted((ROOT / "aggregator").rglob("*.py"))
    )
    variables = re.findall(r"\bAGGREGATOR_\w+(?==)", last("ENV"))
    assert len(variables) == 3
    assert [name for name in variables if f'"{name}"' not in program] == []


def test_what_the_container_copies_is_let_through_by_dockerignore() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignore
    copied = {
        source.rstrip("/").removeprefix("./")
        for name, arguments in instructions()
        if name == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert copied
    assert copied - {line.removeprefix("!") for line in ignore if line.startswith("!")} == set()


def test_every_file_that_the_container_copies_is_there() -> None:
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    wanted = [line.removeprefix("!") for line in kept if line.startswith("!")]
    assert [name for name in wanted if not (ROOT / name).exists()] == []
