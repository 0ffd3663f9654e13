"""A folder of files that any web server can serve."""

import gzip
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from aggregator.cli import main
from aggregator.model.editions import Rendered, Site
from aggregator.model.errors import NotOursError
from aggregator.outputs.documents import etag_of
from aggregator.service.folder import MANIFEST, SiteFolder
from aggregator.service.house import opened
from aggregator.settings import Settings
from aggregator.storage import open_store
from tests.origin import Origin
from tests.service.stage import bring, entry, play, settings_for, store_in

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITE = Site(base_url="https://news.example")
LONG = b"<feed>" + b"ferry " * 100 + b"</feed>"


def rendered(path: str, body: bytes, at: datetime = NOW) -> Rendered:
    return Rendered(path=path, media_type="text/xml", body=body, etag=etag_of(body), changed_at=at)


def into(folder: Path, settings: Settings) -> Settings:
    publish = settings.service.publish.but(folder=str(folder))
    return replace(settings, service=settings.service.but(publish=publish))


def test_a_folder_holds_what_is_served_plain_and_compressed(tmp_path: Path) -> None:
    SiteFolder(tmp_path / "new" / "public").mirror(
        [rendered("feeds/topics/sea/top.atom", LONG)], SITE, now=NOW
    )
    place = tmp_path / "new" / "public" / "feeds" / "topics" / "sea"
    assert (place / "top.atom").read_bytes() == LONG
    assert gzip.decompress((place / "top.atom.gz").read_bytes()) == LONG
    assert brotli.decompress((place / "top.atom.br").read_bytes()) == LONG
    assert (place / "top.atom").stat().st_mtime == NOW.timestamp()
    assert {path.name for path in place.iterdir()} == {
        f"top.atom{ending}" for ending in ("", ".gz", ".br", ".zst")
    }
    assert b"Nothing here" in (tmp_path / "new" / "public" / "404.html").read_bytes()


def test_only_what_changed_is_written_again_by_whomever(tmp_path: Path) -> None:
    documents = [rendered("feeds/latest.atom", LONG), rendered("index.html", b"front")]
    assert SiteFolder(tmp_path).mirror(documents, SITE, now=NOW) > 2
    later = NOW + timedelta(hours=1)
    assert SiteFolder(tmp_path).mirror(documents, SITE, now=later) == 0

    changed = [documents[0], rendered("index.html", b"other", later)]
    before = (tmp_path / "feeds" / "latest.atom").stat().st_ino
    assert SiteFolder(tmp_path).mirror(changed, SITE, now=later) == 1
    assert (tmp_path / "index.html").read_bytes() == b"other"
    assert (tmp_path / "feeds" / "latest.atom").stat().st_ino == before


def test_a_file_that_somebody_removed_is_written_again(tmp_path: Path) -> None:
    folder = SiteFolder(tmp_path)
    folder.mirror([rendered("index.html", b"front")], SITE, now=NOW)
    (tmp_path / "index.html").unlink()
    assert folder.mirror([rendered("index.html", b"front")], SITE, now=NOW) == 1


def test_what_is_served_no_more_goes_and_what_others_put_there_stays(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "mine.txt").write_text("mine")
    folder = SiteFolder(tmp_path)
    folder.mirror([rendered("feeds/a/top.rss", LONG), rendered("index.html", LONG)], SITE, now=NOW)
    folder.mirror([rendered("index.html", b"short")], SITE, now=NOW)
    assert not (tmp_path / "feeds" / "a").exists()
    assert (tmp_path / "feeds" / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "index.html.gz").exists()  # nobody is sent the old one


def test_a_broken_manifest_costs_one_rewriting(tmp_path: Path) -> None:
    documents = [rendered("index.html", b"front")]
    SiteFolder(tmp_path).mirror(documents, SITE, now=NOW)
    for text in ("{", "[]"):
        (tmp_path / MANIFEST).write_text(text)
        assert SiteFolder(tmp_path).mirror(documents, SITE, now=NOW) > 0
        assert SiteFolder(tmp_path).mirror(documents, SITE, now=NOW) == 0


@pytest.mark.parametrize("name", ["index.html", "index.html.gz", "404.html"])
def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    folder = SiteFolder(tmp_path)
    with pytest.raises(NotOursError, match=f"{name}: is there already"):
        folder.mirror([rendered("index.html", LONG)], SITE, now=NOW)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]

    (tmp_path / name).unlink()
    assert folder.mirror([rendered("index.html", LONG)], SITE, now=NOW) > 0


