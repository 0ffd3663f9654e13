"""Who subscribes? Programs that people read feeds with, each as its own users would start it."""

import json
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.peers.contenders import installed, python_with

Shown = Mapping[str, Counter[str]]
"""How often each entry is shown, by its id, in each subscription."""

_SCRIPT = """
import json, sys
from collections import Counter
from reader import make_reader
database, *urls = sys.argv[1:]
reader = make_reader(database)
for url in urls:
    reader.add_feed(url, exist_ok=True)
failed = [str(result.value) for result in reader.update_feeds_iter(scheduled=False) if result.error]
shown = {url: Counter(entry.id for entry in reader.get_entries(feed=url)) for url in urls}
json.dump({"failed": failed, "shown": shown}, sys.stdout)
"""
# Each parser is given what a program made with it would keep: what is new, by its id.
_NODE = """
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { parseFeed } from "feedsmith";
import Parser from "rss-parser";
const [kept, ...urls] = process.argv.slice(2);
const shown = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : {};
const readers = {
  feedsmith: (text) => {
    const { format, feed } = parseFeed(text);
    const entries = format === "atom" ? feed.entries : feed.items;
    return entries.map((entry) => entry.guid?.value ?? entry.id);
  },
  "rss-parser": async (text) => {
    const feed = await new Parser().parseString(text);
    return feed.items.map((item) => item.guid ?? item.id);
  },
};
for (const url of urls) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const text = await answer.text();
  for (const [name, read] of Object.entries(readers)) {
    if (name === "rss-parser" && url.endsWith(".json")) continue;
    const held = ((shown[name] ??= {})[url] ??= {});
    const known = new Set(Object.keys(held));
    for (const id of await read(text)) if (!known.has(id)) held[id] = (held[id] ?? 0) + 1;
  }
}
writeFileSync(kept, JSON.stringify(shown));
"""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that reads feeds in ``formats``.

    ``update(folder, urls)`` subscribes and updates once, ``shown(folder, urls)`` tells what it
    would show. ``anew`` is whether it shows an entry once more when its title or link changed.
    """

    name: str
    update: Callable[[Path, Sequence[str]], None]
    shown: Callable[[Path, Sequence[str]], Shown]
    formats: tuple[str, ...] = ("atom", "rss")
    anew: bool = False


def all_of(work: Path) -> Iterable[Program]:
    """Yield all that can be had here; say what is missing. They are installed into ``work``."""
    if (python := python_with(work / "python", "reader", "sgmllib3k")) is not None:
        yield _reader(python)
    if installed("newsboat"):
        yield _newsboat()
    if installed("sfeed", "sfeed_update") and installed("curl"):
        yield _sfeed()
    if _npm(work / "node"):
        yield from (_node(work / "node", name) for name in ("feedsmith", "rss-parser"))


def _run(command: Sequence[str], **how: object) -> bytes:
    done = subprocess.run(command, check=False, capture_output=True, timeout=120, **how)  # type: ignore[call-overload]
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]!r}")
    output: bytes = done.stdout
    return output


def _reader(python: str) -> Program:
    def update(folder: Path, urls: Sequence[str]) -> None:
        told = json.loads(_run([python, "-c", _SCRIPT, str(folder / "db"), *urls]))
        if told["failed"]:
            raise RuntimeError(told["failed"][0])
        (folder / "shown").write_text(json.dumps(told["shown"]))

    def shown(folder: Path, urls: Sequence[str]) -> Shown:
        held = json.loads((folder / "shown").read_text())
        return {url: Counter(held[url]) for url in urls}

    return Program(name="reader", update=update, shown=shown, formats=("atom", "rss", "json"))


def _newsboat() -> Program:
    # It knows an entry by its id alone, whatever feed it came in: a cache for each, then.
    def update(folder: Path, urls: Sequence[str]) -> None:
        (folder / "config").write_text("suppress-first-reload yes\n")
        for number, url in enumerate(urls):
            (folder / "urls").write_text(f"{url}\n")
            files = (f"--url-file={folder}/urls", f"--cache-file={folder}/{number}.db")
            _run(["newsboat", *files, f"--config-file={folder}/config", "-x", "reload"])

    def shown(folder: Path, urls: Sequence[str]) -> Shown:
        found = {}
        for number, url in enumerate(urls):
            with closing(sqlite3.connect(folder / f"{number}.db")) as db:
                rows = db.execute("SELECT guid FROM rss_item WHERE deleted = 0")
                found[url] = Counter(row[0] for row in rows)
        return found

    return Program(name="newsboat", update=update, shown=shown)


def _sfeed() -> Program:
    def update(folder: Path, urls: Sequence[str]) -> None:
        listed = "\n".join(f"feed '{number}' '{url}'" for number, url in enumerate(urls))
        (folder / "sfeedrc").write_text(f"sfeedpath='{folder}'\nfeeds() {{\n{listed}\n}}\n")
        _run(["sfeed_update", str(folder / "sfeedrc")])

    def shown(folder: Path, urls: Sequence[str]) -> Shown:
        found = {}
        for number, url in enumerate(urls):
            lines = (folder / str(number)).read_text("utf-8").splitlines()
            found[url] = Counter(line.split("\t")[5] for line in lines)
        return found

    # sfeed_update(1): what differs in id, title or link is another line.
    return Program(name="sfeed", update=update, shown=shown, anew=True)


def _npm(place: Path) -> bool:
    if not (shutil.which("npm") or installed("npm")) or not shutil.which("node"):
        return False
    place.mkdir()
    (place / "package.json").write_text('{"private": true, "type": "module"}')
    (place / "read.js").write_text(_NODE)
    quiet = ["npm", "install", "--silent", "--no-audit", "--no-fund", "feedsmith", "rss-parser"]
    done = subprocess.run(quiet, cwd=place, check=False, capture_output=True)
    if done.returncode:
        print(f"without feedsmith, rss-parser: {done.stderr.decode()[-300:]}")
    return done.returncode == 0


def _node(place: Path, name: str) -> Program:
    def update(folder: Path, urls: Sequence[str]) -> None:
        _run(["node", str(place / "read.js"), str(folder / "shown"), *urls])

    def shown(folder: Path, urls: Sequence[str]) -> Shown:
        held = json.loads((folder / "shown").read_text())[name]
        return {url: Counter(held[url]) for url in urls}

    formats = ("atom", "rss", "json") if name == "feedsmith" else ("atom", "rss")
    return Program(name=name, update=update, shown=shown, formats=formats)
