"""What the tests of the service share: settings from real files, a clock that is set, made-up news.

Faults come from outside, through another connection to the database file, as a full disk or
somebody's hand would bring them.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from aggregator.items.intake import take_in
from aggregator.model.items import Entry
from aggregator.service import clock
from aggregator.service.recall import known_of
from aggregator.settings import Settings, load
from aggregator.storage import Store, open_store
from tests.stores import Hand, address_in

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
PATIENCE = 40.0  # seconds after which a test gives up; nothing here takes as long

SERVICE = """
reach: {allow_private: [127.0.0.0/8]}
politeness: {spacing: 0s, start_rate: 1000, per_host: 8}
limits: {workers: 1, deadline: 5m}
site: {base_url: 'https://news.example'}
"""

_Result = TypeVar("_Result")


@dataclass(slots=True)
class SetClock:
    """A clock that stands still until it is moved."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass(slots=True)
class FastClock:
    """The clock on the wall, and so much ahead of it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return clock.now() + self.ahead


def play(scene: Coroutine[Any, Any, _Result]) -> _Result:
    """Run ``scene``; one that hangs fails."""

    async def bounded() -> _Result:
        async with asyncio.timeout(PATIENCE):
            return await scene

    return asyncio.run(bounded())


def settings_for(
    folder: Path, feeds: Sequence[str], outputs: str | None = None, service: str = SERVICE
) -> Settings:
    """Load settings from files in ``folder``; ``feeds`` are flow mappings as in feeds.yaml."""
    (folder / "feeds.yaml").write_text(f"feeds: [{', '.join(feeds)}]\n", encoding="utf-8")
    (folder / "service.yaml").write_text(service, encoding="utf-8")
    if outputs is not None:
        (folder / "outputs.yaml").write_text(outputs, encoding="utf-8")
    return load(feeds=folder / "feeds.yaml", config=folder, environ={})


def store_in(folder: Path) -> Store:
    """Open the database of ``folder``, on the engine that the test runs on."""
    return open_store(address_in(folder), root=folder)


def environ_in(folder: Path) -> dict[str, str]:
    """Return what tells a command that its store is that of ``folder``."""
    return {"AGGREGATOR_STORAGE": address_in(folder)}


@contextmanager
def from_outside(folder: Path) -> Iterator[Hand]:
    """Lay hands on the database of ``folder``, whoever uses it meanwhile."""
    with closing(Hand(address_in(folder))) as hand:
        yield hand


def rss(*items: str, title: str = "Harbour Gazette") -> bytes:
    """Return a feed document of ``items``."""
    return (
        f'<rss version="2.0"><channel><title>{title}</title><link>https://harbour.example/</link>'
        f"<description>d</description>{''.join(items)}</channel></rss>"
    ).encode()


def item(number: int, text: str = "") -> str:
    """Return an item of a feed document."""
    return (
        f"<item><title>Ferry {number} leaves</title><guid>urn:x-harbour:{number}</guid>"
        f"<link>https://harbour.example/{number}</link><description>{text}</description></item>"
    )


def entry(feed: str, number: int, title: str, summary: str = "", **wishes: Any) -> Entry:
    """Return an entry as a parse worker would."""
    link = f"https://{feed}.example/{number}"
    plain: dict[str, Any] = {
        "guid": f"urn:x-{feed}:{number}",
        "link": link,
        "canonical": link,
        "published": NOW - HOUR,
        "language": "en",
        "digest": sha256(f"{title}\n{summary}".encode()).hexdigest(),
    }
    return Entry(title=title, summary=summary, **(plain | wishes))


def bring(store: Store, feed: str, entries: Iterable[Entry], *, now: datetime = NOW) -> list[str]:
    """Take ``entries`` in as a visit does; return the ids of those that are new."""
    with store.transaction():
        listed, state = tuple(entries), store.feeds.state(feed)
        intake = take_in(state, listed, known_of(store, state, listed), now=now)
        store.items.apply(intake)
    return [new.id for new in intake.new]
