"""Which parts do settings ask for?"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from aggregator.service.folder import SiteFolder
from aggregator.service.hub.parts import Hub
from aggregator.service.workers import ParseWorkers
from aggregator.settings import Settings
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Courtesy, Manners
from aggregator.sources.policy import FetchPolicy, user_agent
from aggregator.sources.schedule import Cadence


class Tools(Struct, frozen=True, kw_only=True):
    """What visits and hubs share: who asks, how gently, who parses; and who builds our own hub."""

    fetcher: Fetcher
    manners: Manners
    workers: ParseWorkers
    hub_for: Callable[[Settings], Hub | None]


def readjust(tools: Tools, settings: Settings) -> None:
    """Let ``tools`` work as ``settings`` ask from now on; what is under way goes on."""
    limits = settings.service.limits
    tools.fetcher.adopt(fetch_policy(settings))
    tools.manners.adopt(courtesy(settings))
    tools.workers.adopt(
        workers=limits.workers, seconds=limits.parse_seconds, memory=limits.parse_memory
    )


def site_folder(settings: Settings) -> SiteFolder | None:
    """Open the folder that is kept current, if ops want one."""
    folder = settings.service.publish.folder
    return None if folder is None else SiteFolder(Path(folder))


def parse_workers(settings: Settings) -> ParseWorkers:
    """Build the parse workers within the limits that ops set."""
    limits = settings.service.limits
    return ParseWorkers(
        workers=limits.workers, seconds=limits.parse_seconds, memory=limits.parse_memory
    )


def cadence(settings: Settings) -> Cadence:
    """Return how often to ask, as ops set it."""
    polling = settings.service.polling
    return Cadence(interval=polling.default_every, floor=polling.floor, ceiling=polling.max_every)


def fetch_policy(settings: Settings) -> FetchPolicy:
    """Return what may be fetched and at what cost, as ops set it."""
    service = settings.service
    return FetchPolicy(
        user_agent=user_agent(settings.site.contact or settings.site.base_url),
        total_seconds=service.limits.deadline / timedelta(seconds=1),
        body_bytes=service.limits.body_bytes,
        allow_private=service.reach.allow_private,
        allow_ports=service.reach.allow_ports,
    )


def courtesy(settings: Settings) -> Courtesy:
    """Return how hard publishers may be asked, as ops set it."""
    politeness = settings.service.politeness
    return Courtesy(
        spacing=politeness.spacing,
        at_once=politeness.per_host,
        all_at_once=politeness.concurrency,
        starts_a_second=politeness.start_rate,
    )
