"""The made source: the same rows everywhere, the scripted failures, and how a retry heals them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from dayfill import sources
from dayfill.domain.run import MAX_ATTEMPTS
from dayfill.domain.transfer import Account, Field, Table
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources import SourceConfig
from reaching import TEMP

NEWEST = date(2026, 11, 23)
TABLE = Table("demo_ads")
SOURCE = sources.get("DEMO_ADS")


def _read(config: SourceConfig, day: date, table: Table = TABLE) -> pa.Table:
    read = SOURCE.read_days(config, table, [day], 60)
    assert not read.complete
    rows = read.reader.read_all()
    assert read.complete and read.date_column == "date"
    return rows


def _cause(config: SourceConfig, day: date) -> str | None:
    try:
        _read(config, day)
    except ConnectorError as error:
        assert error.day == day and str(day) in error.message
        assert isinstance(error, Transient) == (error.cause in ("RATE_LIMIT", "TIMEOUT"))
        assert not getattr(error, "fatal", False) and getattr(error, "retry_after", None) is None
        return error.cause
    return None


def test_the_same_day_gives_the_same_rows() -> None:
    rows = _read(SourceConfig({}), NEWEST)
    assert rows == _read(SourceConfig({}), NEWEST)
    assert rows != _read(SourceConfig({}), NEWEST - timedelta(days=1))
    assert rows.schema == SOURCE.schema(SourceConfig({}), TABLE)
    # The very figures, so that another platform or version that makes other rows is noticed.
    assert rows.num_rows == 44
    assert sum(rows.column("cost").to_pylist()) == Decimal("15353.961669")


def test_a_day_has_30_to_60_rows_of_three_accounts() -> None:
    for i in range(60):
        rows = _read(SourceConfig({}), NEWEST - timedelta(days=i))
        assert 30 <= rows.num_rows <= 60
        assert len(set(rows.column("account_id").to_pylist())) == 3
        keys = list(zip(rows.column("campaign_id").to_pylist(), rows.column("ad_group_id").to_pylist(), strict=True))
        assert len(set(keys)) == len(keys)
        assert set(rows.column("date").to_pylist()) == {NEWEST - timedelta(days=i)}


def test_an_account_has_its_own_rows() -> None:
    account = Account("demo", 0, "100-2")
    one = _read(SourceConfig({}, accounts=(account,)), NEWEST)
    every = _read(SourceConfig({}), NEWEST)
    assert one.to_pylist() == [row for row in every.to_pylist() if row["account_id"] == "100-2"]


def test_fields_are_chosen_and_renamed_and_others_refused() -> None:
    table = Table("t", (Field("cost", "spend", "DECIMAL(18, 6)"), Field("date", "date", "DATE")))
    rows = _read(SourceConfig({}), NEWEST, table)
    assert rows.schema == pa.schema({"spend": pa.decimal128(18, 6), "date": pa.date32()})
    for fields, said in (
        ((Field("nosuch", "x", "STRING"),), "no column nosuch"),
        ((Field("cost", "cost", "FLOAT"),), "cost is DECIMAL"),
        ((Field("cost", "cost", "DECIMAL(18,6)"),), "needs the column date"),
    ):
        with pytest.raises(Permanent, match=said):
            SOURCE.check(SourceConfig({}), Table("t", fields))


def test_23_days_fail_and_a_retry_heals_them(tmp_path) -> None:
    config = SourceConfig({"newest_day": str(NEWEST), "memory_file": str(tmp_path / "memory")}, reach=TEMP)
    days = [NEWEST - timedelta(days=i) for i in range(730)]
    failed = {}
    for day in days:
        attempts = [_cause(config, day)]
        while attempts[-1] in ("RATE_LIMIT", "TIMEOUT") and len(attempts) < MAX_ATTEMPTS:
            attempts.append(_cause(config, day))
        if attempts[-1] is not None:
            failed[(NEWEST - day).days] = attempts[-1]
    assert Counter(failed.values()) == {"AUTH": 11, "RATE_LIMIT": 8, "TIMEOUT": 3, "SCHEMA": 1}
    assert [offset for offset, cause in failed.items() if cause == "AUTH"] == list(range(86, 97))
    assert all(_cause(config, NEWEST - timedelta(days=offset)) is None for offset in failed)
    assert [entry.name for entry in tmp_path.iterdir()] == ["memory"]


def test_without_a_memory_nothing_fails() -> None:
    config = SourceConfig({"newest_day": str(NEWEST)})
    assert all(_cause(config, NEWEST - timedelta(days=offset)) is None for offset in range(80, 100))


def test_threads_lose_no_refusal(tmp_path) -> None:
    config = SourceConfig({"newest_day": str(NEWEST), "memory_file": str(tmp_path / "memory")}, reach=TEMP)
    days = [NEWEST - timedelta(days=offset) for offset in range(86, 97)] * 3
    with ThreadPoolExecutor(8) as pool:
        causes = list(pool.map(lambda day: _cause(config, day), days))
    assert Counter(causes) == {"AUTH": 11, None: 22}


def test_restatements_change_recent_costs_reading_by_reading(tmp_path) -> None:
    def costs(memory: str, offset: int, readings: int) -> list[Decimal]:
        settings = {"newest_day": str(NEWEST), "memory_file": str(tmp_path / memory), "restatements": True}
        rows = [_read(SourceConfig(settings, reach=TEMP), NEWEST - timedelta(days=offset)) for _ in range(readings)]
        assert len({repr(table.drop_columns("cost").to_pylist()) for table in rows}) == 1
        return [sum(table.column("cost").to_pylist()) for table in rows]

    first = costs("a", 3, 3)
    assert len(set(first)) == 3 and first == costs("b", 3, 3)
    assert all(abs(cost / first[0] - 1) < Decimal("0.031") for cost in first)
    assert len(set(costs("a", 7, 2))) == 1


def test_the_delay_ends_at_the_deadline() -> None:
    with pytest.raises(Transient, match="before the deadline") as caught:
        SOURCE.read_days(SourceConfig({"delay_ms": 60_000}), TABLE, [NEWEST], 0.01)
    assert caught.value.cause == "TIMEOUT"
    assert _read(SourceConfig({"delay_ms": "1"}), NEWEST).num_rows


@pytest.mark.parametrize(
    "settings", [{"newest_day": "yesterday"}, {"delay_ms": "soon"}, {"delay_ms": -1}, {"newest_day": "2026-02-30"}]
)
def test_settings_that_cannot_work(settings) -> None:
    with pytest.raises(Permanent) as caught:
        SOURCE.check(SourceConfig(settings, reach=TEMP), TABLE)
    assert caught.value.cause == "CONFIG" and caught.value.fatal


def test_a_broken_memory_says_so(tmp_path) -> None:
    (tmp_path / "memory").write_text("{")
    config = SourceConfig({"newest_day": str(NEWEST), "memory_file": str(tmp_path / "memory")}, reach=TEMP)
    with pytest.raises(Permanent, match="cannot be read; delete it"):
        _read(config, NEWEST - timedelta(days=90))
    gone = SourceConfig({"newest_day": str(NEWEST), "memory_file": str(tmp_path / "no" / "memory")}, reach=TEMP)
    with pytest.raises(Permanent, match="cannot be written"):
        _read(gone, NEWEST - timedelta(days=90))
