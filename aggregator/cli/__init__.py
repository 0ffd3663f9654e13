"""What does a person type?

Exit status: 0 done, 1 the thing asked about is not well, 2 the question or the settings cannot be
used as written.
"""

from pathlib import Path

import click

from aggregator import __version__
from aggregator.cli.add import add
from aggregator.cli.check import check
from aggregator.cli.demo import demo
from aggregator.cli.feeds import feeds
from aggregator.cli.parse import parse
from aggregator.cli.place import Place
from aggregator.cli.poll import poll
from aggregator.cli.publish import publish
from aggregator.cli.replay import replay
from aggregator.cli.run import run
from aggregator.cli.stories import stories, topics
from aggregator.cli.top import top
from aggregator.model.errors import AggregatorError, SettingsError
from aggregator.service import logs


class _Commands(click.Group):
    """Shows what this program raises on purpose as one message, never as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"aggregator: {where}{error.strerror or error}", err=True)
            ctx.exit(1)
        except AggregatorError as error:
            click.echo(f"aggregator: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="aggregator")
@click.option(
    "--feeds",
    type=click.Path(path_type=Path),
    default=Path("feeds.yaml"),
    show_default=True,
    envvar="AGGREGATOR_FEEDS",
    help="The feeds to poll.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("config"),
    show_default=True,
    envvar="AGGREGATOR_CONFIG",
    help="The folder with everything else that can be set.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="AGGREGATOR_DATA_DIR",
    help="The folder for the database; instead of what config/service.yaml says.",
)
@click.option(
    "--log",
    "level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    envvar="AGGREGATOR_LOG",
    help="How much to tell on standard error.",
)
@click.pass_context
def main(ctx: click.Context, feeds: Path, config: Path, data: Path | None, level: str) -> None:
    """Poll news feeds, fold copies, group stories, and republish Latest and Top News."""
    logs.set_up(level=level)
    ctx.obj = Place(feeds=feeds, config=config, data=data)


for command in (run, poll, feeds, top, publish, add, check, parse, replay, demo, stories, topics):
    main.add_command(command)
