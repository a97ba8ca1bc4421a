"""A table without days, from its table group to the rows in the warehouse, by the official SDK and real connectors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from official import Sdk, sdk
from supermetrics import TransferDataSourceSetting, TransferSchedule
from supermetrics import ValidationError as SdkValidationError

import seeds
from dayfill.destinations.duckdb import pool
from dayfill.engine import schedule
from dayfill.engine.dispatch import Dispatcher
from dayfill.executors.threads import ThreadsExecutor
from dayfill.store import invariants
from installation import Installation
from reaching import TEMPS

GROUP = {
    "version": 1,
    "group": {"group_id": "", "group_name": "Site", "ds_id": "FILES", "table_prefix": ""},
    "tables": [
        {"table_name": "visits", "fields": []},
        {"table_name": "pages", "table_partition": "none", "fields": ["page"]},
    ],
    "fields": [{"field_id": "page", "field_name": "", "display_name": "", "target_name": "", "data_type": "STRING"}],
}


@asynccontextmanager
async def working(made: Installation, folder: Path) -> AsyncIterator[None]:
    """A dispatcher on real connectors, until all that waits has been done."""
    executor = ThreadsExecutor(2)
    dispatcher = Dispatcher(made.db, made.server.seams, executor, made.keyring.open, "here", folder, TEMPS)
    task = asyncio.create_task(dispatcher.run())
    yield
    while made.execute(
        "SELECT 1 FROM runs WHERE ended_time IS NULL UNION ALL SELECT 1 FROM backfills WHERE end_time IS NULL"
    ):
        dispatcher.wake()
        await asyncio.sleep(0.01)
    dispatcher.stop()
    await task
    executor.close()
    pool.close_all()


def in_warehouse(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


async def _site(call: Sdk, http: httpx.AsyncClient, team: int, destination_id: int, source: Path) -> int:
    """A transfer of both tables from a file, refreshed daily at 6; returns its id."""
    imported = (await http.post("/table/group/import", json=GROUP)).raise_for_status().json()["data"]
    made = await call(
        "transfers.create",
        team,
        data_source_id="FILES",
        schema_id=imported["schema_id"],
        destination_id=destination_id,
        display_name="Site",
        schedule=[TransferSchedule(run_interval="daily", run_hour=6, refresh_window=2)],
        accounts=[],
        data_source_settings=[
            TransferDataSourceSetting(field_id="path", value=str(source), group=""),
            TransferDataSourceSetting(field_id="date_column", value="day", group=""),
        ],
    )
    return made.transfer_id


async def test_a_table_without_days_is_refreshed_as_a_whole_and_backfills_skip_it(
    installation: Installation, tmp_path: Path
) -> None:
    source, warehouse, team = tmp_path / "visits.csv", tmp_path / "w.duckdb", installation.team_id
    days = [str(date(2024, 6, n)) for n in (13, 14, 15)]
    source.write_text("day,page\n" + "".join(f"{day},{page}\n" for day in days for page in "ab"))
    place = await seeds.destination(installation, path=str(warehouse))
    async with sdk("async", installation) as call, installation.client() as http:
        here = await _site(call, http, team, place.destination_id, source)
        run_now = f"/x/v1/teams/{team}/transfers/{here}/runs"
        async with working(installation, tmp_path):
            started = (await http.post(run_now, json={})).raise_for_status().json()["data"]
        assert started["dates"] == [days[2], days[1], None] and len(started["run_ids"]) == 3
        now = installation.now
        listed = await call("transfers.list_runs", team, here, now, now, sort_field="data_date")
        assert [(run.data_date, run.status, run.total_rows) for run in listed] == [
            (date(2024, 6, 15), "COMPLETED", 2),
            (date(2024, 6, 14), "COMPLETED", 2),
            (None, "COMPLETED", 6),
        ]
        detail = await call("transfer_runs.get", team, started["run_ids"][2])
        assert (detail.data_date, detail.total_rows, detail.query_amount) == (None, 6, 1)
        calendar = (await http.get(f"/x/v1/teams/{team}/transfers/{here}/days")).json()["data"]
        assert (calendar["start_date"], calendar["states"], calendar["counts"]["loaded"]) == (days[1], "ll", 2)

        source.write_text(f"day,page\n{days[0]},x\n")
        async with working(installation, tmp_path):
            backfill = await call(
                "backfills.create", team, here, range_start=date(2024, 6, 13), range_end=date(2024, 6, 13)
            )
        assert backfill.transfer_runs_total == 1
        assert in_warehouse(warehouse, "SELECT count(*) FROM pages") == [(6,)]
        assert in_warehouse(warehouse, "SELECT page FROM visits WHERE day = '2024-06-13'") == [("x",)]

        installation.pass_time(hours=24)
        async with working(installation, tmp_path):
            assert await schedule.fire_due(installation.db, installation.server.seams) == 3
        assert in_warehouse(warehouse, "FROM pages") == [("x",)]
        assert [name for name, *_ in in_warehouse(warehouse, "DESCRIBE pages")] == ["page"]
        async with installation.db.write() as tx:
            assert await invariants.check(tx) == []


async def test_a_transfer_without_any_day_has_no_backfill_and_its_source_needs_no_date(
    installation: Installation,
) -> None:
    group = {**GROUP, "tables": [GROUP["tables"][1]]}
    place = await seeds.destination(installation)
    async with sdk("sync", installation) as call, installation.client() as http:
        imported = (await http.post("/table/group/import", json=group)).raise_for_status().json()["data"]
        exported = (await http.get(f"/table/group/{imported['group_id']}/export?version=1")).json()
        assert exported["tables"][0]["table_partition"] == "none"
        team = installation.team_id
        chosen = {"data_source_id": "FILES", "schema_id": imported["schema_id"], "display_name": "Pages"}
        settings = [TransferDataSourceSetting(field_id="path", value="/tmp/p.csv", group="")]
        made = await call(
            *("transfers.create", team),
            **chosen,
            destination_id=place.destination_id,
            schedule=[],
            accounts=[],
            data_source_settings=settings,
        )
        with pytest.raises(SdkValidationError, match="No table of this transfer has days"):
            await call(
                "backfills.create", team, made.transfer_id, range_start=date(2024, 6, 1), range_end=date(2024, 6, 1)
            )
        span = {"range_start": "2024-06-01", "range_end": "2024-06-01"}
        plan = await http.post(f"/x/v1/teams/{team}/transfers/{made.transfer_id}/backfills/plan", json=span)
        assert "No table of this transfer has days" in plan.json()["data"]["refusal"]["description"]
        run_now = f"/x/v1/teams/{team}/transfers/{made.transfer_id}/runs"
        refused = await http.post(run_now, json={"dates": ["2024-06-01"]})
        assert (refused.status_code, "No table of this transfer has days" in refused.text) == (422, True)
        started = (await http.post(run_now, json={})).json()["data"]
        again = (await http.post(run_now, json={"refresh_window": 30})).json()["data"]
        assert (started["dates"], again["joined"]) == ([None], [{"date": None, "run_id": started["run_ids"][0]}])
