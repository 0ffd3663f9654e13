"""``aggregator stories`` and ``aggregator topics``: the service's judgement on a file of items."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click
from dateutil.parser import isoparse
from msgspec import Struct

from aggregator.model.items import Entry
from aggregator.model.stories import Topic, TopicScore
from aggregator.stories.clustering import AHEAD, Clusters, Piece
from aggregator.stories.topics import TopicModel, topic_terms, topics_of

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # when undated items happen, all at once
TEXT_MOST = 4_000  # characters kept of a text; more than any rule reads
TEXT_WORDS = 60  # of a body that stands in for a summary when topics are told
BAD_INPUT = 2


class Line(Struct, frozen=True, kw_only=True):
    """One item of the file."""

    number: int
    id: str
    title: str
    summary: str
    body: str
    published: datetime | None
    language: str | None
    source: str
    categories: tuple[str, ...]
    topics: tuple[str, ...]


@click.command()
@click.argument("file", type=click.File(encoding="utf-8-sig", errors="replace"))
@click.pass_context
def stories(context: click.Context, file: TextIO) -> None:
    """Group the items of FILE (JSON lines, - for standard input) into stories.

    Each line is an object with id, title and, where known, summary, body, published (ISO 8601),
    lang and source. Items are taken in time order, those without a date right after the line
    before them; a file without dates is one window in file order. Prints {"id": …, "story": …}
    for each item in file order. A line that cannot be read is named on standard error, the others
    are grouped, and the exit status is 2.
    """
    faults: list[str] = []
    lines = list(read(file, faults))
    placed = assign(lines)
    for line in lines:
        _say({"id": line.id, "story": placed[line.number]})
    _finish(context, faults)


@click.command()
@click.argument("file", type=click.File(encoding="utf-8-sig", errors="replace"))
@click.option(
    "--hint",
    "hints",
    multiple=True,
    metavar="SLUG=WORD,…",
    help="A topic, with words or categories that point to it. May be repeated.",
)
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Start from what was learned into this file, if it is there, and store it again.",
)
@click.pass_context
def topics(
    context: click.Context, file: TextIO, hints: tuple[str, ...], model: Path | None
) -> None:
    """Tell the topics of the items of FILE (JSON lines, - for standard input).

    Each line is an object with id, title and, where known, summary, body, categories and topics.
    An item with topics, a list of slugs, is one whose feed is configured with them: they hold, and
    the model learns from it. The others are told from what was learned from the lines before
    them, from categories and from hints. Prints {"id": …, "topics": […], "because": […]} in file
    order. A line that cannot be read is named on standard error, and the exit status is 2.
    """
    faults: list[str] = []
    known = _hinted_topics(hints)
    learned = _load(model)
    for slug in learned.known():
        known.setdefault(slug, Topic(slug=slug, title=slug))
    for line in read(file, faults):
        found = tell(line, known, learned)
        _say(
            {
                "id": line.id,
                "topics": [one.topic for one in found],
                "because": [one.because for one in found],
            }
        )
    if model is not None:
        model.write_text(json.dumps(learned.dump(), ensure_ascii=False), encoding="utf-8")
    _finish(context, faults)


def assign(lines: Iterable[Line]) -> dict[int, str]:
    """Return the story of each line by its number, after all of them were placed."""
    clusters = Clusters()
    placed: dict[int, str] = {}
    ordered = [(line.number, _piece(line, at)) for at, line in _in_time_order(lines)]
    for start in range(0, len(ordered), AHEAD):
        batch = ordered[start : start + AHEAD]
        clusters.expect(piece for _, piece in batch)
        for number, piece in batch:
            placement, _ = clusters.place(piece, now=piece.at)
            placed[number] = placement.story
    return {number: clusters.current(story) for number, story in placed.items()}


def _piece(line: Line, at: datetime) -> Piece:
    return Piece(
        id=_whole(line.id),
        title=line.title,
        summary=line.summary,
        body=line.body,
        language=line.language,
        owner=line.source,
        at=at,
    )


def tell(line: Line, known: dict[str, Topic], model: TopicModel) -> tuple[TopicScore, ...]:
    """Return the topics of a line; a labelled one is learned from and adds to ``known``."""
    text = line.summary or " ".join(line.body.split()[:TEXT_WORDS])
    entry = Entry(title=line.title, summary=text, categories=line.categories)
    for slug in line.topics:
        known.setdefault(slug, Topic(slug=slug, title=slug))
    if line.topics:
        model.learn(topic_terms(entry), line.topics)
    return topics_of(entry, line.topics, tuple(known.values()), model)


def _in_time_order(lines: Iterable[Line]) -> list[tuple[datetime, Line]]:
    dated: list[tuple[datetime, Line]] = []
    at = EPOCH
    for line in lines:
        at = line.published or at
        dated.append((at, line))
    return sorted(dated, key=lambda pair: pair[0])  # stable: file order among equals


def read(file: TextIO, faults: list[str]) -> Iterator[Line]:
    """Yield the items of a file of JSON lines; ``faults`` learns what is wrong with the others."""
    seen: dict[str, int] = {}
    for number, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            line = _line(number, text)
        except ValueError as error:
            faults.append(f"{file.name}:{number}: {error}")
            continue
        if line.id in seen:
            faults.append(f"{file.name}:{number}: id {line.id!r} is that of line {seen[line.id]}")
            continue
        seen[line.id] = number
        yield line


def _line(number: int, text: str) -> Line:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError('not an object; write {"id": …, "title": …}')  # noqa: TRY004
    if row.get("id") in (None, ""):
        raise ValueError("no id")
    return Line(
        number=number,
        id=str(row["id"]),
        title=_text(row, "title"),
        summary=_text(row, "summary")[:TEXT_MOST],
        body=_text(row, "body")[:TEXT_MOST],
        published=_time(_text(row, "published")),
        language=_text(row, "lang") or None,
        source=_text(row, "source"),
        categories=_texts(row, "categories"),
        topics=_texts(row, "topics"),
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")  # noqa: TRY004
    return value


def _texts(row: dict[str, Any], name: str) -> tuple[str, ...]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} is not a list of texts")
    return tuple(dict.fromkeys(values))


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = isoparse(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"published {text!r} is not an ISO 8601 time") from error


def _hinted_topics(hints: Iterable[str]) -> dict[str, Topic]:
    known: dict[str, Topic] = {}
    for hint in hints:
        slug, _, listed = hint.partition("=")
        pointing = tuple(word.strip() for word in listed.split(",") if word.strip())
        known[slug] = Topic(slug=slug, title=slug, hints=pointing)
    return known


def _load(path: Path | None) -> TopicModel:
    if path is None or not path.exists():
        return TopicModel()
    try:
        return TopicModel.load(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError) as error:
        raise click.BadParameter(f"{path} is not a model that this command stored") from error


def _say(row: dict[str, object]) -> None:
    click.echo(_whole(json.dumps(row, ensure_ascii=False)))


def _whole(text: str) -> str:
    """Return ``text`` with half characters, which JSON can name, written as JSON names them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _finish(context: click.Context, faults: list[str]) -> None:
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        context.exit(BAD_INPUT)
