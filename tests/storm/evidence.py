"""What is known of each day of an installation whose server has ended: by its state, by the ledger and by the data."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from arena import Arena

from dayfill.destinations import LedgerRow
from dayfill.engine.content_hash import day_hash, joined_hash, row_hashes
from dayfill.store.invariants import LedgerDay


@dataclass(frozen=True)
class Held:
    """What the destination holds of one day of one table."""

    rows: int
    parts: int
    versions: tuple[int, ...]
    flavours: tuple[int, ...]
    content_hash: str


@dataclass(frozen=True)
class Day:
    """One day of a transfer as state, ledger and data have it. started: of the run that counts, in microseconds."""

    name: str
    data_date: date
    settled: str | None
    token: int
    run_id: int
    row_count: int
    content_hash: str
    started: int
    greatest_completed: int
    flavour: int
    ledger: Mapping[str, LedgerRow]
    held: Mapping[str, Held]

    def in_ledger(self, names: tuple[str, ...]) -> LedgerDay:
        """All its ledger rows as one, as the invariants want it."""
        rows = list(self.ledger.values())
        newest = max(rows, key=lambda row: row.token)
        return LedgerDay(
            self.data_date,
            min(row.token for row in rows) if len(rows) == len(names) else 0,
            newest.token,
            newest.run_id,
            sum(row.row_count for row in rows),
            joined_hash({row.table_name: row.content_hash for row in rows}),
        )


def days(arena: Arena, transfer_id: int, names: tuple[str, ...]) -> Iterator[Day]:
    """Every day that state, ledger or data know of."""
    known = {
        date.fromisoformat(row[0]): row[1:]
        for row in arena.rows(
            "SELECT d.data_date, d.settled, d.token, d.run_id, d.row_count, d.content_hash, r.started_time"
            " FROM transfer_days d LEFT JOIN runs r ON r.run_id = d.run_id WHERE d.transfer_id = ?",
            transfer_id,
        )
    }
    completed = dict(
        arena.rows(
            "SELECT data_date, max(token) FROM runs WHERE transfer_id = ? AND status = 'COMPLETED' GROUP BY data_date",
            transfer_id,
        )
    )
    flavour = flavour_of(arena, transfer_id)
    ledgers, helds = _destination(arena, transfer_id, names)
    for day in sorted({*known, *ledgers, *helds}):
        settled, token, run_id, row_count, content_hash, started = known.get(day, (None,) * 6)
        yield Day(
            f"transfer {transfer_id}, {day}",
            day,
            settled,
            token or 0,
            run_id or 0,
            row_count or 0,
            content_hash or "",
            started or 0,
            completed.get(str(day), 0),
            flavour,
            ledgers.get(day, {}),
            helds.get(day, {}),
        )


def flavour_of(arena: Arena, transfer_id: int) -> int:
    """What the transfer would read now."""
    ((text,),) = arena.rows("SELECT configuration FROM transfers WHERE transfer_id = ?", transfer_id)
    settings = {setting["field_id"]: setting["value"] for setting in json.loads(text)["settings"]}
    return int(settings["flavour"])


def _destination(
    arena: Arena, transfer_id: int, names: tuple[str, ...]
) -> tuple[dict[date, dict[str, Any]], dict[date, dict[str, Held]]]:
    """Ledger rows and data, by day and table."""
    rows: dict[date, dict[str, Any]] = defaultdict(dict)
    helds: dict[date, dict[str, Held]] = defaultdict(dict)
    holder = arena.holder(transfer_id)
    for row in holder.ledger(transfer_id):
        rows[row.data_date][row.table_name] = row
    for name in names:
        if (table := holder.table(name)) is not None:
            for day, held in _by_day(table):
                helds[day][name] = held
    return rows, helds


def _by_day(rows: pa.Table) -> Iterator[tuple[date, Held]]:
    """rows: in the order of their days."""
    dates = rows.column("data_date").to_pylist()
    hashes, first = row_hashes(rows), 0
    for day, count in sorted(Counter(dates).items()):
        part = rows.slice(first, count)
        yield (
            day,
            Held(
                count,
                len(set(part.column("part").to_pylist())),
                tuple(sorted(set(part.column("version").to_pylist()))),
                tuple(sorted(set(part.column("flavour").to_pylist()))),
                day_hash(hashes[first : first + count]),
            ),
        )
        first += count
