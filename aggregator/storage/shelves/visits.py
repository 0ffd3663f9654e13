"""What did we ask of publishers, and when?"""

from collections.abc import Mapping

from aggregator.model.visits import Logged
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import Row, moment, stamp

KEPT = 48  # visits of each feed: two days at the usual pace, about 4 kB

_NEXT = "(SELECT coalesce(max(number), 0) + 1 FROM visit WHERE feed = ?1)"
_LAST = "(SELECT max(number) FROM visit WHERE feed = ?1)"
_BEGIN = (
    "INSERT INTO visit (feed, number, at, due, because, place, conditional, requests)"
    f" VALUES (?1, {_NEXT}, ?2, ?3, ?4, ?5, ?6, ?7)"
)
_END = (
    "UPDATE visit SET place = ?2, conditional = ?3, requests = ?4, outcome = ?5, status = ?6,"
    f" size = ?7, new = ?8, gave = ?9 WHERE feed = ?1 AND number = {_LAST}"
)


class SqlVisits:
    """The log of visits, the latest of each feed."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def begin(self, feed: str, visit: Logged) -> None:
        """Write down a visit before it is made; what is long past goes."""
        at, due = stamp(visit.at), stamp(visit.due)
        asked = [visit.place, int(visit.conditional), visit.requests]
        with self._at.transaction():
            self._at.later(_BEGIN, [feed, at, due, visit.because, *asked])
            self._at.later(
                f"DELETE FROM visit WHERE feed = ?1 AND number <= {_LAST} - ?2", [feed, KEPT]
            )

    def end(self, feed: str, visit: Logged) -> None:
        """Write down what the visit that was begun last brought."""
        asked = [visit.place, int(visit.conditional), visit.requests]
        brought = [visit.outcome, visit.status, visit.size, visit.new, int(visit.gave)]
        self._at.later(_END, [feed, *asked, *brought])

    def all(self) -> Mapping[str, tuple[Logged, ...]]:
        """Return the visits to each feed, the oldest first."""
        found: dict[str, list[Logged]] = {}
        for row in self._at.rows("SELECT * FROM visit ORDER BY feed, number"):
            found.setdefault(row["feed"], []).append(_logged(row))
        return {feed: tuple(visits) for feed, visits in found.items()}


def _logged(row: Row) -> Logged:
    return Logged(
        at=moment(row["at"]),
        due=moment(row["due"]),
        because=row["because"],
        place=row["place"],
        conditional=bool(row["conditional"]),
        requests=row["requests"],
        outcome=row["outcome"],
        status=row["status"],
        size=row["size"],
        new=row["new"],
        gave=bool(row["gave"]),
    )
