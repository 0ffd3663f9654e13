"""What is remembered of feeds?"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zlib import crc32

from msgspec.json import Decoder, encode
from msgspec.structs import asdict

from aggregator.model.editions import Source
from aggregator.model.errors import OvertakenError, StoreError
from aggregator.model.feeds import (
    NO_HABITS,
    NO_SKIPS,
    Feed,
    FeedState,
    Habits,
    KeyRule,
    Move,
    Older,
    Rhythm,
    Skips,
    Validators,
)
from aggregator.model.push import NO_HUB, HubLinks
from aggregator.sources.schedule import CLOCK_SLACK, Due, outside
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import (
    Row,
    marks,
    maybe_moment,
    maybe_stamp,
    moment,
    replacing,
    stamp,
)
from aggregator.text.urls import registrable_domain

BEATS = 1_024  # a slow host holds up its beat only: a thousandth of all feeds

# What another way of asking (own headers, credentials) makes us forget: its answer is another.
_GIVEN = ("validator_url", "etag", "last_modified", "digest")
# What an edited address makes us forget besides, and what it is then.
_LEARNED = {
    **dict.fromkeys(("ttl", "base", "skips", "entries", "rhythm", "moved_to", "move"), "NULL"),
    **dict.fromkeys(("gone", "gaps", "haste", "recovered", "missed"), "0"),
    **dict.fromkeys(
        ("last_gap_at", "last_error", "not_before", "links", "usual_due", "older"), "NULL"
    ),
    "failures": "0",
    "because": "excluded.because",
    "next_due": "excluded.next_due",
    "beat": "excluded.beat",
}
_SAME_URL = "feed.url = excluded.url"


def _kept_if(same: str, name: str, none: str) -> str:
    return f"{name} = CASE WHEN {same} THEN feed.{name} ELSE {none} END"


_FORGET = ", ".join(
    [_kept_if(_SAME_URL, name, none) for name, none in _LEARNED.items()]
    + [_kept_if(f"{_SAME_URL} AND feed.way = excluded.way", name, "NULL") for name in _GIVEN]
)
_ASKED_FOR = "id, configured, url, title, owner, weight, topics, language, way, secret"
_CONFIGURE = f"""
INSERT INTO feed
    ({_ASKED_FOR}, next_due, beat, because)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'new')
ON CONFLICT (id) DO UPDATE SET
    configured = excluded.configured, title = excluded.title, owner = excluded.owner,
    weight = excluded.weight, topics = excluded.topics, language = excluded.language,
    url = excluded.url, way = excluded.way, secret = excluded.secret,
    turn = feed.turn + CASE WHEN {_SAME_URL} AND feed.way = excluded.way THEN 0 ELSE 1 END,
    {_FORGET}
