"""A destination's ledger as the state sees it: one entry a day, over all tables of the transfer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from dayfill.destinations import LedgerRow
from dayfill.domain.days import FIRST_DAY, WHOLE
from dayfill.domain.table_group import of_day
from dayfill.domain.transfer import Table
from dayfill.engine.content_hash import joined_hash
from dayfill.store.days import Differing
from dayfill.store.db import Row
from dayfill.store.invariants import LedgerDay


def ledger_days(rows: Iterable[LedgerRow], tables: Sequence[Table]) -> list[LedgerDay]:
    """The days of a ledger, oldest first; rows of tables that the transfer does not load (any more) do not count."""
    names = {is_whole: _names(tables, WHOLE if is_whole else FIRST_DAY) for is_whole in (True, False)}
    by_day: dict[date, list[LedgerRow]] = defaultdict(list)
    for row in rows:
        if row.table_name in names[row.data_date == WHOLE]:
            by_day[row.data_date].append(row)
    return [_day(day, by_day[day], len(names[day == WHOLE])) for day in sorted(by_day)]


def _names(tables: Sequence[Table], day: date) -> set[str]:
    return {table.name for table in of_day(tables, day)}


def _day(day: date, rows: Sequence[LedgerRow], tables: int) -> LedgerDay:
    newest = max(rows, key=lambda row: row.token)
    return LedgerDay(
        day,
        min(row.token for row in rows) if len(rows) == tables else 0,
        newest.token,
        newest.run_id,
        sum(row.row_count for row in rows),
        joined_hash({row.table_name: row.content_hash for row in rows}),
    )


def differing(loaded: Iterable[Row], ledger: Iterable[LedgerDay]) -> Differing:
    """Hold loaded days of the state, as `days.loaded` gives them, against a ledger that was read after them."""
    held = {one.data_date: one for one in ledger}
    behind, ahead = [], []
    for text, token, *content in loaded:
        day = date.fromisoformat(text)
        entry = held.get(day)
        if entry is None or entry.least_token < token:
            behind.append((day, token))
        elif entry.token > token:
            ahead.append((token, entry))
        elif [entry.row_count, entry.content_hash] != content:
            behind.append((day, token))
    return Differing(behind, ahead)
