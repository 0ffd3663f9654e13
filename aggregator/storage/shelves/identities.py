"""Under which keys and traits are items known, and what waits to become one?"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from aggregator.items.intake import Intake
from aggregator.items.known import Known, KnownItem, Waiting, traits_of
from aggregator.model.items import Entry, Item, Name
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.postings import LARGEST, SWEPT
from aggregator.storage.shelves.rows import (
    Row,
    batches,
    entry_row,
    marks,
    maybe_moment,
    moment,
    read_enclosures,
    read_entry,
    stamp,
)

_TRAIT_CAP = 8  # items found by one trait: "Morning briefing" has hundreds
_ALIASES = 24  # of one item, the newest; a feed that needs more has its key changed
_KNOWN = (
    "item.id AS id, item.digest, item.revisions, item.titles, item.guid, item.link,"
    " item.canonical, item.title, item.entry_published, item.enclosures, item.first_seen"
)


class SqlIdentities:
    """Keys, aliases and traits of items; entries that wait."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def known(self, feed: str, keys: Sequence[str], ids: Sequence[str]) -> Known:
        """Tell which ``keys`` of ``feed`` are known, and which entry ``ids`` are taken."""
        items: dict[str, KnownItem | None] = {}
        pruned: dict[str, datetime] = {}
        for some in batches(keys):
            for row in self._at.rows(
                f"SELECT identity.key, identity.since, {_KNOWN} FROM identity"
                " LEFT JOIN item ON item.id = identity.item AND item.feed = identity.feed"
                f" WHERE identity.feed = ? AND identity.key IN ({marks(some)})",
                [feed, *some],
            ):
                items[row["key"]] = _known_item(row) if row["id"] else None
                if not row["id"]:
                    pruned[row["key"]] = moment(row["since"])
        taken: set[str] = set()
        for some in batches(ids):
            query = f"SELECT item AS id FROM identity WHERE item IN ({marks(some)})"
            taken.update(row["id"] for row in self._at.rows(query, some))
        first = not self._at.rows("SELECT 1 FROM identity WHERE feed = ? LIMIT 1", [feed])
        return Known(items=items, pruned=pruned, taken=frozenset(taken), first_visit=first)

    def recall(self, traits: Sequence[int]) -> Mapping[int, tuple[KnownItem, ...]]:
        """Return items by trait, newest first, at most 8 of each."""
        found: dict[int, tuple[KnownItem, ...]] = {}
        for some in batches(traits):
            for row in self._at.rows(
                f"SELECT trait.hash, {_KNOWN} FROM trait JOIN item ON item.seq = trait.item"
                f" WHERE trait.hash IN ({marks(some)}) ORDER BY trait.item DESC",
                some,
            ):
                found[row["hash"]] = (*found.get(row["hash"], ()), _known_item(row))
        return found

    def names(self, item: str) -> tuple[Name, ...]:
        """Return the keys of an item, the one that it came under first."""
        rows = self._at.rows(
            "SELECT key, since, rule, figure FROM identity WHERE item = ?"
            " ORDER BY rule IS NOT NULL, since, key",
            [item],
        )
        return tuple(
            Name(
                key=row["key"],
                since=moment(row["since"]),
                rule=row["rule"],
                figure=row["figure"],
            )
            for row in rows
        )

    def add(self, items: Iterable[Item]) -> None:
        """Make items known by the keys that they came under, and by their traits."""
        self._at.run_many(
            "INSERT INTO identity (feed, key, item, since) VALUES (?, ?, ?, ?)",
            [(item.feed, item.key, item.id, stamp(item.first_seen)) for item in items],
        )
        self.mark([(item.id, item.feed, item.entry) for item in items])

    def mark(self, items: Iterable[tuple[str, str, Entry]]) -> None:
        """Let items (id, feed, what is said of them now) be found by their traits."""
        pairs = [(trait, id_) for id_, feed, entry in items for trait in traits_of(feed, entry)]
        self._at.run_many(
            "INSERT INTO trait (hash, item) SELECT ?, seq FROM item WHERE id = ?"
            " ON CONFLICT DO NOTHING",
            pairs,
        )
        self._at.run_many(
            "DELETE FROM trait WHERE hash = ? AND item <= (SELECT item FROM trait"
            " WHERE hash = ? ORDER BY item DESC LIMIT 1 OFFSET ?)",
            [(trait, trait, _TRAIT_CAP) for trait, _ in pairs],
        )

    def sweep(self, start: int, most: int = SWEPT) -> int | None:
        """Drop traits from hash ``start`` on whose items were pruned.

        Looks at ``most``; returns the hash to go on from, None when that was the end.
        """
        beyond = self._at.rows(
            "SELECT hash FROM trait WHERE hash >= ? ORDER BY hash LIMIT 1 OFFSET ?", [start, most]
        )
        end: int | None = beyond[0]["hash"] if beyond else None
        self._at.run(
            # As a value, which is looked up for each: of NOT EXISTS PostgreSQL makes a join that
            # goes through all items.
            "DELETE FROM trait WHERE hash >= ? AND hash <= ?"
            " AND (SELECT seq FROM item WHERE item.seq = trait.item) IS NULL",
            [start, LARGEST if end is None else end],
        )
        return end

    def alias(self, intake: Intake) -> None:
        """Make items known by other keys as well; each keeps its newest."""
        at = stamp(intake.at)
        self._at.run_many(
            "INSERT INTO identity (feed, key, item, since, rule, figure)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(intake.state.feed, a.key, a.item, at, a.rule, a.figure) for a in intake.aliases],
        )
        self._at.run_many(
            "DELETE FROM identity WHERE feed = ?1 AND key IN (SELECT key FROM identity"
            " WHERE item = ?2 AND rule IS NOT NULL ORDER BY since DESC, key"
            f" LIMIT {LARGEST} OFFSET ?3)",
            [(intake.state.feed, a.item, _ALIASES) for a in intake.aliases],
        )

    def waiting(self, feed: str) -> tuple[Waiting, ...]:
        """Return the entries of ``feed`` that earlier visits had no room for, in their order."""
        rows = self._at.rows(
            "SELECT since, backlog, entry FROM waiting WHERE feed = ? ORDER BY seq", [feed]
        )
        return tuple(
            Waiting(
                entry=read_entry(json.loads(row["entry"])),
                since=moment(row["since"]),
                backlog=bool(row["backlog"]),
            )
            for row in rows
        )

    def keep(self, feed: str, waiting: Iterable[Waiting]) -> None:
        """Replace what waits of ``feed``."""
        self._at.run("DELETE FROM waiting WHERE feed = ?", [feed])
        self._at.run_many(
            "INSERT INTO waiting (feed, since, backlog, entry) VALUES (?, ?, ?, ?)",
            [
                (feed, stamp(held.since), int(held.backlog), json.dumps(entry_row(held.entry)))
                for held in waiting
            ],
        )


def _known_item(row: Row) -> KnownItem:
    return KnownItem(
        id=row["id"],
        digest=row["digest"],
        revisions=row["revisions"],
        titles=row["titles"],
        guid=row["guid"],
        link=row["link"],
        canonical=row["canonical"],
        title=row["title"],
        published=maybe_moment(row["entry_published"]),
        enclosures=read_enclosures(row["enclosures"]),
        first_seen=moment(row["first_seen"]),
    )
