"""``aggregator doctor``: is everything here that it needs?"""

import asyncio
import json
from collections.abc import Sequence

import click
from msgspec.structs import asdict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aggregator.cli.place import Place
from aggregator.cli.wording import counted
from aggregator.model.errors import SettingsError, StoreError
from aggregator.service import clock
from aggregator.service.doctor import Finding, examine
from aggregator.settings import Settings
from aggregator.storage import Look, look

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@click.pass_obj
def doctor(place: Place, *, as_json: bool) -> None:
    """Look at all that the program needs, and say of each thing: ok, warn, fail, and what to do.

    Settings, Python, SQLite, expat, permissions, disk, database, clock, port, names, the public
    address, contact, guards let down. Works offline, and beside a service that runs; changes
    nothing. Exit status 1 when something fails.
    """
    findings = _findings(place)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in findings], indent=2))
    else:
        _show(findings)
    if any(each.standing == "fail" for each in findings):
        raise SystemExit(1)


def _findings(place: Place) -> tuple[Finding, ...]:
    try:
        settings = place.settings()
    except SettingsError as error:
        faults = f"{error.faults[0]} ({counted(len(error.faults), 'mistake')}; aggregator check)"
        wrong = Finding(name="settings", standing="fail", text=faults)
        try:
            rest = place.bare()
        except SettingsError:
            return (wrong,)
        return (wrong, *_examined(place, rest))
    told = f"{counted(len(settings.feeds), 'feed')}, {counted(len(settings.outputs), 'output')}"
    return (Finding(name="settings", standing="ok", text=told), *_examined(place, settings))


def _examined(place: Place, settings: Settings) -> tuple[Finding, ...]:
    return asyncio.run(examine(settings, _database(place, settings), clock.now()))


def _database(place: Place, settings: Settings) -> Look | None:
    url, root = place.database(settings)
    try:
        return look(url, root=root)
    except StoreError:  # no file: PostgreSQL
        return None


def _show(findings: Sequence[Finding]) -> None:
    table = Table(box=None, show_header=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        mark = Text(each.standing, style=_COLOURS[each.standing])
        table.add_row(mark, each.name, Text(each.text))
    Console().print(table)
