"""How did the tables of a file come to be?

Migrations run in order, each in a transaction of its own with the record that it ran. They are
never edited once released: a change is a new function at the end.
"""

import sqlite3

from sqlite_utils import Database, Migrations

from aggregator.storage.shelves import tables, views
from aggregator.storage.sqlite.versions import SET

migrations = Migrations(SET)

# rowid is seq. Marks that belong to letters count as such (Mn, Mc).
_WORDS = """CREATE VIRTUAL TABLE {name} USING fts5 (
    title, text, tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
)"""
_SEARCH = (
    _WORDS.format(name="word"),
    _WORDS.format(name="fresh"),  # the newest items, see `aggregator.storage.sqlite.search`
    # Whatever takes an item away takes its words: no search finds what is not there.
    """CREATE TRIGGER item_gone AFTER DELETE ON item BEGIN
    DELETE FROM word WHERE rowid = old.seq;
    DELETE FROM fresh WHERE rowid = old.seq;
END""",
)


@migrations()
def first_tables(db: Database) -> None:
    """Everything that version 0.1 remembers."""
    _run(db, tables.FIRST)


@migrations()
def views_for_people(db: Database) -> None:
    """Make what can be read without knowing the tables."""
    _run(db, views.FOR_PEOPLE)


@migrations()
def search_index(db: Database) -> None:
    """Make room for the words of items; they are filled in by and by."""
    for statement in _SEARCH:
        db.conn.execute(statement)


def _run(db: Database, text: str) -> None:
    # Not executescript(): it would commit before it starts.
    for statement in tables.statements(text):
        db.conn.execute(statement)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables of ``db`` up to date."""
    # Entry points of other packages would otherwise run.
    migrations.apply(Database(db, execute_plugins=False))
