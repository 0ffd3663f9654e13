"""The documentation can be followed: what it says to type is typed here, and seen."""

import os
import re
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aggregator.cli import COMMANDS
from tests.origin import Origin, answer
from tests.storage.test_upgrade import first_schema
from tests.walk import steps, walk

DOCS = Path(__file__).parents[2] / "docs"
HOME = (
    b'<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>'
)


def item(title: str, *, hours: int) -> str:
    date = format_datetime(datetime.now(UTC) - timedelta(hours=hours))  # noqa: TID251 - for now
    link = f"https://harbour.example/{title.split(maxsplit=1)[0].lower()}"
    return (
        f"<item><title>{title}</title><guid>{link}</guid><link>{link}</link>"
        f"<pubDate>{date}</pubDate><description>Read on.</description></item>"
    )


def newspaper(origin: Origin) -> str:
    """Let ``origin`` be the newspaper of the page; return its address."""
    items = item("Ferry to the islands runs aground off the mole", hours=2)
    items += item("Council opens the new harbour library", hours=120)
    feed = (
        '<rss version="2.0"><channel><title>Harbour Gazette</title>'
        f"<link>{origin.url('/')}</link><description>News.</description>{items}</channel></rss>"
    )
    origin.script("/", answer(200, HOME, {"Content-Type": "text/html"}))
    origin.script("/feed.xml", answer(200, feed.encode(), {"Content-Type": "application/rss+xml"}))
    return origin.url("")


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
        return port


def made_old(path: Path) -> None:
    """Take out of a database what came after its first version."""
    first = first_schema(path.parent / "first")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"ATTACH '{first}' AS first")
        later = db.execute(
            "SELECT type, name FROM main.sqlite_schema WHERE sql IS NOT NULL AND (sql LIKE"
            " 'CREATE VIRTUAL%' OR type IN ('view', 'trigger'))"
            " AND name NOT IN (SELECT name FROM first.sqlite_schema) ORDER BY type DESC"
        ).fetchall()
        for kind, name in later:
            db.execute(f"DROP {kind} main.{name}")
        db.execute("DELETE FROM main._sqlite_migrations WHERE name <> 'first_tables'")


@pytest.mark.slow
@pytest.mark.timeout(300)  # fourteen programs start and end
@pytest.mark.conforms("E10", "E57")
def test_the_first_day_goes_as_it_is_written(origin: Origin, tmp_path: Path) -> None:
    """Word by word, but for the address of the newspaper, and a port that is free here."""
    page = (DOCS / "first-day.md").read_text("utf-8")
    page = page.replace("https://harbour.example", newspaper(origin))
    page = page.replace("8080", str(free_port()))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "service.yaml").write_text(
        "reach: {allow_private: [127.0.0.0/8]}\n", encoding="utf-8"
    )
    typed = walk(
        page,
        tmp_path,
        {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "160"},
        {
            "the database is made one of the first version": lambda: made_old(
                tmp_path / "data" / "aggregator.sqlite3"
            )
        },
    )
    assert typed == 14


BLOCK = re.compile(r"^```\w*[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^(?:\S*/)?aggregator (?:--\w+ \S+ )*([a-z]+)", re.MULTILINE)


def test_every_command_that_the_documentation_types_exists() -> None:
    pages = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
    typed = {
        (page.name, name)
        for page in pages
        for block in BLOCK.findall(page.read_text("utf-8"))
        for name in TYPED.findall(block)
    }
    assert len(typed) > 10
    assert {(page, name) for page, name in typed if name not in COMMANDS} == set()


def test_a_page_that_says_what_is_not_so_fails(tmp_path: Path) -> None:
    page = "```sh run\necho ferry\n```\n\n```text\nbarge\n```\n"
    assert [step.seen for step in steps(page)] == [("barge",)]
    with pytest.raises(AssertionError, match=r"(?s)never seen.*'barge'; but.*ferry"):
        walk(page, tmp_path, {}, {})
    assert walk(page.replace("barge", "f…y"), tmp_path, {}, {}) == 1
