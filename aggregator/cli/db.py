"""``aggregator db``: how is the database, and how is it brought up to date?"""

import json
from contextlib import closing

import click
from msgspec.structs import asdict
from rich.console import Console
from rich.table import Table

from aggregator.cli.place import Place
from aggregator.cli.progress import bar
from aggregator.storage import Look, compact, look, open_store


@click.group()
def db() -> None:
    """Look at the database, bring it up to date, make it small."""


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_obj
def status(place: Place, *, as_json: bool) -> None:
    """Tell what the database is: its version, its size, its rows. Reads beside a service that runs.

    Exit status 1 when it cannot be used by this version as it is.
    """
    url, root = place.database(place.bare())
    found = look(url, root=root)
    if as_json:
        click.echo(json.dumps({**asdict(found), "path": str(found.path)}, indent=2))
    else:
        _show(found)
    if found.wrong or found.unknown:
        raise SystemExit(1)


def _show(found: Look) -> None:
    click.echo(f"{found.path}: {standing(found)}")
    if not found.exists or found.wrong:
        return
    used = "in use by a service" if found.in_use else "in nobody's use"
    click.echo(
        f"{found.bytes:,} bytes, of which {found.free:,} are free; log {found.log:,}; {used}"
    )
    table = Table(box=None)
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, count in found.rows.items():
        table.add_row(name, f"{count:,}")
    Console().print(table)


def standing(found: Look) -> str:
    """Say in a line whether this version can use the database, and what to do if not."""
    if not found.exists:
        return "there is no database yet; `aggregator run` makes it"
    if found.wrong:
        return f"cannot be read ({found.wrong}); restore a backup"
    if found.unknown:
        newer = ", ".join(found.unknown)
        return f"written by a newer version ({newer}); run that, or restore an earlier backup"
    if not found.done:
        return "a database, but none of aggregator; name another file"
    if found.pending:
        pending = ", ".join(found.pending)
        return f"of an older version ({pending} to be done); `aggregator db upgrade`, or just run"
    return "up to date"


@db.command()
@click.option("--no-backup", is_flag=True, help="Make no backup first, where there is no room.")
@click.pass_obj
def upgrade(place: Place, *, no_backup: bool) -> None:
    """Bring the database of an older version up to date, as `aggregator run` does by itself.

    It is backed up beside itself first; what is not needed any more can then be deleted by hand.
    """
    url, root = place.database(place.bare())
    before = look(url, root=root)
    if not before.exists:
        click.echo(f"{before.path}: {standing(before)}")
        return
    with closing(open_store(url, root=root, keep=not no_backup)) as store:
        told = store.about().get("upgraded")
    done = ", ".join(before.pending)
    click.echo(f"{before.path}: " + (f"up to date now ({done})" if done else "up to date already"))
    if told:
        click.echo(told)


@db.command("compact")
@click.pass_obj
def compact_(place: Place) -> None:
    """Write the database anew without what is free in it. The service must be stopped.

    It gives room back by itself, slowly; this is for when that is wanted at once. As much room as
    it takes must be free meanwhile.
    """
    url, root = place.database(place.bare())
    before = look(url, root=root)
    with bar("compacting"):
        compact(url, root=root)
    after = look(url, root=root)
    click.echo(f"{after.path}: {before.bytes:,} bytes before, {after.bytes:,} now")
