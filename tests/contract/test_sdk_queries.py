"""Data queries by the official SDK: run and waited for, started and polled, and what they parsed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from official import Sdk
from supermetrics._generated.supermetrics_api_client.models.data_query_settings import DataQuerySettings
from supermetrics._generated.supermetrics_api_client.types import Unset
from supermetrics.exceptions import SupermetricsValidationError

from installation import Installation

FIELDS = ["account_id", "cost"]
SPAN = {"start_date": "2024-06-01", "end_date": "2024-06-01"}


async def test_execute(call: Sdk) -> None:
    found = await call(
        "queries.execute",
        "DEMO_ADS",
        ["100-1", "100-2"],
        FIELDS,
        "2024-06-01",
        "2024-06-01",
        filter_="cost > 100",
        order_rows=["account_id", "cost desc"],
        max_rows=4,
        offset_start=0,
        offset_end=2,
    )
    assert (found.meta.status_code, found.error if hasattr(found, "error") else None) == ("SUCCESS", None)
    assert found.data[0] == FIELDS and len(found.data) == 4
    costs = [float(cost) for _, cost in found.data[1:]]
    assert costs == sorted(costs, reverse=True) and min(costs) > 100
    assert (found.meta.result.total_rows, found.meta.result.total_columns) == (4, 2)
    assert (found.meta.result.data_sampled, found.meta.result.cache_used, found.meta.result.cache_time) == (
        False,
        False,
        None,
    )
    assert (found.meta.query.start_date, found.meta.query.ds_accounts) == ("2024-06-01", ["100-1", "100-2"])
    assert [(field.field_id, field.data_type, field.data_column) for field in found.meta.query.fields] == [
        ("account_id", "STRING", 0),
        ("cost", "DECIMAL(18,6)", 1),
    ]
    assert isinstance(found.meta.paginate.prev, Unset)
    assert found.meta.paginate.next_.startswith("http://127.0.0.1:")


async def test_get_results(call: Sdk) -> None:
    first = await call("queries.execute", "DEMO_ADS", [], FIELDS, "yesterday", "today", sync_timeout=0)
    assert (first.meta.status_code, first.data) == ("SCHEDULED", [])
    found = await call("queries.get_results", first.meta.request_id)
    assert (found.meta.status_code, found.meta.schedule_id) == ("SUCCESS", first.meta.schedule_id)
    assert len(found.data) > 50
    again = await call("queries.get_results", found.meta.request_id)
    assert again.data == found.data


async def test_rows_that_were_read_before(call: Sdk, installation: Installation) -> None:
    for _ in range(2):
        found = await call("queries.execute", "DEMO_ADS", [], FIELDS, **SPAN, cache_minutes=30)
    assert (found.meta.result.cache_used, found.meta.query.cache_minutes) == (True, 30)
    assert found.meta.result.cache_time == datetime(2024, 6, 15, 12, tzinfo=UTC)


async def test_settings_of_a_file(call: Sdk, tmp_path: Path) -> None:
    (tmp_path / "it's.csv").write_text("day;visits\n2024-06-01;7\n")
    settings = DataQuerySettings()
    settings.additional_properties = {
        "path": str(tmp_path / "it's.csv"),
        "date_column": "day",
        "delimiter": ";",
        "header": True,
        "null_values": None,
    }
    found = await call("queries.execute", "FILES", [], ["visits"], **SPAN, settings=settings)
    assert found.data == [["visits"], ["7"]]
    assert found.meta.query.settings.additional_properties == settings.additional_properties


async def test_a_query_that_failed_carries_its_error(call: Sdk) -> None:
    found = await call("queries.execute", "DEMO_ADS", [], ["visits"], **SPAN)
    assert (found.meta.status_code, found.data) == ("FAILURE", [])
    assert found.additional_properties["error"]["description"].startswith("The source has no field visits; it has date")


async def test_a_refusal_is_told_in_words(call: Sdk) -> None:
    with pytest.raises(SupermetricsValidationError, match="There is no data source 'GA4'; known are DEMO_ADS, FILES"):
        await call("queries.execute", "GA4", ["1"], FIELDS, **SPAN)
    with pytest.raises(SupermetricsValidationError, match="You have no query gone: it is forgotten an hour after"):
        await call("queries.get_results", "gone")
