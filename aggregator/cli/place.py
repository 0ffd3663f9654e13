"""Where do settings and data of this call lie?"""

import os
import re
from pathlib import Path

import click
from msgspec import Struct

from aggregator.service import logs
from aggregator.settings import Settings, load
from aggregator.storage import Store, open_store

_FILE = "sqlite:"
_OWN = "sqlite:///aggregator.sqlite3"  # in a folder that --data names
_LISTEN = re.compile(r"(?:(?P<host>[^:\[\]]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>\d{1,5})")


def listening(listen: str | None) -> dict[str, str]:
    """Return ``HOST:PORT`` or ``PORT`` as the settings that it stands for; click.UsageError."""
    if listen is None:
        return {}
    named = _LISTEN.fullmatch(listen)
    if named is None or int(named["port"]) > 65_535:
        raise click.UsageError(
            f'--listen: "{listen}" is no address; write 127.0.0.1:8080, [::1]:8080 or 8080'
        )
    found = {"AGGREGATOR_PORT": named["port"]}
    if named["host"]:
        found["AGGREGATOR_HOST"] = named["host"].strip("[]")
    return found


class Place(Struct, frozen=True, kw_only=True):
    """The files and folders that the options before the command name."""

    feeds: Path
    config: Path
    data: Path | None = None
    level: str = "info"

    def settings(self, listen: str | None = None) -> Settings:
        """Read and check all settings; `SettingsError` lists every mistake.

        ``listen`` (HOST:PORT) goes before what the files say.
        """
        found = load(
            feeds=self.feeds, config=self.config, environ={**os.environ, **listening(listen)}
        )
        logs.hide(found.secrets)
        return found

    def store(self, settings: Settings) -> Store:
        """Open the store that these settings and options name."""
        return self._open(settings, reading=False)

    def reading(self, settings: Settings) -> Store:
        """Open the same store to read it, beside whoever uses it."""
        return self._open(settings, reading=True)

    def bare(self) -> Settings:
        """Read the settings in ``config`` alone: for those to whom the feeds do not matter."""
        return load(feeds=None, config=self.config, environ=os.environ)

    def database(self, settings: Settings) -> tuple[str, Path]:
        """Return the address of the store, and the folder that it is relative to.

        A folder of its own has a file for a store, not one on a server.
        """
        storage = settings.service.storage
        if self.data is None or not storage.startswith(_FILE):
            return storage, self.data or Path.cwd()
        return _OWN, self.data

    def _open(self, settings: Settings, *, reading: bool) -> Store:
        url, root = self.database(settings)
        return open_store(url, root=root, reading=reading)
