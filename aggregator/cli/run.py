"""``aggregator run``."""

import asyncio
import os
import signal

import click
from msgspec.structs import replace

from aggregator.cli.place import Place
from aggregator.cli.stopping import leaving_at_once, stop_on_signals
from aggregator.model.errors import AggregatorError, StoreError
from aggregator.service import logs
from aggregator.service.edits import Source
from aggregator.service.house import opened
from aggregator.service.operating import Operating
from aggregator.settings import Settings
from aggregator.storage import Store


@click.command()
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where to serve; instead of what config/service.yaml says.",
)
@click.option(
    "--role",
    type=click.Choice(("all", "scheduler", "poller", "organiser", "web")),
    help="Share the work with other processes over one PostgreSQL database (docs/scaling.md).",
)
@click.pass_obj
def run(place: Place, listen: str | None, role: str | None) -> None:
    """Poll, publish and serve until told to stop (SIGTERM, Ctrl-C).

    It then ends what is under way, within ten seconds; told twice, it leaves at once. Settings
    that are edited are taken over while it runs; SIGHUP makes it look at once.
    """
    source = Source(feeds=place.feeds, config=place.config, read=lambda: place.settings(listen))
    with leaving_at_once():
        source = replace(source, first=source.mark())
        settings = source.read()
        if (form := settings.service.ops.log) != "auto":
            logs.set_up(level=place.level, json=form == "json")
        store = None if role else place.store(settings)
    if store is not None:
        asyncio.run(_run(settings, store, source))
    elif role is not None:
        # Several roles on one machine cannot all tell of themselves at the address of the web.
        tells = listen is not None or "AGGREGATOR_PORT" in os.environ
        asyncio.run(_share(role, settings, source, tells=tells))


async def _share(role: str, settings: Settings, source: Source, *, tells: bool) -> None:
    try:
        from aggregator.service.fleet import roles  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreError(
            f"--role needs more than is installed ({error}); pip install 'aggregator[postgres]'"
        ) from error
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        at = settings.service.listen
        await roles.run(
            roles.Role(role),
            settings,
            stop,
            source=source,
            host=at.host,
            port=at.port,
            tells=tells,
            ready=_ready,
        )
    except* AggregatorError as errors:
        raise errors.exceptions[0] from None


async def _run(settings: Settings, store: Store, source: Source) -> None:
    stop, at = asyncio.Event(), settings.service.listen
    stop_on_signals(stop)
    async with opened(settings, store) as service:
        operating = Operating(service, source)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, operating.edits.ask)
        beside: list[asyncio.Task[None]] = []

        def ready(url: str) -> None:
            _ready(url)
            beside.append(asyncio.create_task(operating.keep_on(stop, ready=_for_ops)))

        try:
            await service.run(stop, host=at.host, port=at.port, ready=ready)
        finally:
            stop.set()
            await asyncio.gather(*beside)


def _ready(url: str) -> None:
    click.echo(f"Front page and feeds at {url}", err=True)


def _for_ops(url: str) -> None:
    click.echo(f"Status for ops at {url}/status", err=True)
