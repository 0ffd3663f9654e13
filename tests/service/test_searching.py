import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from aggregator.model.editions import Format, Site
from aggregator.model.errors import StoreError
from aggregator.model.items import Copy
from aggregator.service.house import opened
from aggregator.service.searching import WAITING, Asked, Searcher, SearchRoom, index_some
from aggregator.storage import Store
from aggregator.web.served import Served
from tests.service.newsroom import tell
from tests.service.stage import (
    HOUR,
    NOW,
    PATIENCE,
    bring,
    entry,
    play,
    settings_for,
    store_in,
)

SITE = Site(base_url="https://news.example", title="Wire")
FEEDS = (
    "{url: https://harbour.example/feed, id: harbour}",
    "{url: https://north.example/feed, id: north}",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(store_in(tmp_path)) as held:
        held.feeds.configure(settings_for(tmp_path, FEEDS).feeds, now=NOW)
        yield held


def index(store: Store) -> None:
    while index_some(store):
        pass


def searcher(store: Store, now: datetime = NOW) -> Searcher:
    return Searcher(store.reader, site=SITE, topics=(), clock=lambda: now, born=NOW - 9 * HOUR)


def page(store: Store, text: str, form: Format | None = None) -> str:
    held = searcher(store)
    with closing(held):
        return held.answer(Asked.of(text, form)).variants[-1].body.decode()


def test_what_is_filed_can_be_found_by_title_text_and_author(store: Store) -> None:
    tell(store, "harbour", 1, story="a", title="Night ferry turns back", summary="All are safe")
    tell(store, "north", 2, story="b", title="Bread", content_html="<p>The <b>baker</b> sang.</p>")
    tell(store, "north", 3, story="c", title="Chess", authors=("Ada Kestrel",))
    index(store)
    for text, title in (("ferry", "Night ferry turns back"), ("safe", "Night ferry turns back"),
                        ("baker", "Bread"), ("kestrel", "Chess")):  # fmt: skip
        body = page(store, text)
        assert f">{title}</a>" in body
        assert body.count('<article class="result"') == 1


def test_a_search_is_a_feed_whose_address_and_id_are_its_own(store: Store) -> None:
    item = tell(store, "harbour", 1, story="a", title="Night ferry turns back")
    index(store)
    atom = page(store, "night ferry", Format.ATOM)
    assert f"<id>{item}</id>" in atom
    assert 'href="https://news.example/search.atom?q=night%20ferry" rel="self"' in atom
    assert "<title>Search: night ferry</title>" in atom
    assert item in page(store, "night ferry", Format.RSS)
    assert item in page(store, "night ferry", Format.JSON)
    other = page(store, "ferry", Format.ATOM)
    assert other.partition("<title>")[0] != atom.partition("<title>")[0]
    assert page(store, "night ferry", Format.ATOM) == atom


def test_a_copy_is_not_found_beside_its_lead(store: Store) -> None:
    lead = tell(store, "harbour", 1, story="a", title="Night ferry turns back")
    copy = tell(store, "north", 2, story="a", title="Ferry in port again")
    store.items.refold(copy, Copy(lead=lead, rule="same-text", figure=0.9))
    index(store)
    body = page(store, "ferry")
    assert body.count('<article class="result"') == 1
    assert "Also reported by" in body
    assert ">Night ferry turns back</a>" in page(store, "port again")


def test_words_that_were_revised_away_are_found_no_more(store: Store) -> None:
    tell(store, "harbour", 1, story="a", title="Night ferry turns back")
    index(store)
    tell(store, "harbour", 1, story="a", title="Night boat turns back", now=NOW + HOUR)
    index(store)
    assert "Nothing is reported" in page(store, "ferry")
    assert ">Night boat turns back</a>" in page(store, "boat")


def test_a_search_for_nothing_shows_the_form_and_one_without_result_says_so(store: Store) -> None:
    assert "<form" in page(store, "  ")
    assert "Nothing is reported of" in page(store, "<script>alert(1)</script>")
    assert "<script" not in page(store, "<script>alert(1)</script>")


def test_what_the_service_filed_is_found_with_its_next_edition(
    store: Store, tmp_path: Path
) -> None:
    async def scene() -> None:
        settings = settings_for(tmp_path, FEEDS)
        async with opened(settings, store, now=lambda: NOW) as service:
            for n, title in enumerate(("Night ferry turns back", "Ferry in port"), start=1):
                bring(store, "harbour", [entry("harbour", n, title)])
                await service.bring_out()
                found = await service.window.search.answer("ferry", None, by_date=True)
                assert found is not None
                assert found.variants[-1].body.count(b'<article class="result"') == n

    play(scene())


def test_a_store_that_does_not_answer_is_no_fault_of_the_reader(store: Store) -> None:
    async def scene(room: SearchRoom) -> None:
        assert await room.answer("ferry", None, by_date=False) is None
        assert await room.answer("", None, by_date=False) is not None

    def away() -> Store:
        raise StoreError("away")

    async def go() -> None:
        room = SearchRoom(Searcher(away, site=SITE, topics=(), clock=lambda: NOW, born=NOW))
        try:
            await scene(room)
        finally:
            await room.close()

    play(go())


class Slow(Searcher):
    """Answers when it is told to, and counts."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[str] = []

    def answer(self, asked: Asked) -> Served:
        assert self.go.wait(PATIENCE)
        self.asked.append(asked.query.text)
        return Served(media_type="", variants=(), changed_at=NOW, last_modified="", etag="")

    def close(self) -> None:
        pass


def in_room(scene: Callable[[SearchRoom, Slow], Awaitable[None]]) -> None:
    async def go() -> None:
        slow = Slow()
        room = SearchRoom(slow)
        try:
            await scene(room, slow)
        finally:
            slow.go.set()
            await room.close()

    play(go())


def test_who_comes_when_too_many_wait_is_turned_away_at_once() -> None:
    async def scene(room: SearchRoom, slow: Slow) -> None:
        waiting = [
            asyncio.create_task(room.answer(f"q{n}", None, by_date=False)) for n in range(WAITING)
        ]
        await asyncio.sleep(0)
        assert await room.answer("one more", None, by_date=False) is None
        slow.go.set()
        assert all(await asyncio.gather(*waiting))
        assert await room.answer("one more", None, by_date=False) is not None

    in_room(scene)


def test_an_answer_is_kept_until_there_is_something_new() -> None:
    async def scene(room: SearchRoom, slow: Slow) -> None:
        slow.go.set()
        for _ in range(3):
            await room.answer("ferry", None, by_date=False)
        assert slow.asked == ["ferry"]
        room.forget()
        await room.answer("ferry", None, by_date=False)
        assert slow.asked == ["ferry", "ferry"]

    in_room(scene)


def test_an_answer_from_before_the_news_is_not_kept() -> None:
    async def scene(room: SearchRoom, slow: Slow) -> None:
        early = asyncio.create_task(room.answer("ferry", None, by_date=False))
        await asyncio.sleep(0)
        room.forget()
        slow.go.set()
        await early
        await room.answer("ferry", None, by_date=False)
        assert len(slow.asked) == 2

    in_room(scene)
