"""What is remembered of stories?"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from aggregator.model.items import StoredItem
from aggregator.model.stories import StoryFacts, Voice
from aggregator.storage.protocol import Filing
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import (
    ITEM_COLUMNS,
    Row,
    batches,
    marks,
    moment,
    stamp,
    stored_item,
)

_PAGE = 1_000
_SHARE = 3  # a story is about a topic when at least a third of its items are
_TOUCHED = 6

_VOICE = """
INSERT INTO story_voice (story, owner, weight, first, last, copies_only) {source}
ON CONFLICT (story, owner) DO UPDATE SET
    weight = max(story_voice.weight, excluded.weight),
    first = min(story_voice.first, excluded.first), last = max(story_voice.last, excluded.last),
    copies_only = min(story_voice.copies_only, excluded.copies_only)
"""
_TOPIC = """
INSERT INTO story_topic (story, topic, items) {source}
ON CONFLICT (story, topic) DO UPDATE SET items = story_topic.items + excluded.items
"""
_STORY = """
INSERT INTO story (id, opened, last, items) VALUES (?, ?, ?, 1)
ON CONFLICT (id) DO UPDATE SET
    opened = min(story.opened, excluded.opened), last = max(story.last, excluded.last),
    items = story.items + 1
"""
_CHOSEN = """
SELECT item.story, sum(c.barred) AS barred, sum(1 - c.barred) AS passed
FROM chosen AS c JOIN item ON item.seq = c.item
WHERE c.output = ? AND c.listed >= ? GROUP BY item.story
"""
_WEIGH = """
UPDATE story_voice SET copies_only = CASE WHEN EXISTS
    (SELECT 1 FROM item JOIN feed ON feed.id = item.feed
     WHERE item.story = story_voice.story AND item.lead IS NULL AND item.filed > 0
     AND coalesce(nullif(feed.owner, ''), feed.id) = story_voice.owner) THEN 0 ELSE 1 END
WHERE (story, owner) IN
    (SELECT item.story, coalesce(nullif(feed.owner, ''), feed.id)
     FROM item JOIN feed ON feed.id = item.feed WHERE item.id = ?)
"""
_FACTS = """
SELECT story.id, story.opened, owner, weight, first, story_voice.last, copies_only,
    (SELECT json_group_array(topic) FROM story_topic AS t
     WHERE t.story = story.id AND t.items * ? >= story.items) AS topics,
    (SELECT json_group_array(topic) FROM story_topic AS t
     WHERE t.story = story.id AND t.items * ? >= story.items) AS touched
