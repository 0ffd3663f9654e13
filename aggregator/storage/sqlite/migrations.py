"""How did the tables of a file come to be?

Migrations run in order, each in a transaction of its own with the record that it ran. They are
never edited once released: a change is a new function at the end.
"""

from sqlite_utils import Database, Migrations

from aggregator.storage.shelves import tables, views

migrations = Migrations("aggregator")


@migrations()
def first_tables(db: Database) -> None:
    """Everything that version 0.1 remembers."""
    _run(db, tables.FIRST)


@migrations()
def views_for_people(db: Database) -> None:
    """Make what can be read without knowing the tables."""
    _run(db, views.FOR_PEOPLE)


def _run(db: Database, text: str) -> None:
    # Not executescript(): it would commit before it starts.
    for statement in tables.statements(text):
        db.conn.execute(statement)


ORDER = ("first_tables", "views_for_people")
KNOWN = frozenset(ORDER)
"""Names of all migrations of this version; a database that holds others is newer than we are."""
