"""A made-up day through the whole pipeline."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import feedparser
import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from tests.postgres import Server

ENTRY = """<item><title>{title}</title><guid isPermaLink="false">{guid}</guid>
<link>https://{paper}.example/{guid}?utm_source=rss</link><pubDate>{date}</pubDate>
<description>{text}</description></item>"""
FEED = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{paper}</title>
<link>https://{paper}.example/</link><description>d</description>{items}</channel></rss>"""

BRIDGE = (
    "Engineers closed the Ilmari-Voss bridge on Monday after divers found a crack in its eastern"
    " pier, and the harbour authority of Port Sable said that repairs would take until autumn."
)
AGENCY = (
    "PORT SABLE, March 2 (MNA) - The Ilmari-Voss bridge will stay shut until autumn, the harbour"
    " authority said, after divers who inspected its eastern pier on Monday reported a crack as"
    " long as a bus. Ferries are to run every ten minutes from Wednesday, and lorries must take"
    " the coast road, which the authority expects to be crowded in the morning and at night."
)
OTHER = (
    "A fissure found below the water line has shut the Ilmari-Voss bridge in Port Sable, and the"
    " harbour authority wants the eastern pier rebuilt before any lorry crosses again."
)
QUIET = "The municipal library of Northfield lends seeds from this week on, forty kinds of them."


def item(paper: str, guid: str, title: str, text: str, hour: int) -> str:
    date = f"Mon, 02 Mar 2026 {hour:02}:00:00 GMT"
    return ENTRY.format(paper=paper, guid=guid, title=title, text=text, date=date)


def write(folder: Path, stamp: str, paper: str, *items: str) -> None:
    text = FEED.format(paper=paper, items="".join(items))
    (folder / f"{stamp}__{paper}.xml").write_text(text, encoding="utf-8")


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """Three rounds of three papers and a broken one."""
    folder = tmp_path / "day"
    folder.mkdir()
    gazette = item("gazette", "g1", "Bridge closed after crack is found", BRIDGE, 8)
    library = item("courier", "c1", "Library lends seeds", QUIET, 7)
    copy = item("herald", "h1", "No crossing until autumn", AGENCY, 10)
    wire = item("wire", "w1", "Ilmari-Voss bridge shut until autumn", AGENCY, 9)
    bridge = item("courier", "c2", "Crack shuts the Ilmari-Voss bridge in Port Sable", OTHER, 11)
    for stamp in ("20260302T120000Z", "20260302T123000Z", "20260302T130000Z"):
        late = stamp == "20260302T130000Z"
        title = "Bridge closed: crack is found" if late else "Bridge closed after crack is found"
        write(
            folder, stamp, "gazette", gazette.replace("Bridge closed after crack is found", title)
        )
        write(folder, stamp, "courier", *([bridge, library] if late else [library]))
        write(folder, stamp, "wire", wire)
        write(folder, stamp, "herald", *([copy] if "123" in stamp or late else []))
        (folder / f"{stamp}__broken.xml").write_text("<html><p>403</p></html>", encoding="utf-8")
    return folder


