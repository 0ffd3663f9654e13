"""``aggregator backup`` and ``aggregator restore``."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from aggregator.cli.place import Place
from aggregator.cli.progress import bar
from aggregator.cli.wording import counted
from aggregator.model.errors import StoreError
from aggregator.service import clock
from aggregator.storage import back_up
from aggregator.storage import restore as put_back

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


@click.command()
@click.argument("target", type=click.Path())
@_AS_JSON
@click.pass_obj
def backup(place: Place, target: str, *, as_json: bool) -> None:
    """Copy the database to TARGET: a file, or a folder for files named by date and time.

    What ends with a slash is a folder, and made if there is none.
    It may be in use meanwhile: what is copied is the database of one moment. The copy is one file,
    checked and counted before it is given its name; nothing is ever overwritten. It holds what is
    remembered: keep feeds.yaml and config/ as well. Exit status 1 when there is no sound copy.
    """
    url, root = place.database(place.bare())
    file = _named(target)
    with bar("backing up") as told:
        rows = back_up(url, file, root=root, told=told)
    _say(f"backed up to {file}", file, rows, as_json=as_json)


@click.command()
@click.argument("copy", metavar="BACKUP", type=click.Path(path_type=Path))
@_AS_JSON
@click.pass_obj
def restore(place: Place, copy: Path, *, as_json: bool) -> None:
    """Make the database of BACKUP, which `aggregator backup` wrote.

    It goes where --data or the settings say, and there must be none. What came in after the
    backup is fetched again as far as the feeds still list it, under the ids that it had.
    Exit status 1 when BACKUP is damaged, or there is a database already.
    """
    url, root = place.database(place.bare())
    with bar("restoring") as told:
        rows = put_back(copy, url, root=root, told=told)
    target = root / url.removeprefix("sqlite:///")
    _say(f"restored to {target}", target, rows, as_json=as_json)


def _named(target: str) -> Path:
    place = Path(target)
    if not (target.endswith("/") or place.is_dir()):
        return place
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}; name a folder that can be made") from error
    return place / f"aggregator-{clock.now():%Y%m%dT%H%M%SZ}.sqlite3"


def _say(done: str, target: Path, rows: Mapping[str, int], *, as_json: bool) -> None:
    size = target.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(target), "bytes": size, "rows": dict(rows)}, indent=2))
        return
    what = (("feed", "feed"), ("item", "item"), ("output", "document"))
    held = ", ".join(counted(rows.get(table, 0), thing) for table, thing in what)
    click.echo(f"{done}: {held}; {size:,} bytes, checked")
