"""``aggregator publish``."""

import asyncio
from pathlib import Path

import click

from aggregator.cli.place import Place
from aggregator.cli.wording import counted
from aggregator.model.errors import StoreInUseError
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
    changed are replaced. A folder in which files of somebody else lie where ours would go is
    refused. To have a folder kept current while feeds are polled, set
    `publish: folder` in config/service.yaml instead.
    """
    settings = place.settings()
    changed = asyncio.run(_publish(settings, _store(place, settings), folder))
    written = f"{counted(changed, 'file')} written to {folder}"
    click.echo(written if changed else f"{folder} is up to date")
    if settings.site.base_url.startswith("http://localhost:"):
        click.echo(
            f"note: the feeds name {settings.site.base_url} as their address; set site.base_url"
            " in config/service.yaml to where subscribers reach them",
            err=True,
        )


def _store(place: Place, settings: Settings) -> Store:
    try:
        return place.store(settings)
    except StoreInUseError as error:
        raise StoreInUseError(
            f"{error}; or let the service that runs keep the folder: publish: folder in"
            " config/service.yaml"
        ) from error


async def _publish(settings: Settings, store: Store, folder: Path) -> int:
    async with opened(settings, store) as service:
        await service.prepare()
        await service.bring_out()
        return await service.window.mirror(SiteFolder(folder))
