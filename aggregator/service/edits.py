"""Were the settings edited, and can they be used as they are now?

Looked at when the system tells of a change, at SIGHUP, and now and then besides: not every file
system tells. What cannot be used is told with its place, and what was good last holds.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import structlog
from msgspec import Struct
from watchfiles import Change, awatch

from aggregator.model.errors import SettingsError
from aggregator.service import logs
from aggregator.service.renewal import Renewal, renew
from aggregator.service.run import Service
from aggregator.service.vitals import Edited
from aggregator.settings import Difference, Settings

LOOK = 10.0  # seconds between two looks where nothing is told
SETTLES = 200  # milliseconds without a further change: editors write in several steps
MOUNTED = "..data"  # what Kubernetes exchanges when a mounted ConfigMap changes
TOLD = 20  # mistakes in the log, of one edit

log = structlog.get_logger()


class Source(Struct, frozen=True, kw_only=True):
    """Where settings are read from: the file ``feeds``, the folder ``config``, and by whom.

    ``read`` raises `SettingsError` with every mistake. ``first`` is the mark of what was read
    at the start, if that is known.
    """

    feeds: Path
    config: Path
    read: Callable[[], Settings]
    first: str = ""

    def mark(self) -> str:
        """Return what tells these files from the same ones after an edit."""
        digest = sha256()
        for path in (self.feeds, *sorted(self.config.glob("*.yaml"))):
            with suppress(OSError):  # to read the settings tells what is the matter
                digest.update(f"{path}\0".encode() + sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def concerns(self, _: Change, path: str) -> bool:
        """Tell whether a change at ``path`` may be one of the settings."""
        here = Path(path)
        return here.name in {self.feeds.name, MOUNTED} or here.suffix == ".yaml"


@dataclass(slots=True)
class Edits:
    """Lets a service follow its settings; ``then`` is called when it runs by others."""

    service: Service
    source: Source
    then: Callable[[], None] = lambda: None
    _mark: str = field(init=False)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _told: bool = False  # somebody asked, and wants an answer even if nothing changed

    def __post_init__(self) -> None:
        self._mark = self.source.first

    def ask(self) -> None:
        """Look now, and say so even if there is nothing new (SIGHUP)."""
        self._told = True
        self._asked.set()

    async def keep_following(self, stop: asyncio.Event) -> None:
        """Follow the settings until ``stop``."""
        ended = asyncio.Event()  # not `stop`: when the watch is cancelled, it sets what it is given
        beside = [asyncio.create_task(each) for each in (self._watch(ended), _hand_on(stop, ended))]
        try:
            while not stop.is_set():
                await self.look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._asked.wait()
                self._asked.clear()
        finally:
            ended.set()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def look(self) -> None:
        """Read the settings if they are not what was read last, and let the service have them."""
        told, self._told = self._told, False
        mark = await asyncio.to_thread(self.source.mark)
        if mark == self._mark and not told:
            return
        try:
            asked = await asyncio.to_thread(self.source.read)
            logs.hide(asked.secrets | self.service.settings.secrets)
            renewal = await renew(self.service, asked)
        except SettingsError as error:
            self._mark = mark
            self._refuse(error.faults)
            return
        except Exception as error:  # noqa: BLE001 - of the store, or a folder: tried again
            self.service.vitals.note("settings", error)
            self._mark = ""  # also what was read before is to be read again
            return
        self._mark = mark
        self._accept(renewal, told=told)

    def _refuse(self, faults: tuple[str, ...]) -> None:
        for fault in faults[:TOLD]:
            log.error("settings refused", fault=fault, hint="what was good last holds")
        if len(faults) > TOLD:
            log.error("settings refused", more=len(faults) - TOLD, hint="see `aggregator check`")
        self.service.vitals.edited(Edited(at=self.service.clock(), faults=faults))

    def _accept(self, renewal: Renewal, *, told: bool) -> None:
        vitals = self.service.vitals
        vitals.mended("settings")
        vitals.edited(Edited(at=self.service.clock(), waiting=renewal.waiting))
        if renewal.waiting:
            hint = "it holds from the next start"
            log.warning("settings wait", what=" ".join(renewal.waiting), hint=hint)
        if renewal.difference:
            self.then()
        if renewal.difference or told:
            log.info("settings taken over", **_counts(renewal.difference))

    async def _watch(self, stop: asyncio.Event) -> None:
        folders = {self.source.feeds.absolute().parent, self.source.config.absolute()}
        there = [folder for folder in folders if folder.is_dir()]
        try:
            async for _ in awatch(
                *there,
                watch_filter=self.source.concerns,
                step=SETTLES,
                stop_event=stop,
                recursive=False,
            ):
                self._asked.set()
        except (OSError, RuntimeError) as error:  # too many are watched already, say
            log.warning("not told of edits", reason=str(error), hint=f"looked for every {LOOK:g} s")
            await stop.wait()
        self._asked.set()


async def _hand_on(stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()


def _counts(difference: Difference) -> dict[str, object]:
    """Return what is new, for a line of the log."""
    feeds = {
        "added": len(difference.added),
        "removed": len(difference.removed),
        "changed": len(difference.changed),
    }
    return {"parts": " ".join(difference.sections) or "none", **feeds}
