"""``aggregator poll``."""

import asyncio
from collections import Counter
from datetime import datetime

import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aggregator.cli.place import Place
from aggregator.cli.stopping import stop_on_signals
from aggregator.cli.wording import counted
from aggregator.service.house import opened
from aggregator.service.poll import Visit, visit_all
from aggregator.service.run import Service
from aggregator.service.visitlog import tell
from aggregator.settings import Settings
from aggregator.storage import Store

_GOOD = ("fetched", "unchanged", "not-modified")


@click.command()
@click.option(
    "--again",
    is_flag=True,
    help="Also visit feeds that failed last time and are not due yet, as after an outage of ours;"
    " no publisher is asked within 5 minutes of the last try, or before it said.",
)
@click.pass_obj
def poll(place: Place, *, again: bool) -> None:
    """Visit every feed that is due, once; bring the outputs up to date; exit.

    Exit status 1 when feeds were due and none of them could be visited.
    """
    settings = place.settings()
    visits, held = asyncio.run(_poll(settings, place.store(settings), again=again))
    click.echo(_summary(visits) if visits else _idle(held, again=again))
    if visits and not any(visit.outcome in _GOOD for visit in visits):
        raise SystemExit(1)


async def _poll(
    settings: Settings, store: Store, *, again: bool
) -> tuple[list[Visit], tuple[datetime, ...]]:
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with opened(settings, store) as service:
        return await _visits(service, stop, again=again), await service.held_back()


async def _visits(service: Service, stop: asyncio.Event, *, again: bool) -> list[Visit]:
    visits: list[Visit] = []
    console = Console(stderr=True)
    log = structlog.get_logger()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        await service.prepare()
        due = await service.due_now(again=again)
        task = bar.add_task("visiting", total=len(due))
        async for visit in visit_all(service.poller, due, stop=stop):
            visits.append(visit)
            if visit.reason or not console.is_terminal:
                tell(log, visit)
            bar.advance(task)
        bar.update(task, description="publishing")
        await service.bring_out(stop)
    return visits


def _summary(visits: list[Visit]) -> str:
    outcomes = Counter(visit.outcome for visit in visits)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    new, revised = (sum(getattr(v, name) for v in visits) for name in ("new", "revised"))
    made = counted(len(visits), "feed")
    return f"{made} visited: {told}; {counted(new, 'new item')}, {revised} revised"


def _idle(held: tuple[datetime, ...], *, again: bool) -> str:
    if not again:
        return "nothing was due (feeds that failed last time: aggregator poll --again)"
    if not held:
        return "nothing was due, and nothing that failed last time may be asked"
    return (
        f"nothing was due; {counted(len(held), 'feed')} that failed can be asked from"
        f" {held[0]:%Y-%m-%d %H:%M:%SZ}: 5 minutes after the last try, or when the publisher said"
    )
