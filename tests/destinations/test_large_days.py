"""Days whose rows wait in a file: replaced like any other, or not at all if the file is not what it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pytest
from warehouse import FIRST, TRANSFER, Warehouse, a_day, on, stamped

from dayfill.destinations import FinishedDay, FinishedTable, load
from dayfill.domain.days import WHOLE
from dayfill.errors import ConnectorError, Permanent, Transient


@dataclass(frozen=True)
class Waiting:
    """Rows in a file, as the destination sees them: batches that are pulled, and a number that was counted before."""

    batches: tuple[pa.RecordBatch, ...]
    counted: int | None = None
    breaks: Exception | None = None

    @property
    def schema(self) -> pa.Schema:
        return self.batches[0].schema

    @property
    def num_rows(self) -> int:
        return sum(batch.num_rows for batch in self.batches) if self.counted is None else self.counted

    @property
    def nbytes(self) -> int:
        return sum(batch.nbytes for batch in self.batches)

    def to_reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self._pulled())

    def _pulled(self) -> Iterator[pa.RecordBatch]:
        yield from self.batches
        if self.breaks is not None:
            raise self.breaks


def waiting(version: int, offset: int = 0, *others: pa.Table, **how: object) -> Waiting:
    pieces = [stamped(version, 6, offset), *others]
    return Waiting(tuple(batch for piece in pieces for batch in piece.to_batches(max_chunksize=4)), **how)  # type: ignore[arg-type]


def of(rows: Waiting, token: int, day: date = FIRST) -> FinishedDay:
    return FinishedDay(
        TRANSFER, day, 1000 + token, token, (FinishedTable("visits", "data_date", rows, f"hash-{token}"),)
    )


def test_it_replaces_what_stood_there(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    warehouse.load(of(waiting(2, 0, stamped(2, 5)), 2))
    assert warehouse.readings() == {on(0): [2] * 11}
    assert warehouse.ledger() == {("visits", on(0)): (2, 11)}


def test_days_in_memory_and_in_files_go_in_together(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 3)), of(waiting(2, 1), 2, on(1)), of(waiting(3, 2), 3, on(2)))
    assert warehouse.readings() == {on(0): [1] * 3, on(1): [2] * 6, on(2): [3] * 6}


@pytest.mark.parametrize("in_memory", [True, False])
def test_rows_of_any_size_go_in_once(warehouse: Warehouse, in_memory: bool) -> None:
    """A destination may cut up what its driver is given: many small rows, some large, a batch without any."""
    sizes = [10] * 5_000 + [1_000_000, 300_000] + [0] * 50
    rows = stamped(1, len(sizes), 0, note=pa.array([f"{n:06}" + "x" * size for n, size in enumerate(sizes)]))
    none = pa.RecordBatch.from_pylist([], rows.schema)
    warehouse.load(a_day(rows) if in_memory else of(Waiting((none, *rows.to_batches(), none)), 1))
    found = warehouse.ask(
        "SELECT length(note) - 6 AS size, count(DISTINCT note) AS n FROM visits GROUP BY 1 ORDER BY 1"
    )
    assert found is not None and [(row["size"], row["n"]) for row in found.to_pylist()] == sorted(
        Counter(sizes).items()
    )


def test_a_table_without_days_is_replaced_by_it(warehouse: Warehouse) -> None:
    for version in (1, 2):
        rows = stamped(version, 6).drop_columns("data_date").to_batches(max_chunksize=4)
        table = FinishedTable("pages", None, Waiting(tuple(rows)), f"hash-{version}")
        warehouse.load(FinishedDay(TRANSFER, WHOLE, 1000 + version, version, (table,)))
    found = warehouse.ask("SELECT version FROM pages")
    assert found is not None and found["version"].to_pylist() == [2] * 6
    assert warehouse.ledger() == {("pages", WHOLE): (2, 6)}


def test_a_table_is_widened_for_it(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 2)))
    extra = stamped(2, 6, 1, place=pa.array(["x"] * 6))
    warehouse.load(of(Waiting(tuple(extra.to_batches(max_chunksize=4))), 2, on(1)))
    rows = warehouse.ask("SELECT place, count(*) AS n FROM visits GROUP BY 1 ORDER BY 1")
    assert rows is not None and rows.to_pylist() == [{"place": "x", "n": 6}, {"place": None, "n": 2}]


@pytest.mark.parametrize(
    ("rows", "kind", "says"),
    [
        (waiting(2, 0, stamped(2, 2, 5)), Permanent, "got rows that do not belong to 2024-01-01"),
        (waiting(2, counted=7), Transient, "took 6 of 7 rows; rolled back"),
        (waiting(2, breaks=Transient("SPOOL", "The file is gone.")), Transient, "The file is gone."),
    ],
    ids=["a row of another day", "fewer rows than were counted", "a file that breaks"],
)
def test_what_is_not_as_it_was_read_changes_nothing(
    warehouse: Warehouse, rows: Waiting, kind: type[Exception], says: str
) -> None:
    warehouse.load(a_day(stamped(1)))
    with pytest.raises(kind, match=says):
        warehouse.load(of(rows, 2))
    assert warehouse.readings() == {on(0): [1] * 10}
    assert warehouse.ledger() == {("visits", on(0)): (1, 10)}


@dataclass(frozen=True)
class Coming(Waiting):
    """Notes what was asked for: the number makes a load wait for the end, the rows do not."""

    asked: list[str] = field(default_factory=list)

    @property
    def num_rows(self) -> int:
        self.asked.append("number")
        return super().num_rows

    def to_reader(self) -> pa.RecordBatchReader:
        self.asked.append("rows")
        return super().to_reader()


def test_rows_that_are_still_coming_are_waited_for_only_where_others_wait_for_the_load(warehouse: Warehouse) -> None:
    first, second = Coming(waiting(1).batches), Coming(waiting(2).batches)
    warehouse.load(of(first, 1))
    warehouse.load(of(second, 2))
    assert (first.asked[0], second.asked[0]) == ("number", "rows")
    assert warehouse.ledger() == {("visits", on(0)): (2, 6)}


def test_a_value_that_does_not_fit_is_named_by_its_row_in_the_file(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 2, price=pa.array([1.5, 2.0]))))
    misfit = stamped(2, 6, price=pa.array([1] * 5 + [2**60 + 1]))
    with pytest.raises(Permanent, match=r"Table visits: .*row 6") as raised:
        warehouse.load(of(Waiting(tuple(misfit.to_batches(max_chunksize=4))), 2))
    assert raised.value.day == on(0)
    assert warehouse.readings() == {on(0): [1] * 2}


def test_what_the_table_itself_refuses_is_told_as_any_refusal(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1)))
    warehouse.ask("ALTER TABLE visits ALTER COLUMN version SET NOT NULL")
    without = stamped(2).set_column(1, "version", pa.nulls(10, pa.int64()))
    with pytest.raises(ConnectorError, match=r"(?i)not.null"):
        warehouse.load(of(Waiting(tuple(without.to_batches())), 2))
    assert warehouse.readings() == {on(0): [1] * 10}


def test_rows_in_a_file_are_checked_as_they_are_pulled() -> None:
    """Here, and not by a thread of DuckDB, where nobody would see which lines are run."""
    day = of(waiting(2, 0, stamped(2, 2, 5)), 2)
    pulled = load.Waiting(on(0), day.tables[0], day.tables[0].rows.schema)
    with pytest.raises(Permanent, match="do not belong to"):
        pulled.reader().read_all()
    assert isinstance(pulled.error, Permanent)
    sound = of(waiting(2), 2)
    pulled = load.Waiting(on(0), sound.tables[0], sound.tables[0].rows.schema)
    assert pulled.reader().read_all().num_rows == 6 and pulled.error is None
