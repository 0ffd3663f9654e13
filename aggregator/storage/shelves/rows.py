"""How is a value written in a row, and read back?"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.json import encode

from aggregator.model.items import Enclosure, Entry, Item, StoredItem

Row = Mapping[str, Any]

_Value = TypeVar("_Value", int, str)

BATCH = 500  # below SQLite's limit on parameters, which was 999 for long

ITEM_COLUMNS = (
    "seq, id, feed, key, guid, link, canonical, title, summary, content_html, entry_published,"
    " entry_updated, authors, categories, enclosures, language, image, agency, digest, revisions,"
    " first_seen, published, updated, item.listed AS listed, lead, lead_because, story,"
    " story_because, filed,"
    " (SELECT json_group_array(topic) FROM"
    " (SELECT topic FROM item_topic WHERE item_topic.item = item.seq ORDER BY score DESC, topic)"
    " AS surest) AS topics"
)


def batches(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    """Cut ``values`` into pieces that fit into one statement."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def marks(values: Iterable[object]) -> str:
    """Return a question mark for each of ``values``, for IN; for none, what nothing is in."""
    return ", ".join("?" for _ in values) or "NULL"


def replacing(table: str, key: Sequence[str], others: Sequence[str]) -> str:
    """Return the statement that writes a row in place of the one with the same ``key``.

    Its values come in the order of ``key``, then ``others``.
    """
    columns = [*key, *others]
    anew = ", ".join(f"{name} = excluded.{name}" for name in others)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(columns)})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {anew}"
    )


def stamp(moment: datetime) -> str:
    """Write an aware time as UTC text that sorts by time, whole seconds."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()[:19] + "Z"


def moment(text: str) -> datetime:
    """Read a stamp."""
    return datetime.fromisoformat(text)


def maybe_stamp(at: datetime | None) -> str | None:
    """Write a time that may be missing."""
    return None if at is None else stamp(at)


def maybe_moment(text: str | None) -> datetime | None:
    """Read a stamp that may be missing."""
    return None if text is None else moment(text)


def entry_row(entry: Entry) -> dict[str, Any]:
    """Write an entry's own fields as columns of ``item``."""
    return {
        "guid": entry.guid,
        "link": entry.link,
        "canonical": entry.canonical,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.content_html,
        "entry_published": maybe_stamp(entry.published),
        "entry_updated": maybe_stamp(entry.updated),
        "authors": _dump(entry.authors),
        "categories": _dump(entry.categories),
        "enclosures": _dump([[e.url, e.media_type, e.length] for e in entry.enclosures]),
        "language": entry.language,
        "image": entry.image,
        "agency": entry.agency,
        "digest": entry.digest,
    }


def item_row(item: Item) -> dict[str, Any]:
    """Write an item as columns of ``item``."""
    return {
        "id": item.id,
        "feed": item.feed,
        "key": item.key,
        **entry_row(item.entry),
        "revisions": item.revisions,
        "first_seen": stamp(item.first_seen),
        "published": stamp(item.published),
        "updated": stamp(item.updated),
        "listed": stamp(item.listed),
    }


def stored_item(row: Row) -> StoredItem:
    """Read a row of ``ITEM_COLUMNS``."""
    item = Item(
        id=row["id"],
        feed=row["feed"],
        key=row["key"],
        entry=read_entry(row),
        first_seen=moment(row["first_seen"]),
        published=moment(row["published"]),
        updated=moment(row["updated"]),
        listed=moment(row["listed"]),
        revisions=row["revisions"],
    )
    return StoredItem(
        seq=row["seq"],
        item=item,
        lead=row["lead"],
        lead_because=row["lead_because"],
        story=row["story"],
        story_because=row["story_because"],
        topics=tuple(json.loads(row["topics"])),
        filed=row["filed"],
    )


def read_entry(row: Row) -> Entry:
    """Read the columns that `entry_row` wrote."""
    return Entry(
        guid=row["guid"],
        link=row["link"],
        canonical=row["canonical"],
        title=row["title"],
        summary=row["summary"],
        content_html=row["content_html"],
        published=maybe_moment(row["entry_published"]),
        updated=maybe_moment(row["entry_updated"]),
        authors=tuple(json.loads(row["authors"])),
        categories=tuple(json.loads(row["categories"])),
        language=row["language"],
        image=row["image"],
        enclosures=read_enclosures(row["enclosures"]),
        agency=row["agency"],
        digest=row["digest"],
    )


def read_enclosures(text: str) -> tuple[Enclosure, ...]:
    """Read the column of attached files that `entry_row` wrote."""
    return tuple(
        Enclosure(url=url, media_type=media_type, length=length)
        for url, media_type, length in json.loads(text)
    )


def _dump(value: object) -> str:
    return encode(value).decode()
