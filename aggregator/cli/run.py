"""``aggregator run``."""

import asyncio

import click

from aggregator.cli.place import Place
from aggregator.cli.stopping import leaving_at_once, stop_on_signals
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
    """Poll, publish and serve until told to stop (SIGTERM, Ctrl-C).

    It then ends what is under way, within ten seconds; told twice, it leaves at once.
    """
    with leaving_at_once():
        settings = place.settings(listen)
        store = place.store(settings)
    at = settings.service.listen
    asyncio.run(_run(settings, store, at.host, at.port))


async def _run(settings: Settings, store: Store, host: str, port: int) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with opened(settings, store) as service:
        await service.run(stop, host=host, port=port, ready=_ready)


def _ready(url: str) -> None:
    click.echo(f"Front page and feeds at {url}", err=True)
