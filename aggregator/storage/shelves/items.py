"""What is remembered of items?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from aggregator.items.intake import Intake, Revision
from aggregator.items.known import Known, KnownItem, Waiting
from aggregator.model.errors import OvertakenError
from aggregator.model.feeds import FeedState
from aggregator.model.items import Copy, Name, StoredItem
from aggregator.model.stories import TopicScore
from aggregator.storage.protocol import Choice, Filing, Hit
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.feeds import SqlFeeds
from aggregator.storage.shelves.identities import SqlIdentities
from aggregator.storage.shelves.postings import SqlPostings
from aggregator.storage.shelves.rows import (
    ITEM_COLUMNS,
    batches,
    entry_row,
    item_row,
    marks,
    moment,
    stamp,
    stored_item,
)
from aggregator.storage.shelves.stories import SqlStories

_PAGE = 1_000
_SAME_ADDRESS = 8
_NEXT = "(SELECT max(changed) + 1 FROM item)"
_HEADLINES = 20
_LOOKED_THROUGH = 10_000  # of the newest items, for a part of a title
_COUNT = """
INSERT INTO amount (name, n) VALUES ('item', ?)
ON CONFLICT (name) DO UPDATE SET n = amount.n + excluded.n
"""
# What may go: not what waits, nor what others lean on, nor what an output lists. The last one filed
# and the last one changed stay: places are counted on from theirs.
_UNNEEDED = (
    "filed <> 0"
    " AND filed < max(0, (SELECT max(filed) FROM item))"
    " AND changed < max(1, (SELECT max(changed) FROM item))"
    " AND NOT EXISTS (SELECT 1 FROM item AS copy WHERE copy.lead = old.id)"
    " AND NOT EXISTS (SELECT 1 FROM listing WHERE listing.item = old.id)"
    " AND NOT EXISTS (SELECT 1 FROM membership AS m"
    ' WHERE m.story = old.story AND m."left" IS NULL)'
)


class SqlItems:
    """Items, their identities, and what they were found to repeat."""

    def __init__(self, connection: Connection, feeds: SqlFeeds, stories: SqlStories) -> None:
        self._at = connection
        self._feeds = feeds
        self._stories = stories
        self._postings = SqlPostings(connection)
        self._identities = SqlIdentities(connection)

    def known(self, feed: str, keys: Sequence[str], ids: Sequence[str]) -> Known:
        """Tell which ``keys`` of ``feed`` are known, and which entry ``ids`` are taken."""
        return self._identities.known(feed, keys, ids)

    def recall(self, traits: Sequence[int]) -> Mapping[int, tuple[KnownItem, ...]]:
        """Return items by trait, newest first, at most 8 of each."""
        return self._identities.recall(traits)

    def names(self, item: str) -> tuple[Name, ...]:
        """Return the keys of an item, the one that it came under first."""
        return self._identities.names(item)

    def waiting(self, feed: str) -> tuple[Waiting, ...]:
        """Return the entries of ``feed`` that earlier visits had no room for, in their order."""
        return self._identities.waiting(feed)

    def apply(self, intake: Intake, *, before: FeedState | None = None) -> None:
        """Store a visit: state, new items, revisions, aliases, what waits; all or nothing."""
        with self._at.transaction():
            self._feeds.save(intake.state, before=before)
            if intake.new or intake.revised:
                self._at.take_turn()
            if intake.new:
                self._add(intake)
            for revision in intake.revised:
                self._revise(intake.state.feed, revision, stamp(intake.at))
            if intake.aliases:
                self._identities.alias(intake)
            if intake.waiting is not None:
                self._identities.keep(intake.state.feed, intake.waiting)

    def _add(self, intake: Intake) -> None:
        rows = [item_row(item) for item in intake.new]
        columns = list(rows[0])
        self._at.run_many(
            f"INSERT INTO item ({', '.join(columns)}) VALUES ({marks(columns)})",
            [[*row.values()] for row in rows],
        )
        self._at.later(_COUNT, [len(rows)])
        self._identities.add(intake.new)

    def _revise(self, feed: str, revision: Revision, at: str) -> None:
        row = entry_row(revision.entry)
        if revision.updated is not None:
            row["updated"] = stamp(revision.updated)
        title, own = revision.entry.title, revision.id
        self._at.run(
            "INSERT INTO headline (item, until, title)"
            " SELECT seq, ?, title FROM item WHERE id = ? AND title <> ? ON CONFLICT DO NOTHING",
            [at, own, title],
        )
        self._at.run(
            f"UPDATE item SET {', '.join(f'{name} = ?' for name in row)},"
            # The right sides see the row as it was.
            " revisions = revisions + CASE WHEN title = ? THEN 1 ELSE 0 END,"
            " titles = titles + CASE WHEN title = ? THEN 0 ELSE 1 END,"
            f" changed = {_NEXT} WHERE id = ?",
            [*row.values(), title, title, own],
        )
        self._at.run(
            "DELETE FROM headline WHERE item = (SELECT seq FROM item WHERE id = ?1) AND until <="
            " (SELECT until FROM headline WHERE item = (SELECT seq FROM item WHERE id = ?1)"
            "  ORDER BY until DESC LIMIT 1 OFFSET ?2)",
            [own, _HEADLINES],
        )
        self._identities.mark([(own, feed, revision.entry)])

    def topics(self, item: str) -> tuple[TopicScore, ...]:
        """Return an item's topics with the reasons for them, the surest first."""
        rows = self._at.rows(
            "SELECT topic, score, because FROM item_topic JOIN item ON item.seq = item_topic.item"
            " WHERE item.id = ? ORDER BY score DESC, topic",
            [item],
        )
        return tuple(TopicScore(**row) for row in rows)

    def titled(self, part: str, limit: int) -> tuple[StoredItem, ...]:
        """Return at most ``limit`` items with ``part`` in their title, the newest first.

        Of the newest 10,000: no index finds a part of a word.
        """
        # As the engines lower what is in the store: the letters of ASCII alone.
        lowered = "".join(letter.lower() if letter.isascii() else letter for letter in part)
        return self._items(
            "WHERE seq > (SELECT max(seq) FROM item) - ? AND instr(lower(title), ?) > 0"
            " ORDER BY seq DESC LIMIT ?",
            [_LOOKED_THROUGH, lowered, limit],
        )

    def headlines(self, item: str) -> tuple[tuple[datetime, str], ...]:
        """Return the former headlines of an item, each with the time until which it stood."""
        rows = self._at.rows(
            "SELECT until, headline.title AS title FROM headline"
            " JOIN item ON item.seq = headline.item WHERE item.id = ? ORDER BY until",
            [item],
        )
        return tuple((moment(row["until"]), row["title"]) for row in rows)

    def pending(self, limit: int) -> tuple[StoredItem, ...]:
        """Return items that no organise step has filed yet, in order of arrival."""
        return self._items("WHERE filed = 0 ORDER BY seq LIMIT ?", [limit])

    def file(self, filing: Filing) -> None:
        """Store what the organise step found out about one item."""
        copy = filing.copy
        with self._at.transaction():
            self._at.take_turn()
            done = self._at.run(
                f"UPDATE item SET filed = (SELECT max(filed) + 1 FROM item), changed = {_NEXT},"
                " lead = ?, lead_because = ?, story = ?, story_because = ?, trace = ?"
                " WHERE seq = ? AND filed = 0",
                [
                    copy.lead if copy else None,
                    _because(copy) if copy else None,
                    filing.story,
                    filing.story_because,
                    filing.trace,
                    filing.seq,
                ],
            )
            if not done:
                raise OvertakenError(f"item {filing.id}: does not wait to be filed any more")
            self._at.run_many(
                "INSERT INTO item_topic (item, topic, score, because, listed)"
                " SELECT seq, ?, ?, ?, listed FROM item WHERE seq = ?",
                [(t.topic, t.score, t.because, filing.seq) for t in filing.topics],
            )
            self._stories.grow(filing)

    def refold(self, lead: str, copy: Copy) -> None:
        """Fold an item that stood for itself, with all that is folded under it, under another."""
        with self._at.transaction():
            self._at.take_turn()
            self._at.run(
                f"UPDATE item SET lead = ?, changed = {_NEXT} WHERE lead = ?", [copy.lead, lead]
            )
            self._stand(lead, copy.lead, _because(copy))

    def folded(self) -> Iterator[StoredItem]:
        """Yield every item that is folded under another, in order of arrival."""
        return self._paged("lead IS NOT NULL")

    def unfold(self, item: str, copy: Copy | None, *, because: str) -> None:
        """Let a folded item stand for itself, for the reason given, or fold it under another."""
        with self._at.transaction():
            self._at.take_turn()
            lead = copy.lead if copy else None
            self._stand(item, lead, _because(copy) if copy else because)
            self._at.run(
                "UPDATE item SET story_because = ? WHERE id = ? AND story_because = 'copy'",
                [f"was a copy; {because}", item],
            )

    def _stand(self, item: str, lead: str | None, because: str) -> None:
        self._at.run(
            f"UPDATE item SET lead = ?, lead_because = ?, changed = {_NEXT} WHERE id = ?",
            [lead, because, item],
        )
        self._stories.weigh(item)

    def by_id(self, ids: Iterable[str]) -> Mapping[str, StoredItem]:
        """Return the items with these ids, by id."""
        found: dict[str, StoredItem] = {}
        for some in batches(list(ids)):
            for stored in self._items(f"WHERE id IN ({marks(some)})", some):
                found[stored.item.id] = stored
        return found

    def at_address(self, canonical: str) -> tuple[StoredItem, ...]:
        """Return filed items whose canonical address is ``canonical``, oldest first."""
        return self._items(
            "WHERE canonical = ? AND filed > 0 ORDER BY seq LIMIT ?", [canonical, _SAME_ADDRESS]
        )

    def sharing(self, hashes: Sequence[int], limit: int, *, least: int = 1) -> tuple[Hit, ...]:
        """Return filed items that share most of ``hashes``, ``least`` at least, the best first."""
        hits = self._postings.sharing(hashes, limit, least)
        found = self._items(f"WHERE seq IN ({marks(hits)})", list(hits))
        return tuple(
            sorted(
                (Hit(stored=stored, hits=hits[stored.seq]) for stored in found),
                key=lambda hit: (-hit.hits, hit.stored.seq),
            )
        )

    def post(self, seq: int, hashes: Sequence[int], *, cap: int = 16) -> None:
        """Index an item under ``hashes``; each keeps only its ``cap`` newest items."""
        self._postings.post(seq, hashes, cap)

    def sweep(self, before: datetime, start: int = 0) -> int | None:
        """Let postings of items first seen before ``before`` go, and traits of those pruned.

        Some of both at a time, by hash.
        """
        ends = self._postings.sweep(before, start), self._identities.sweep(start)
        return min((end for end in ends if end is not None), default=None)

    def set_aside(self, seq: int) -> None:
        """Leave an item that cannot be filed out of everything, so that others can."""
        self._at.run("UPDATE item SET filed = -1 WHERE seq = ? AND filed = 0", [seq])

    def latest(self, *, topic: str | None, limit: int) -> tuple[StoredItem, ...]:
        """Return filed items that stand for themselves, newly listed first."""
        if topic is None:
            return self._items(
                "WHERE filed > 0 AND lead IS NULL ORDER BY listed DESC, seq DESC LIMIT ?", [limit]
            )
        return self._items(
            "JOIN item_topic AS t ON t.item = item.seq AND t.topic = ?"
            " WHERE lead IS NULL ORDER BY t.listed DESC, t.item DESC LIMIT ?",
            [topic, limit],
        )

    def changed(self, since: int) -> tuple[tuple[StoredItem, ...], int]:
        """Return some of what was filed or revised after the mark ``since``, and the next mark."""
        rows = self._at.rows(
            f"SELECT {ITEM_COLUMNS}, changed FROM item WHERE changed > ? AND filed > 0"
            " ORDER BY changed LIMIT ?",
            [since, _PAGE],
        )
        readable: list[StoredItem] = []
        for row in rows:
            with suppress(ValueError):  # damaged from outside; only what lists it need fail
                readable.append(stored_item(row))
        return tuple(readable), rows[-1]["changed"] if rows else since

    def mark(self) -> int:
        """Return the mark after everything that was filed or revised so far."""
        return int(self._at.rows("SELECT coalesce(max(changed), 0) AS n FROM item")[0]["n"])

    def filed(self) -> int:
        """Return the place of the item that was filed last, 0 before there is one."""
        rows = self._at.rows("SELECT max(0, coalesce(max(filed), 0)) AS n FROM item")
        return int(rows[0]["n"])

    def choose(self, choices: Iterable[Choice]) -> None:
        """Remember what outputs' filters made of items; the first word stands."""
        self._at.run_many(
            "INSERT INTO chosen (output, barred, listed, item) SELECT ?1, ?2, listed, seq"
            " FROM item WHERE seq = ?3 AND NOT EXISTS"
            " (SELECT 1 FROM chosen WHERE item = ?3 AND output = ?1)",
            [(choice.output, int(choice.barred), choice.seq) for choice in choices],
        )

    def unchoose(self, output: str, *, keep: int = 0) -> None:
        """Forget all but the ``keep`` items listed last that ``output`` passed, and barred."""
        for barred in (0, 1):
            self._at.run(
                "DELETE FROM chosen WHERE output = ?1 AND barred = ?2 AND (listed, item) <="
                " (SELECT listed, item FROM chosen WHERE output = ?1 AND barred = ?2"
                "  ORDER BY listed DESC, item DESC LIMIT 1 OFFSET ?3)",
                [output, barred, keep],
            )

    def chosen(self, output: str, limit: int) -> tuple[StoredItem, ...]:
        """Return what ``output``'s filter passed and stands for itself, newly listed first."""
        return self._items(
            "JOIN chosen AS c ON c.item = item.seq AND c.output = ? AND c.barred = 0"
            " WHERE lead IS NULL ORDER BY c.listed DESC, c.item DESC LIMIT ?",
            [output, limit],
        )

    def copies(self, leads: Iterable[str]) -> Mapping[str, tuple[StoredItem, ...]]:
        """Return the items folded under each of ``leads``, oldest first."""
        found: dict[str, tuple[StoredItem, ...]] = {}
        for some in batches(list(leads)):
            for stored in self._items(f"WHERE lead IN ({marks(some)}) ORDER BY seq", some):
                lead = stored.lead or ""
                found[lead] = (*found.get(lead, ()), stored)
        return found

    def all(self) -> Iterator[StoredItem]:
        """Yield every item in order of arrival."""
        return self._paged("TRUE")

    def _paged(self, condition: str) -> Iterator[StoredItem]:
        last = 0
        while page := self._items(
            f"WHERE seq > ? AND {condition} ORDER BY seq LIMIT ?", [last, _PAGE]
        ):
            yield from page
            last = page[-1].seq

    def count(self) -> int:
        """Return the number of items kept."""
        rows = self._at.rows("SELECT n FROM amount WHERE name = 'item'")
        return int(rows[0]["n"]) if rows else 0

    def tally(self, since: datetime) -> Mapping[str, tuple[int, int]]:
        """Return how many items each feed brought since ``since``, and how many repeat others."""
        rows = self._at.rows(
            "SELECT feed || '' AS feed, count(*) AS n, count(lead) AS copies FROM item"
            " WHERE first_seen >= ? GROUP BY feed || ''",  # or all are gone through, feed by feed
            [stamp(since)],
        )
        return {row["feed"]: (row["n"], row["copies"]) for row in rows}

    def prune(self, before: datetime, limit: int) -> int:
        """Forget at most ``limit`` old items that nothing needs; their identities stay."""
        return self._drop(
            "SELECT seq FROM item AS old WHERE first_seen < ?1 AND listed < ?1"
            f" AND {_UNNEEDED} ORDER BY first_seen LIMIT ?2",
            [stamp(before), limit],
        )

    def prune_of(self, feed: str, limit: int, *, before: datetime | None, most: int | None) -> int:
        """Do what `prune` does for one feed, and for what came before its newest ``most`` items."""
        last = self._place_of(feed, before, most)
        if last is None:
            return 0
        return self._drop(
            "SELECT seq FROM item AS old"
            f" WHERE feed = ?1 AND seq <= ?2 AND {_UNNEEDED} ORDER BY seq LIMIT ?3",
            [feed, last, limit],
        )

    def _drop(self, which: str, values: Sequence[Any]) -> int:
        """Let the items go that a query names; return how many."""
        with self._at.transaction():
            self._at.take_turn()  # whoever takes in counts, too
            gone = self._at.run(f"DELETE FROM item WHERE seq IN ({which})", values)
            self._at.later(_COUNT, [-gone])
        return gone

    def _place_of(self, feed: str, before: datetime | None, most: int | None) -> int | None:
        """Return the place of the last item of ``feed`` that may go."""
        found: list[int] = []
        if most is not None:
            rows = self._at.rows(
                "SELECT seq FROM item WHERE feed = ? ORDER BY seq DESC LIMIT 1 OFFSET ?",
                [feed, most],
            )
            found += [row["seq"] for row in rows]
        if before is not None:
            rows = self._at.rows(
                "SELECT seq FROM item WHERE feed = ? AND first_seen < ?"
                " ORDER BY first_seen DESC, seq DESC LIMIT 1",
                [feed, stamp(before)],
            )
            found += [row["seq"] for row in rows]
        return max(found, default=None)

    def forget_names(self, feed: str, before: datetime) -> int:
        """Forget the identities of items of ``feed`` that are gone and came before ``before``."""
        return self._at.run(
            "DELETE FROM identity WHERE feed = ? AND since < ? AND NOT EXISTS"
            " (SELECT 1 FROM item WHERE item.id = identity.item)",
            [feed, stamp(before)],
        )

    def _items(self, clause: str, values: Sequence[Any]) -> tuple[StoredItem, ...]:
        rows = self._at.rows(f"SELECT {ITEM_COLUMNS} FROM item {clause}", values)
        return tuple(stored_item(row) for row in rows)


def _because(copy: Copy) -> str:
    return f"{copy.rule} {copy.figure:.2f}"
