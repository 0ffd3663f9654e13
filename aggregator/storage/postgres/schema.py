"""How do the tables come to be, and what do they need besides?

Migrations run in order, all that are due in one transaction with the record that they ran. They
are never edited once released: a change is a new function at the end of ``MIGRATIONS``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from psycopg import Connection

from aggregator.storage.postgres.dialect import table
from aggregator.storage.shelves import tables, views

Database = Connection[dict[str, Any]]

_RECORD = """
CREATE TABLE IF NOT EXISTS migration (
    name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()
)
"""
# What SQLite has and PostgreSQL has not, or by another name. Names with two arguments do not hide
# the aggregates with one.
_TAUGHT = """
CREATE FUNCTION {name}(a {kind}, b {kind}) RETURNS {kind}
    IMMUTABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT {as_}(a, b)'
"""
_INSTR = """
CREATE FUNCTION instr(whole text, part text) RETURNS integer
    IMMUTABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT strpos(whole, part)'
"""
_LIST = (
    """
CREATE FUNCTION json_list(parts text[]) RETURNS text
    IMMUTABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT array_to_json(parts)::text'
""",
    """
CREATE AGGREGATE json_group_array(text) (
    SFUNC = array_append, STYPE = text[], INITCOND = '{}', FINALFUNC = json_list
)
""",
)
EDITIONS = "aggregator_editions"
"""The channel that is told, when a transaction ends, that something else is served."""
_ANNOUNCE = (
    f"""
CREATE FUNCTION announce_editions() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_notify(''{EDITIONS}'', ''''); RETURN NULL; END'
""",
    """
CREATE TRIGGER announced AFTER INSERT OR UPDATE OR DELETE ON output
    FOR EACH STATEMENT EXECUTE FUNCTION announce_editions()
""",
)


def first_tables(db: Database) -> None:
    """Everything that version 0.1 remembers."""
    for name, as_ in (("max", "greatest"), ("min", "least")):
        for kind in ("bigint", "double precision", "text"):
            db.execute(_TAUGHT.format(name=name, kind=kind, as_=as_))
    for statement in (
        *(_INSTR, *_LIST),
        *map(table, tables.statements(tables.FIRST)),
        *_ANNOUNCE,
    ):
        db.execute(statement)


def views_for_people(db: Database) -> None:
    """Make what can be read without knowing the tables."""
    for statement in tables.statements(views.FOR_PEOPLE):
        db.execute(statement)


def search_index(db: Database) -> None:
    """Make room for the words of items; they are filled in by and by."""
    db.execute(
        "CREATE TABLE word (item bigint PRIMARY KEY REFERENCES item (seq) ON DELETE CASCADE,"
        " words tsvector NOT NULL)"
    )
    db.execute("CREATE INDEX word_words ON word USING gin (words)")


MIGRATIONS: Mapping[str, Callable[[Database], None]] = {
    each.__name__: each for each in (first_tables, views_for_people, search_index)
}
KNOWN = frozenset(MIGRATIONS)
"""Names of all migrations of this version; a database that holds others is newer than we are."""


def applied(db: Database) -> frozenset[str]:
    """Return the names of the migrations that ran; none in an empty database."""
    found = db.execute("SELECT to_regclass('migration') IS NOT NULL AS there").fetchone()
    if not found or not found["there"]:
        return frozenset()
    return frozenset(row["name"] for row in db.execute("SELECT name FROM migration"))


def apply(db: Database) -> None:
    """Run the migrations that have not run, inside the transaction under way."""
    db.execute(_RECORD)
    done = applied(db)
    for name, migrate in MIGRATIONS.items():
        if name not in done:
            migrate(db)
            db.execute("INSERT INTO migration (name) VALUES ($1)", [name])
