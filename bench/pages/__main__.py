"""Are the pages sound in a real browser? Chromium, axe-core, no network.

``python -m bench.pages [--shots DIR]`` starts the demo, and looks at every kind of page in light
and dark, on a desk and on a phone, and at a sample that is written from right to left: no violation
of axe-core's rules, no error in the console (which would tell of a breach of our own policy, too),
no request to another host but for pictures, and none at all without them, nothing that moves when a
picture comes in, nothing wider than the screen, the way past the masthead first, and no more than
60 kB of compressed HTML. Exits 1 when one of these is broken.

Needs Chromium, node and npm, which fetches what `package.json` beside this file names.
"""

import argparse
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from aggregator.model.editions import Kind, OutputSpec
from aggregator.outputs import pages
from aggregator.outputs.digests import edition_of, issue_of
from bench.data import ROOT
from tests.browser import found_browser, free_port, staged
from tests.outputs import sample_pages

HERE = Path(__file__).parent
MOST = 60_000  # bytes of compressed HTML
SHIFT = 0.001  # as browsers reckon it: share of the screen times share of its height
SCHEMES, WIDTHS = ("light", "dark"), (1280, 390)
START = 180.0  # seconds until the demo shows a front page with a story
NO_PICTURES = "site: {images: false}\n"

Look = dict[str, Any]


def main() -> int:
    """Look at all pages; print what is wrong with each."""
    asked = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    asked.add_argument("--shots", type=Path, help="folder for pictures of every page")
    shots: Path | None = asked.parse_args().shots
    browser = found_browser()
    if (missing := _missing(browser)) or not _installed():
        print(f"bench.pages: no {missing or 'npm registry'}; the pages were not looked at")
        return 0
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with _demo("") as base:
        paths = _paths(base)
        for path in paths.values():
            wrong += _weigh(base, path)
        looks = [_look(name, base + path, s, w) for (name, path), s, w in _all(paths.items())]
        wrong += sum(_judged(seen, pictures=True) for seen in _seen(browser, base, looks, shots))
    with _demo(NO_PICTURES) as base:
        looks = [_look("bare", base + path, "light", 1280) for path in _paths(base).values()]
        wrong += sum(_judged(seen, pictures=False) for seen in _seen(browser, base, looks, None))
    with staged() as stage:
        stage.shown = dict(_samples(stage.origin))
        kinds = [
            (path.strip("/") or "right-to-left", path) for path in stage.shown if "." not in path
        ]
        looks = [_look(name, stage.origin + path, s, w) for (name, path), s, w in _all(kinds)]
        for seen in _seen(browser, stage.origin, looks, shots):
            seen["errors"] = [e for e in seen["errors"] if "404" not in e]  # pictures of a sample
            wrong += _judged(seen, pictures=True)
    print(f"bench.pages: {wrong or 'nothing'} wrong")
    return 1 if wrong else 0


def _missing(browser: str | None) -> str:
    if browser is None:
        return "Chromium"
    return next((name for name in ("node", "npm") if shutil.which(name) is None), "")


def _installed() -> bool:
    """Whether node finds what it needs, fetched at the first time."""
    if (HERE / "node_modules" / "axe-core").exists():
        return True
    command = ["npm", "install", "--silent", "--no-package-lock", "--no-audit", "--no-fund"]
    return subprocess.run(command, cwd=HERE, check=False).returncode == 0


@contextmanager
def _demo(service: str) -> Iterator[str]:
    """Run the demo with ``service.yaml`` as given until the block ends; yields its address."""
    with tempfile.TemporaryDirectory() as held:
        (Path(held) / "service.yaml").write_text(service, encoding="utf-8")
        base = f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "aggregator", "--config", held, "--log", "error", "demo"]
        command += ["--listen", base.removeprefix("http://")]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as demo:
            try:
                _await_news(base)
                yield base
            finally:
                demo.terminate()


def _await_news(base: str) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end:
        try:
            if b'href="/stories/' in _get(f"{base}/"):
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.5)
    sys.exit("bench.pages: the demo shows no story")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def _paths(base: str) -> dict[str, str]:
    """Return every kind of page, by name."""
    story = re.search(rb'href="(/stories/[^"]+)"', _get(f"{base}/"))
    assert story
    return {
        "front": "/",
        "topic": "/topics/world",
        "story": story[1].decode(),
        "search": "/search",
        "found": "/search?q=harbour",
        "not-found": "/search?q=zeppelin",
        "subscribe": "/subscribe",
        "feed": "/feeds/top.atom",
    }


def _all(paths: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], str, int]]:
    return product(paths, SCHEMES, WIDTHS)


def _samples(origin: str) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """Yield what the demo has none of: news from right to left, and the issue of a digest."""
    site, now = sample_pages.SITE, sample_pages.NOW
    digest = OutputSpec(name="morning", kind=Kind.DIGEST, title="Good morning")
    made = issue_of(digest, sample_pages.top().entries, now.date(), site, now=now)
    entry = edition_of(digest, [made], site, born=now).entries[0]
    html = "text/html; charset=utf-8"
    yield "/", (html, pages.topic(site, sample_pages.abroad(f"{origin}/none")))
    yield "/issue", (html, pages.issue(site, entry, digest))
    yield "/no-page", (html, pages.not_found(site))
    bare = {
        "top": sample_pages.edition("top", "Top"),
        "latest": sample_pages.edition("l", "Latest"),
    }
    yield "/no-news", (html, pages.front(site, **bare, sections=(), dont_miss=(), unread=False))
    yield "/style.css", ("text/css", pages.stylesheet())
    yield "/favicon.svg", ("image/svg+xml", pages.FAVICON)


def _look(name: str, url: str, scheme: str, width: int) -> Look:
    return {"name": name, "url": url, "scheme": scheme, "width": width}


def _weigh(base: str, path: str) -> int:
    size = len(gzip.compress(_get(base + path), mtime=0))
    print(f"{size:7,} bytes of gzip  {path}")
    return size > MOST


def _seen(
    browser: str | None, base: str, looks: list[Look], shots: Path | None
) -> Iterator[dict[str, Any]]:
    host = base.removeprefix("http://")
    task: dict[str, Any] = {"browser": browser, "host": host, "looks": looks, "shift": SHIFT}
    task["shots"] = shots and str(shots)
    command = ["node", str(HERE / "look.mjs"), json.dumps(task)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout
        yield from map(json.loads, node.stdout)
    if node.returncode:
        sys.exit(f"bench.pages: the browser ended with {node.returncode}")


def _judged(seen: dict[str, Any], *, pictures: bool) -> int:
    """Print what is wrong with a page as it was seen; return how much that is."""
    allowed = "image " if pictures else "nothing"
    faults = [
        *seen.get("violations", ()),
        *(f"console: {text}" for text in seen["errors"]),
        *(f"asks {asked}" for asked in seen["foreign"] if not asked.startswith(allowed)),
    ]
    if seen.get("shifted", 0) > SHIFT:
        faults.append(f"moves by {seen['shifted']:.4f} while it loads")
    faults += [f"wider than the screen: {element}" for element in seen.get("wide", ())]
    if seen.get("first", "skip") not in {"skip", ""} and seen["name"] != "search":
        faults.append(f"begins with {seen['first']!r} for the keyboard")
    print(f"{'ok ' if not faults else 'BAD'}  {seen['name']:14} {seen['scheme']:5} {seen['width']}")
    for fault in faults:
        print(f"     {fault}")
    return len(faults)


if __name__ == "__main__":
    sys.exit(main())