"""
_LEAVE = """
INSERT INTO left_address (url, moved_to, due)
SELECT url, moved_to, coalesce(usual_due, next_due) FROM feed WHERE id = ?1 AND url <> ?2
ON CONFLICT (url) DO UPDATE SET moved_to = excluded.moved_to, due = excluded.due
"""
_ASKED = """
SELECT url, moved_to, coalesce(usual_due, next_due) AS due FROM feed
WHERE coalesce(usual_due, next_due) > ?1
UNION ALL SELECT url, moved_to, due FROM left_address WHERE due > ?1
"""
_FORGET_READING = (
    "DELETE FROM reading WHERE feed = ?1"
    " AND EXISTS (SELECT 1 FROM feed WHERE id = ?1 AND url <> ?2)"
)
_BEGIN = (
    "UPDATE feed SET attempted_at = ?, next_due = ?, because = ?, usual_due = NULL, turn = turn + 1"
    " WHERE id = ? AND turn = coalesce(?, turn)"
)
_DROP = "UPDATE feed SET configured = 0 WHERE id = ?"
_REMEMBER = replacing("reading", ["feed"], ["memory"])
_RECALL = "UPDATE feed SET next_due = ?, because = ?, usual_due = NULL WHERE id = ?"

_OVERTAKEN = "feed {}: another process began a visit of it meanwhile; this one changes nothing"
_DUE = "configured = 1 AND gone = 0 AND (next_due <= ? OR attempted_at > ?)"


class SqlFeeds:
    """Feeds as configured, and what is remembered of each."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def configure(self, feeds: Sequence[Feed], *, now: datetime) -> None:
        """Make ``feeds`` the configured ones; what is as it was is not written."""
        asked_for = {feed.id: _row(feed) for feed in feeds}
        with self._at.transaction():
            rows = self._at.rows(f"SELECT {_ASKED_FOR} FROM feed")
            held = {row["id"]: tuple(row.values()) for row in rows}
            others = [feed for feed in feeds if held.get(feed.id) != asked_for[feed.id]]
            free = self._free_from(others, now) if others else {}
            edited = [(feed.id, feed.url) for feed in others if feed.id in held]
            dropped = [(row["id"],) for row in rows if row["configured"]]
            self._at.run("DELETE FROM left_address WHERE due <= ?", [stamp(now)])
            self._at.run_many(_LEAVE, edited)
            self._at.run_many(_DROP, [key for key in dropped if key[0] not in asked_for])
            self._at.run_many(_FORGET_READING, edited)
            self._at.run_many(
                _CONFIGURE,
                [
                    (*asked_for[feed.id], free.get(feed.url, stamp(now)), beat_of(feed.url))
                    for feed in others
                ],
            )

    def _free_from(self, feeds: Sequence[Feed], now: datetime) -> dict[str, str]:
        """Return when addresses may be asked that a feed has not had until now, where that waits.

        Whoever asked there before, under another id or before an edit, had been told when to
        come back.
        """
        asked = self._at.rows(_ASKED, [stamp(now)])
        if not asked:
            return {}
        held = {row["id"]: row["url"] for row in self._at.rows("SELECT id, url FROM feed")}
        new = {feed.url for feed in feeds if held.get(feed.id) != feed.url}
        free: dict[str, str] = {}
        for row in asked:
            for url in {row["url"], row["moved_to"]} & new:
                free[url] = max(free.get(url, ""), row["due"])
        return free

    def configured(self) -> Mapping[str, Feed]:
        """Return every feed that was ever configured, by id."""
        rows = self._at.rows("SELECT * FROM feed ORDER BY id")
        return {row["id"]: _feed(row) for row in rows}

    def sources(self) -> Mapping[str, Source]:
        """Return how each feed that was ever configured is named and linked, by id."""
        rows = self._at.rows("SELECT * FROM feed ORDER BY id")
        return {row["id"]: _source(row) for row in rows}

    def state(self, feed: str) -> FeedState:
        """Return what is remembered of ``feed``."""
        rows = self._at.rows("SELECT * FROM feed WHERE id = ?", [feed])
        if not rows:
            raise StoreError(f"feed {feed} is not known; is it in feeds.yaml?")
        return _state(rows[0])

    def states(self) -> tuple[FeedState, ...]:
        """Return the states of all configured and enabled feeds, by id."""
        return tuple(
            _state(row)
            for row in self._at.rows("SELECT * FROM feed WHERE configured = 1 ORDER BY id")
        )

    def is_configured(self, feed: str) -> bool:
        """Tell whether ``feed`` is configured and enabled."""
        return bool(self._at.rows("SELECT 1 FROM feed WHERE id = ? AND configured = 1", [feed]))

    def asking(self, url: str) -> tuple[FeedState, ...]:
        """Return the states of configured and enabled feeds that ask ``url`` now, by id."""
        rows = self._at.rows(
            "SELECT * FROM feed WHERE configured = 1 AND coalesce(moved_to, url) = ? ORDER BY id",
            [url],
        )
        return tuple(_state(row) for row in rows)

    def due(
        self,
        now: datetime,
        limit: int,
        skip: int = 0,
        *,
        beat: int | None = None,
        but: Collection[str] = (),
    ) -> tuple[FeedState, ...]:
        """Return enabled feeds whose time has come, the longest overdue first, after ``skip``."""
        which, on = ("", []) if beat is None else (" AND beat = ?", [beat])
        others = f" AND id NOT IN ({marks(but)})" if but else ""
        rows = self._at.rows(
            f"SELECT * FROM feed WHERE {_DUE}{which}{others}"
            " ORDER BY next_due, id LIMIT ? OFFSET ?",
            [stamp(now), stamp(now + CLOCK_SLACK), *on, *but, limit, skip],
        )
        return tuple(_state(row) for row in rows)

    def beats(self, now: datetime, *, but: Collection[str] = ()) -> tuple[int, ...]:
        """Return the beats on which feeds are due, ``but`` some feeds."""
        others = f" AND id NOT IN ({marks(but)})" if but else ""
        rows = self._at.rows(
            f"SELECT DISTINCT beat FROM feed WHERE {_DUE}{others} ORDER BY beat",
            [stamp(now), stamp(now + CLOCK_SLACK), *but],
        )
        return tuple(row["beat"] for row in rows)

    def begin(
        self, feed: str, *, now: datetime, next_due: datetime, because: str, turn: int | None = None
    ) -> None:
        """Remember an attempt before the request goes out."""
        if not self._at.run(_BEGIN, [stamp(now), stamp(next_due), because, feed, turn]):
            raise OvertakenError(_OVERTAKEN.format(feed))

    def recall(self, feed: str, *, now: datetime) -> None:
        """Let ``feed`` be due when it would have been without its hub, but not before ``now``.

        Nor in the hours and days at which its publisher wants to be left alone.
        """
        state = self.state(feed)
        if state.usual_due is None or state.usual_due >= state.next_due:
            return
        due = outside(Due(at=max(state.usual_due, now), because="lapsed"), state.skips, feed)
        self._at.run(_RECALL, [stamp(due.at), due.because, feed])

    def save(self, state: FeedState, *, before: FeedState | None = None) -> None:
        """Remember the outcome of a visit; of what it left as ``before``, nothing is written."""
        row = _state_row(state, before)
        if not self._at.run(
            f"UPDATE feed SET {', '.join(f'{name} = ?' for name in row)} WHERE id = ? AND turn = ?",
            [*row.values(), state.feed, state.turn],
        ):
            raise OvertakenError(_OVERTAKEN.format(state.feed))

    def memory(self, feed: str) -> bytes | None:
        """Return what was last remembered of a document of ``feed``."""
        rows = self._at.rows("SELECT memory FROM reading WHERE feed = ?", [feed])
        return bytes(rows[0]["memory"]) if rows else None

    def remember(self, feed: str, memory: bytes | None) -> None:
        """Keep ``memory`` of a document that was taken in."""
        if memory is None:
            self._at.run("DELETE FROM reading WHERE feed = ?", [feed])
        else:
            self._at.run(_REMEMBER, [feed, memory])


