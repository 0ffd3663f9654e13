"""The thread that works on the store: what is written together, and what a failure undoes."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aggregator.service.keeper import Keeper
from aggregator.storage import open_store


class Notes:
    """Notes written through a keeper, and seen over another connection."""

    def __init__(self, root: Path, *, threads: int = 1) -> None:
        self.keeper = Keeper(open_store("sqlite:///t.sqlite3", root=root), threads=threads)
        self._path = root / "t.sqlite3"
        self.tries: list[str] = []
        self.transactions: list[str] = []
        held: Any = self.keeper.store
        held._connection.db.set_trace_callback(self._trace)

    def _trace(self, statement: str) -> None:
        if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            self.transactions.append(statement.split(maxsplit=1)[0])

    def put(self, name: str, *, fail: bool = False) -> str:
        self.tries.append(name)
        store = self.keeper.store
        with store.transaction():
            store.notes.put(name, "here")
            if fail:
                raise ValueError(name)
        return name

    def committed(self) -> set[str]:
        with closing(sqlite3.connect(self._path)) as db:
            return {name for (name,) in db.execute("SELECT name FROM note")}


async def _all(*work: Awaitable[str]) -> list[Any]:
    return await asyncio.gather(*work, return_exceptions=True)


def test_what_is_written_at_the_same_time_is_committed_once(tmp_path: Path) -> None:
    async def three() -> None:
        notes = Notes(tmp_path)
        found = await _all(*(notes.keeper.write(notes.put, name) for name in "abc"))
        assert found == ["a", "b", "c"]
        assert notes.transactions == ["BEGIN", "COMMIT"]
        await notes.keeper.close()

    asyncio.run(three())


def test_whoever_is_told_finds_it_committed(tmp_path: Path) -> None:
    async def three() -> None:
        notes = Notes(tmp_path)

        async def seen(name: str) -> bool:
            return await notes.keeper.write(notes.put, name) in notes.committed()

        assert await asyncio.gather(*(seen(name) for name in "abc")) == [True, True, True]
        await notes.keeper.close()

    asyncio.run(three())


def test_one_that_fails_undoes_itself_alone(tmp_path: Path) -> None:
    async def three() -> None:
        notes = Notes(tmp_path)
        write, put = notes.keeper.write, notes.put
        found = await _all(write(put, "a"), write(put, "b", fail=True), write(put, "c"))
        assert [found[0], found[2]] == ["a", "c"]
        assert isinstance(found[1], ValueError)
        assert {"a", "c"} == notes.committed() & {"a", "b", "c"}
        await notes.keeper.close()

    asyncio.run(three())


def test_what_is_read_after_a_write_finds_it(tmp_path: Path) -> None:
    async def both() -> None:
        notes = Notes(tmp_path)
        _, found = await asyncio.gather(
            notes.keeper.write(notes.put, "a"),
            notes.keeper.run(notes.keeper.store.notes.get, "a"),
        )
        assert found == "here"
        await notes.keeper.close()

    asyncio.run(both())


def test_what_nobody_waits_for_any_more_is_not_begun(tmp_path: Path) -> None:
    async def two() -> None:
        notes = Notes(tmp_path)
        unwanted = asyncio.create_task(notes.keeper.write(notes.put, "a"))
        await asyncio.sleep(0)
        unwanted.cancel()
        assert await notes.keeper.write(notes.put, "b") == "b"
        assert notes.tries == ["b"]
        await notes.keeper.close()

    asyncio.run(two())


def test_a_loop_that_ended_in_between_holds_up_no_other(tmp_path: Path) -> None:
    notes = Notes(tmp_path)

    async def give_up() -> None:
        task = asyncio.create_task(notes.keeper.write(notes.put, "a"))
        await asyncio.sleep(0)
        task.cancel()

    async def write() -> None:
        assert await notes.keeper.write(notes.put, "b") == "b"
        await notes.keeper.close()

    asyncio.run(give_up())
    asyncio.run(write())


@pytest.mark.parametrize("threads", [1, 2])
def test_work_is_done_on_a_thread_of_the_store(tmp_path: Path, threads: int) -> None:
    async def ask() -> None:
        keeper = Notes(tmp_path, threads=threads).keeper
        name = await keeper.run(lambda: threading.current_thread().name)
        assert name.startswith("store")
        assert name == await keeper.write(lambda: threading.current_thread().name) or threads > 1
        await keeper.run(keeper.store.close)

    asyncio.run(ask())
