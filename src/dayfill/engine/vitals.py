"""Whether all is well inside a running server: its rules checked now and then, beside the work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from dayfill.seams import Seams
from dayfill.store import invariants
from dayfill.store.db import Database

FIRST_SECONDS = 5.0
"""Not at once: a start has better things to do, and what a killed server left running must be found first."""
EVERY_SECONDS = 600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a server says of itself. violations: by rule, I1 to I15; empty before the first check.

    fault: why no work is done at the moment. log_bytes: size of the state's write-ahead log.
    """

    checked_time: datetime | None = None
    check_seconds: float = 0.0
    violations: Mapping[str, int] = field(default_factory=dict)
    fault: str | None = None
    log_bytes: int = 0


class Watch:
    """Checks the rules of the state, each time in one snapshot on a connection of its own, off the event loop."""

    def __init__(self, db: Database, seams: Seams) -> None:
        self._db, self._seams = db, seams
        self._last = Vitals()

    async def run(self) -> None:
        """Check until cancelled. A check that fails is logged, and the time of the last one tells."""
        wait = FIRST_SECONDS
        while True:
            await asyncio.sleep(wait)
            wait = EVERY_SECONDS
            try:
                await self.check()
            except Exception:
                log.exception("invariants_not_checked")

    async def check(self) -> None:
        began, now = self._seams.monotonic(), self._seams.now()
        with self._db.snapshot() as state:
            found = await invariants.check(state, now=now)
        for violation in found:
            log.error("invariant_violated", what=violation)
        counted = Counter(invariants.rule_of(violation) for violation in found)
        violations = {rule: counted[rule] for rule in invariants.RULES}
        self._last = Vitals(now, self._seams.monotonic() - began, violations)

    def vitals(self, fault: str | None) -> Vitals:
        """The last check, and the state of this moment."""
        last = self._last
        return Vitals(last.checked_time, last.check_seconds, last.violations, fault, self._db.log_bytes())
