"""Where do settings and data of this call lie?"""

import os
from dataclasses import dataclass
from pathlib import Path

from aggregator.settings import Settings, load
from aggregator.storage import Store, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The files and folders that the options before the command name."""

    feeds: Path
    config: Path
    data: Path | None = None

    def settings(self) -> Settings:
        """Read and check all settings; `SettingsError` lists every mistake."""
        return load(feeds=self.feeds, config=self.config, environ=os.environ)

    def store(self, settings: Settings) -> Store:
        """Open the store that these settings and options name."""
        if self.data is None:
            return open_store(settings.service.storage, root=Path.cwd())
        return open_store("sqlite:///aggregator.sqlite3", root=self.data)
