"""How is a file of an older version brought up to date?

It is backed up before anything is changed, beside itself, under the name of what is done first.
"""

import sqlite3
from pathlib import Path

from aggregator.model.errors import StoreError
from aggregator.storage.sqlite.backup import back_up
from aggregator.storage.sqlite.versions import ORDER, applied, refuse_newer


def upgrade(path: Path, db: sqlite3.Connection, *, keep: bool = True) -> Path | None:
    """Bring the tables of ``db``, the file ``path``, up to date; return the backup made before.

    None when nothing was to be done, in a new file, and without ``keep``. A backup of an earlier
    attempt is replaced: the file is what that was, or has gone on since. Raises `StoreTooNewError`
    when a newer version wrote the file, `StoreError` when it cannot be backed up; then all is as
    it was.
    """
    done = applied(db)
    refuse_newer(path, done)
    pending = [name for name in ORDER if name not in done]
    if not pending:
        return None
    former = path.with_name(f"{path.name}.before-{pending[0]}") if done else None
    if former is not None and keep:
        _keep(path, former)
    from aggregator.storage.sqlite.migrations import migrate  # noqa: PLC0415 - takes 40 ms

    migrate(db)
    return former if keep else None


def _keep(path: Path, former: Path) -> None:
    try:
        back_up(path, former, replace=True)
    except StoreError as error:
        raise StoreError(
            f"{path}: is of an older version, and is brought up to date only after a backup, which "
            f"cannot be made: {error}; or do without it: aggregator db upgrade --no-backup"
        ) from error
