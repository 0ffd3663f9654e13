"""The service as a process: starts, serves, stops when told, goes on where it stopped."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@contextmanager
def running(cwd: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the program until it serves; yield the process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", *arguments],
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, served_at(process)
    finally:
        process.kill()
        process.communicate()


def served_at(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        found = re.search(r"(http://127\.0\.0\.1:\d+)", line)
        if found and "visited" not in line:
            return found[1]
    raise AssertionError(f"never served: {told}")


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    return process.returncode


def test_it_serves_stops_when_told_and_serves_the_same_again(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: [https://a.invalid/rss]\n", encoding="utf-8")
    arguments = ("--data", "d", "run", "--listen", "127.0.0.1:0")
    with running(tmp_path, *arguments) as (process, url):
        while b"</feed>" not in (first := get_or_wait(f"{url}/feeds/latest.atom")):
            pass
        assert json.loads(get(f"{url}/healthz"))["status"] == "ok"
        assert stop(process) == 0
    with running(tmp_path, *arguments) as (process, url):
        assert get(f"{url}/feeds/latest.atom") == first
        assert b"<h1" in get(url)
        assert stop(process) == 0


def get_or_wait(url: str) -> bytes:
    """Ask until there is an answer: the first edition comes a moment after the first page."""
    try:
        return get(url)
    except urllib.error.HTTPError:
        return b""


def test_a_second_service_on_the_same_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: [https://a.invalid/rss]\n", encoding="utf-8")
    arguments = ("--data", "d", "run", "--listen", "127.0.0.1:0")
    with running(tmp_path, *arguments):
        second = subprocess.run(
            [sys.executable, "-m", "aggregator", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert "in use by another aggregator" in second.stderr
    assert "Traceback" not in second.stderr


def test_demo_shows_stories_of_several_outlets_and_names_the_broken_feed(tmp_path: Path) -> None:
    with running(tmp_path, "demo", "--listen", "127.0.0.1:0") as (process, url):
        top: dict[str, list[dict[str, object]]] = {"items": []}
        while not top["items"]:
            top = json.loads(get_or_wait(f"{url}/feeds/top.json") or b'{"items": []}')
        latest = get(f"{url}/feeds/latest.atom").decode()
        front = get(url).decode()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "lighthouse-bulletin" in told
    assert "Top News" in front
    assert "<entry>" in latest


@pytest.mark.conforms("E44")
def test_an_edit_is_taken_over_and_a_bad_one_told_while_it_runs(tmp_path: Path) -> None:
    feeds, config = tmp_path / "feeds.yaml", tmp_path / "config"
    config.mkdir()
    feeds.write_text("feeds: [https://a.invalid/rss]\n", encoding="utf-8")
    with running(tmp_path, "run", "--listen", "127.0.0.1:0") as (process, url):
        feeds.write_text(
            "feeds:\n  - url: https://b.invalid/rss\n    wieght: 2\n", encoding="utf-8"
        )
        assert "feeds.yaml:3:5: unknown key" in heard(process, "settings refused")
        assert "feeds.yaml:3:5" in json.loads(get(f"{url}/healthz"))["notes"][-1]
        feeds.write_text("feeds: [https://b.invalid/rss]\n", encoding="utf-8")
        assert '"added": 1, "removed": 1' in heard(process, "settings taken over")
        (config / "outputs.yaml").write_text("outputs: [{kind: top}]\n", encoding="utf-8")
        assert '"parts": "outputs"' in heard(process, "settings taken over")
        process.send_signal(signal.SIGHUP)
        assert '"parts": "none"' in heard(process, "settings taken over")
        assert stop(process) == 0


def heard(process: subprocess.Popen[str], what: str) -> str:
    """Return the next line of the log that tells ``what``."""
    assert process.stderr is not None
    return next(line for line in process.stderr if what in line)
