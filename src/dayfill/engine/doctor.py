"""Look over an installation in one snapshot, its destinations beside it; and mend what can be mended safely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date

from dayfill.destinations import HELD
from dayfill.domain.days import name_of, ranges_of
from dayfill.domain.reach import Reach, Reaches
from dayfill.domain.slices import TransferJob
from dayfill.engine.configs import Unseal
from dayfill.engine.inspect import Inspected, inspect
from dayfill.engine.ledgers import differing
from dayfill.errors import ConnectorError
from dayfill.store import days, invariants, repairs, teams, transfers
from dayfill.store.db import Reader, Tx

TRIES, WAIT_SECONDS = 5, 0.5
"""A server lets go of a file that it does not use, so what is held now may be free in a moment."""
SHOWN_RANGES = 5


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer as it was found. days: what its tables hold otherwise than it says, stale days left out.

    unread: why its destination could not be read.
    """

    job: TransferJob
    name: str
    ledger: list[invariants.LedgerDay] = field(default_factory=list)
    days: dict[date, list[str]] = field(default_factory=dict)
    unread: ConnectorError | None = None

    @property
    def is_held(self) -> bool:
        """Whether another process has its destination open, such as a server that is loading into it."""
        return self.unread is not None and self.unread.cause == HELD

    def problem(self) -> str | None:
        """What its tables hold otherwise than their ledger says, in a few words."""
        if not self.days:
            return None
        spans = [name_of(one.start) if len(one) == 1 else f"{one.start} to {one.end}" for one in ranges_of(self.days)]
        more = f" and {len(spans) - SHOWN_RANGES} more ranges" if len(spans) > SHOWN_RANGES else ""
        listed = ", ".join(spans[:SHOWN_RANGES]) + more
        return f"{'; '.join(self.days[min(self.days)])} ({name_of(min(self.days))}). Such days: {listed}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. violations: of the rules of the state, and between state and ledgers."""

    violations: list[str]
    transfers: list[Transfer]


async def examine(state: Reader, installation_id: str, unseal: Unseal, reaches: Reaches) -> Report:
    """All rules and all tables. state: a snapshot, older than the look at the destinations, which may move on."""
    found = [one async for one in _transfers(state, installation_id, unseal, reaches)]
    ledgers = {one.job.transfer_id: one.ledger for one in found if one.unread is None}
    return Report(await invariants.check(state, ledgers=ledgers), found)


async def _transfers(state: Reader, installation_id: str, unseal: Unseal, reaches: Reaches) -> AsyncIterator[Transfer]:
    for team in await teams.page(state):
        for summary in await transfers.list_all(state, team.team_id):
            job = await transfers.job(state, summary.transfer.transfer_id)
            name = f"transfer {job.transfer_id} {summary.transfer.configuration.display_name!r} of team {team.team_id}"
            try:
                seen = await _inspected(job, installation_id, unseal, reaches.of(team.team_id))
            except ConnectorError as error:
                yield Transfer(job, name, unread=error)
                continue
            known = await days.stale(state, job.transfer_id)
            wrong = {day: what for day, what in seen.differing.items() if day not in known}
            yield Transfer(job, name, seen.ledger, wrong)


async def _inspected(job: TransferJob, installation_id: str, unseal: Unseal, reach: Reach) -> Inspected:
    for _ in range(TRIES - 1):
        try:
            return await asyncio.to_thread(inspect, job, installation_id, unseal, reach)
        except ConnectorError as error:
            if error.cause != HELD:
                raise
            await asyncio.sleep(WAIT_SECONDS)
    return await asyncio.to_thread(inspect, job, installation_id, unseal, reach)


async def mend(tx: Tx, report: Report) -> list[str]:
    """Count anew what follows from the runs, make stale what a table or ledger holds otherwise; returns what was done.

    No server may be at work, and nothing is deleted: a backfill of the stale days loads them again.
    """
    done = await repairs.repair(tx)
    for one in report.transfers:
        if one.unread is not None:
            continue
        found = differing(await days.loaded(tx, one.job.transfer_id), one.ledger)
        await days.settle(tx, one.job.transfer_id, found)
        await days.doubt(tx, one.job.transfer_id, one.days)
        count = len({*one.days, *(day for day, _ in found.behind), *(held.data_date for _, held in found.ahead)})
        if count:
            done.append(f"Days of {one.name} became stale; dayfill backfill create --only stale. Number: {count:,}.")
    return done
