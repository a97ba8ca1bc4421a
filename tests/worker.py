"""Takes the dispatcher's place, step by step: materialises, claims, and records results that a test decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from dayfill.domain.run import Failure, QueryDetail
from dayfill.domain.slices import DayOrder, DayResult, Outcome
from dayfill.engine.budgets import Budgets
from dayfill.engine.claim import claim, look
from dayfill.engine.claimer import Claimer
from dayfill.engine.materialise import materialise
from dayfill.engine.record import record
from installation import Installation

ROWS, SECONDS = 100, 1.5


async def materialise_all(made: Installation) -> None:
    while await materialise(made.db, made.server.seams):
        pass


async def claim_some(made: Installation, most: int = 10_000) -> list[DayOrder]:
    """Days that are RUNNING afterwards, newest first, at most so many."""
    orders: list[DayOrder] = []
    while len(orders) < most:
        # A new claimer each time: it knows no sizes and nothing in flight, so it takes the next days one by one.
        claimer = Claimer("test", made.server.installation_id, Budgets(most - len(orders)))
        async with made.db.write() as tx:
            await look(tx, made.server.seams, claimer)
            claimed = await claim(tx, made.server.seams, claimer)
        if not claimed:
            break
        orders += [order for one in claimed for order in one.work.days]
    return orders


async def finish(made: Installation, orders: list[DayOrder], fail: Mapping[date, Failure] | None = None) -> None:
    async with made.db.write() as tx:
        results = [(result(made, order, (fail or {}).get(order.data_date)), None) for order in orders]
        await record(tx, made.server.seams, results)


async def work_off(made: Installation, fail: Mapping[date, Failure] | None = None) -> None:
    """Do everything that waits; the days in ``fail`` end with that failure."""
    await materialise_all(made)
    while orders := await claim_some(made):
        await finish(made, orders, fail)


def result(made: Installation, order: DayOrder, failure: Failure | None) -> DayResult:
    query = QueryDetail("flights", "FAILED" if failure else "COMPLETED", 0 if failure else ROWS, SECONDS)
    if failure:
        query = QueryDetail("flights", "FAILED", 0, SECONDS, failure.message)
    return DayResult(
        order.run_id,
        order.token,
        order.data_date,
        Outcome.FAILED if failure else Outcome.LOADED,
        rows=0 if failure else ROWS,
        content_hash=None if failure else "c0ffee",
        failure=failure,
        queries=(query,),
    )


def refused(cause: str = "SCHEMA", message: str = "flights.csv: the day has no column dep_delay.") -> Failure:
    """A failure that no further attempt mends."""
    return Failure(cause, message, transient=False)
