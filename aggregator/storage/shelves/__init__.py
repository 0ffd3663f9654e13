"""How is what we remember written in rows, whatever engine keeps them?

SQLite and PostgreSQL run the same statements, so write what both take; the store contract runs on
both.

- Values are ``?`` in order, or ``?1``, ``?2`` … where one is used again; not both in one statement,
  and no question mark in a literal.
- ``INSERT … ON CONFLICT``, or `rows.replacing`; never ``INSERT OR …``. On its right side name the
  table: ``story.items + excluded.items``.
- Booleans are the integers 0 and 1: ``CASE WHEN … THEN 1 ELSE 0 END``, never a comparison as a
  number. Times are stamps, lists are JSON text, both compared as text, byte by byte.
- Quote what PostgreSQL reserves (``"left"``), name every subquery in FROM, repeat the expression
  in HAVING, write a LIMIT where there is an OFFSET (`postings.LARGEST` for none), and leave no
  parentheses empty (`rows.marks`; NOT IN of nothing is TRUE).
- ``max(a, b)``, ``min(a, b)``, ``instr(text, part)``, ``json_group_array(text)`` are SQLite's;
  PostgreSQL is taught them (`aggregator.storage.postgres.schema`).
- Go through what was stored by seq or mark and not by rowid. A hint to SQLite's planner must be an
  expression that both compute: ``+number``, ``text || ''``.
- Whatever gives out the next number in an order (seq, filed, changed) calls
  `connection.Connection.take_turn` first.
"""
