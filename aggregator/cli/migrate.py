"""``aggregator migrate``."""

import json
from pathlib import Path

import click

from aggregator.cli.progress import bar
from aggregator.cli.wording import counted
from aggregator.storage import move


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def migrate(source: str, target: str, *, as_json: bool) -> None:
    """Move everything that is remembered from one store to another, empty one.

    FROM and TO are addresses as in `storage`: sqlite:///data/aggregator.sqlite3,
    postgresql://HOST/NAME. Stop the service first; FROM is not changed. Whatever ends the move,
    the same command goes on with it, and TO cannot be used before every row was compared.
    Exit status 1 when something is not the same, or a store cannot be used.
    """
    with bar("moving") as told:
        rows = move(source, target, root=Path.cwd(), told=told)
    if as_json:
        click.echo(json.dumps({"rows": dict(rows)}, indent=2))
        return
    what = (("feed", "feed"), ("item", "item"), ("output", "document"))
    held = ", ".join(counted(rows.get(table, 0), thing) for table, thing in what)
    click.echo(f"moved: {held}; {sum(rows.values()):,} rows, each compared")
