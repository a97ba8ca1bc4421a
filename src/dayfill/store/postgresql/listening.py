"""What other servers have changed, as PostgreSQL tells it: each commit of theirs, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import msgspec
import structlog

from dayfill.store.db import Touched
from dayfill.store.postgresql.connecting import connect
from dayfill.store.postgresql.writing import CHANNEL

LONGEST_PAUSE = 5.0

log = structlog.get_logger(__name__)
_notice = msgspec.json.Decoder(tuple[str, dict[int, list[str] | None] | None])


class Listener:
    """A connection that hears of the commits of others, made again when it breaks off.

    name: of this server, which knows of its own commits. chance: from 0 to 1, so that not all return at one moment.
    """

    def __init__(
        self,
        dsn: str,
        name: str,
        touched: Callable[[Touched], None],
        changed: Callable[[], None],
        chance: Callable[[], float],
    ) -> None:
        self._dsn, self._name = dsn, name
        self._touched, self._changed = touched, changed
        self._chance = chance

    async def run(self) -> None:
        """Listen until cancelled."""
        pause = 0.1
        while True:
            try:
                await self._listen()
                pause = 0.1
            except Exception as error:
                log.warning("not_listening", why=error.__class__.__name__)
            await asyncio.sleep(pause * (0.5 + self._chance()))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen(self) -> None:
        connection = await connect(self._dsn)
        try:
            ended = asyncio.Event()
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._changed()  # what was said before was not heard
            await ended.wait()
        finally:
            connection.terminate()

    def _hear(self, connection: asyncpg.Connection, pid: int, channel: str, text: str) -> None:
        name, touched = _notice.decode(text)
        if name == self._name:
            return
        if touched:
            self._touched({one: None if days is None else set(days) for one, days in touched.items()})
        self._changed()
