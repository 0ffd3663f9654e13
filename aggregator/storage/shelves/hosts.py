"""What is remembered of publishers' hosts?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from aggregator.sources.manners import HostHistory
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import Row, marks, maybe_moment, stamp

_NOTE = """
INSERT INTO host (name, started, quiet_until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET
    started = CASE WHEN host.started > coalesce(excluded.started, '')
        THEN host.started ELSE excluded.started END,
    quiet_until = CASE WHEN host.quiet_until > coalesce(excluded.quiet_until, '')
        THEN host.quiet_until ELSE excluded.quiet_until END
"""
_ALMOST = timedelta(microseconds=999_999)


class SqlHosts:
    """What we did to publishers' hosts."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def all(self) -> Mapping[str, HostHistory]:
        """Return every history by registrable domain."""
        return _histories(self._at.rows("SELECT * FROM host"))

    def of(self, hosts: Sequence[str]) -> Mapping[str, HostHistory]:
        """Return the histories of ``hosts``, those that have any."""
        query = f"SELECT * FROM host WHERE name IN ({marks(hosts)})"
        return _histories(self._at.rows(query, hosts))

    def note(self, host: str, history: HostHistory) -> None:
        """Remember ``history``; its times are rounded up, so that no wait gets shorter.

        Nor does it by what another process knew of the host, which may be less.
        """
        self._at.later(_NOTE, [host, _whole(history.started), _whole(history.quiet_until)])

    def forget(self, before: datetime) -> None:
        """Forget hosts that were last asked, and wanted their peace, before ``before``."""
        self._at.run(
            "DELETE FROM host WHERE coalesce(started, '') < ?1 AND coalesce(quiet_until, '') < ?1",
            [stamp(before)],
        )


def _histories(rows: Iterable[Row]) -> Mapping[str, HostHistory]:
    return {
        row["name"]: HostHistory(
            started=maybe_moment(row["started"]), quiet_until=maybe_moment(row["quiet_until"])
        )
        for row in rows
    }


def _whole(at: datetime | None) -> str | None:
    return None if at is None else stamp(at + _ALMOST)
