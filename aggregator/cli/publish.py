"""``aggregator publish``."""

import asyncio
from pathlib import Path

import click

from aggregator.cli.place import Place
from aggregator.service.folder import SiteFolder
from aggregator.service.house import opened
from aggregator.settings import Settings
from aggregator.storage import Store


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def publish(place: Place, folder: Path) -> None:
    """Write the site and its feeds into FOLDER, for any web server.

    Nothing is fetched: what is stored is brought up to date and written, and only files that
    changed are replaced. To have a folder kept current while feeds are polled, set
    `publish: folder` in config/service.yaml instead.
    """
    settings = place.settings()
    changed = asyncio.run(_publish(settings, place.store(settings), folder))
    click.echo(f"{changed} files written to {folder}" if changed else f"{folder} is up to date")


async def _publish(settings: Settings, store: Store, folder: Path) -> int:
    async with opened(settings, store) as service:
        await service.prepare()
        await service.bring_out()
        return await service.window.mirror(SiteFolder(folder))
