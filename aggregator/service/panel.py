"""What do ops see, and what do they have done?"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from msgspec.structs import replace

from aggregator.outputs.pages import status
from aggregator.service import alerts
from aggregator.service.readings import of_feeds, of_service
from aggregator.service.run import Service
from aggregator.service.statuspage import told_of
from aggregator.service.survey import Survey, may_be_asked, surveyed
from aggregator.service.waiting import beside, either

FRESH = 5.0  # seconds for which a look at everything holds, at least
SHARE = 30  # and so many times as long as it took: of 10,000 feeds that is minutes
LOOK = 300.0  # seconds between two looks for what ops are to be told
LAG = 0.5  # seconds between two measurements of the event loop

log = structlog.get_logger()


@dataclass(slots=True)
class ServicePanel:
    """Shows how ``service`` does, and does what ops ask for."""

    service: Service
    _survey: Survey | None = None
    _holds_until: float = 0.0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _said: str = ""  # of the last action, until it was read

    async def page(self, root: str) -> bytes:
        """Print the status page."""
        survey = await self._look()
        told = told_of(self.service, survey, self._said)
        self._said = ""
        return await asyncio.to_thread(status.status, self.service.settings.site, told, root=root)

    async def metrics(self) -> tuple[bytes, str]:
        """Return the metrics in the text format."""
        readings = (*of_feeds(await self._look()), *of_service(self.service))
        return self.service.gauges.told(readings)

    async def alerts(self) -> bytes:
        """Print the feed of alerts."""
        store, site = self.service.keeper.store, self.service.settings.site
        told = await self.service.keeper.run(alerts.read, store)
        born = await self.service.keeper.run(store.outputs.born, "ops alerts", self._now())
        return alerts.feed_of(told, site, born=born)

    async def act(self, action: str, feed: str) -> bool:
        """Do what ops ask for about ``feed``; the page says what came of it."""
        if feed not in {one.id for one in self.service.settings.feeds}:
            return False
        self._said = f"{feed}: {await self._act(action, feed)}"
        log.info("asked by ops", feed=feed, action=action, outcome=self._said)
        self._survey = None
        return True

    async def keep_watching(self, stop: asyncio.Event) -> None:
        """Look now and then whether there is something that ops are to be told, until ``stop``."""
        async with beside(self._keep_measuring()):
            while not stop.is_set():
                try:
                    await self.watch()
                except Exception as error:  # noqa: BLE001 - looked again at the next turn
                    log.warning("not watched", reason=str(error))
                await either(stop, LOOK)

    async def watch(self) -> None:
        """Tell ops of feeds that went from well to ill."""
        survey = await self._look()
        vitals, store = self.service.vitals, self.service.keeper.store
        told, fresh = await self.service.keeper.run(
            alerts.look, store, survey.standings(), now=survey.at, offline=vitals.is_offline()
        )
        for alert in told.alerts[:fresh]:
            log.warning("alert", feed=alert.feed, what=alert.title, hint=alert.text)

    async def _look(self) -> Survey:
        async with self._looking:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            if self._survey is None or begun > self._holds_until:
                self._survey = await asyncio.to_thread(
                    surveyed,
                    self.service.keeper.store.reader,
                    self.service.settings,
                    paused=self.service.rounds.paused,
                    now=self._now(),
                )
                now = loop.time()
                self._holds_until = now + max(FRESH, SHARE * (now - begun))
            return self._survey

    async def _act(self, action: str, feed: str) -> str:
        if action in {"pause", "resume"}:
            await self.service.pause(feed, on=action == "pause")
            return "it is not asked until you resume it" if action == "pause" else "it is asked"
        work = self._ask_now if action == "poll" else self._accept
        return await self.service.keeper.run(work, feed)

    def _ask_now(self, feed: str) -> str:
        store, now = self.service.keeper.store, self._now()
        state = store.feeds.state(feed)
        if state.gone:
            return "its publisher says it is no more"
        if (free := may_be_asked(state, now)) is not None:
            return f"its publisher is not to be asked before {free:%H:%M:%S}Z"
        if state.next_due > now:
            store.feeds.save(replace(state, next_due=now, because="asked-by-ops", usual_due=None))
        return "it is asked at the next tick"

    def _accept(self, feed: str) -> str:
        store = self.service.keeper.store
        state = store.feeds.state(feed)
        if state.move is None:
            return "it does not move"
        store.feeds.save(replace(state, moved_to=state.move.to, move=None))
        return f"it is asked at {state.move.to}; write that into feeds.yaml, with the id {feed}"

    def _now(self) -> datetime:
        return self.service.clock()

    async def _keep_measuring(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(LAG)
            self.service.gauges.late(loop.time() - begun - LAG)
