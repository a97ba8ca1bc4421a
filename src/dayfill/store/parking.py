"""What rests: connections that their source refuses, destinations that are down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dayfill.domain.allowance import Allowance, month_of
from dayfill.domain.parking import Waiting, out_of_rows
from dayfill.domain.run import Side
from dayfill.store.db import Reader, Tx, Values, instant, micros, moment

NOUN = {Side.SOURCE: "connection", Side.DESTINATION: "destination"}


@dataclass(frozen=True, slots=True)
class Parked:
    """One end of a transfer: the id and team of its connection or destination, and since when that rests."""

    side: Side
    parked_id: int
    since: datetime | None
    team_id: int


async def end_of(db: Reader, side: Side, transfer_id: int) -> Parked:
    """The connection or the destination of a transfer."""
    row = await db.one(f"{NOUN[side]}_parked_since", transfer_id=transfer_id)
    assert row is not None, f"run of unknown transfer {transfer_id}"
    return Parked(side, row[0], instant(row[1]), row[2])


async def park(tx: Tx, parked: Parked, now: datetime, until: datetime, cause: str, message: str) -> None:
    """Let nothing of it start before ``until``; an earlier time never shortens a later one."""
    values = {"now": micros(now), "until": micros(until), "cause": cause, "message": message}
    await tx.run(f"park_{NOUN[parked.side]}", parked_id=parked.parked_id, **values)


async def unpark(tx: Tx, side: Side, started: Mapping[int, datetime]) -> None:
    """Runs of these transfers that started at these times were answered; a rest that ended before is over for good."""
    rows: list[Values] = [{"transfer_id": one, "started": micros(start)} for one, start in started.items()]
    await tx.many(f"unpark_{NOUN[side]}", rows)


async def shorten(tx: Tx, latest: datetime, now: datetime) -> None:
    """What began to rest later than now, or would rest beyond ``latest``, may be tried now."""
    for noun in NOUN.values():
        await tx.run(f"shorten_{noun}_rests", latest=micros(latest), now=micros(now))


async def next_unparked(db: Reader, now: datetime) -> datetime | None:
    """When the next of them may be tried again."""
    row = await db.one("next_unparked", now=micros(now))
    return None if row is None else instant(row[0])


async def waiting(db: Reader, team_id: int, transfer_id: int, now: datetime) -> Waiting | None:
    """Why nothing of a transfer starts: its team has no rows left in the month, or else the longer rest of its ends."""
    row = await db.one("parked_transfer", team_id=team_id, transfer_id=transfer_id, month=month_of(now))
    assert row is not None, f"no transfer {transfer_id}"
    source, destination, allowed = row[:3], row[3:6], Allowance(*row[6:])
    if allowed.is_spent:
        return out_of_rows(allowed, now)
    if source[0] <= micros(now) >= destination[0]:
        return None
    side = Side.SOURCE if source[0] >= destination[0] else Side.DESTINATION
    until, cause, message = source if side is Side.SOURCE else destination
    return Waiting(side, moment(until), cause, message)


async def connection_rest(db: Reader, team_id: int, connection_id: int, now: datetime) -> Waiting | None:
    """Until when a connection is left alone, if it is."""
    row = await db.one("connection_rest", team_id=team_id, connection_id=connection_id)
    if row is None or row[0] <= micros(now):
        return None
    return Waiting(Side.SOURCE, moment(row[0]), row[1], row[2])


async def connection_end(db: Reader, team_id: int, connection_id: int) -> Parked:
    """A connection of the team, as one end of its transfers."""
    row = await db.one("connection_rest", team_id=team_id, connection_id=connection_id)
    assert row is not None, f"no connection {connection_id}"
    return Parked(Side.SOURCE, connection_id, instant(row[3]), team_id)
