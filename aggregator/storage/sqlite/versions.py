"""Which changes of its tables has a file been through?

Read without what makes them: that is sqlite-utils, which most starts have no use for.
"""

import sqlite3
from pathlib import Path

from aggregator.model.errors import StoreTooNewError

SET = "aggregator"
"""What our migrations are called among those of others."""
ORDER = ("first_tables", "views_for_people", "search_index")
KNOWN = frozenset(ORDER)
"""Names of all migrations of this version; a database that holds others is newer than we are."""


def applied(db: sqlite3.Connection) -> frozenset[str]:
    """Return the names of the migrations that ``db`` has been through."""
    there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    if db.execute(there).fetchone() is None:
        return frozenset()
    names = db.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", [SET])
    return frozenset(name for (name,) in names)


def refuse_newer(path: Path, done: frozenset[str]) -> None:
    """Raise `StoreTooNewError` when ``done`` has something that we know nothing of."""
    if done - KNOWN:
        raise StoreTooNewError(
            f"{path}: written by a newer version of aggregator ({', '.join(sorted(done - KNOWN))});"
            " run that version, or restore the backup made before the upgrade"
            f" ({path.name}.before-…, if it is still there)"
        )
