"""Reading days: only what the source called complete, each row on its day, nothing that was not asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readings import COSTS, VISITS, counts, read

from dayfill.domain.transfer import Table
from dayfill.engine.content_hash import day_hash, row_hashes
from dayfill.engine.extract import Reading
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources import DaysRead, SourceConfig
from rig import ago, last
from scripted import SCHEMA, ScriptedRead, ScriptedSource, reader


def of_the_day(day: date, reading: Reading | ConnectorError) -> bool:
    assert isinstance(reading, Reading)
    return all(set(table.rows["data_date"].to_pylist()) <= {day} for table in reading.tables)


def test_days_read_together_come_apart_in_order(source: ScriptedSource) -> None:
    source.on(ago(0), rows=3)
    source.on(ago(1), rows=0)
    source.on(ago(2), rows=5)
    readings = read([ago(0), ago(1), ago(2)])
    assert list(readings) == [ago(0), ago(1), ago(2)]
    assert counts(readings) == {ago(0): [3], ago(1): [0], ago(2): [5]}
    assert all(of_the_day(day, reading) for day, reading in readings.items())
    assert source.reads == [[ago(0), ago(1), ago(2)]]


def test_an_empty_day_keeps_its_columns(source: ScriptedSource) -> None:
    source.on(ago(0), rows=0)
    (table,) = read([ago(0)])[ago(0)].tables
    assert (table.rows.num_rows, table.rows.schema, table.content_hash) == (0, SCHEMA, "0" * 16)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dates=st.lists(st.sampled_from([ago(n) for n in range(5)])), batches=st.integers(1, 4))
def test_rows_in_any_order_are_put_on_their_days(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch, dates: list[date], batches: int
) -> None:
    whole = reader(dates).read_all()
    size = -(-len(dates) // batches) or 1
    pieces = [whole.slice(start, size).combine_chunks() for start in range(0, len(dates), size)]
    table = pa.concat_tables(pieces) if pieces else whole
    stream = ScriptedRead(pa.RecordBatchReader.from_batches(SCHEMA, table.to_batches()))
    monkeypatch.setattr(source, "read_days", lambda *_: stream)
    readings = read(list(last(5).newest_first()))
    assert counts(readings) == {day: [Counter(dates)[day]] for day in last(5)}
    for day, reading in readings.items():
        (part,) = reading.tables
        wanted = [n for n, d in enumerate(dates) if d == day]
        assert sorted(part.rows["n"].to_pylist()) == wanted
        assert part.content_hash == day_hash(row_hashes(part.rows))


def test_every_table_is_read(source: ScriptedSource) -> None:
    readings = read([ago(0), ago(1)], [VISITS, COSTS])
    assert [table.name for table in readings[ago(1)].tables] == ["visits", "costs"]
    assert len(source.reads) == 2


def test_no_more_days_at_once_than_the_source_can_read(source: ScriptedSource) -> None:
    source.max_days_per_read = 2
    assert len(read(list(last(5).newest_first()))) == 5
    assert [len(days) for days in source.reads] == [2, 2, 1]


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        ({"complete": False}, Transient, "Table visits: the source stopped before it said that this was all."),
        ({"stated_rows": 3}, Transient, "Table visits: the source announced 3 rows and sent 2."),
        ({"stated_rows": 1}, Transient, "the source announced 1 rows and sent 2."),
        ({"rows": 0, "stated_rows": 5_000}, Transient, "announced 5,000 rows and sent 0."),
        ({"other_dates": [ago(7)]}, Permanent, f"Table visits: the source sent rows of {ago(7)}, which was not"),
        ({"other_dates": [None]}, Permanent, "Table visits: row 3 of the reading has no date in data_date."),
        ({"always": Transient("NETWORK", "Lost.")}, Transient, "Lost."),
    ],
    ids=["incomplete", "too few", "too many", "none", "another day", "no date", "broken off"],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_reading_that_is_not_whole_is_no_reading(
    source: ScriptedSource, script: dict[str, object], kind: type[ConnectorError], says: str, alone: bool
) -> None:
    source.on(ago(0), **script)
    if alone:
        error = read([ago(0)])[ago(0)]
        assert isinstance(error, kind) and says in error.message
        return
    with pytest.raises(kind):
        read([ago(0), ago(1), ago(2)])


def test_a_day_that_the_source_could_not_read_is_the_only_one_to_fail(source: ScriptedSource) -> None:
    source.on(ago(1), failed=Permanent("DATA", "visits.csv, row 7: 'x' is not a number."))
    readings = read([ago(0), ago(1), ago(2)], [VISITS, COSTS])
    assert counts(readings) == {ago(0): [2, 2], ago(2): [2, 2]}
    assert readings[ago(1)].message.startswith("visits.csv, row 7")
    assert source.reads == [[ago(0), ago(1), ago(2)], [ago(0), ago(2)]]


def test_a_day_fails_if_one_of_its_tables_does(source: ScriptedSource) -> None:
    real = source.read_days

    def only_costs_fail(config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> DaysRead:
        if table.name == "costs":
            raise Permanent("SCHEMA", "No costs here.")
        return real(config, table, days, deadline)

    source.read_days = only_costs_fail  # type: ignore[method-assign]
    readings = read([ago(0)], [VISITS, COSTS])
    assert counts(readings) == {}
    assert readings[ago(0)].cause == "SCHEMA"


def test_a_date_far_away_is_named(source: ScriptedSource) -> None:
    source.on(ago(0), other_dates=[date(1900, 1, 1), ago(0) + timedelta(days=36_500)])
    assert "rows of 1900-01-01" in read([ago(0)])[ago(0)].message
