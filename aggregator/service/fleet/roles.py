"""What is a process there for?"""

import asyncio
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

from aggregator.service.edits import Source
from aggregator.service.fleet.crew import Crew, Latest
from aggregator.service.fleet.health import tell
from aggregator.service.fleet.organiser import organise
from aggregator.service.fleet.poller import poll
from aggregator.service.fleet.scheduler import schedule
from aggregator.service.fleet.web import serve
from aggregator.settings import Settings


class Role(StrEnum):
    """What a process is there for."""

    ALL = "all"
    SCHEDULER = "scheduler"
    POLLER = "poller"
    ORGANISER = "organiser"
    WEB = "web"


async def run(
    role: Role,
    settings: Settings,
    stop: asyncio.Event,
    *,
    source: Source,
    host: str,
    port: int,
    tells: bool,
    ready: Callable[[str], None],
) -> None:
    """Do what ``role`` asks for until told to ``stop``; webs tell ``ready`` where they serve.

    Edits of ``source`` are taken over. A role that does not serve there ``tells`` its health at
    ``host`` and ``port``. Raises `AggregatorError` when that cannot be begun.
    """
    crew = Crew(latest=Latest(settings, source), url=settings.service.storage, stop=stop)
    duties: dict[Role, Callable[[], Coroutine[Any, Any, None]]] = {
        Role.SCHEDULER: lambda: schedule(crew),
        Role.POLLER: lambda: poll(crew),
        Role.ORGANISER: lambda: organise(crew),
        Role.WEB: lambda: serve(crew, host=host, port=port, ready=ready),
    }
    chosen = list(duties) if role is Role.ALL else [role]
    async with asyncio.TaskGroup() as group:
        for each in chosen:
            group.create_task(_ended(duties[each](), stop))
        if tells and Role.WEB not in chosen:
            group.create_task(tell(crew.pulse, role.value, host, port, stop))


async def _ended(duty: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Where one duty ends for good, so do the others of this process."""
    try:
        await duty
    finally:
        stop.set()
