"""``aggregator import``, ``export`` and ``remove``: feeds come from other programs, and go."""

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import click

from aggregator.cli.place import Place
from aggregator.cli.wording import TAKEN_OVER, counted
from aggregator.model.editions import Source
from aggregator.model.errors import SettingsError, StoreError
from aggregator.model.stories import Topic
from aggregator.outputs import opml
from aggregator.service import clock
from aggregator.settings.editing import FeedsText, Wish, compared, open_feeds
from aggregator.settings.lists import Listed, read_list
from aggregator.text.urls import redacted

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("lists", metavar="FILE...", type=click.File("rb"), nargs=-1, required=True)
@click.option("--topic", "topics", multiple=True, metavar="SLUG", help="What all are about.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, but write nothing.")
@click.pass_obj
def import_(
    place: Place, lists: tuple[BinaryIO, ...], *, topics: tuple[str, ...], dry_run: bool
) -> None:
    """Add the feeds of FILE to feeds.yaml: OPML of any reader, or the config.ini of a Planet.

    Folders become topics where one has their name. Feeds that are listed already are told with
    their line and left alone. Comments, order and layout of feeds.yaml stay as they are; nobody is
    asked over the network. `-` reads standard input. Exit status 1 when there was nothing to add.
    """
    settings = place.bare()
    slugs = tuple(topic.slug for topic in settings.topics)
    feeds = open_feeds(place.feeds, topics=slugs, environ=os.environ)
    choice = _Choice(feeds=feeds, topics=settings.topics, always=topics)
    for source in lists:
        found = read_list(source.read())
        choice.take(found.feeds)
        choice.notes += found.notes
    choice.tell()
    if not choice.wishes:
        click.echo("nothing to add")
        raise SystemExit(1)
    inserted = feeds.with_entries(choice.wishes)
    many = counted(len(choice.wishes), "feed")
    if dry_run:
        click.echo(f"would add {many} to {feeds.path}, from line {inserted.line} on")
        return
    feeds.write(inserted)
    click.echo(f"added {many} to {feeds.path}, from line {inserted.line} on; {TAKEN_OVER}")


@dataclass(slots=True, kw_only=True)
class _Choice:
    """Which of the feeds that lists name are to be added, and what is told of the others."""

    feeds: FeedsText
    topics: tuple[Topic, ...]
    always: tuple[str, ...]
    wishes: list[Wish] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    _seen: set[str] = field(default_factory=set)
    _strange: set[str] = field(default_factory=set)  # folders that are no topic
    _passed: list[str] = field(default_factory=list)

    def take(self, listed: Iterable[Listed]) -> None:
        """Choose among the feeds of one list."""
        lines = self.feeds.lines()
        for one in listed:
            name = compared(one.url)
            if name in lines:
                self._passed.append(f"line {lines[name]} lists {redacted(one.url)} already")
            elif name in self._seen:
                self._passed.append(f"{redacted(one.url)} was named before")
            else:
                self._wish(one)
            self._seen.add(name)

    def _wish(self, one: Listed) -> None:
        wish = Wish(url=one.url, title=one.title, topics=self._topics_of(one.folders))
        mistakes = self.feeds.mistakes(wish)
        if mistakes:
            self._passed.append(f"{redacted(one.url)} cannot be polled: {'; '.join(mistakes)}")
        else:
            self.wishes.append(wish)

    def _topics_of(self, folders: tuple[str, ...]) -> tuple[str, ...]:
        named = {
            name.lower(): topic.slug for topic in self.topics for name in (topic.slug, topic.title)
        }
        self._strange.update(folder for folder in folders if folder.lower() not in named)
        found = (named[folder.lower()] for folder in folders if folder.lower() in named)
        return tuple(dict.fromkeys((*self.always, *found)))

    def tell(self) -> None:
        """Say what was not taken over."""
        strange = ", ".join(sorted(self._strange))
        folders = (f"no topic has the name of these folders: {strange}",) if strange else ()
        for line in (*self._passed, *folders, *self.notes):
            click.echo(f"note: {line}", err=True)


@click.command()
@click.argument("target", metavar="[FILE]", type=_FILE, required=False)
@click.pass_obj
def export(place: Place, target: Path | None) -> None:
    """Write the feeds as OPML, which other readers import: to FILE, or to standard output.

    What is switched off is left out, and so are user names and passwords.
    """
    settings = place.settings()
    document = opml.render(settings.feeds, _sources(place), settings.site, updated=clock.now())
    if target is None:
        click.echo(document, nl=False)
    elif target.exists():
        raise click.UsageError(f"{target} is there already; nothing is overwritten")
    else:
        target.write_bytes(document)
        click.echo(
            f"{counted(sum(feed.enabled for feed in settings.feeds), 'feed')} written to {target}"
        )


def _sources(place: Place) -> dict[str, Source]:
    """Return what publishers say of themselves, if anything is stored yet."""
    try:
        with closing(place.reading(place.bare())) as store:
            return dict(store.feeds.sources())
    except StoreError:
        return {}


@click.command()
@click.argument("name", metavar="FEED")
@click.option("--dry-run", is_flag=True, help="Say what would be done, but write nothing.")
@click.pass_obj
def remove(place: Place, name: str, *, dry_run: bool) -> None:
    """Take FEED, an id or an address, out of feeds.yaml, and leave all else in it as it is.

    What it brought stays until it is too old, with the name of its source. To keep the feed in the
    file without polling it, write `enabled: false` instead. Exit status 1 when it is not listed.
    """
    slugs = tuple(topic.slug for topic in place.bare().topics)
    feeds = open_feeds(place.feeds, topics=slugs, environ=os.environ)
    index = feeds.index_of(name)
    if index is None:
        click.echo(f'aggregator remove: {feeds.path} has no feed "{redacted(name)}"', err=True)
        raise SystemExit(1)
    removed = feeds.without_entry(index)
    if dry_run:
        click.echo(f"would remove the feed on line {removed.line} of {feeds.path}")
        return
    feeds.write(removed)
    click.echo(f"removed the feed on line {removed.line} of {feeds.path}; {TAKEN_OVER}")
    _tell_what_is_amiss(place)


def _tell_what_is_amiss(place: Place) -> None:
    """Say which settings still speak of what was removed."""
    try:
        place.settings()
    except SettingsError as error:
        for fault in error.faults:
            click.echo(f"mend this, too: {fault}", err=True)
