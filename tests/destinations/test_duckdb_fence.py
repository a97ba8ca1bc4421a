"""What protects a day on DuckDB when two transactions meet, shown statement by statement."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import duckdb
import pyarrow as pa
import pytest
from warehouse import FIRST, TRANSFER, Warehouse, a_day, duckdb_warehouse, stamped

from dayfill.destinations import DayOutcome
from dayfill.destinations.duckdb import faults, ledger, pool
from dayfill.destinations.duckdb.gate import Gate
from dayfill.destinations.fence import Entry, Seen
from dayfill.errors import Permanent, Transient
from dayfill.roots import placed
from reaching import TEMP


@pytest.fixture
def database(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "fence.duckdb")) as connection:
        ledger.create(connection, "main")
        yield connection


def entry(token: int) -> Entry:
    return Entry("visits", FIRST, token, 1000 + token, 10, "hash")


def begun(database: duckdb.DuckDBPyConnection) -> tuple[duckdb.DuckDBPyConnection, Seen]:
    connection = database.cursor()
    connection.begin()
    return connection, ledger.look(connection, "main", ["visits"], TRANSFER, [FIRST])


def write(connection: duckdb.DuckDBPyConnection, token: int, seen: Seen) -> bool:
    return ledger.write(connection, "main", TRANSFER, [entry(token)], seen)


def assert_conflict(error: Exception) -> None:
    reported = faults.translate(error, Path("fence.duckdb"))
    assert isinstance(reported, Transient) and reported.cause == "CONFLICT"


@pytest.mark.parametrize("tokens", [(1, 2), (2, 1)])
def test_two_transactions_that_saw_an_empty_day_cannot_both_commit(
    database: duckdb.DuckDBPyConnection, tokens: tuple[int, int]
) -> None:
    (first, first_saw), (second, second_saw) = begun(database), begun(database)
    with pytest.raises(duckdb.Error) as refused:
        assert write(first, tokens[0], first_saw) and write(second, tokens[1], second_saw)
        first.commit()
        second.commit()
    assert_conflict(refused.value)
    assert ledger.greatest_token(database, "main") == tokens[0]


@pytest.mark.parametrize("tokens", [(5, 6), (6, 5)])
def test_two_transactions_that_saw_a_loaded_day_cannot_both_commit(
    database: duckdb.DuckDBPyConnection, tokens: tuple[int, int]
) -> None:
    write(database, 4, Seen({}, {}))
    (first, first_saw), (second, second_saw) = begun(database), begun(database)
    assert write(first, tokens[0], first_saw)
    first.commit()
    with pytest.raises(duckdb.Error) as refused:
        write(second, tokens[1], second_saw)
    assert_conflict(refused.value)
    second.rollback()
    assert ledger.greatest_token(database, "main") == tokens[0]


@pytest.mark.parametrize("entries", [[entry(3)], [entry(3), Entry("costs", FIRST, 9, 1, 1, "h")]], ids=len)
def test_the_update_itself_refuses_a_greater_token(database: duckdb.DuckDBPyConnection, entries: list[Entry]) -> None:
    for table in ("visits", "costs"):
        ledger.write(database, "main", TRANSFER, [Entry(table, FIRST, 4, 1, 1, "h")], Seen({}, {}))
    seen = ledger.look(database, "main", ["visits", "costs"], TRANSFER, [FIRST])
    assert ledger.write(database, "main", TRANSFER, entries, seen) is False


def test_a_commit_is_recognised_by_what_the_ledger_says(database: duckdb.DuckDBPyConnection) -> None:
    write(database, 4, Seen({}, {}))
    assert ledger.holds(database, "main", TRANSFER, [entry(4)])
    assert not ledger.holds(database, "main", TRANSFER, [entry(5)])
    assert not ledger.holds(database, "main", TRANSFER + 1, [entry(4)])


def test_who_must_be_alone_waits_for_the_others_and_goes_before_new_ones() -> None:
    gate, entered, leave, log = Gate(), Event(), Event(), []

    def share() -> None:
        with gate.shared():
            entered.set()
            leave.wait()
            log.append("shared")

    def alone() -> None:
        with gate.alone():
            log.append("alone")

    def late() -> None:
        with gate.shared():
            log.append("late")

    with ThreadPoolExecutor(3) as threads:
        work = [threads.submit(share)]
        entered.wait()
        work.append(threads.submit(alone))
        while not gate._waiting:
            assert not work[1].done()
        work.append(threads.submit(late))
        leave.set()
        for done in work:
            done.result()
    assert log == ["shared", "alone", "late"]


def waiting(file: Warehouse, load: Future[list[DayOutcome]]) -> None:
    """Returns once the load waits to be alone."""
    with pool.session(placed(str(file.config.fields["path"]), TEMP)) as opened:
        while not opened._database.gate._waiting:
            assert not load.done()


@pytest.mark.parametrize(("token", "outcome"), [(8, DayOutcome.STALE), (10, DayOutcome.LOADED)])
def test_a_load_that_meets_another_of_its_day_waits_for_it_and_looks_again(
    tmp_path: Path, token: int, outcome: DayOutcome
) -> None:
    file = duckdb_warehouse(tmp_path)
    file.load(a_day(stamped(1)))
    with ThreadPoolExecutor(1) as threads, pool.session(placed(str(file.config.fields["path"]), TEMP)) as other:
        with other.shared(), other.transaction() as connection:
            seen = ledger.look(connection, "main", ["visits"], TRANSFER, [FIRST])
            assert write(connection, 9, seen)
            load = threads.submit(file.load, a_day(stamped(token), token=token))
            waiting(file, load)
        assert load.result() == [outcome]
    assert file.ledger()["visits", FIRST] == (max(token, 9), 10)
    pool.close_all()


def test_a_load_that_alters_a_table_waits_until_no_other_fills_it(tmp_path: Path) -> None:
    file = duckdb_warehouse(tmp_path)
    file.load(a_day(stamped(1)))
    with ThreadPoolExecutor(1) as threads, pool.session(placed(str(file.config.fields["path"]), TEMP)) as other:
        with other.shared():
            load = threads.submit(file.load, a_day(stamped(2, label=pa.array(["new"] * 10)), token=2))
            waiting(file, load)
            assert file.readings() == {FIRST: [1] * 10}
        assert load.result() == [DayOutcome.LOADED]
    assert file.readings() == {FIRST: [2] * 10}
    pool.close_all()


def test_a_greater_token_that_only_the_update_meets_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = duckdb_warehouse(tmp_path)
    file.load(a_day(stamped(9), token=9))
    look = ledger.look

    def outdated(*of: object) -> Seen:
        seen = look(*of)  # type: ignore[arg-type]
        return Seen(seen.owners, dict.fromkeys(seen.tokens, 1))

    monkeypatch.setattr(ledger, "look", outdated)
    with pytest.raises(Transient, match="changed the same day at the same time"):
        file.load(a_day(stamped(2), token=2))
    assert file.readings() == {FIRST: [9] * 10}
    pool.close_all()


def test_a_commit_that_failed_and_cannot_be_looked_up_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = duckdb_warehouse(tmp_path)
    file.load(a_day(stamped(1)))

    def broken(*_: object) -> bool:
        raise duckdb.IOException("the file is gone")

    def refused() -> None:
        raise duckdb.IOException("Could not write to the file")

    monkeypatch.setattr(ledger, "holds", broken)
    with pytest.raises(Transient, match="The disk that holds"):
        file.load(a_day(stamped(2), token=2), before_commit=refused)
    monkeypatch.undo()
    assert file.readings() == {FIRST: [1] * 10}
    pool.close_all()


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (duckdb.SerializationException("unknown block"), Permanent, "is not a DuckDB database that this version"),
        (duckdb.OutOfMemoryException("failed to allocate"), Transient, "ran out of memory or of room"),
        (duckdb.IOException("No space left on device"), Transient, "The disk that holds fence.duckdb is full"),
        (duckdb.IOException("Permission denied"), Permanent, "may not read and write fence.duckdb"),
        (duckdb.IOException("not a valid DuckDB database file"), Permanent, "is not a DuckDB database that"),
        (duckdb.IOException("Could not set lock on file (PID 12)"), Transient, "held by process 12"),
        (duckdb.IOException("Could not set lock on file"), Transient, "held by another process"),
        (duckdb.IOException("the cable was pulled\nand more"), Transient, "could not be used: the cable was pulled"),
        (duckdb.InternalException("File too large"), Transient, "The disk that holds fence.duckdb is full"),
        (duckdb.InternalException(""), Transient, "DuckDB failed on fence.duckdb: InternalException"),
        (pa.ArrowInvalid("does not fit"), Permanent, "refused the data or the table in fence.duckdb: does not fit"),
    ],
)
def test_an_error_of_the_driver_is_told_in_our_words(error: Exception, kind: type, says: str) -> None:
    reported = faults.translate(error, Path("fence.duckdb"))
    assert type(reported) is kind
    assert says in reported.message and "and more" not in reported.message