def beat_of(url: str) -> int:
    """Return the beat of the host at ``url``: hosts are spread over `BEATS` by their domains."""
    return crc32(registrable_domain(url).encode()) % BEATS


def _row(feed: Feed) -> tuple[Any, ...]:
    """Return what ops ask for, as columns."""
    return (
        feed.id,
        int(feed.enabled),
        feed.url,
        feed.title,
        feed.owner,
        feed.weight,
        json.dumps(feed.topics) if feed.topics else "[]",
        feed.language,
        _way(feed),
        int(feed.secret),
    )


def _way(feed: Feed) -> int:
    """Return a number that changes with the feed's own headers and credentials.

    Of 16 bits, so that whoever reads the database cannot tell a password by it.
    """
    return _way_of(feed.headers, feed.credentials)


@lru_cache(maxsize=16)  # most have none
def _way_of(headers: tuple[tuple[str, str], ...], credentials: tuple[str, str] | None) -> int:
    return int.from_bytes(sha256(repr((headers, credentials)).encode()).digest()[:2])


def _source(row: Row) -> Source:
    return Source(
        title=row["title"] or row["own_title"] or row["id"],
        url="" if row["secret"] else row["url"],
        home=row["home"],
        owner=row["owner"] or row["id"],
    )


def _feed(row: Row) -> Feed:
    return Feed(
        id=row["id"],
        url=row["url"],
        title=row["title"] or row["own_title"],
        topics=tuple(json.loads(row["topics"])),
        owner=row["owner"],
        weight=row["weight"],
        language=row["language"] or row["own_language"],
        enabled=bool(row["configured"]),
        secret=bool(row["secret"]),
    )


def _state(row: Row) -> FeedState:
    return FeedState(
        feed=row["id"],
        url=row["url"],
        next_due=moment(row["next_due"]),
        because=row["because"],
        not_before=maybe_moment(row["not_before"]),
        digest=row["digest"],
        attempted_at=maybe_moment(row["attempted_at"]),
        succeeded_at=maybe_moment(row["succeeded_at"]),
        failures=row["failures"],
        last_error=row["last_error"],
        gone=bool(row["gone"]),
        visits=row["visits"],
        ttl=None if row["ttl"] is None else timedelta(seconds=row["ttl"]),
        base=maybe_moment(row["base"]),
        skips=_skips(row["skips"]),
        entries=row["entries"],
        rhythm=_rhythm(row["rhythm"]),
        moved_to=row["moved_to"],
        move=_move(row["move"]),
        gaps=row["gaps"],
        last_gap_at=maybe_moment(row["last_gap_at"]),
        haste=row["haste"],
        recovered=row["recovered"],
        older=_older(row["older"]),
        links=_links(row["links"]),
        usual_due=maybe_moment(row["usual_due"]),
        missed=row["missed"],
        habits=_habits(row["habits"]),
        title=row["own_title"],
        home=row["home"],
        feed_language=row["own_language"],
        turn=row["turn"],
        validators=_validators(row),
    )


def _validators(row: Row) -> Validators | None:
    if row["validator_url"] is None:
        return None
    return Validators(
        url=row["validator_url"], etag=row["etag"], last_modified=row["last_modified"]
    )


def _state_row(state: FeedState, before: FeedState | None) -> dict[str, Any]:
    """Write ``state`` as columns; with ``before``, those that are other now, and what `begin` set.

    A visit that brings nothing changes six of 33, and not those that take long to write.
    """
    row = {}
    for name, writers in _WRITTEN:
        value = getattr(state, name)
        if before is not None and name not in _BEGUN:
            former = getattr(before, name)
            if former is value or former == value:
                continue
        for column, write in writers:
            row[column] = write(value)
    if before is None or before.moved_to != state.moved_to:
        row["beat"] = beat_of(state.moved_to or state.url)
    return row


