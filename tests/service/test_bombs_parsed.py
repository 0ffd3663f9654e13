"""What is written to exhaust a parser costs one worker its document, and nobody else anything."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.model.visits import ParsedFeed, Unreadable
from aggregator.service.workers import MIB, ParseWorkers
from aggregator.sources.parse import parse
from tests.bombs import DOCUMENTS, entry, laughs
from tests.origin import Origin

URL = "https://gazette.example/feed"
GOOD = b'<rss version="2.0"><channel><item><guid>1</guid></item></channel></rss>'
MEMORY = 300 * MIB
ENDLESS = "a million elements deep"

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def workers() -> AsyncIterator[ParseWorkers]:
    pool = ParseWorkers(workers=2, seconds=2, memory=MEMORY)
    yield pool
    await asyncio.to_thread(pool.close)


def told(process: str, file: str) -> str:
    """Return what the system tells of a process; nothing once it has ended."""
    try:
        return Path(f"/proc/{process}/{file}").read_text()
    except OSError:
        return ""


def children() -> list[str]:
    """Process ids of the parse workers of this process."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    found = [child for task in tasks for child in (task / "children").read_text().split()]
    return [pid for pid in found if "spawn_main" in told(pid, "cmdline")]


@pytest.mark.conforms("D16", "D17", "D20", "D22", "E45")
async def test_every_bomb_is_answered_within_the_limits_and_others_go_on(
    workers: ParseWorkers,
) -> None:
    bombs = list(DOCUMENTS.items())
    for pair in (bombs[at : at + 2] for at in range(0, len(bombs), 2)):
        found = await asyncio.gather(*(workers.parse(make(), "", URL) for _, make in pair))
        for (name, _), document in zip(pair, found, strict=True):
            assert isinstance(document, ParsedFeed) or "\n" not in document.reason, name
        assert isinstance(await workers.parse(GOOD, "", URL), ParsedFeed)
        assert all(peak_of(worker) <= MEMORY for worker in children()), [name for name, _ in pair]
    # One that has just taken another's place may not have set its limit yet.
    assert MEMORY in map(limit_of, children())


def peak_of(process: str) -> int:
    """Return the most memory (bytes) that a process has held."""
    held = re.search(r"VmHWM:\s+(\d+) kB", told(process, "status"))
    return int(held[1]) * 1024 if held else 0


def limit_of(process: str) -> int | None:
    """Return the most address space (bytes) that the system lets a process have."""
    limit = re.search(r"Max address space\s+(\d+)", told(process, "limits"))
    return int(limit[1]) if limit else None


@pytest.mark.conforms("D16", "E46")
async def test_while_a_document_is_parsed_the_event_loop_turns(workers: ParseWorkers) -> None:
    """The work is another process's: a thousand turns are made before it is given up."""
    parsing = asyncio.create_task(workers.parse(DOCUMENTS[ENDLESS](), "", URL))
    turns = 0
    while not parsing.done():
        turns += 1
        await asyncio.sleep(0)
    # Which limit it meets first, and whether it outlives that of memory, is the machine's matter.
    assert isinstance(parsing.result(), Unreadable)
    assert turns > 1000
    assert str(os.getpid()) not in children()


@pytest.mark.conforms("D20")
@pytest.mark.parametrize("depth", [3, 10])
def test_laughs_are_not_heard(depth: int) -> None:
    """A few are no bomb, and are not unfolded either."""
    found = parse(laughs(depth, 10), "", URL)
    assert len(repr(found)) < 10_000


@pytest.mark.conforms("D21")
@pytest.mark.parametrize("kind", ["SYSTEM", 'PUBLIC "x"'])
@pytest.mark.parametrize("where", ["/etc/passwd", "file:///etc/passwd", "HERE"])
def test_no_entity_and_no_declaration_is_fetched_or_read(
    origin: Origin, kind: str, where: str
) -> None:
    address = where.replace("HERE", origin.url("/entity"))
    for doctype in (
        f'<!DOCTYPE rss [<!ENTITY a {kind} "{address}">]>',
        f'<!DOCTYPE rss [<!ENTITY % a {kind} "{address}"> %a;]>',
        f'<!DOCTYPE rss {kind} "{address}">',
    ):
        found = parse(entry(b"<title>x&a;</title>", doctype=doctype.encode()), "", URL)
        assert "root:" not in repr(found)
    assert origin.connections == 0


@pytest.mark.conforms("D22")
@pytest.mark.parametrize("inside", [b"<a>", b"<div>", b"&lt;div&gt;", b"<description>", b"<item>"])
def test_what_is_nested_deeply_is_read_or_refused_and_never_raises(inside: bytes) -> None:
    for body in (entry(inside * 3000), entry(b"<description>" + inside * 3000)):
        assert isinstance(parse(body, "", URL), ParsedFeed | Unreadable)


@pytest.mark.conforms("D23")
@pytest.mark.parametrize("reference", ["&#xD800;", "&#x110000;", "&#999999999999;", "&#xDFFF;&"])
def test_references_to_no_character_lose_no_entry(reference: str) -> None:
    found = parse(entry(f"<title>a{reference}b</title><b>".encode()), "", URL)
    assert isinstance(found, ParsedFeed)
    assert [each.guid for each in found.entries] == ["1"]