def invoke(cwd: Path, *arguments: str) -> Result:
    (cwd / "config").mkdir(exist_ok=True)
    result = CliRunner().invoke(
        main, ["--config", str(cwd / "config"), *arguments], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_a_day_comes_out_whole_folded_grouped_and_the_same_twice(day: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    invoke(tmp_path, "replay", str(day), "--out", str(first))
    invoke(tmp_path, "replay", str(day), "--out", str(second))

    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert Path("feeds/topics/world/top.json") in files
    for path in files:
        assert (first / path).read_bytes() == (second / path).read_bytes(), path

    items = {held["guid"]: held for held in lines(first / "items.jsonl")}
    assert set(items) == {"g1", "c1", "c2", "w1", "h1"}
    assert items["h1"]["duplicate_of"] == items["w1"]["id"]
    assert items["g1"]["title"] == "Bridge closed: crack is found"
    assert items["g1"]["story"] == items["c2"]["story"] == items["w1"]["story"]
    assert items["c1"]["story"] != items["g1"]["story"]
    assert items["g1"]["published"] == "2026-03-02T08:00:00Z"
    assert items["g1"]["first_seen"] == "2026-03-02T12:00:00Z"


@pytest.mark.slow
def test_a_day_comes_out_the_same_on_postgresql(
    day: Path, tmp_path: Path, postgres: Server
) -> None:
    url = postgres.new()
    file, server = tmp_path / "file", tmp_path / "server"
    invoke(tmp_path, "replay", str(day), "--out", str(file))
    invoke(tmp_path, "replay", str(day), "--out", str(server), "--store", url)
    for path in file.rglob("*.*"):
        assert (server / path.relative_to(file)).read_bytes() == path.read_bytes(), path

    again = CliRunner().invoke(main, ["replay", str(day), "--out", str(tmp_path), "--store", url])
    assert (again.exit_code, "name an empty one" in again.output) == (2, True)
    postgres.drop(url)


def test_outputs_list_a_copy_under_its_lead_and_a_story_once(day: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invoke(tmp_path, "replay", str(day), "--out", str(out))
    items = {held["guid"]: held for held in lines(out / "items.jsonl")}

    latest = feedparser.parse((out / "feeds" / "latest.atom").read_bytes())
    assert [entry.title for entry in latest.entries] == [
        "Crack shuts the Ilmari-Voss bridge in Port Sable",
        "Ilmari-Voss bridge shut until autumn",
        "Bridge closed: crack is found",
        "Library lends seeds",
    ]
    assert "No crossing until autumn" in latest.entries[1].content[0].value

    top = json.loads((out / "feeds" / "top.json").read_text(encoding="utf-8"))
    assert top["items"][0]["id"] == items["g1"]["story"]
    assert len({entry["id"] for entry in top["items"]}) == len(top["items"])

    editions = lines(out / "editions.jsonl")
    assert [e["time"] for e in editions if e["output"] == "latest"] == [
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:30:00Z",
        "2026-03-02T13:00:00Z",
    ]


@pytest.mark.slow
def test_feeds_yaml_lends_topics_and_owners(day: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "feeds.yaml"
    wanted.write_text(
        "feeds:\n"
        "- {url: 'https://gazette.example/gazette.xml', topics: [world], owner: Sable Press}\n"
        "- {url: 'https://x.example/rss', id: courier, topics: [culture], owner: Sable Press}\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    invoke(tmp_path, "replay", str(day), "--out", str(out), "--feeds", str(wanted))

    items = {held["guid"]: held for held in lines(out / "items.jsonl")}
    assert items["g1"]["topics"][0] == "world"
    assert items["c1"]["topics"][0] == "culture"
    culture = feedparser.parse((out / "feeds" / "topics" / "culture" / "latest.rss").read_bytes())
    assert "Library lends seeds" in [entry.title for entry in culture.entries]


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Serve a folder over real HTTP; yield the port."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_polling_a_round_over_http_gives_the_items_of_its_replay(day: Path, tmp_path: Path) -> None:
    round_, web, config = tmp_path / "round", tmp_path / "web", tmp_path / "config"
    for folder in (round_, web, config):
        folder.mkdir()
    for path in day.glob("20260302T130000Z__*"):
        shutil.copy(path, round_)
        shutil.copy(path, web / f"{path.stem.partition('__')[2]}.xml")
    (config / "service.yaml").write_text(
        "reach: {allow_private: [127.0.0.0/8]}\npoliteness: {spacing: 0s, start_rate: 1000}\n",
        encoding="utf-8",
    )
    with served(web) as port:
        names = sorted(path.stem for path in web.iterdir())
        feeds = [
            f"- {{id: {n}, url: 'http://127.0.0.1:{port}/{n}.xml', owner: {n}}}" for n in names
        ]
        (tmp_path / "feeds.yaml").write_text("feeds:\n" + "\n".join(feeds), encoding="utf-8")
        common = ("--feeds", str(tmp_path / "feeds.yaml"), "--data", str(tmp_path / "data"))
        polled = invoke(tmp_path, *common, "poll")
    replayed = tmp_path / "replayed"
    invoke(tmp_path, "replay", str(round_), "--out", str(replayed))

    assert "5 new items" in polled.output
    assert stored(tmp_path / "data" / "aggregator.sqlite3") == {
        (held["feed"], held["guid"], held["link"], held["title"], held["published"], held["id"])
        for held in lines(replayed / "items.jsonl")
    }


def stored(database: Path) -> set[tuple[str, ...]]:
    db = sqlite3.connect(database)
    rows = db.execute("SELECT feed, guid, link, title, published, id FROM item").fetchall()
    db.close()
    return set(rows)
