"""``aggregator replay``."""

import os
import tempfile
from collections import Counter
from pathlib import Path

import click
import structlog
from rich.console import Console
from rich.progress import track

from aggregator.cli.place import Place
from aggregator.service.building import parse_workers
from aggregator.service.replay import Replay, captures, feeds_of
from aggregator.service.visitlog import tell
from aggregator.settings import load
from aggregator.storage import Store, open_store

_SCRATCH = "sqlite:///replay.sqlite3"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write outputs, items.jsonl and editions.jsonl.",
)
@click.option(
    "--feeds",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A feeds.yaml that lends topics, owners and weights to the captured feeds.",
)
@click.option(
    "--store",
    "url",
    metavar="URL",
    help="An empty database to keep what is remembered in; else it goes when all is done.",
)
@click.pass_obj
def replay(place: Place, folder: Path, out: Path, feeds: Path | None, url: str | None) -> None:
    """Run captured documents through the pipeline on their own clock.

    FOLDER holds files named like 20210920T000720Z__bbc.xml. Nothing is fetched and nothing of
    the running service is touched.
    """
    day = captures(folder)
    _make(out)
    settings = load(feeds=feeds, config=place.config, environ=os.environ)
    with tempfile.TemporaryDirectory(prefix="aggregator-replay-") as scratch:
        store = _empty(url) if url else open_store(_SCRATCH, root=Path(scratch))
        workers = parse_workers(settings)
        try:
            run = Replay(store, settings, workers, feeds_of((c.feed for c in day), settings.feeds))
            counted: Counter[str] = Counter()
            console, log = Console(stderr=True), structlog.get_logger()
            for visit in track(
                run.run(day), total=len(day), console=console, disable=not console.is_terminal
            ):
                counted[visit.outcome] += 1
                if not console.is_terminal or visit.reason:
                    tell(log, visit)
            run.write(out)
            items = store.items.count()
        finally:
            workers.close()
            store.close()
    told = ", ".join(f"{count} {outcome}" for outcome, count in counted.most_common())
    click.echo(f"{len(day)} captures: {told}; {items} items in {out}")


def _empty(url: str) -> Store:
    store = open_store(url, root=Path.cwd())
    if store.feeds.configured():
        store.close()
        raise click.UsageError("--store: that database has feeds already; name an empty one")
    return store


def _make(out: Path) -> None:
    """Make the folder before the work, which would otherwise be for nothing."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(
            f"--out: {out}: {error.strerror}; name a folder to write to"
        ) from error
