"""A ledger as the state sees it, and what it says of loaded days."""

from __future__ import annotations

from datetime import date

from dayfill.destinations import LedgerRow
from dayfill.engine.ledgers import differing, ledger_days
from dayfill.store.invariants import LedgerDay
from rig import ago
from scripted import LONG_AGO


def row(table: str, day: date, token: int, rows: int = 1) -> LedgerRow:
    return LedgerRow(1, table, day, token, token, rows, f"hash{token}", LONG_AGO)


def test_the_ledger_of_a_day_is_that_of_all_its_tables() -> None:
    rows = [row("a", ago(0), 5), row("b", ago(0), 7), row("a", ago(1), 3), row("dropped", ago(2), 9)]
    one, two = ledger_days(rows, ["a", "b"])
    assert (one.data_date, one.least_token, one.token) == (ago(1), 0, 3)
    assert (two.data_date, two.least_token, two.token, two.run_id, two.row_count) == (ago(0), 5, 7, 7, 2)


def test_loaded_days_are_behind_ahead_or_as_they_should_be() -> None:
    ledger = [LedgerDay(ago(n), token, token, 1, 1, "x") for n, token in enumerate((5, 4, 6))]
    found = differing([(str(ago(n)), 5, 1, "x") for n in range(4)], ledger)
    assert found.behind == [(ago(1), 5), (ago(3), 5)]
    assert found.ahead == [(5, ledger[2])]


def test_a_day_whose_content_is_another_one_under_the_same_token_is_behind() -> None:
    ledger = [LedgerDay(ago(0), 5, 5, 1, 1, "x")]
    assert differing([(str(ago(0)), 5, 2, "x")], ledger).behind == [(ago(0), 5)]
    assert differing([(str(ago(0)), 5, 1, "y")], ledger).behind == [(ago(0), 5)]
