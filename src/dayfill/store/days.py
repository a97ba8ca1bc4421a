"""The state of each day of a transfer, moved in the same transaction as the runs that move it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

import msgspec

from dayfill.domain.days import BY_LETTER, FIRST_DAY, LAST_DAY, DayRange, DayState, vector
from dayfill.store.db import Database, Reader, Row, Tx, Values, micros
from dayfill.store.invariants import LedgerDay


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a transfer. span: what was asked for, or all known days; None if there is none at all."""

    span: DayRange | None
    version: int
    states: list[tuple[date, DayState]]

    def counts(self) -> dict[DayState, int]:
        """How many days of the span are in each state; a day without a row is missing."""
        counted = Counter(state for _, state in self.states)
        if self.span is not None:
            counted[DayState.MISSING] += len(self.span) - len(self.states)
        return {state: counted[state] for state in DayState}


async def queue(tx: Tx, transfer_id: int, days: Iterable[str]) -> None:
    """A new run waits for each of these days."""
    await _change(tx, "queue_day", transfer_id, days)


async def unqueue(tx: Tx, transfer_id: int, days: Iterable[str]) -> None:
    """A waiting run of each of these days is gone."""
    await _change(tx, "unqueue_day", transfer_id, days)


async def fail_waiting(tx: Tx, transfer_id: int, days: Iterable[str], now: datetime) -> None:
    """A waiting run of each of these days failed untried."""
    values = {"transfer_id": transfer_id, "now": micros(now)}
    listed = list(days)
    await tx.many("fail_waiting_day", [{**values, "data_date": day} for day in listed])
    await _changed(tx, {transfer_id: listed})


async def start(tx: Tx, days: Sequence[tuple[int, str]]) -> None:
    """(transfer id, day) of waiting runs that start."""
    await tx.many("start_day", [{"transfer_id": transfer_id, "data_date": day} for transfer_id, day in days])
    moved: dict[int, list[str]] = defaultdict(list)
    for transfer_id, day in days:
        moved[transfer_id].append(day)
    await _changed(tx, moved)


async def end(tx: Tx, change: str, rows: Sequence[Values]) -> None:
    """Running runs end. change: load_day, fail_day, requeue_day or release_day; rows carry that query's values.

    The version of the days is raised by `changed`, once for all that end together.
    """
    await tx.many(change, rows)
    for row in rows:
        tx.touch(cast(int, row["transfer_id"]), (cast(str, row["data_date"]),))


async def changed(tx: Tx, transfer_ids: Iterable[int]) -> None:
    """Raise the version of the days of these transfers."""
    await _changed(tx, dict.fromkeys(transfer_ids, ()))


async def outdate(tx: Tx, transfer_id: int) -> None:
    """Loaded days become stale: the transfer would now load another reading of them."""
    if await tx.run("outdate_days", transfer_id=transfer_id):
        await _changed(tx, {transfer_id: None})


@dataclass(frozen=True, slots=True)
class Differing:
    """Days whose reading in the destination is not the one that the state knows.

    behind: (day, token of the state), where the destination holds an older reading, another one by the same token, or
    none. ahead: (token of the state, what the destination says), where it holds a later one.
    """

    behind: Sequence[tuple[date, int]] = ()
    ahead: Sequence[tuple[int, LedgerDay]] = ()


async def settle(tx: Tx, transfer_id: int, differing: Differing) -> None:
    """Differing days become stale; one that was loaded or is being loaded since they were compared is left alone."""
    behind: list[Values] = [
        {"transfer_id": transfer_id, "data_date": day.isoformat(), "token": token} for day, token in differing.behind
    ]
    ahead: list[Values] = [
        {
            "transfer_id": transfer_id,
            "data_date": held.data_date.isoformat(),
            "token": token,
            "newer": held.token,
            "run_id": held.run_id,
            "row_count": held.row_count,
            "content_hash": held.content_hash,
        }
        for token, held in differing.ahead
    ]
    await tx.many("outdate_day", behind)
    await tx.many("adopt_day", ahead)
    await _changed(tx, {transfer_id: [str(row["data_date"]) for row in (*behind, *ahead)]})


async def doubt(tx: Tx, transfer_id: int, doubtful: Iterable[date]) -> None:
    """These days become stale, whatever they were."""
    await _change(tx, "stale_day", transfer_id, [day.isoformat() for day in doubtful])


async def stale(db: Reader, transfer_id: int) -> set[date]:
    """The stale days of a transfer."""
    return {date.fromisoformat(row[0]) for row in await db.scan("stale_days", transfer_id=transfer_id)}


