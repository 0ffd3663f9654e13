"""What does a person type?

Exit status: 0 done, 1 the thing asked about is not well, 2 the question or the settings cannot be
used as written.
"""

from pathlib import Path

import click
from click.core import ParameterSource

from aggregator import __version__
from aggregator.model.errors import AggregatorError, SettingsError
from aggregator.service.loading import loaded

# Each in the module of its name, but for those named here.
COMMANDS = (
    *("run", "poll", "feeds", "top", "explain", "publish", "add", "check", "parse", "replay"),
    *("backup", "restore", "migrate", "import", "export", "remove", "db", "token", "doctor"),
    "prune",
    *("demo", "stories", "topics"),
)
_ELSEWHERE = {
    "topics": "stories",
    "restore": "backup",
    **dict.fromkeys(("import", "export", "remove"), "lists"),
}

_CALLED = {"import": "import_"}


class _Commands(click.Group):
    """Loads a command only when it is asked for; parse workers, who import us too, need none.

    Shows what this program raises on purpose as one message, never as a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = loaded(f"aggregator.cli.{_ELSEWHERE.get(cmd_name, cmd_name)}")
        found: click.Command = getattr(module, _CALLED.get(cmd_name, cmd_name))
        return found

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except BrokenPipeError:  # who reads us has seen enough: click ends quietly
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"aggregator: {where}{error.strerror or error}", err=True)
            ctx.exit(1)
        except AggregatorError as error:
            click.echo(f"aggregator: {error}", err=True)
            ctx.exit(1)


def _there(ctx: click.Context, option: click.Parameter, folder: Path) -> Path:
    """Let only the usual folder be absent: one that was named and is not there is a slip."""
    usual = ctx.get_parameter_source(option.name or "") is ParameterSource.DEFAULT
    if usual or folder.is_dir():
        return folder
    raise click.BadParameter(f"{folder} is no folder; make it, or name the one with service.yaml")


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
    callback=_there,
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
    from aggregator.cli.place import Place  # noqa: PLC0415 - see _Commands
    from aggregator.service import logs  # noqa: PLC0415

    logs.set_up(level=level)
    ctx.obj = Place(feeds=feeds, config=config, data=data, level=level)
