"""How is a store filled with a million items within minutes?

Rows go straight into the tables, as the shelves would have left them: an item each ten seconds, by
feeds of which few bring most; four in ten go on with a story of the last hours, one in eight is a
copy; most have a topic, all have keys, traits, phrases in the index and words for the search.
"""

import random
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from aggregator.model.feeds import Feed
from aggregator.storage.protocol import Store, Words
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import stamp

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(seconds=10)
FEEDS = 1_000
PIECE = 20_000  # items in one transaction
TOPICS = ("world", "business", "science", "sport", "culture", "health", "technology")
TOPS = ("top", *(f"topics/{slug}/top" for slug in TOPICS))
STANDING = 30  # stories in each Top output
WORDS, TITLE, TEXT = 40_000, 9, 36
PHRASES, TRAITS = 4, 2  # of an item, in the indexes
MERGED = 1 / 50  # of the stories had another one merge into them
RARE = "zzyzx"  # in twenty items, however many there are
_COUNT = (
    "INSERT INTO amount (name, n) VALUES ('item', ?)"
    " ON CONFLICT (name) DO UPDATE SET n = amount.n + excluded.n"
)
_TRACE = '{"terms":["ferry","harbour","aground","coast","guard","tugs"],"at":"x"}' * 3

Rows = dict[str, list[tuple[Any, ...]]]

COLUMNS = {
    "item": (
        "seq id feed key guid link canonical title summary content_html entry_published"
        " entry_updated authors categories enclosures language image agency digest revisions"
        " titles first_seen published updated listed filed changed lead lead_because story"
        " story_because trace"
    ),
    "identity": "feed key item since",
    "trait": "hash item",
    "posting": "hash item",
    "item_topic": "item topic score because listed",
    "story": "id opened last items forward",
    "story_voice": "story owner weight first last copies_only",
    "story_topic": "story topic items",
    "membership": "output story entered updated milestone face entry owner place left",
}
_ORDER = ("story", "item", "identity", "trait", "posting", "item_topic", "story_voice",
          "story_topic", "membership")  # fmt: skip


def at(number: int) -> datetime:
    """Return when item ``number`` came, from 1."""
    return START + number * EVERY


