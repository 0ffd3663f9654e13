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
    settings = place.settings()
    host, port = address(listen, settings)
    asyncio.run(_run(settings, place.store(settings), host, port))


def address(listen: str | None, settings: Settings) -> tuple[str, int]:
    """Read ``HOST:PORT``, ``:PORT`` or ``HOST``; what is left out comes from the settings."""
    ours = settings.service.listen
    if listen is None:
        return ours.host, ours.port
    host, _, port = listen.rpartition(":") if ":" in listen else (listen, "", "")
    if port and not (port.isdigit() and int(port) < 65_536):
        raise click.UsageError(f'--listen: "{listen}" is no address; write 127.0.0.1:8080')
    return host.strip("[]") or ours.host, int(port) if port else ours.port


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
