"""What was served, and since when?"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from aggregator.model.editions import Rendered
from aggregator.model.published import Issue, Stay
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import (
    Row,
    batches,
    marks,
    maybe_moment,
    maybe_stamp,
    moment,
    replacing,
    stamp,
)

_PUT = replacing("output", ["path"], ["media_type", "body", "etag", "changed_at"])
_RETIRE = "INSERT INTO retired (path, since) VALUES (?, ?) ON CONFLICT DO NOTHING"
_ENROL = replacing(
    "membership",
    ["output", "story"],
    ["entered", "updated", "milestone", "face", "entry", "owner", "place", '"left"'],
)
_FIRST = "INSERT INTO note (name, text) VALUES (?, ?) ON CONFLICT DO NOTHING"
_NOTE = replacing("note", ["name"], ["text"])


class SqlOutputs:
    """What subscribers were served."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def get(self, path: str) -> Rendered | None:
        """Return the bytes last served at ``path``."""
        rows = self._at.rows("SELECT * FROM output WHERE path = ?", [path])
        return _rendered(rows[0]) if rows else None

    def all(self) -> tuple[Rendered, ...]:
        """Return everything served."""
        return tuple(_rendered(row) for row in self._at.rows("SELECT * FROM output ORDER BY path"))

    def etags(self) -> Mapping[str, str]:
        """Return the ETag of everything served, by path."""
        return {row["path"]: row["etag"] for row in self._at.rows("SELECT path, etag FROM output")}

    def put(self, rendered: Rendered) -> None:
        """Replace the bytes at ``rendered.path``."""
        with self._at.transaction():
            self._at.run("DELETE FROM retired WHERE path = ?", [rendered.path])
            self._put(rendered)

    def _put(self, rendered: Rendered) -> None:
        self._at.run(
            _PUT,
            [
                rendered.path,
                rendered.media_type,
                rendered.body,
                rendered.etag,
                stamp(rendered.changed_at),
            ],
        )

    def drop(self, path: str, now: datetime) -> None:
        """Stop serving ``path``."""
        with self._at.transaction():
            if self._at.run("DELETE FROM output WHERE path = ?", [path]):
                self._at.run(_RETIRE, [path, stamp(now)])

    def retired(self) -> frozenset[str]:
        """Return the paths that were served once and are no more."""
        return frozenset(row["path"] for row in self._at.rows("SELECT path FROM retired"))

    def forget_retired(self, before: datetime) -> None:
        """Forget the paths that are served no more since before ``before``."""
        self._at.run("DELETE FROM retired WHERE since < ?", [stamp(before)])

    def forget_issues(self, before: datetime, listed: Mapping[str, int]) -> int:
        """Forget the issues made before ``before`` but for as many as each digest lists."""
        gone = 0
        with self._at.transaction():
            for row in self._at.rows("SELECT DISTINCT output FROM issue ORDER BY output"):
                name = row["output"]
                gone += self._at.run(
                    "DELETE FROM issue WHERE output = ?1 AND made < ?2 AND day NOT IN (SELECT day"
                    " FROM issue WHERE output = ?1 ORDER BY day DESC LIMIT ?3)",
                    [name, stamp(before), listed.get(name, 0)],
                )
        return gone

    def rename(self, before: str, name: str) -> None:
        """Let output ``name`` go on where ``before`` ended, unless it stood already."""
        with self._at.transaction():
            known = self._at.rows(
                "SELECT name FROM output_birth WHERE name IN (?, ?)", [before, name]
            )
            if [row["name"] for row in known] != [before]:
                return
            self._at.run("UPDATE output_birth SET name = ? WHERE name = ?", [name, before])
            for table in ("membership", "listing", "chosen", "issue", "archive"):
                self._at.run(f"UPDATE {table} SET output = ? WHERE output = ?", [name, before])

    def retain(self, names: Collection[str], now: datetime) -> None:
        """End at ``now`` what outputs other than ``names`` list and hold."""
        others = f"output NOT IN ({marks(names)})" if names else "TRUE"
        with self._at.transaction():
            self._at.run(f"DELETE FROM listing WHERE {others}", [*names])
            self._at.run(f"DELETE FROM archive WHERE {others}", [*names])
            self._at.run(
                f'UPDATE membership SET "left" = ? WHERE "left" IS NULL AND {others}',
                [stamp(now), *names],
            )

    def born(self, name: str, now: datetime) -> datetime:
        """Return when output ``name`` first stood; ``now`` is remembered at first asking."""
        with self._at.transaction():
            self._at.run(
                "INSERT INTO output_birth (name, born) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [name, stamp(now)],
            )
            rows = self._at.rows("SELECT born FROM output_birth WHERE name = ?", [name])
        return moment(rows[0]["born"])

    def members(self, output: str) -> Mapping[str, Stay]:
        """Return all stays in ``output``, past and present, by story."""
        return self._stays("output = ?", [output])

    def standing(self, output: str) -> Mapping[str, Stay]:
        """Return the stays in ``output`` that have not ended, by story."""
        return self._stays('output = ? AND "left" IS NULL', [output])

    def left(self, output: str, since: datetime) -> Mapping[str, Stay]:
        """Return the stays in ``output`` that ended after ``since``, by story."""
        return self._stays('output = ? AND "left" > ?', [output, stamp(since)])

    def stays_of(self, output: str, stories: Collection[str]) -> Mapping[str, Stay]:
        """Return the stays of ``stories`` in ``output``, past and present, by story."""
        found: dict[str, Stay] = {}
        for some in batches(sorted(stories)):
            found |= self._stays(f"output = ? AND story IN ({marks(some)})", [output, *some])
        return found

    def _stays(self, which: str, values: Sequence[str]) -> dict[str, Stay]:
        rows = self._at.rows(f"SELECT * FROM membership WHERE {which} ORDER BY story", values)
        return {row["story"]: _stay(row) for row in rows}

    def show(self, output: str, items: Sequence[str]) -> None:
        """Remember that ``output`` lists these items now."""
        with self._at.transaction():
            self._at.run("DELETE FROM listing WHERE output = ?", [output])
            self._at.run_many(
                "INSERT INTO listing (output, item) VALUES (?, ?)", [(output, it) for it in items]
            )

    def enrol(self, members: Sequence[Stay]) -> None:
        """Write stays, replacing those of the same output and story."""
        self._at.run_many(
            _ENROL,
            [
                (
                    stay.output,
                    stay.story,
                    stamp(stay.entered),
                    stamp(stay.updated),
                    stay.milestone,
                    stay.face,
                    stay.entry,
                    stay.owner,
                    stay.place,
                    maybe_stamp(stay.left),
                )
                for stay in members
            ],
        )

    def issues(self, output: str, limit: int) -> tuple[Issue, ...]:
        """Return the last ``limit`` issues of a digest, the newest first."""
        rows = self._at.rows(
            "SELECT * FROM issue WHERE output = ? ORDER BY day DESC LIMIT ?", [output, limit]
        )
        return tuple(_issue(row) for row in rows)

    def bring_out(self, issue: Issue) -> None:
        """Keep an issue; `StoreError` when there is one for that day."""
        self._at.run(
            "INSERT INTO issue (output, day, id, made, title, summary, content_html, image, mark)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                issue.output,
                issue.day.isoformat(),
                issue.id,
                stamp(issue.made),
                issue.title,
                issue.summary,
                issue.content_html,
                issue.image,
                issue.mark,
            ],
        )

    def forget(self, stories: Collection[str], before: datetime) -> frozenset[str]:
        """Forget stays of ``stories`` that ended before ``before``; return who has no other."""
        left: set[str] = set()
        with self._at.transaction():
            for some in batches(sorted(stories)):
                which = f"story IN ({marks(some)})"
                self._at.run(
                    f'DELETE FROM membership WHERE {which} AND "left" < ?', [*some, stamp(before)]
                )
                rows = self._at.rows(f"SELECT story FROM membership WHERE {which}", some)
                left.update(row["story"] for row in rows)
        return frozenset(stories) - left


