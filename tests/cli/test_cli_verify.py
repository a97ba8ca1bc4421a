"""Days read again and compared: every way in which source, ledger and table can differ is told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Command, Ran

from dayfill.destinations import LedgerRow
from dayfill.destinations.duckdb import DESTINATION
from dayfill.engine import extract, verify
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources.files import SOURCE
from loaded import Loaded, day


@pytest.fixture
def made(tmp_path: Path, clean: None) -> Loaded:
    return Loaded.make(tmp_path)


def verdicts(ran: Ran) -> dict[str, str]:
    return {one["date"]: one["found"] for one in json.loads(ran.out)}


def test_days_that_are_as_they_were_loaded_are_equal(made: Loaded, command: Command) -> None:
    before = made.warehouse.read_bytes(), (made.directory / "state.sqlite").read_bytes()
    ran = command("verify", "Visits", "--data-dir", made.directory)
    assert ran.code == 0, ran.err
    assert verdicts(ran) == {str(day(n)): "equal" for n in range(5)}
    assert "5/5 days" in ran.err
    assert (made.warehouse.read_bytes(), (made.directory / "state.sqlite").read_bytes()) == before
    shown = command("verify", 1, "--data-dir", made.directory, "-o", "table")
    assert shown.out == "     5 equal\n"


def test_each_difference_is_told_for_what_it_is(made: Loaded, command: Command) -> None:
    made.in_warehouse("UPDATE visits SET n = n + 1 WHERE day = ? AND page = 'home'", day(1))
    made.in_warehouse("DELETE FROM _dayfill_days WHERE data_date = ?", day(2))
    made.in_warehouse("DELETE FROM visits WHERE day = ?", day(4))
    made.write_source(changed=[day(3), day(4)])
    ran = command("verify", 1, "--data-dir", made.directory)
    assert ran.code == 1
    assert verdicts(ran) == {
        str(day(0)): "equal",
        str(day(1)): "the table differs from its ledger",
        str(day(2)): "there is no ledger row",
        str(day(3)): "the source has changed",
        str(day(4)): "source and table both differ from the ledger",
    }
    counts = {
        one["date"]: [one[f"{name}_rows"] for name in ("source", "table", "ledger")] for one in json.loads(ran.out)
    }
    assert (counts[str(day(4))], counts[str(day(2))]) == ([2, 0, 2], [2, 2, None])
    shown = command("verify", 1, "--from", day(3), "--to", day(3), "--data-dir", made.directory, "-o", "table", "-q")
    assert (shown.code, shown.out) == (1, "     1 the source has changed: 2024-03-04\n")


def test_the_ledger_is_read_once_and_again_where_it_does_not_agree(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may have loaded a day since: its new row counts."""
    monkeypatch.setattr(verify, "DAYS_AT_ONCE", 1)
    real, outdated = type(DESTINATION).ledger, [[], [day(1), day(3)], []]

    def ledger(*given: object) -> list[LedgerRow]:
        old = outdated.pop(0)
        rows = real(*given)  # type: ignore[arg-type]
        return [replace(row, content_hash="old") if row.data_date in old else row for row in rows]

    monkeypatch.setattr(type(DESTINATION), "ledger", ledger)
    for left in (2, 0):
        ran = command("verify", 1, "--data-dir", made.directory)
        assert (ran.code, set(verdicts(ran).values()), len(outdated)) == (0, {"equal"}, left)


def test_a_large_day_is_compared_from_the_spool(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "MEMORY_BYTES", 1)
    monkeypatch.setattr(extract, "MAX_SLICE_BYTES", 1)
    assert command("verify", 1, "--data-dir", made.directory).code == 0
    assert list((made.directory / "spool").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (Permanent("DATA", "Broken."), 6),
        (Transient("NETWORK", "Lost."), 6),
        (Transient("RATE_LIMIT", "Later.", retry_after=60), 1),
        (Permanent("AUTH", "Revoked.", fatal=True), 1),
    ],
)
def test_a_source_is_asked_no_more_than_makes_sense(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch, error: ConnectorError, asked: int
) -> None:
    calls: list[object] = []

    def read_days(*_: object) -> None:
        calls.append(1)
        raise error

    monkeypatch.setattr(type(SOURCE), "read_days", read_days)
    ran = command("verify", 1, "--data-dir", made.directory)
    assert (ran.code, len(calls)) == (1, asked)
    assert set(verdicts(ran).values()) == {"it cannot be read"}
    assert {one["why"] for one in json.loads(ran.out)} == {error.message}


@pytest.mark.parametrize("stated", [60, None])
def test_a_pause_asked_for_by_one_day_is_obeyed(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch, stated: float | None
) -> None:
    monkeypatch.setattr(verify, "DAYS_AT_ONCE", 1)
    real, calls = type(SOURCE).read_days, [Transient("RATE_LIMIT", "Later.", retry_after=stated), None, None]

    def read_days(*given: object) -> object:
        error = calls.pop()
        if error is not None:
            raise error
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(type(SOURCE), "read_days", read_days)
    ran = command("verify", 1, "--data-dir", made.directory)
    assert list(verdicts(ran).values()) == ["equal"] * 2 + ["it cannot be read"] * 3


def test_of_a_day_that_cannot_be_read_the_ledger_is_told(
    made: Loaded, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_days(*_: object) -> None:
        raise Permanent("DATA", "Broken.")

    monkeypatch.setattr(type(SOURCE), "read_days", read_days)
    made.in_warehouse("DELETE FROM _dayfill_days WHERE data_date = ?", day(2))
    ran = command("verify", 1, "--data-dir", made.directory)
    rows = {one["date"]: (one["source_rows"], one["table_rows"], one["ledger_rows"]) for one in json.loads(ran.out)}
    assert rows == {str(day(n)): (None, None, None if n == 2 else 2) for n in range(5)}


def test_a_parked_source_and_an_unknown_transfer_are_refused(made: Loaded, command: Command) -> None:
    unknown = command("verify", "Nothing", "--data-dir", made.directory)
    assert (unknown.code, "no transfer 'Nothing'" in unknown.err) == (1, True)
    made.in_state("UPDATE connections SET parked_until = 4000000000000000")
    parked = command("verify", 1, "--data-dir", made.directory)
    assert (parked.code, "left alone until 2096-10-02" in parked.err) == (1, True)
