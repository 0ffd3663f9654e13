"""What runs beside the service, for those who run it?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog

from aggregator.service.edits import Edits, Source
from aggregator.service.panel import ServicePanel
from aggregator.service.run import Service
from aggregator.web.ops import Doorkeeper, application, routes
from aggregator.web.serve import ListenError, serve

log = structlog.get_logger()


@dataclass(slots=True)
class Operating:
    """Follows the settings, watches over feeds, and answers ops, beside a service that runs.

    ``then`` is called after each edit. Of several processes one ``watches``.
    """

    service: Service
    source: Source
    then: Callable[[], None] = lambda: None
    watches: bool = True
    edits: Edits = field(init=False)
    panel: ServicePanel = field(init=False)

    def __post_init__(self) -> None:
        self.edits = Edits(self.service, self.source, then=self.then)
        self.panel = ServicePanel(self.service)
        asked, site = self.service.settings.service.ops, self.service.settings.site
        if asked.token is not None:
            root = f"{urlsplit(site.base_url).path}/"
            self.service.ops = routes(self.panel, Doorkeeper(token=asked.token), root=root)
            self.service.front.app = self.service.application()

    async def keep_on(
        self, stop: asyncio.Event, *, ready: Callable[[str], None] = lambda _: None
    ) -> None:
        """Do so until ``stop``; ``ready`` is called with the address for ops alone."""
        await asyncio.gather(
            self.edits.keep_following(stop),
            *([self.panel.keep_watching(stop)] if self.watches else []),
            self._answer(stop, ready),
        )

    async def _answer(self, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
        asked = self.service.settings.service.ops
        app = application(routes(self.panel, Doorkeeper(token=asked.token), root="/"))
        try:
            await serve(app, asked.host, asked.port, stop, ready=ready)
        except ListenError as error:  # the service goes on without
            log.warning("no status page", reason=str(error), hint="set ops: port")