class SqlNotes:
    """Small documents that a room keeps between runs."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def get(self, name: str) -> str | None:
        """Return the note, or None."""
        rows = self._at.rows("SELECT text FROM note WHERE name = ?", [name])
        return rows[0]["text"] if rows else None

    def put(self, name: str, text: str) -> None:
        """Write the note."""
        self._at.run(_NOTE, [name, text])

    def first(self, name: str, text: str) -> str:
        """Write the note unless there is one; return what it says then."""
        with self._at.transaction():
            self._at.run(_FIRST, [name, text])
            rows = self._at.rows("SELECT text FROM note WHERE name = ?", [name])
        return str(rows[0]["text"])

    def drop(self, name: str) -> None:
        """Forget the note, if there is one."""
        self._at.run("DELETE FROM note WHERE name = ?", [name])


def _rendered(row: Row) -> Rendered:
    return Rendered(
        path=row["path"],
        media_type=row["media_type"],
        body=row["body"],
        etag=row["etag"],
        changed_at=moment(row["changed_at"]),
    )


def _issue(row: Row) -> Issue:
    return Issue(
        output=row["output"],
        day=date.fromisoformat(row["day"]),
        id=row["id"],
        made=moment(row["made"]),
        title=row["title"],
        summary=row["summary"],
        content_html=row["content_html"],
        image=row["image"],
        mark=row["mark"],
    )


def _stay(row: Row) -> Stay:
    return Stay(
        output=row["output"],
        story=row["story"],
        entered=moment(row["entered"]),
        updated=moment(row["updated"]),
        milestone=row["milestone"],
        face=row["face"],
        entry=row["entry"],
        owner=row["owner"],
        place=row["place"],
        left=maybe_moment(row["left"]),
    )
