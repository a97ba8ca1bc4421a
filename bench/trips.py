"""How often a dispatcher waits for the state database: statements, and what begins and ends a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.world import DISPATCHER
from dayfill.store.db import Tx, Values


class Counted:
    """A database, or a transaction of it, that does what the given one does and counts the dispatcher's trips to it."""

    def __init__(self, of: Any, counted: Callable[[], None]) -> None:
        self._of, self._counted = of, counted

    def _count(self) -> None:
        task = asyncio.current_task()
        if task is not None and task.get_name() == DISPATCHER:
            self._counted()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._of, name)
        if name not in ("one", "all", "scan", "run"):
            return found

        def asked(*given: Any, **named: Any) -> Awaitable[Any]:
            self._count()
            return found(*given, **named)  # type: ignore[no-any-return]

        return asked

    async def many(self, query: str, rows: Sequence[Values], /) -> Any:
        if rows:
            self._count()
        return await self._of.many(query, rows)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        self._count()
        async with self._of.write() as tx:
            yield Counted(tx, self._counted)  # type: ignore[misc]
            self._count()

    def leading(self) -> Counted:
        return Counted(self._of.leading(), self._counted)
