"""How do several machines serve the same?

Each has all that is served in memory, from the store, with the store's ETags; the database tells
of what changed when it was stored.
"""

import asyncio
from collections.abc import Callable

import structlog

from aggregator.model.errors import StoreError
from aggregator.service.fleet.crew import Crew
from aggregator.service.fleet.health import BETWEEN
from aggregator.service.operating import Operating
from aggregator.service.run import Service
from aggregator.service.waiting import beside
from aggregator.storage import SharedStore
from aggregator.web.serve import serve as listen

LISTENING = 30.0  # seconds after which we look for new editions though nobody told of any
TRY_AGAIN = 1.0  # seconds

log = structlog.get_logger()


async def serve(crew: Crew, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until the stop; ``ready`` is called with the address once connections are taken.

    Raises `AggregatorError` when the address or the database cannot be used at the start.
    """
    store = await crew.store()
    async with crew.service(store) as service:
        _leave_errands(service)
        await service.window.furnish()
        service.vitals.ticked()
        tasks = [
            asyncio.create_task(_keep_fresh(crew, service, store)),
            asyncio.create_task(_keep_well(crew, service, store)),
        ]
        operating = Operating(
            service, crew.latest.source, then=lambda: _leave_errands(service), watches=False
        )
        try:
            proxies = crew.latest.settings.service.listen.proxies
            front = service.front
            async with beside(operating.keep_on(crew.stop, ready=_tell_ops)):
                await listen(front, host, port, crew.stop, ready=ready, proxies=proxies)
        finally:
            crew.stop.set()
            await asyncio.gather(*tasks)


def _tell_ops(url: str) -> None:
    log.info("status for ops", at=f"{url}/status")


def _leave_errands(service: Service) -> None:
    """Leave it to whoever publishes to tell subscribers of the hub."""
    if service.hub is not None:
        service.hub.courier.begin_no_more()


async def _keep_fresh(crew: Crew, service: Service, store: SharedStore) -> None:
    """Put new editions on the shelf whenever the database tells of them."""
    while not crew.stop.is_set():
        try:
            async for _ in store.editions(LISTENING, crew.stop):
                await service.window.refresh()
        except Exception as error:  # noqa: BLE001 - what is served must not stay as it is for good
            reason, kind = str(error), type(error).__name__
            log.warning("failed", part="listening", reason=reason, kind=kind)
            await crew.pause(TRY_AGAIN)


async def _keep_well(crew: Crew, service: Service, store: SharedStore) -> None:
    """Let health tell of the store: a web does not tick by itself."""
    while not crew.stop.is_set():
        try:
            await crew.agree_on_all(service, store)
        except StoreError as error:
            service.vitals.note("store", error)
        else:
            service.vitals.mended("store")
            service.vitals.ticked()
        await crew.pause(BETWEEN)
