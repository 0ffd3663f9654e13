"""How is a file of an older version brought up to date?

It is backed up before anything is changed, beside itself, under the name of what is done first.
"""

from pathlib import Path

from sqlite_utils import Database

from aggregator.model.errors import StoreError, StoreTooNewError
from aggregator.storage.sqlite.backup import back_up
from aggregator.storage.sqlite.migrations import KNOWN, ORDER, migrations


def upgrade(path: Path, db: Database, *, keep: bool = True) -> Path | None:
    """Bring the tables of ``db``, the file ``path``, up to date; return the backup made before.

    None when nothing was to be done, in a new file, and without ``keep``. A backup of an earlier
    attempt is replaced: the file is what that was, or has gone on since. Raises `StoreTooNewError`
    when a newer version wrote the file, `StoreError` when it cannot be backed up; then all is as
    it was.
    """
    done = applied(db)
    refuse_newer(path, done)
    pending = [name for name in ORDER if name not in done]
    former = path.with_name(f"{path.name}.before-{pending[0]}") if done and pending else None
    if former is not None and keep:
        _keep(path, former)
    migrations.apply(db)
    return former if keep else None


def _keep(path: Path, former: Path) -> None:
    try:
        back_up(path, former, replace=True)
    except StoreError as error:
        raise StoreError(
            f"{path}: is of an older version, and is brought up to date only after a backup, which "
            f"cannot be made: {error}; or do without it: aggregator db upgrade --no-backup"
        ) from error


def applied(db: Database) -> frozenset[str]:
    """Return the names of the migrations that ``db`` has been through."""
    return frozenset(one.name for one in migrations.applied(db))


def refuse_newer(path: Path, done: frozenset[str]) -> None:
    """Raise `StoreTooNewError` when ``done`` has something that we know nothing of."""
    if done - KNOWN:
        raise StoreTooNewError(
            f"{path}: written by a newer version of aggregator ({', '.join(sorted(done - KNOWN))});"
            " run that version, or restore the backup made before the upgrade"
            f" ({path.name}.before-…, if it is still there)"
        )
