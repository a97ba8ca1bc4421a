"""Find runs that nobody works on any more, and hand them to the recording as lost attempts."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from dayfill.domain import run
from dayfill.domain.audit import DISPATCHER, Act
from dayfill.domain.run import MESSAGE_LENGTH, Failure
from dayfill.domain.slices import DayOrder, DayResult, Outcome
from dayfill.engine import audit
from dayfill.engine.claim import Claimed
from dayfill.engine.record import record
from dayfill.errors import Transient
from dayfill.seams import Seams
from dayfill.secrets import safe
from dayfill.store import runs
from dayfill.store.db import Database, Tx

CHANGED = Failure(
    "CHANGED", "The transfer was changed while this day was loaded; it is loaded again.", transient=True, retry_after=0
)
LOST = Failure(
    run.LOST, "The server stopped while this day was being loaded.", transient=True, at_once=run.MAX_ATTEMPTS
)
BROKEN = Failure(run.LOST, "The worker that loaded this day broke off.", transient=True, at_once=1)
"""A worker that was killed costs its days no wait; a day that ends one worker after the other is given time."""


def broken(error: BaseException, days: int) -> Failure:
    """Why the days of a slice were lost whose worker gave no answer; one of several may be what broke it."""
    if isinstance(error, Transient):  # the cluster or the worker's set-up is to blame: that costs no attempt
        return Failure(error.cause, safe(error.message, MESSAGE_LENGTH), True, retry_after=error.retry_after)
    return replace(BROKEN, in_company=days > 1)


def lost(order: DayOrder, failure: Failure) -> DayResult:
    """The result of an attempt that will never answer. The attempt was counted when it was claimed."""
    return DayResult(order.run_id, order.token, order.data_date, Outcome.FAILED, failure=failure)


async def committed(db: Database, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Of claims whose commit was not heard of: those that are in the state. One transaction made them: all, or none.

    The transaction of this look begins when that one has ended, whichever way.
    """
    if not claimed:
        return []
    order = claimed[0].work.days[0]
    async with db.write() as tx:
        return list(claimed) if await runs.held(tx, [(order.run_id, order.token)]) else []


async def start_over(tx: Tx, seams: Seams, transfer_id: int) -> None:
    """What runs of a transfer that has just changed waits again: it would count as loaded, but as it was before.

    Its answer is refused by its token, like that of any attempt that was given up; no attempt is lost by it.
    """
    running = await runs.running(tx, transfer_id)
    await record(tx, seams, [(lost(order, CHANGED), None) for order in running])


async def rescue(db: Database, seams: Seams, known: Container[int]) -> int:
    """Runs whose token nobody here works on wait again, or fail when their attempts are spent; returns how many.

    At start nothing is known, so everything that an earlier incarnation left running is found. What was spent on a
    server that ended with several of them is not the last attempt of a day that did not end it.
    """
    async with db.write() as tx:
        orders = await runs.lost(tx, known)
        failure = replace(LOST, in_company=len(orders) > 1)
        found = await record(tx, seams, [(lost(order, failure), None) for order in orders])
        if found.taken:
            act = Act("installation.rescue", "runs", after={"runs": found.taken})
            await audit.record(tx, DISPATCHER, None, act, seams.now())
        seams.failpoint("rescue")
        return found.taken
