"""On which engine does a test keep its store? SQLite, or a PostgreSQL server that it starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import Server

ENGINES = ("sqlite", "postgres")


class Engine:
    """Gives a folder its database, the same one each time."""

    def __init__(self, server: Server | None = None) -> None:
        self._server = server
        self._given: dict[Path, str] = {}

    def address(self, folder: Path) -> str:
        """Return the address of the store of ``folder``."""
        if self._server is None:
            return f"sqlite:///{folder / 't.sqlite3'}"
        if folder not in self._given:
            self._given[folder] = self._server.new()
        return self._given[folder]

    def clear(self) -> None:
        """Let the databases go; a folder's file goes with the folder."""
        for url in self._given.values():
            if self._server is not None:
                self._server.drop(url)


_now = Engine()


def address_in(folder: Path) -> str:
    """Return the address of the store of ``folder``, on the engine that the test runs on."""
    return _now.address(folder)


@contextmanager
def kept_by(server: Server | None) -> Iterator[Engine]:
    """Let stores be kept by ``server`` inside, or by SQLite."""
    global _now  # noqa: PLW0603 - one test runs at a time
    before, _now = _now, Engine(server)
    try:
        yield _now
    finally:
        _now.clear()
        _now = before
