"""`aggregator parse`: what does one document become?"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import BinaryIO, NoReturn

import click
from msgspec import Struct
from msgspec.structs import asdict

from aggregator.model.visits import Document, ParsedFeed, Unreadable
from aggregator.service.workers import ParseWorkers
from aggregator.sources.envelope import MAX_BODY

_BASE = "http://localhost/feed"
_PIECE = 1024 * 1024


@click.command()
@click.argument("file", type=click.File("rb"), metavar="FILE|-")
@click.option(
    "--url",
    default=_BASE,
    show_default=True,
    help="Where the document was published: relative links start there.",
)
@click.option("--content-type", default="", help="The Content-Type header it came with.")
def parse(file: BinaryIO, url: str, content_type: str) -> None:
    """Show as JSON what a document becomes once it is read.

    Prints {"feed": …, "items": […], "remarks": […]}. Exit status 0 with items; 1 without any, or
    when the document cannot be read, with a one-line reason on standard error.
    """
    document = _read(file, content_type, url)
    if isinstance(document, Unreadable):
        _fail(document.reason)
    if not document.entries:
        _fail("; ".join(("the document is a feed, but it has no items", *document.remarks)))
    # Bytes: the text is UTF-8 whatever the terminal says it is.
    click.echo(json.dumps(_shown(document), ensure_ascii=False, indent=2).encode())


def _read(file: BinaryIO, content_type: str, url: str) -> Document:
    try:
        body = file.read(MAX_BODY + 1)
    except OSError as error:
        return Unreadable(reason=f"{file.name}: {error.strerror}")
    if len(body) > MAX_BODY:
        return Unreadable(reason=f"the document is larger than {MAX_BODY // _PIECE} MiB")
    workers = ParseWorkers(workers=1, tasks=1)
    try:
        return next(workers.read_many([(body, content_type, url, None)])).document
    finally:
        workers.close()


def _fail(reason: str) -> NoReturn:
    click.echo(f"aggregator parse: {reason}", err=True)
    raise click.exceptions.Exit(1)


def _shown(document: ParsedFeed) -> Mapping[str, object]:
    return {
        "feed": _plain(document.meta),
        "items": [_plain(entry) for entry in document.entries],
        "remarks": list(document.remarks),
    }


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return {name: _plain(held) for name, held in asdict(value).items()}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value