FROM story JOIN story_voice ON story_voice.story = story.id
WHERE story.forward IS NULL AND {which}
ORDER BY story.id || '', owner
"""  # an expression keeps the planner from going through every story in the order of their ids


class SqlStories:
    """Stories, the voices that report them, and clustering's memory."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def grow(self, filing: Filing) -> None:
        """Add one item to its story, after folding those into it that it showed to be the same."""
        voice = filing.voice
        with self._at.transaction():
            self._at.run(_STORY, [filing.story, stamp(voice.first), stamp(voice.last)])
            for gone in filing.merged:
                self._merge(gone, filing.story)
            self._at.run(
                _VOICE.format(source="VALUES (?, ?, ?, ?, ?, ?)"),
                [
                    filing.story,
                    voice.owner,
                    voice.weight,
                    stamp(voice.first),
                    stamp(voice.last),
                    int(voice.copies_only),
                ],
            )
            self._at.run_many(
                _TOPIC.format(source="VALUES (?, ?, 1)"),
                [(filing.story, score.topic) for score in filing.topics],
            )

    def weigh(self, item: str) -> None:
        """Let the voice that brought ``item`` count as a copy's while it has nothing else."""
        self._at.run(_WEIGH, [item])

    def _merge(self, gone: str, into: str) -> None:
        run = self._at.run
        run("UPDATE item SET story = ? WHERE story = ?", [into, gone])
        source = "SELECT ?, owner, weight, first, last, copies_only FROM story_voice"
        run(_VOICE.format(source=f"{source} WHERE story = ?"), [into, gone])
        source = "SELECT ?, topic, items FROM story_topic WHERE story = ?"
        run(_TOPIC.format(source=source), [into, gone])
        run("DELETE FROM story_voice WHERE story = ?", [gone])
        run("DELETE FROM story_topic WHERE story = ?", [gone])
        run(
            "UPDATE story SET items = story.items + old.items,"
            " opened = min(story.opened, old.opened), last = max(story.last, old.last)"
            " FROM (SELECT items, opened, last FROM story WHERE id = ?) AS old WHERE id = ?",
            [gone, into],
        )
        run(
            "UPDATE story SET forward = ?, items = 0 WHERE id = ? OR forward = ?",
            [into, gone, gone],
        )

    def facts(self, since: datetime) -> tuple[StoryFacts, ...]:
        """Return stories with a report at or after ``since``."""
        return self._facts("story.last >= ?", [stamp(since)])

    def facts_of(self, stories: Iterable[str]) -> tuple[StoryFacts, ...]:
        """Return these stories, however old; those that merged into others are left out."""
        found: list[StoryFacts] = []
        for some in batches(sorted(stories)):
            found += self._facts(f"story.id IN ({marks(some)})", some)
        return tuple(found)

    def fact(self, story: str) -> StoryFacts | None:
        """Return what ranking needs to know of ``story``; None when there is no such story."""
        return next(iter(self.facts_of([story])), None)

    def _facts(self, which: str, values: Sequence[str]) -> tuple[StoryFacts, ...]:
        query = _FACTS.format(which=which)
        return _gathered(self._at.rows(query, [_SHARE, _TOUCHED, *values]))

    def items(self, stories: Iterable[str]) -> Mapping[str, tuple[StoredItem, ...]]:
        """Return the items of each story in order of arrival."""
        return {
            story: tuple(
                stored_item(row)
                for row in self._at.rows(
                    f"SELECT {ITEM_COLUMNS} FROM item WHERE story = ? ORDER BY seq",
                    [story],
                )
            )
            for story in stories
        }

    def chosen(self, output: str, since: datetime) -> frozenset[str]:
        """Return stories of which ``output`` passes a report, and bars no more than it passes."""
        rows = self._at.rows(_CHOSEN, [output, stamp(since)])
        return frozenset(
            row["story"] for row in rows if row["passed"] > 0 and row["barred"] <= row["passed"]
        )

    def passed(self, output: str, story: str) -> frozenset[str]:
        """Return the ids of those items of ``story`` that ``output`` passes."""
        rows = self._at.rows(
            "SELECT id FROM item WHERE story = ? AND EXISTS (SELECT 1 FROM chosen"
            " WHERE chosen.item = item.seq AND output = ? AND barred = 0)",
            [story, output],
        )
        return frozenset(row["id"] for row in rows)

    def forwards(self) -> Mapping[str, str]:
        """Return what every story that merged now goes by."""
        rows = self._at.rows("SELECT id, forward FROM story WHERE forward IS NOT NULL")
        return {row["id"]: row["forward"] for row in rows}

    def over(
        self, before: datetime, after: tuple[str, str], most: int
    ) -> tuple[frozenset[str], tuple[str, str]]:
        """Return stories last reported before ``before`` that have no items left, and a place.

        Looks at ``most`` stories after the place ``after``, ("", "") at first, in the order of
        their last reports; that is also the place returned when there are no more.
        """
        rows = self._at.rows(
            "SELECT last, id, CASE WHEN EXISTS (SELECT 1 FROM item WHERE item.story = story.id)"
            " THEN 0 ELSE 1 END AS bare FROM story"
            " WHERE (last, id) > (?, ?) AND last < ? ORDER BY last, id LIMIT ?",
            [*after, stamp(before), most],
        )
        bare = frozenset(row["id"] for row in rows if row["bare"])
        return bare, (rows[-1]["last"], rows[-1]["id"]) if len(rows) == most else ("", "")

    def forget(self, stories: Iterable[str]) -> None:
        """Forget stories that have no items."""
        with self._at.transaction():
            for some in batches(sorted(stories)):
                for table, key in (
                    ("story_voice", "story"),
                    ("story_topic", "story"),
                    ("story", "id"),
                ):
                    self._at.run(f"DELETE FROM {table} WHERE {key} IN ({marks(some)})", some)

    def current(self, story: str) -> str | None:
        """Return the id that ``story`` now goes by (itself, or what it merged into)."""
        rows = self._at.rows(
            "SELECT coalesce(forward, id) AS current FROM story WHERE id = ?", [story]
        )
        return rows[0]["current"] if rows else None

    def traces(self, since: datetime) -> Iterator[tuple[StoredItem, str]]:
        """Yield filed items first seen at or after ``since`` with their traces."""
        # The pluses: or else the lowest place is looked for from the first of all on.
        first = "SELECT min(+filed) AS place FROM item WHERE first_seen >= ? AND +filed > 0"
        place: int | None = self._at.rows(first, [stamp(since)])[0]["place"]
        if place is None:
            return
        last = place - 1
        while rows := self._at.rows(
            f"SELECT {ITEM_COLUMNS}, trace FROM item"
            " WHERE filed > ? AND first_seen >= ? ORDER BY filed LIMIT ?",
            [last, stamp(since), _PAGE],
        ):
            yield from ((stored_item(row), row["trace"]) for row in rows)
            last = rows[-1]["filed"]


def _gathered(rows: Iterable[Row]) -> tuple[StoryFacts, ...]:
    """Put the rows of each story together, a voice each."""
    gathered: dict[str, StoryFacts] = {}
    for row in rows:
        voice = Voice(
            owner=row["owner"],
            weight=row["weight"],
            first=moment(row["first"]),
            last=moment(row["last"]),
            copies_only=bool(row["copies_only"]),
        )
        held = gathered.get(row["id"])
        gathered[row["id"]] = StoryFacts(
            id=row["id"],
            opened=moment(row["opened"]),
            voices=(*held.voices, voice) if held else (voice,),
            topics=held.topics if held else _names(row["topics"]),
            touched=held.touched if held else _names(row["touched"]),
        )
    return tuple(gathered.values())


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted(json.loads(text)))