def _skips_text(skips: Skips) -> str | None:
    if skips == NO_SKIPS:
        return None
    return json.dumps([sorted(skips.hours), sorted(skips.days)])


def _skips(text: str | None) -> Skips:
    if text is None:
        return NO_SKIPS
    hours, days = json.loads(text)
    return Skips(hours=frozenset(hours), days=frozenset(days))


def _rhythm_text(rhythm: Rhythm | None) -> str | None:
    if rhythm is None:
        return None
    moments = (stamp(rhythm.since), stamp(rhythm.at), maybe_stamp(rhythm.newest))
    return encode([*moments, rhythm.hours, rhythm.days]).decode()


def _rhythm(text: str | None) -> Rhythm | None:
    if text is None:
        return None
    since, at, newest, hours, days = _read_rhythm(text)
    return Rhythm(
        since=moment(since), at=moment(at), newest=maybe_moment(newest), hours=hours, days=days
    )


_read_rhythm = Decoder(tuple[str, str, str | None, tuple[float, ...], tuple[float, ...]]).decode


def _links_text(links: HubLinks) -> str | None:
    return None if links == NO_HUB else json.dumps([links.hubs, links.topic])


def _links(text: str | None) -> HubLinks:
    if text is None:
        return NO_HUB
    hubs, topic = json.loads(text)
    return HubLinks(hubs=tuple(hubs), topic=topic)


def _move_text(move: Move | None) -> str | None:
    return None if move is None else json.dumps([move.to, stamp(move.since), move.visits])


def _move(text: str | None) -> Move | None:
    if text is None:
        return None
    to, since, visits = json.loads(text)
    return Move(to=to, since=moment(since), visits=visits)


def _habits_text(habits: Habits) -> str | None:
    return None if habits == NO_HABITS else json.dumps(asdict(habits))


def _habits(text: str | None) -> Habits:
    if text is None:
        return NO_HABITS
    told = json.loads(text)
    return Habits(**{**told, "key": KeyRule(told["key"])})


def _older_text(older: Older | None) -> str | None:
    if older is None:
        return None
    moments = (stamp(older.at), maybe_stamp(older.since))
    return json.dumps([older.page, *moments, older.read, older.tries])


def _older(text: str | None) -> Older | None:
    if text is None:
        return None
    page, at, since, read, tries = json.loads(text)
    return Older(page=page, at=moment(at), since=maybe_moment(since), read=tuple(read), tries=tries)


def _same(value: Any) -> Any:
    return value


def _maybe(name: str) -> Callable[[Any], Any]:
    return lambda value: None if value is None else getattr(value, name)


def _maybe_seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


_BEGUN = frozenset({"next_due", "because", "attempted_at", "usual_due"})
# By field of `FeedState`: its columns, and how each is written.
_WRITTEN: tuple[tuple[str, tuple[tuple[str, Callable[[Any], Any]], ...]], ...] = (
    ("next_due", (("next_due", stamp),)),
    ("because", (("because", _same),)),
    ("not_before", (("not_before", maybe_stamp),)),
    (
        "validators",
        (
            ("validator_url", _maybe("url")),
            ("etag", _maybe("etag")),
            ("last_modified", _maybe("last_modified")),
        ),
    ),
    ("digest", (("digest", _same),)),
    ("attempted_at", (("attempted_at", maybe_stamp),)),
    ("succeeded_at", (("succeeded_at", maybe_stamp),)),
    ("failures", (("failures", _same),)),
    ("last_error", (("last_error", _same),)),
    ("gone", (("gone", int),)),
    ("visits", (("visits", _same),)),
    ("ttl", (("ttl", _maybe_seconds),)),
    ("base", (("base", maybe_stamp),)),
    ("skips", (("skips", _skips_text),)),
    ("entries", (("entries", _same),)),
    ("rhythm", (("rhythm", _rhythm_text),)),
    ("moved_to", (("moved_to", _same),)),
    ("move", (("move", _move_text),)),
    ("gaps", (("gaps", _same),)),
    ("last_gap_at", (("last_gap_at", maybe_stamp),)),
    ("haste", (("haste", _same),)),
    ("recovered", (("recovered", _same),)),
    ("older", (("older", _older_text),)),
    ("links", (("links", _links_text),)),
    ("usual_due", (("usual_due", maybe_stamp),)),
    ("missed", (("missed", _same),)),
    ("habits", (("habits", _habits_text),)),
    ("title", (("own_title", _same),)),
    ("home", (("home", _same),)),
    ("feed_language", (("own_language", _same),)),
)