def test_a_first_writing_that_was_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    documents = [rendered("a.html", LONG), rendered("blocked/b.html", LONG)]
    (tmp_path / "blocked").write_text("in the way")
    with pytest.raises(OSError, match="blocked"):
        SiteFolder(tmp_path).mirror(documents, SITE, now=NOW)
    assert (tmp_path / "a.html").exists()

    (tmp_path / "blocked").unlink()
    assert SiteFolder(tmp_path).mirror(documents, SITE, now=NOW) > 0


@pytest.mark.parametrize("path", ["../out.html", "/etc/out.html", "a/../../out.html", ""])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        SiteFolder(tmp_path / "public").mirror([rendered(path, b"x")], SITE, now=NOW)
    assert list(tmp_path.rglob("out.html")) == []


def test_a_service_keeps_its_folder_current_and_catches_up_after_a_fault(tmp_path: Path) -> None:
    """The folder is a file for a while, as a disk that is not mounted would be nothing."""
    settings = settings_for(tmp_path, ["{url: 'https://harbour.example/feed', id: harbour}"])
    settings = into(tmp_path / "public", settings)
    top = tmp_path / "public" / "feeds" / "latest.json"

    async def scene() -> None:
        async with opened(settings, store_in(tmp_path)) as service:
            await service.prepare()
            await service.bring_out()
            assert "Ferry 1" not in top.read_text()

            shutil.rmtree(tmp_path / "public")
            (tmp_path / "public").write_text("in the way")
            bring(service.keeper.store, "harbour", [entry("harbour", 1, "Ferry 1 leaves")])
            await service.bring_out()
            assert any(why.startswith("folder: ") for why in service.vitals.health().because)

            (tmp_path / "public").unlink()
            await service.bring_out()
            assert service.vitals.health().ok

    play(scene())
    assert "Ferry 1" in top.read_text()
    assert (tmp_path / "public" / "index.html").exists()


def test_a_service_goes_on_when_its_folder_is_somebody_elses(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, ["{url: 'https://harbour.example/feed', id: harbour}"])
    settings = into(tmp_path / "public", settings)
    mine = tmp_path / "public" / "index.html"
    mine.parent.mkdir()
    mine.write_text("mine")

    async def scene() -> None:
        async with opened(settings, store_in(tmp_path)) as service:
            await service.prepare()
            await service.bring_out()
            assert any("index.html: is there" in why for why in service.vitals.health().because)
            assert mine.read_text() == "mine"

            mine.unlink()
            await service.bring_out()
            assert service.vitals.health().ok

    play(scene())
    assert mine.read_text() != "mine"


def publishing(place: Path) -> list[str]:
    (place / "config").mkdir()
    (place / "feeds.yaml").write_text("feeds: [https://a.invalid/rss]\n", encoding="utf-8")
    options = ["--feeds", f"{place}/feeds.yaml", "--config", f"{place}/config"]
    return [*options, "--data", f"{place}/data", "publish", f"{place}/public"]


def test_publish_names_the_file_that_is_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "index.html").write_text("mine")
    result = CliRunner().invoke(main, publishing(tmp_path))
    assert result.exit_code == 1
    assert f"aggregator: {tmp_path}/public/index.html: is there already" in result.stderr


def test_publish_says_under_which_address_the_feeds_are_made(tmp_path: Path) -> None:
    arguments = publishing(tmp_path)
    told = CliRunner().invoke(main, arguments).stderr
    assert "note: the feeds name http://localhost:8080 as their address" in told
    (tmp_path / "config" / "service.yaml").write_text("site: {base_url: 'https://n.example'}\n")
    assert "note:" not in CliRunner().invoke(main, arguments).stderr


def test_publish_beside_a_service_points_to_the_folder_that_it_keeps(tmp_path: Path) -> None:
    arguments = publishing(tmp_path)
    with closing(open_store("sqlite:///aggregator.sqlite3", root=tmp_path / "data")):
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "publish: folder in config/service.yaml" in result.stderr


def test_publish_writes_what_is_stored_and_fetches_nothing(tmp_path: Path, origin: Origin) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "feeds.yaml").write_text(f"feeds: ['{origin.url('/feed')}']\n", encoding="utf-8")
    arguments = ["--feeds", f"{tmp_path}/feeds.yaml", "--config", f"{tmp_path}/config"]
    arguments += ["--data", f"{tmp_path}/data", "publish", f"{tmp_path}/public"]
    first = CliRunner().invoke(main, arguments)
    assert (first.exit_code, "files written" in first.output) == (0, True)
    assert (tmp_path / "public" / "feeds.opml").exists()
    assert "is up to date" in CliRunner().invoke(main, arguments).output
    assert origin.log == []
