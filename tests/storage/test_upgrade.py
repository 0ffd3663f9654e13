"""A database of an older version: brought up to date once, backed up before, whole if cut short."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.model.errors import StoreError, StoreTooNewError
from aggregator.storage import compact, look, open_store, restore
from aggregator.storage.shelves import views
from aggregator.storage.sqlite.migrations import migrations
from aggregator.storage.sqlite.versions import ORDER
from tests.service.stage import NOW, from_outside
from tests.storage.test_backup import filled

pytestmark = pytest.mark.about_sqlite("a file is brought up to date, and backed up before")

URL = "sqlite:///aggregator.sqlite3"


def first_schema(folder: Path) -> Path:
    """Make a database as the first version made it, with a note in it."""
    folder.mkdir(exist_ok=True)
    with closing(
        sqlite3.connect(folder / "aggregator.sqlite3", isolation_level=None)
    ) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        db = Database(connection, execute_plugins=False)
        migrations.apply(db, stop_before=ORDER[1])
        connection.execute("INSERT INTO note VALUES ('installation', 'abc')")
    return folder / "aggregator.sqlite3"


@pytest.mark.conforms("E12", "E57")
def test_an_older_database_is_backed_up_and_brought_up_to_date(tmp_path: Path) -> None:
    path = first_schema(tmp_path)
    former = tmp_path / f"aggregator.sqlite3.before-{ORDER[1]}"
    assert look(URL, root=tmp_path).pending == ORDER[1:]

    with closing(open_store(URL, root=tmp_path)) as store:
        assert store.notes.get("installation") == "abc"
        assert str(former) in store.about()["upgraded"]
    assert look(URL, root=tmp_path).pending == ()

    restore(former, URL, root=tmp_path / "back")
    assert look(URL, root=tmp_path / "back").pending == ORDER[1:]
    with closing(open_store(URL, root=tmp_path)) as store:
        assert "upgraded" not in store.about()  # once
    assert path.exists()


@pytest.mark.conforms("E57")
def test_without_room_for_a_backup_nothing_is_changed(tmp_path: Path) -> None:
    first_schema(tmp_path)
    (tmp_path / f"aggregator.sqlite3.before-{ORDER[1]}").mkdir()  # nothing can be put there
    with pytest.raises(StoreError, match=r"only after a backup.*--no-backup"):
        open_store(URL, root=tmp_path)
    assert look(URL, root=tmp_path).pending == ORDER[1:]

    open_store(URL, root=tmp_path, keep=False).close()
    assert look(URL, root=tmp_path).pending == ()


@pytest.mark.conforms("E12")
def test_an_upgrade_that_fails_half_way_leaves_the_older_version_and_is_done_again(
    tmp_path: Path,
) -> None:
    first_schema(tmp_path)
    with from_outside(tmp_path) as db:
        db.execute("CREATE TABLE served_view (in_the_way)")  # the last of the views to be made
    with pytest.raises(StoreError, match="served_view already exists"):
        open_store(URL, root=tmp_path)
    with from_outside(tmp_path) as db:
        made = db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()
        assert made == []  # not one of those before it
        db.execute("DROP TABLE served_view")
    open_store(URL, root=tmp_path).close()
    assert look(URL, root=tmp_path).done == ORDER


@pytest.mark.conforms("E12", "E57")
def test_a_newer_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = first_schema(tmp_path)
    with from_outside(tmp_path) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('aggregator', 'of_next_year', '')"
        )
    before = path.read_bytes()
    for reading in (False, True):
        with pytest.raises(StoreTooNewError, match=r"of_next_year.*run that version, or restore"):
            open_store(URL, root=tmp_path, reading=reading)
    assert look(URL, root=tmp_path).unknown == ("of_next_year",)
    assert path.read_bytes()[100:] == before[100:]  # but for the mark of a log beside it


@pytest.mark.conforms("E11")
def test_a_look_tells_what_is_there_and_changes_nothing(tmp_path: Path) -> None:
    assert not look(URL, root=tmp_path).exists
    (tmp_path / "aggregator.sqlite3").write_bytes(b"Dear ferry," * 100)
    assert look(URL, root=tmp_path).wrong == "file is not a database"
    assert [path.name for path in tmp_path.iterdir()] == ["aggregator.sqlite3"]
    (tmp_path / "aggregator.sqlite3").unlink()
    with closing(open_store(URL, root=tmp_path)):
        found = look(URL, root=tmp_path)
        assert found.in_use
        assert found.log > 0
    found = look(URL, root=tmp_path)
    assert (found.in_use, found.log, found.shrinks) == (False, 0, True)
    assert found.rows["item"] == 0
    assert set(views.NAMES).isdisjoint(found.rows)


@pytest.mark.conforms("E19")
def test_room_that_became_free_is_given_back_to_the_disk(tmp_path: Path) -> None:
    with closing(open_store(URL, root=tmp_path)) as store:
        for number in range(50):
            store.notes.put(f"n{number}", "." * 100_000)
        store.tidy(NOW)
        full = look(URL, root=tmp_path).bytes
        for number in range(50):
            store.notes.drop(f"n{number}")
        store.tidy(NOW)
        assert look(URL, root=tmp_path).bytes < full / 4


def test_a_database_that_gives_nothing_back_does_so_once_it_was_compacted(tmp_path: Path) -> None:
    first_schema(tmp_path)
    assert not look(URL, root=tmp_path).shrinks
    open_store(URL, root=tmp_path).close()
    compact(URL, root=tmp_path)
    assert look(URL, root=tmp_path).shrinks


@pytest.mark.conforms("E09")
def test_a_file_that_was_not_closed_is_looked_through_until_it_is_sound(tmp_path: Path) -> None:
    """Each time: whoever starts it again and again must not get past that."""
    store = filled(tmp_path, 500)
    with from_outside(tmp_path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    copy = tmp_path / "as-it-is-left-by-a-kill"
    copy.mkdir()
    for name in ("aggregator.sqlite3", "aggregator.sqlite3.lock"):
        shutil.copy(tmp_path / name, copy)
    store.close()
    sound = (copy / "aggregator.sqlite3").read_bytes()
    spoil(copy / "aggregator.sqlite3")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"it is damaged: .*restore a backup in its place"):
            open_store(URL, root=copy)
    (copy / "aggregator.sqlite3").write_bytes(sound)
    open_store(URL, root=copy).close()
    assert (copy / "aggregator.sqlite3.lock").read_bytes() == b""


def spoil(path: Path) -> None:
    """Write over a page in which items are, and nothing that is read at once."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
