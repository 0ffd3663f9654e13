"""``aggregator check``."""

import click

from aggregator.cli.place import Place
from aggregator.cli.wording import counted
from aggregator.settings.waivers import waivers


@click.command()
@click.pass_obj
def check(place: Place) -> None:
    """Check feeds.yaml and config/, and say what is wrong and where.

    Exit status 2 when anything is.
    """
    settings = place.settings()
    on = sum(feed.enabled for feed in settings.feeds)
    click.echo(
        f"{place.feeds} and {place.config}/ are fine: {counted(on, 'feed')}"
        f" ({len(settings.feeds) - on} switched off), {counted(len(settings.topics), 'topic')},"
        f" {counted(len(settings.outputs), 'output')}"
    )
    for waiver in waivers(settings):
        click.echo(f"note: {waiver}")
