"""``aggregator demo``."""

import asyncio
import os
import tempfile
from datetime import timedelta
from pathlib import Path

import click
from msgspec.structs import replace

from aggregator.cli.place import Place, listening
from aggregator.cli.stopping import stop_on_signals
from aggregator.model.feeds import Feed
from aggregator.service import clock
from aggregator.service.demo import Publishers
from aggregator.service.house import opened
from aggregator.service.poll import visit_all
from aggregator.service.run import Service
from aggregator.settings import Settings, load
from aggregator.storage import open_store

FIRST_LOOK = 9.0  # seconds until the first visits have ended
UPDATE = 20.0  # seconds until the made-up world moves on


@click.command()
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default=lambda: f"127.0.0.1:{os.environ.get('AGGREGATOR_PORT', '8080')}",
    show_default="127.0.0.1:8080",
    help="Where to serve.",
)
@click.pass_obj
def demo(place: Place, listen: str) -> None:
    """Show a living front page without a network.

    Made-up publishers on this machine report made-up events; they are polled over real HTTP.
    Nothing is kept.
    """
    asyncio.run(_demo(place, listening(listen)))


async def _demo(place: Place, listen: dict[str, str]) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with Publishers(clock.now()) as publishers:
        settings = _settings(place, publishers.feeds(), listen)
        at = settings.service.listen
        with tempfile.TemporaryDirectory(prefix="aggregator-demo-") as scratch:
            store = open_store("sqlite:///demo.sqlite3", root=Path(scratch))
            async with opened(settings, store) as service:
                moving = asyncio.create_task(_world(service, publishers, stop))
                await service.run(stop, host=at.host, port=at.port, ready=_ready)
                await moving


async def _world(service: Service, publishers: Publishers, stop: asyncio.Event) -> None:
    """Tell what the first visits found; later let the world move on, and visit again."""
    if await _told_to(stop, within=FIRST_LOOK):
        return
    states = await service.keeper.run(service.keeper.store.feeds.states)
    for state in states:
        if state.last_error:
            click.echo(f"{state.feed} is broken, on purpose: {state.last_error}", err=True)
    if await _told_to(stop, within=UPDATE - FIRST_LOOK):
        return
    publishers.advance()
    known = {state.feed: state for state in states}
    again = [(feed, known[feed.id]) for feed in publishers.feeds()]
    async for visit in visit_all(service.poller, again, stop=stop):
        service.heard(visit)


async def _told_to(stop: asyncio.Event, *, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            return await stop.wait()
    except TimeoutError:
        return False


def _settings(place: Place, feeds: tuple[Feed, ...], listen: dict[str, str]) -> Settings:
    """Take the shipped settings, but let loopback be asked, and at once."""
    plain = load(feeds=None, config=place.config, environ={**os.environ, **listen})
    asked = plain.service
    service = asked.but(
        reach=asked.reach.but(allow_private=("127.0.0.0/8",)),
        politeness=asked.politeness.but(spacing=timedelta(0), per_host=8, start_rate=100.0),
    )
    site = replace(plain.site, base_url=f"http://localhost:{asked.listen.port}", hubs=())
    return replace(plain, feeds=feeds, site=site, service=service)


def _ready(url: str) -> None:
    click.echo(f"Made-up news at {url} (Ctrl-C ends it)", err=True)
