"""Whether all is well inside a running server: its rules checked now and then, beside the work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from dayfill.engine.work import Work
from dayfill.errors import Busy
from dayfill.executors import Cluster
from dayfill.seams import Seams
from dayfill.store import backlog, invariants
from dayfill.store.backlog import Backlog
from dayfill.store.db import Database

FIRST_SECONDS = 5.0
"""Not at once: a start has better things to do, and what a killed server left running must be found first."""
EVERY_SECONDS = 600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a server says of itself. violations: by rule, I1 to I16; empty before the first check.

    fault: why no work is done at the moment. log_bytes: size of the state's write-ahead log.
    work: what the dispatcher has done. backlog: what there is to do; None if nobody has looked.
    cluster: what loads for this server, if it has one.
    """

    checked_time: datetime | None = None
    check_seconds: float = 0.0
    violations: Mapping[str, int] = field(default_factory=dict)
    fault: str | None = None
    log_bytes: int = 0
    work: Work = field(default_factory=Work)
    backlog: Backlog | None = None
    cluster: Cluster | None = None


class Watch:
    """Checks the rules of the state, each time in one snapshot on a connection of its own, off the event loop."""

    def __init__(self, db: Database, seams: Seams) -> None:
        self._db, self._seams = db, seams
        self._last = Vitals()

    async def run(self) -> None:
        """Check until cancelled. A check that fails is logged, and the time of the last one tells.

        One for which the state has no time, as while its database restarts, is made soon again.
        """
        wait = FIRST_SECONDS
        while True:
            await asyncio.sleep(wait)
            wait = EVERY_SECONDS
            try:
                await self.check()
            except Busy as error:
                log.warning("invariants_not_checked", why=error.description)
                wait = FIRST_SECONDS
            except Exception:
                log.exception("invariants_not_checked")

    async def check(self) -> None:
        began, now = self._seams.monotonic(), self._seams.now()
        async with self._db.snapshot() as state:
            found = await invariants.check(state, now=now)
        for violation in found:
            log.error("invariant_violated", what=violation)
        counted = Counter(invariants.rule_of(violation) for violation in found)
        violations = {rule: counted[rule] for rule in invariants.RULES}
        self._last = Vitals(now, self._seams.monotonic() - began, violations)

    async def vitals(self, fault: str | None, work: Work, cluster: Cluster | None = None) -> Vitals:
        """The last check, what the dispatcher has done, and the state of this moment."""
        found, log_bytes = await backlog.read(self._db), self._db.log_bytes()
        return replace(self._last, fault=fault, log_bytes=log_bytes, work=work, backlog=found, cluster=cluster)
