"""``aggregator explain``: why does an item stand where it stands?"""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import click

from aggregator.cli.place import Place
from aggregator.model.items import Name, StoredItem
from aggregator.service import clock
from aggregator.service.explain import Explained, explained, found
from aggregator.service.explaining import Explainer


@click.command()
@click.argument("item", metavar="ITEM")
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@click.pass_obj
def explain(place: Place, item: str, *, as_json: bool) -> None:
    """Tell how it was decided what ITEM is: an id, an address, or a part of a title.

    Under which ids its feed had it and how it was known again, its former headlines, what it was
    folded under or what under it, by which rule and figure, its story and topics, and where in the
    top lists that stands, or what keeps it out. Reads beside a service that runs. Exit status 1
    when there is no such item.
    """
    settings = place.settings()
    with closing(place.reading(settings)) as store:
        explainer = Explainer(store, clock.now(), settings.ranking)
        all_told = [
            explained(store, stored, settings.outputs, explainer)
            for stored in found(store, settings, item)
        ]
    if not all_told:
        click.echo(f'aggregator explain: no item is called "{item}"', err=True)
        raise SystemExit(1)
    if as_json:
        click.echo(json.dumps([_plain(told) for told in all_told], ensure_ascii=False, indent=2))
        return
    click.echo("\n\n".join("\n".join(_lines(told)) for told in all_told))


def _lines(told: Explained) -> Iterator[str]:
    stored, item = told.stored, told.stored.item
    yield item.entry.title or "(untitled)"
    yield f"  id         {item.id}"
    yield f"  link       {item.entry.link or '(none)'}"
    yield f"  feed       {item.feed}, seen first {_when(item.first_seen)}"
    yield f"  dates      published {_when(item.published)}, updated {_when(item.updated)}"
    for name in told.names:
        yield f"  known as   {_name(name)}"
    for until, title in told.headlines:
        yield f"  was called {title} (until {_when(until)})"
    yield f"  copy       {_copy(told)}"
    for copy in told.copies:
        yield f"  also at    {_shown(copy)}: {copy.lead_because}"
    yield f"  story      {_story(told)}"
    for topic in told.topics:
        yield f"  topic      {topic.topic} {topic.score:.2f}: {topic.because}"
    if stored.story is not None and not told.topics:
        yield "  topic      none"
    for top, because in told.tops.items():
        yield f"  in {top:<7} {because}"


def _name(name: Name) -> str:
    if name.rule is None or name.figure is None:
        return f"{_one_line(name.key)}, as it came"
    return f"{_one_line(name.key)}, since {_when(name.since)}: {name.rule} {name.figure:.2f}"


def _copy(told: Explained) -> str:
    if told.lead is not None:
        return f"of {_shown(told.lead)}: {told.stored.lead_because}"
    because = told.stored.lead_because
    return f"of nothing{f': {because}' if because else ''}"


def _story(told: Explained) -> str:
    stored = told.stored
    if stored.story is None:
        return "not filed yet"
    return f"{stored.story}, with {told.beside - 1} more: {stored.story_because}"


def _shown(stored: StoredItem) -> str:
    return f"{stored.item.entry.title or '(untitled)'} [{stored.item.feed}] {stored.item.id}"


def _one_line(key: str) -> str:
    return key.replace("\n", " ")


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"


def _plain(told: Explained) -> dict[str, Any]:
    stored, item = told.stored, told.stored.item
    return {
        "id": item.id,
        "title": item.entry.title,
        "link": item.entry.link,
        "canonical": item.entry.canonical,
        "feed": item.feed,
        "first_seen": item.first_seen.isoformat(),
        "published": item.published.isoformat(),
        "updated": item.updated.isoformat(),
        "revisions": item.revisions,
        "names": [
            {
                "key": name.key,
                "since": name.since.isoformat(),
                "rule": name.rule,
                "figure": name.figure,
            }
            for name in told.names
        ],
        "headlines": [
            {"title": title, "until": until.isoformat()} for until, title in told.headlines
        ],
        "copy_of": None if told.lead is None else _brief(told.lead),
        "because": stored.lead_because,
        "copies": [{**_brief(copy), "because": copy.lead_because} for copy in told.copies],
        "story": stored.story,
        "story_because": stored.story_because,
        "story_items": told.beside,
        "topics": [
            {"topic": topic.topic, "score": topic.score, "because": topic.because}
            for topic in told.topics
        ],
        "tops": dict(told.tops),
    }


def _brief(stored: StoredItem) -> dict[str, str]:
    return {"id": stored.item.id, "title": stored.item.entry.title, "feed": stored.item.feed}
