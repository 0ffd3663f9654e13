"""``aggregator add``."""

import asyncio
import os
import re
import sys
from datetime import datetime
from typing import NoReturn

import click
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aggregator.cli.place import Place
from aggregator.cli.wording import TAKEN_OVER
from aggregator.model.items import Entry
from aggregator.service import clock
from aggregator.service.adding import Found, Nothing, Page, Preview, Scout, preview
from aggregator.service.building import courtesy, fetch_policy, parse_workers
from aggregator.settings import Settings, load
from aggregator.settings.editing import FeedsText, Wish, open_feeds
from aggregator.settings.insertion import Inserted
from aggregator.sources.discover import Offer, spelled_out
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Manners
from aggregator.text.urls import redacted, split_credentials
from aggregator.text.xml import clip, one_line

MAX_SHOWN = 20  # other feeds of the page; a paper may list one for each of its sections
MAX_TITLE = 90

Row = tuple[str, str]


@click.command()
@click.argument("url")
@click.option("--topic", "topics", multiple=True, metavar="SLUG", help="What it is about.")
@click.option("--every", metavar="1h", help="Poll it this often, rather than as we see fit.")
@click.option("--title", help="Name of the source for readers, instead of the feed's own.")
@click.option("--owner", help="Whose voice it is: sister titles share one.")
@click.option("--dry-run", is_flag=True, help="Look and show, but write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take the best feed and add it.")
@click.pass_obj
def add(
    place: Place,
    *,
    url: str,
    topics: tuple[str, ...],
    every: str | None,
    title: str | None,
    owner: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Find the feed of a page, show it, and add it to feeds.yaml.

    URL is the address of a page or of a feed; https:// may be left out. Comments, order and
    layout of feeds.yaml stay as they are. Exit status 1 when no feed was found.
    """
    settings = load(feeds=None, config=place.config, environ=os.environ)
    slugs = tuple(topic.slug for topic in settings.topics)
    feeds = open_feeds(place.feeds, topics=slugs, environ=os.environ)
    wish = Wish(url=url, title=title, topics=topics, owner=owner, every=every)
    _check(feeds, wish)
    asking = sys.stdin.isatty() and sys.stdout.isatty() and not yes
    found, page = asyncio.run(_find(settings, url, asking=asking))
    _refuse_listed(feeds, found.url)
    inserted = feeds.with_entry(replace(wish, url=found.url))
    _show(found, page, clock.now())
    if dry_run:
        click.echo(f"would add to {feeds.path}, line {inserted.line}:\n{_shown(inserted)}")
        return
    if asking and not click.confirm(f"Add it to {feeds.path}?", default=True):
        click.echo("nothing was written")
        return
    feeds.write(inserted)
    click.echo(f"added to {feeds.path}, line {inserted.line}; {TAKEN_OVER}")


def _check(feeds: FeedsText, wish: Wish) -> None:
    """Refuse before anybody is asked what would be refused afterwards."""
    mistakes = feeds.mistakes(replace(wish, url="https://example.org/"))
    if mistakes:
        raise click.UsageError("; ".join(mistakes))
    for address in spelled_out(wish.url):
        _refuse_listed(feeds, address)


def _refuse_listed(feeds: FeedsText, url: str) -> None:
    line = feeds.line_of(url)
    if line is not None:
        _fail(f"{feeds.path}:{line} lists {redacted(url)} already")


async def _find(settings: Settings, url: str, *, asking: bool) -> tuple[Found, Page | None]:
    workers = parse_workers(settings)
    scout = Scout(
        fetcher=Fetcher(fetch_policy(settings), clock=clock.exact),
        workers=workers,
        manners=Manners(courtesy(settings), clock=clock.exact),
        told=_asking,
    )
    try:
        seen = await scout.look(url)
        page = seen if isinstance(seen, Page) else None
        if isinstance(seen, Page):
            offer = _chosen(seen.offers) if asking and len(seen.offers) > 1 else None
            seen = await (scout.best(seen) if offer is None else scout.read(offer))
    finally:
        workers.close()
    if isinstance(seen, Nothing):
        _fail(seen.reason)
    return seen, page


def _asking(url: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"asking {url}", err=True)


def _chosen(offers: tuple[Offer, ...]) -> Offer:
    table = Table(title="The page offers", title_justify="left", box=None)
    for name in ("", "feed", "format", "address"):
        table.add_column(name)
    for number, offer in enumerate(offers[:MAX_SHOWN], start=1):
        cells = (str(number), offer.title, offer.format, offer.url)
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
    most = min(len(offers), MAX_SHOWN)
    number = click.prompt("Which", type=click.IntRange(1, most), default=1)
    return offers[number - 1]


def _show(found: Found, page: Page | None, now: datetime) -> None:
    for line in found.skipped:
        click.echo(f"passed over {line}", err=True)
    rows = _rows(found, preview(found.document, now))
    if page is not None:
        bare, _ = split_credentials(found.url)
        others = [offer for offer in page.offers if offer.url != bare]
        rows += [("also" if not place else "", row) for place, row in enumerate(_others(others))]
    console = Console()
    if not console.is_terminal:
        for name, value in rows:
            click.echo(f"{name:<8} {value}".rstrip())
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))  # not markup: a title may hold [brackets]
    console.print(table)


def _rows(found: Found, summary: Preview) -> list[Row]:
    count = f"{summary.entries} {'entry' if summary.entries == 1 else 'entries'}"
    rows = [
        ("feed", _short(summary.title) or "(no title)"),
        ("address", redacted(found.url)),
        ("format", ", ".join(filter(None, (summary.format, count, summary.rhythm)))),
    ]
    newest = [_line(entry) for entry in summary.newest]
    return rows + [("newest" if not place else "", line) for place, line in enumerate(newest)]


def _line(entry: Entry) -> str:
    when = f"{entry.published:%Y-%m-%d %H:%M}" if entry.published else "no date"
    return f"{when:<16}  {_short(entry.title or entry.link or entry.guid or '')}"


def _others(offers: list[Offer]) -> list[str]:
    lines = [
        f"{number}. {redacted(offer.url)}" + (f" ({offer.title})" if offer.title else "")
        for number, offer in enumerate(offers[:MAX_SHOWN], start=1)
    ]
    more = len(offers) - MAX_SHOWN
    return [*lines, f"and {more} more"] if more > 0 else lines


def _short(text: str) -> str:
    return clip(one_line(text), MAX_TITLE)


def _shown(inserted: Inserted) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", inserted.item.strip("\r\n").removeprefix(", "))


def _fail(reason: str) -> NoReturn:
    click.echo(f"aggregator add: {reason}", err=True)
    raise click.exceptions.Exit(1)
