"""``aggregator run``."""

import asyncio
import os
import signal

import click

from aggregator.cli.place import Place
from aggregator.service.house import opened
from aggregator.settings import Settings
from aggregator.storage import Store


@click.command()
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where to serve; instead of what config/service.yaml says.",
)
@click.pass_obj
def run(place: Place, listen: str | None) -> None:
    """Poll, publish and serve until told to stop (SIGTERM, Ctrl-C)."""
    settings = place.settings(listen)
    at = settings.service.listen
    asyncio.run(_run(settings, place.store(settings), at.host, at.port))


async def _run(settings: Settings, store: Store, host: str, port: int) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with opened(settings, store) as service:
        await service.run(stop, host=host, port=port, ready=_ready)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` at the first SIGTERM or SIGINT; leave at once at the second."""

    def hear(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hear, number)


def _ready(url: str) -> None:
    click.echo(f"Front page and feeds at {url}", err=True)
