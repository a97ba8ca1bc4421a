"""What was read since the state last changed: asking the same again costs no statement.

Most of what is asked is asked again and again: the key of a client that polls, the backfill that it watches. Whether
the database has changed is for SQLite to say, once in a turn of the event loop, so no answer is older than its turn.
"""

from __future__ import annotations

import asyncio

import apsw

from dayfill.store.db import Row, Values
from dayfill.store.queries import QUERIES

MOST_ANSWERS = 500
MOST_ROWS, MOST_CHARACTERS = 10, 10_000
"""Of one answer: all of this must stay small beside the cache of pages that SQLite has anyway."""

Rows = tuple[Row, ...]
_LOOK = "PRAGMA data_version"


class Recent:
    """The answers of a connection that only reads, for as long as no other connection commits."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._answers: dict[tuple[object, ...], Rows] = {}
        self._version: object = None
        self._has_looked = False

    def one(self, query: str, values: Values) -> Row | None:
        """The first row of a named query, or None."""
        if not self._has_looked:
            self._look()
        key = ("one", query, *values.items())
        rows = self._answers.get(key)
        if rows is None:
            row = self._connection.execute(QUERIES[query].text, values).fetchone()
            rows = self._keep(key, () if row is None else (row,))
        return rows[0] if rows else None

    def all(self, query: str, values: Values) -> list[Row]:
        """Every row of a named query."""
        if not self._has_looked:
            self._look()
        key = ("all", query, *values.items())
        rows = self._answers.get(key)
        if rows is None:
            rows = self._keep(key, tuple(self._connection.execute(QUERIES[query].text, values)))
        return list(rows)

    def _look(self) -> None:
        """Forget everything if there was a commit since the last look, by whatever process."""
        # First the end of this look, then the look: who is woken by a commit that comes after it is woken behind that.
        asyncio.get_running_loop().call_soon(self.end_of_turn)
        self._has_looked = True
        version = self._connection.execute(_LOOK).fetchone()
        if version != self._version:
            self._version = version
            self._answers.clear()

    def end_of_turn(self) -> None:
        """Look again before the next answer."""
        self._has_looked = False

    def _keep(self, key: tuple[object, ...], rows: Rows) -> Rows:
        if (
            len(rows) <= MOST_ROWS
            and sum(len(one) for row in rows for one in row if type(one) is str) <= MOST_CHARACTERS
        ):
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            self._answers[key] = rows
        return rows