@dataclass(slots=True)
class Event:
    """A story while it is told."""

    id: str
    first: str
    lead: str
    items: int = 0
    last: str = ""
    voices: dict[str, tuple[str, str]] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Newsroom:
    """Makes up items and everything that filing leaves of them, always the same."""

    def __init__(self) -> None:
        dice = self.dice = random.Random(8)
        self.words = [*dict.fromkeys(_word(dice) for _ in range(WORDS))]
        self._steps = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))
        self._shares = list(accumulate(1 / (rank + 20) for rank in range(FEEDS)))
        self._open: deque[Event] = deque()
        self._standing: dict[str, deque[tuple[str, str, str]]] = {top: deque() for top in TOPS}

    def feeds(self) -> tuple[Feed, ...]:
        """Return the feeds, a publisher each."""
        return tuple(
            Feed(id=f"f{n}", url=f"https://f{n}.example/rss", owner=f"o{n}") for n in range(FEEDS)
        )

    def rows(self, first: int, last: int, most: int) -> Rows:
        """Return the rows of the items numbered ``first`` to ``last``, of ``most`` in the end."""
        rows: Rows = {name: [] for name in (*COLUMNS, "word")}
        for number in range(first, last + 1):
            self._item(number, rows)
        self._told(rows, all_=last == most)
        return rows

    def _item(self, number: int, rows: Rows) -> None:
        dice, when, id_ = self.dice, stamp(at(number)), f"urn:x:{number}"
        feed = f"f{dice.choices(range(FEEDS), cum_weights=self._shares)[0]}"
        said = dice.choices(self.words, cum_weights=self._steps, k=TITLE + TEXT)
        if number % 5_000 == 0 and number <= 100_000:
            said[0] = RARE
        title, text = " ".join(said[:TITLE]), " ".join(said[TITLE:])
        event = self._event(number, id_, when)
        lead = event.lead if event.items and dice.random() < 0.28 else None
        topics = [TOPICS[number % 7], TOPICS[number % 5]][: dice.choice((0, 1, 1, 1, 2))]
        link = f"https://{feed}.example/2026/{number}"
        rows["item"].append(
            (number, id_, feed, f"guid:{number}", f"{number}", link, link, title, text,
             f"<p>{text}</p>", when, None, "[]", "[]", "[]", "en", None, None, f"{number:064x}", 0,
             0, when, when, when, when, number, number, lead, "same-text 0.95" if lead else None,
             event.id, "copy" if lead else "opened", _TRACE)
        )  # fmt: skip
        rows["identity"].append((feed, f"guid:{number}", id_, when))
        for name, count in (("trait", TRAITS), ("posting", PHRASES)):
            rows[name] += [(dice.getrandbits(62), number) for _ in range(count)]
        rows["item_topic"] += [(number, slug, 1.0, "feed", when) for slug in dict.fromkeys(topics)]
        rows["word"].append((number, title, text))
        event.items += 1
        event.last = when
        owner = f"o{feed[1:]}"
        event.voices[owner] = (event.voices.get(owner, (when, when))[0], when)
        for slug in topics:
            event.topics[slug] += 1
        if number % 100 == 0:
            self._enter(TOPS[number // 100 % len(TOPS)], event, owner, number, rows)

    def _event(self, number: int, id_: str, when: str) -> Event:
        if self._open and self.dice.random() < 0.45:
            return self.dice.choice(self._open)
        event = Event(id=UUID(int=number).urn, first=when, lead=id_)
        self._open.append(event)
        return event

    def _enter(self, top: str, event: Event, owner: str, number: int, rows: Rows) -> None:
        held, when = self._standing[top], stamp(at(number))
        if any(event.id == story for story, *_ in held):
            return
        held.append((event.id, when, owner))
        if len(held) > STANDING:
            story, entered, by = held.popleft()
            rows["membership"].append(_stay(top, story, entered, by, when))

    def _told(self, rows: Rows, *, all_: bool) -> None:
        """Write the stories that are over, or all of them."""
        while self._open and (all_ or len(self._open) > 1_500):
            event = self._open.popleft()
            rows["story"].append((event.id, event.first, event.last, event.items, None))
            if self.dice.random() < MERGED:
                gone = UUID(int=self.dice.getrandbits(128)).urn
                rows["story"].append((gone, event.first, event.last, 0, event.id))
            rows["story_voice"] += [
                (event.id, owner, 1.0, first, last, 0)
                for owner, (first, last) in event.voices.items()
            ]
            rows["story_topic"] += [(event.id, slug, n) for slug, n in event.topics.items()]

    def standing(self) -> Iterator[tuple[Any, ...]]:
        """Yield the stays that have not ended."""
        for top, held in self._standing.items():
            for story, entered, owner in held:
                yield _stay(top, story, entered, owner, None)


def _word(dice: random.Random) -> str:
    syllables = ("ka", "lo", "mi", "ter", "su", "ban", "de", "rin", "o", "pa", "vel", "u")
    return "".join(dice.choices(syllables, k=dice.randint(1, 5)))


def _stay(top: str, story: str, entered: str, owner: str, left: str | None) -> tuple[Any, ...]:
    face = f"urn:x:{UUID(story).int}"
    return (top, story, entered, entered, 0, face, f"{face}:{top}", owner, 0, left)


class Filler:
    """Fills a store, and goes on where it ended."""

    def __init__(self, store: Store) -> None:
        self.room = Newsroom()
        self._store = store
        self._at: Connection = store._connection  # type: ignore[attr-defined]  # noqa: SLF001
        self._filled = 0
        store.feeds.configure(self.room.feeds(), now=START)

    def fill(self, to: int) -> datetime:
        """Fill up to ``to`` items; return what time it is then."""
        self._at.run('DELETE FROM membership WHERE "left" IS NULL')
        for first in range(self._filled + 1, to + 1, PIECE):
            self._write(self.room.rows(first, min(first + PIECE - 1, to), to))
        self._filled = to
        with self._store.transaction():
            self._at.load("membership", COLUMNS["membership"].split(), [*self.room.standing()])
            self._store.outputs.show("latest", [f"urn:x:{to - n}" for n in range(100)])
        self._at.count_on("item")
        return at(to)

    def _write(self, rows: Rows) -> None:
        with self._store.transaction():
            for name in _ORDER:
                some = sorted(rows[name]) if name in {"trait", "posting"} else rows[name]
                self._at.load(name, COLUMNS[name].split(), some)
            self._at.run(_COUNT, [len(rows["item"])])
            words = [Words(seq=seq, title=title, text=text) for seq, title, text in rows["word"]]
            self._store.search.learn(words, words[-1].seq)