async def loaded(db: Reader, transfer_id: int) -> list[Row]:
    """(day, token, row count, content hash) of the loaded days of a transfer."""
    return await db.scan("loaded_days", transfer_id=transfer_id)


async def loaded_transfers(db: Database, destination_id: int) -> list[int]:
    """The transfers of a destination that have loaded days."""
    return [row[0] for row in await db.scan("transfers_with_loaded_days", destination_id=destination_id)]


async def loaded_destinations(db: Database) -> list[tuple[int, int]]:
    """(destination id, id of a transfer that loads into it) wherever there are loaded days."""
    return [(destination_id, transfer_id) for destination_id, transfer_id in await db.scan("loaded_destinations")]


async def greatest_token(db: Database, destination_id: int) -> int:
    """The greatest token of the loaded days of a destination, 0 if there is none."""
    return int((await db.scan("greatest_loaded_token", destination_id=destination_id))[0][0])


async def states(db: Database, team_id: int, transfer_id: int, span: DayRange | None = None) -> Days | None:
    """The known days in a span (default: from the first to the last known), None if it is not this team's."""
    row = await db.one("days_span", team_id=team_id, transfer_id=transfer_id)
    if row is None:
        return None
    first, last, version = row
    if span is None and first is not None:
        span = DayRange(date.fromisoformat(first), date.fromisoformat(last))
    if span is None:
        return Days(None, version, [])
    return Days(span, version, await _states(db, transfer_id, span))


async def _states(db: Database, transfer_id: int, span: DayRange) -> list[tuple[date, DayState]]:
    rows = await db.scan(
        "day_states",
        transfer_id=transfer_id,
        first=max(span.start, FIRST_DAY).isoformat(),
        last=min(span.end, LAST_DAY).isoformat(),
    )
    return [(date.fromisoformat(day), BY_LETTER[state]) for day, state in rows]


async def drawn(db: Database, team_id: int, transfer_id: int) -> tuple[date | None, str, int] | None:
    """First day, vector and version of all known days of a transfer; None if this team has no such transfer."""
    row = await db.one("days_span", team_id=team_id, transfer_id=transfer_id)
    if row is None:
        return None
    first, last, version = row
    if first is None:
        return None, "", version
    span = DayRange(date.fromisoformat(first), date.fromisoformat(last))
    [(count, letters)] = await db.scan("day_letters", transfer_id=transfer_id, first=first, last=last)
    # Where days are missing in between, each letter needs its day beside it.
    return span.start, letters if count == len(span) else vector(span, await _states(db, transfer_id, span)), version


async def version(db: Reader, team_id: int, transfer_id: int) -> int | None:
    """The version of a transfer's days, which rises with each change; None if it is not this team's."""
    row = await db.one("days_version", team_id=team_id, transfer_id=transfer_id)
    return None if row is None else int(row[0])


async def version_of_team(db: Reader, team_id: int) -> int:
    """A number that changes whenever days of a transfer of the team do."""
    row = await db.one("days_version_of_team", team_id=team_id)
    assert row is not None
    return int(row[0])


async def states_among(db: Reader, transfer_id: int, among: Iterable[str]) -> list[tuple[date, DayState]]:
    """The states of those of these days that are known; for few of them, by their keys."""
    rows = await db.all("day_states_among", transfer_id=transfer_id, days=msgspec.json.encode(list(among)).decode())
    return [(date.fromisoformat(day), BY_LETTER[state]) for day, state in rows]


async def chosen(tx: Tx, transfer_id: int, span: DayRange, wanted: frozenset[DayState]) -> list[date]:
    """Days of a span whose state is one of these, newest first, judged inside the transaction."""
    rows = await tx.scan("day_states", transfer_id=transfer_id, first=span.start.isoformat(), last=span.end.isoformat())
    known = {date.fromisoformat(day): BY_LETTER[state] for day, state in rows}
    return [day for day in span.newest_first() if known.get(day, DayState.MISSING) in wanted]


async def _change(tx: Tx, query: str, transfer_id: int, days: Iterable[str]) -> None:
    listed = list(days)
    await tx.many(query, [{"transfer_id": transfer_id, "data_date": day} for day in listed])
    await _changed(tx, {transfer_id: listed})


async def _changed(tx: Tx, moved: Mapping[int, Iterable[str] | None]) -> None:
    """Raise the version of these transfers' days, and tell who watches them; None is all days."""
    await tx.many("days_changed", [{"transfer_id": transfer_id} for transfer_id in moved])
    for transfer_id, days in moved.items():
        tx.touch(transfer_id, days)
