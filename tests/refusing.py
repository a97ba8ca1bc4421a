"""A state that takes no change, so that what is done must fail as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dayfill.store.db import Database, Tx


class Refusing:
    """A database that takes no change: what a transaction did is gone at its end."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with self._db.write() as tx:
            yield tx
            raise RuntimeError("nothing is written")
