"""What a server does for itself once a minute, beside the work: note the use of keys, drop what has passed its age."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from dayfill.errors import Busy
from dayfill.seams import Seams
from dayfill.store import audit, keys
from dayfill.store.db import Database

EVERY_SECONDS = 60.0
ROWS_AT_ONCE, MOST_BATCHES = 500, 20
"""Few rows in one transaction, so that nobody waits for them; the next minute goes on."""

log = structlog.get_logger(__name__)


class Housekeeper:
    """Owns nothing but its pace.

    used_keys: ids of the keys that requests came with; the door adds them, which costs it no write.
    audit_days: how long rows of the audit log are kept.
    """

    def __init__(self, db: Database, seams: Seams, used_keys: set[str], audit_days: int) -> None:
        self._db, self._seams = db, seams
        self._used_keys = used_keys
        self._audit_age = timedelta(days=audit_days)

    async def run(self) -> None:
        """Tidy until cancelled, and note the last uses then. What fails is logged and done again a minute later."""
        try:
            while True:
                await asyncio.sleep(EVERY_SECONDS)
                await self._try()
        finally:
            await self._try()

    async def _try(self) -> None:
        try:
            await self.tidy()
        except Busy as error:
            log.warning("housekeeping_waits", why=error.description)
        except Exception:
            log.exception("housekeeping_failed")

    async def tidy(self) -> None:
        await self._note_uses()
        await self._drop_audit()

    async def _note_uses(self) -> None:
        """A key that was used in the last minute gets this moment as its last use."""
        used = sorted(self._used_keys)
        if not used:
            return
        async with self._db.write() as tx:
            await keys.note_uses(tx, used, self._seams.now())
        self._used_keys.difference_update(used)

    async def _drop_audit(self) -> None:
        end = self._seams.now() - self._audit_age
        for _ in range(MOST_BATCHES):
            if not await audit.has_before(self._db, end):
                return
            async with self._db.write() as tx:
                await audit.drop(tx, end, ROWS_AT_ONCE)
