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
from dayfill.domain.destination import Destination
from dayfill.engine import schedule
from dayfill.engine.dispatch import Dispatcher
from dayfill.executors.threads import ThreadsExecutor
from installation import Installation
from reaching import TEMPS

GROUP: dict[str, Any] = {
    "version": 1,
    "group": {"group_id": "", "group_name": "Site", "ds_id": "FILES", "table_prefix": ""},
    "tables": [
        {"table_name": "visits", "fields": []},
        {"table_name": "pages", "table_partition": "none", "fields": ["page"]},
    ],
    "fields": [{"field_id": "page", "field_name": "", "display_name": "", "target_name": "", "data_type": "STRING"}],
}


@asynccontextmanager
async def working(installation: Installation, folder: Path) -> AsyncIterator[None]:
    """A dispatcher on real connectors, until all that waits has been done."""
    executor = ThreadsExecutor(2)
    dispatcher = Dispatcher(
        installation.db, installation.server.seams, executor, installation.keyring.open, "here", folder, TEMPS
    )
    task = asyncio.create_task(dispatcher.run())
    yield
    while installation.execute(
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


async def made(
    call: Sdk, http: httpx.AsyncClient, group: object, place: Destination, **settings: str
) -> tuple[str, int]:
    """Imports the table group; returns its id, and that of a transfer of it."""
    imported = (await http.post("/table/group/import", json=group)).raise_for_status().json()["data"]
    transfer = await call(
        "transfers.create",
        place.team_id,
        data_source_id="FILES",
        schema_id=imported["schema_id"],
        destination_id=place.destination_id,
        display_name="Site",
        schedule=[TransferSchedule(run_interval="daily", run_hour=6, refresh_window=2)],
        accounts=[],
        data_source_settings=[TransferDataSourceSetting(name, value, group="") for name, value in settings.items()],
    )
    return imported["group_id"], transfer.transfer_id


async def test_a_table_without_days_is_refreshed_as_a_whole_and_backfills_skip_it(
    installation: Installation, tmp_path: Path
) -> None:
    source, warehouse, team = tmp_path / "visits.csv", tmp_path / "w.duckdb", installation.team_id
    first, *days = [date(2024, 6, n) for n in (13, 14, 15)]
    source.write_text("day,page\n" + "".join(f"{day},{page}\n" for day in (first, *days) for page in "ab"))
    place = await seeds.destination(installation, path=str(warehouse))
    async with sdk("async", installation) as call, installation.client() as http:
        _, here = await made(call, http, GROUP, place, path=str(source), date_column="day")
        async with working(installation, tmp_path):
            await http.post(f"/x/v1/teams/{team}/transfers/{here}/runs", json={})
        now = installation.now
        listed = await call("transfers.list_runs", team, here, now, now, sort_field="data_date")
        loaded = [(run.data_date, run.status, run.total_rows) for run in listed]
        assert loaded == [(days[1], "COMPLETED", 2), (days[0], "COMPLETED", 2), (None, "COMPLETED", 6)]
        detail = await call("transfer_runs.get", team, listed[2].id)
        assert (detail.data_date, detail.total_rows, detail.query_amount) == (None, 6, 1)
        calendar = (await http.get(f"/x/v1/teams/{team}/transfers/{here}/days")).json()["data"]
        assert (calendar["start_date"], calendar["states"], calendar["counts"]["loaded"]) == (str(days[0]), "ll", 2)

        source.write_text(f"day,page\n{first},x\n")
        async with working(installation, tmp_path):
            backfill = await call("backfills.create", team, here, range_start=first, range_end=first)
        assert backfill.transfer_runs_total == 1
        assert in_warehouse(warehouse, "SELECT count(*) FROM pages") == [(6,)]
        assert in_warehouse(warehouse, f"SELECT page FROM visits WHERE day = '{first}'") == [("x",)]

        installation.pass_time(hours=24)
        async with working(installation, tmp_path):
            assert await schedule.fire_due(installation.db, installation.server.seams) == 3
        assert in_warehouse(warehouse, "FROM pages") == [("x",)]
        assert [name for name, *_ in in_warehouse(warehouse, "DESCRIBE pages")] == ["page"]


async def test_a_transfer_without_any_day_has_no_backfill_and_its_source_needs_no_date(
    installation: Installation,
) -> None:
    team, day = installation.team_id, date(2024, 6, 1)
    place = await seeds.destination(installation)
    async with sdk("sync", installation) as call, installation.client() as http:
        group_id, transfer_id = await made(
            call, http, {**GROUP, "tables": GROUP["tables"][1:]}, place, path="/tmp/p.csv"
        )
        exported = (await http.get(f"/table/group/{group_id}/export?version=1")).json()
        assert exported["tables"][0]["table_partition"] == "none"
        with pytest.raises(SdkValidationError, match="No table of this transfer has days"):
            await call("backfills.create", team, transfer_id, range_start=day, range_end=day)
        here, span = f"/x/v1/teams/{team}/transfers/{transfer_id}", {"range_start": str(day), "range_end": str(day)}
        plan = await http.post(f"{here}/backfills/plan", json=span)
        assert "No table of this transfer has days" in plan.json()["data"]["refusal"]["description"]
        refused = await http.post(f"{here}/runs", json={"dates": [str(day)]})
        assert (refused.status_code, "No table of this transfer has days" in refused.text) == (422, True)
        started = (await http.post(f"{here}/runs", json={})).json()["data"]
        again = (await http.post(f"{here}/runs", json={"refresh_window": 30})).json()["data"]
        assert (started["dates"], again["joined"]) == ([None], [{"date": None, "run_id": started["run_ids"][0]}])
