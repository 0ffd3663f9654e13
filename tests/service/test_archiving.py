"""What left an output is still to be had, from a real store and over HTTP."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.model.editions import Format, OutputSpec
from aggregator.service.archiving import ArchivePages, Bound, Elsewhere
from aggregator.service.folder import SiteFolder
from aggregator.service.house import opened
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.newsroom import ids, publisher, tell
from tests.service.stage import HOUR, NOW, SERVICE, play, settings_for, store_in

FEEDS = [
    "{id: harbour, url: 'https://harbour.example/feed'}",
    "{id: north, url: 'https://north.example/feed'}",
]
OUTPUTS = "outputs: [{kind: latest, limit: 10, per_owner: 10}, {kind: top, limit: 4}]\n"
FEW = f"{SERVICE}publish: {{archive_pages: 3, hold: 0s}}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS, OUTPUTS)


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Store]:
    with closing(store_in(tmp_path)) as held:
        held.feeds.configure(settings.feeds, now=NOW)
        yield held


def news(store: Store, count: int) -> None:
    """Let the harbour tell ``count`` more stories, one an hour."""
    for number in range(store.items.count(), store.items.count() + count):
        tell(store, "harbour", number, story=f"s{number}", now=NOW + number * HOUR)


def pages_of(store: Store, settings: Settings) -> ArchivePages:
    return ArchivePages(store, outputs=settings.outputs, site=settings.site)


def document(store: Store, settings: Settings, number: int, name: str = "latest") -> Any:
    found = pages_of(store, settings).page(name, Format.JSON, number)
    assert isinstance(found, Bound)
    return json.loads(found.rendered.body)


def archived(store: Store, settings: Settings, name: str = "latest") -> list[list[str]]:
    """Return the ids on each page, the newest page first, by following the links."""
    served = store.outputs.get(f"feeds/{name}.json")
    assert served is not None
    found: list[list[str]] = []
    document_now = json.loads(served.body)
    while "next_url" in document_now:
        number = int(document_now["next_url"].rpartition("/")[2].removesuffix(".json"))
        document_now = document(store, settings, number, name)
        found.append([item["id"] for item in document_now["items"]])
    return found


def archive(store: Store, settings: Settings, name: str = "latest") -> list[str]:
    """Return the ids on all pages."""
    return [one for page in archived(store, settings, name) for one in page]


@pytest.mark.conforms("B44")
def test_what_leaves_is_on_one_page_and_nothing_is_missing(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)
    for hour in range(40):
        news(store, 1)
        press.publish(NOW + hour * HOUR)
        told = [stored.item.id for stored in store.items.all()]
        left = archive(store, settings)
        assert sorted({*ids(store, "latest"), *left}) == sorted(told)
        assert len(left) == len(set(left))
    assert [len(page) for page in archived(store, settings)] == [5] * 6


def test_what_leaves_while_the_service_is_down_is_archived_at_the_next_start(
    store: Store, settings: Settings
) -> None:
    news(store, 10)
    publisher(store, settings).publish(NOW + 10 * HOUR)
    before = set(ids(store, "latest"))
    news(store, 9)
    publisher(store, settings).publish(NOW + 30 * HOUR)
    left = before - set(ids(store, "latest"))
    assert len(left) == 9
    assert left <= set(archive(store, settings))


def test_stories_that_leave_top_are_archived_after_a_restart_too(
    store: Store, settings: Settings
) -> None:
    told: set[str] = set()
    for number in range(6):
        for feed in ("harbour", "north"):
            tell(store, feed, number, story=f"s{number}", now=NOW + number * 20 * HOUR)
        publisher(store, settings).publish(NOW + number * 20 * HOUR)
        told.update(ids(store, "top"))
    assert told == {f"s{number}" for number in range(6)}
    assert told == {*ids(store, "top"), *archive(store, settings, "top")}


@pytest.mark.conforms("B44")
def test_a_page_changes_once_when_the_next_one_is_made_and_then_never(
    store: Store, settings: Settings
) -> None:
    press = publisher(store, settings)

    def first(form: Format) -> Bound:
        found = pages_of(store, settings).page("latest", form, 1)
        assert isinstance(found, Bound)
        return found

    news(store, 11)
    press.publish(NOW + 11 * HOUR)
    press.publish(NOW + 11 * HOUR)
    news(store, 1)
    press.publish(NOW + 12 * HOUR)
    young = {form: first(form) for form in Format}
    assert not young[Format.ATOM].final
    news(store, 4)
    press.publish(NOW + 16 * HOUR)
    assert {form: first(form) for form in Format} == young

    news(store, 4)
    press.publish(NOW + 20 * HOUR)
    old = {form: first(form) for form in Format}
    assert old[Format.ATOM].final
    assert b'rel="next-archive"' in old[Format.ATOM].rendered.body
    assert (
        document(store, settings, 1)["items"]
        == json.loads(young[Format.JSON].rendered.body)["items"]
    ), "its entries never change"
    news(store, 30)
    press.publish(NOW + 50 * HOUR)
    assert {form: first(form) for form in Format} == old


def test_an_archive_is_bounded_and_what_was_on_it_is_gone(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    few = settings_for(tmp_path, FEEDS, OUTPUTS, FEW)
    press = publisher(store, few)
    for hour in range(60):
        news(store, 1)
        press.publish(NOW + hour * HOUR)
    kept = [page.number for page in store.archives.listed("latest")]
    assert len(kept) == 3
    pages = pages_of(store, few)
    assert pages.page("latest", Format.ATOM, 1) == Elsewhere()
    assert pages.page("latest", Format.ATOM, kept[-1] + 1) is None
    assert pages.page("latest", Format.ATOM, 0) is None
    assert pages.page("nothing", Format.ATOM, 1) is None


def test_without_pages_to_keep_there_is_no_archive(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    none = settings_for(
        tmp_path, FEEDS, OUTPUTS, FEW.replace("archive_pages: 3", "archive_pages: 0")
    )
    news(store, 10)
    publisher(store, none).publish(NOW + 10 * HOUR)
    news(store, 5)
    publisher(store, none).publish(NOW + 15 * HOUR)
    assert store.archives.listed("latest") == ()
    assert archived(store, none) == []


def test_what_waits_at_the_gate_makes_no_page(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    wide = settings_for(
        tmp_path,
        FEEDS,
        OUTPUTS.replace("limit: 10, per_owner: 10", "limit: 40, per_owner: 40"),
        f"{SERVICE}publish: {{hold: 30m, new_at_once: 10}}\n",
    )
    news(store, 40)
    press = publisher(store, wide)
    press.publish(NOW + 40 * HOUR)
    press.publish(NOW + 42 * HOUR)
    before = ids(store, "latest")
    news(store, 30)
    held = press.publish(NOW + 42 * HOUR + HOUR / 60)
    assert "feeds/latest.atom" in dict(held.refused)
    assert store.archives.listed("latest") == ()

    assert press.publish(NOW + 43 * HOUR).refused == ()
    left = set(before) - set(ids(store, "latest"))
    assert len(left) == 30
    assert left <= set(archive(store, wide))


def test_an_archive_goes_with_its_output(store: Store, settings: Settings, tmp_path: Path) -> None:
    news(store, 10)
    publisher(store, settings).publish(NOW + 10 * HOUR)
    news(store, 4)
    publisher(store, settings).publish(NOW + 14 * HOUR)
    assert store.archives.listed("latest")

    renamed = settings_for(
        tmp_path, FEEDS, "outputs: [{kind: latest, name: all, was: [latest], limit: 10}]\n"
    )
    publisher(store, renamed).publish(NOW + 14 * HOUR)
    assert document(store, renamed, 1, "all")["title"] == "Latest"
    moved = pages_of(store, renamed).page("latest", Format.RSS, 1)
    assert moved == Elsewhere("feeds/all/archive/1.rss")

    other = settings_for(tmp_path, FEEDS, "outputs: [{kind: top}]\n")
    publisher(store, other).publish(NOW + 14 * HOUR)
    assert store.archives.listed("all") == ()


def test_a_private_output_has_no_archive(store: Store, settings: Settings) -> None:
    kinds = {spec.name: spec for spec in settings.outputs}
    hidden = OutputSpec(name="hidden", kind=kinds["latest"].kind, title="x", limit=2, private=True)
    secret = Settings(**{
        name: getattr(settings, name) for name in settings.__struct_fields__
    } | {"outputs": (hidden,)})  # fmt: skip
    for _ in range(3):
        news(store, 3)
        publisher(store, secret).publish(NOW + 20 * HOUR)
    assert store.archives.listed("hidden") == ()
    assert pages_of(store, secret).page("hidden", Format.ATOM, 1) is None


@pytest.mark.conforms("B44")
def test_pages_are_served_to_be_kept_for_ever_and_written_into_the_folder(
    settings: Settings, tmp_path: Path
) -> None:
    async def scene() -> None:
        store = store_in(tmp_path)
        store.feeds.configure(settings.feeds, now=NOW)
        for _ in range(5):
            news(store, 5)
            publisher(store, settings).publish(NOW + store.items.count() * HOUR)
        numbers = [page.number for page in store.archives.listed("latest")]
        assert numbers == [1, 2, 3]
        async with opened(settings, store) as service:
            await service.prepare()
            transport = httpx.ASGITransport(service.application())
            at = "https://news.example/feeds/latest"
            async with httpx.AsyncClient(transport=transport) as client:
                newest, sealed = [await client.get(f"{at}/archive/{n}.atom") for n in (3, 2)]
                current = await client.get(f"{at}.atom")
                again = await client.get(
                    f"{at}/archive/2.atom", headers={"if-none-match": sealed.headers["etag"]}
                )
                wrong = ("4.atom", "0.rss", "02.atom", "1.xml", "x.atom", "9" * 5000 + ".json")
                missing = [await client.get(f"{at}/archive/{rest}") for rest in wrong]
            written = await service.window.mirror(SiteFolder(tmp_path / "public"))
            assert await service.window.mirror(SiteFolder(tmp_path / "public")) == 0
        assert 'rel="prev-archive" href="https://news.example/feeds/latest/archive/3.atom"' in (
            current.text
        )
        assert sealed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert sealed.headers["content-type"] == "application/atom+xml; charset=utf-8"
        assert sealed.headers["access-control-allow-origin"] == "*"
        assert "immutable" not in newest.headers["cache-control"]
        assert (again.status_code, again.content) == (304, b"")
        assert [answer.status_code for answer in missing] == [404] * len(wrong)
        assert written > 9
        place = tmp_path / "public" / "feeds" / "latest" / "archive"
        assert (place / "2.atom").read_bytes() == sealed.content
        assert len(list(place.glob("*.json"))) == 3

    play(scene())
