"""``aggregator prune``."""

import asyncio
import json

import click
from msgspec.structs import asdict

from aggregator.cli.place import Place
from aggregator.cli.wording import counted
from aggregator.service import clock
from aggregator.service.housekeeping import Pruned, keep_house
from aggregator.service.keeper import Keeper
from aggregator.settings import Settings
from aggregator.storage import Store


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_obj
def prune(place: Place, *, as_json: bool) -> None:
    """Let go what `retention` in config/service.yaml, or a feed's own `keep`, wants kept no longer.

    The service does it by itself every six hours; this is for when it is stopped. What an output
    lists stays whatever its age, and nothing that went comes back as new.
    """
    settings = place.settings()
    gone = asyncio.run(_prune(settings, place.store(settings)))
    if as_json:
        click.echo(json.dumps(asdict(gone)))
        return
    what = (counted(gone.items, "item"), counted(gone.issues, "issue"))
    click.echo(
        f"pruned {', '.join(what)}; forgot {counted(gone.names, 'id')} of what went long ago"
    )


async def _prune(settings: Settings, store: Store) -> Pruned:
    keeper = Keeper(store)
    try:
        await keeper.run(store.feeds.configure, settings.feeds, now=clock.now())
        return await keep_house(keeper, settings, clock.now())
    finally:
        await keeper.close()
