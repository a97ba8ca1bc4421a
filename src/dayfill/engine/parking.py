"""Rests: what refused all work is left alone for a while, then tried with a single day before the others follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dayfill.domain.audit import DISPATCHER, Act
from dayfill.domain.parking import Trial, rest
from dayfill.domain.run import Failure, Side
from dayfill.domain.slices import TransferJob
from dayfill.engine.audit import record
from dayfill.store import parking
from dayfill.store.db import Tx


async def park(tx: Tx, side: Side, transfer_id: int, failure: Failure, now: datetime, jitter: float) -> datetime:
    """Let one end of the transfer rest; returns until when. That it began to rest is told in the audit log."""
    end = await parking.end_of(tx, side, transfer_id)
    return await let_rest(tx, end, failure.cause, failure.message, failure.retry_after, now, jitter)


async def let_rest(
    tx: Tx, end: parking.Parked, cause: str, message: str, stated: float | None, now: datetime, jitter: float
) -> datetime:
    """Leave this end alone after it has refused all work, whoever asked; returns until when."""
    until = now + rest(end.side, stated, now - (end.since or now), jitter)
    await parking.park(tx, end, now, until, cause, message)
    if end.since is None:
        why = {"until": until, "cause": cause, "message": message}
        await record(tx, DISPATCHER, end.team_id, Act(f"{parking.NOUN[end.side]}.park", end.parked_id, after=why), now)
    return until


def shown_to_work(failure: Failure | None) -> Sequence[Side]:
    """The sides that took part in an attempt without refusing it; another failure of theirs is not a refusal."""
    if failure is None or failure.parks is None:
        return tuple(Side)
    # A destination that had been down was looked at before the source was asked.
    return (Side.DESTINATION,) if failure.parks is Side.SOURCE else ()


def trials(job: TransferJob, now: datetime) -> list[Trial] | None:
    """What a slice of this transfer would try out, mostly nothing; None while one of its ends rests."""
    rests = {
        (Side.SOURCE, job.connection_id): job.parked_until,
        (Side.DESTINATION, job.destination_id): job.destination_parked_until,
    }
    ended = {end: until for end, until in rests.items() if until is not None}
    return None if any(until > now for until in ended.values()) else list(ended)
