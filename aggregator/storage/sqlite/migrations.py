"""How did the tables of a file come to be?

Migrations run in order, each in a transaction of its own with the record that it ran. They are
never edited once released: a change is a new function at the end.
"""

from sqlite_utils import Database, Migrations

from aggregator.storage.shelves import tables

migrations = Migrations("aggregator")


@migrations()
def first_tables(db: Database) -> None:
    """Everything that version 0.1 remembers."""
    # Not executescript(): it would commit before it starts.
    for statement in tables.statements(tables.FIRST):
        db.conn.execute(statement)


KNOWN = frozenset({"first_tables"})
"""Names of all migrations of this version; a database that holds others is newer than we are."""
