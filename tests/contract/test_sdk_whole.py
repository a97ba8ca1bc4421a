"""The official SDK against the whole server: a file becomes a table, day by day, while the counters move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from official import KINDS, Sdk
from supermetrics import TransferDataSourceSetting, TransferSchedule

from dayfill.app import Running, serve
from dayfill.destinations.duckdb import pool
from dayfill.domain.access import SCOPES, Role
from dayfill.engine import keys, teams
from dayfill.roots import placed
from dayfill.settings import Settings
from reaching import TEMP, TEMPS

FIRST, LAST = date(2024, 6, 1), date(2024, 6, 3)
CSV = "day,visits\n2024-06-01,10\n2024-06-02,20\n2024-06-03,30\n2024-06-03,31\n"


@asynccontextmanager
async def whole_server(folder: Path) -> AsyncIterator[tuple[str, str, int]]:
    """URL, key and team of a server with an empty installation."""
    running: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    async def on_ready(made: Running) -> None:
        running.set_result(made)

    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(Settings(folder / "data", port=0, slots=2, reaches=TEMPS), on_ready=on_ready, stop=stop)
    )
    await asyncio.wait([serving, running], return_when=asyncio.FIRST_COMPLETED)
    state = (await running).state
    async with state.db.write() as tx:
        team = await teams.create(tx, state.seams, "Team")
        owner = await teams.add_member(tx, state.seams, team.team_id, "owner@example.com", Role.OWNER)
        key = await keys.create(tx, state.seams, state.keyring, team.team_id, owner.user_id, scopes=SCOPES)
    yield (await running).url, key.text, team.team_id
    stop.set()
    await serving


async def new_transfer(call: Sdk, url: str, key: str, team_id: int, folder: Path) -> int:
    """A destination, a table group (for which the SDK has no method) and a transfer of the CSV; returns its id."""
    (folder / "visits.csv").write_text(CSV)
    place = {"path": str(folder / "warehouse.duckdb")}
    destination = await call("destinations.create", team_id, "DWH_DUCKDB", "Warehouse", place)
    group = {"group_name": "Visits", "ds_id": "FILES", "table_prefix": ""}
    tables = {"version": 1, "group": group, "tables": [{"table_name": "visits", "fields": []}], "fields": []}
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        imported = (await client.post("/table/group/import", json=tables)).raise_for_status().json()["data"]
    return await transfer_of(call, team_id, imported["schema_id"], destination.id, folder)


async def transfer_of(call: Sdk, team_id: int, schema_id: int, destination_id: int, folder: Path) -> int:
    made = await call(
        "transfers.create",
        team_id,
        data_source_id="FILES",
        schema_id=schema_id,
        destination_id=destination_id,
        display_name="Visits",
        schedule=[TransferSchedule(run_interval="daily", run_hour=6, refresh_window=1)],
        accounts=[],
        data_source_settings=[
            TransferDataSourceSetting(field_id="path", value=str(folder / "visits.csv")),
            TransferDataSourceSetting(field_id="date_column", value="day"),
        ],
    )
    return int(made.transfer_id)


async def ended(call: Sdk, team_id: int, backfill: Any) -> Any:
    while backfill.status not in ("COMPLETED", "FAILED"):
        backfill = await call("backfills.get", team_id, backfill.transfer_backfill_id)
    return backfill


@pytest.mark.parametrize("kind", KINDS)
async def test_a_backfill_runs_to_its_end_under_the_eyes_of_the_sdk(kind: str, tmp_path: Path) -> None:
    async with whole_server(tmp_path) as (url, key, team_id):
        call = Sdk(kind, url, key)
        transfer_id = await new_transfer(call, url, key, team_id, tmp_path)
        backfill = await call("backfills.create", team_id, transfer_id, FIRST, LAST)
        assert (backfill.status, backfill.transfer_runs_total) == ("CREATED", 3)
        counts = [backfill.transfer_runs_completed]
        while backfill.status not in ("COMPLETED", "FAILED"):
            backfill = await call("backfills.get", team_id, backfill.transfer_backfill_id)
            counts.append(backfill.transfer_runs_completed)
        assert (backfill.status, backfill.error_report) == ("COMPLETED", [])
        assert counts == sorted(counts) and (counts[0], counts[-1]) == (0, 3)
        assert backfill.additional_properties["x"]["rows_total"] == 4
        assert await call("backfills.list_incomplete", team_id) == []
        await call.close()
    with pool.session(placed(str(tmp_path / "warehouse.duckdb"), TEMP)) as warehouse:
        rows = warehouse.connection.execute("SELECT CAST(day AS VARCHAR), visits FROM visits ORDER BY ALL").fetchall()
    assert rows == [("2024-06-01", 10), ("2024-06-02", 20), ("2024-06-03", 30), ("2024-06-03", 31)]


async def test_a_deleted_transfer_made_again_takes_its_table_over(tmp_path: Path) -> None:
    async with whole_server(tmp_path) as (url, key, team_id):
        call = Sdk("sync", url, key)
        first = await new_transfer(call, url, key, team_id, tmp_path)
        await ended(call, team_id, await call("backfills.create", team_id, first, FIRST, LAST))
        configuration = await call("transfers.get", team_id, first)
        await call("transfers.delete", team_id, first)
        (tmp_path / "visits.csv").write_text("day,visits\n2024-06-01,77\n")
        second = await transfer_of(call, team_id, configuration.schema_id, configuration.destination_id, tmp_path)
        backfill = await ended(call, team_id, await call("backfills.create", team_id, second, FIRST, FIRST))
        assert (backfill.status, backfill.error_report) == ("COMPLETED", [])
        await call.close()
    with pool.session(placed(str(tmp_path / "warehouse.duckdb"), TEMP)) as warehouse:
        rows = warehouse.connection.execute("SELECT visits FROM visits ORDER BY ALL").fetchall()
    assert rows == [(20,), (30,), (31,), (77,)]


async def test_a_revoked_login_fails_its_days_until_the_transfer_is_saved_again(tmp_path: Path) -> None:
    async with whole_server(tmp_path) as (url, key, team_id):
        call = Sdk("async", url, key)
        transfer_id = await new_transfer(call, url, key, team_id, tmp_path)
        [login] = await call("logins.list")
        assert await call("logins.revoke", login.login_id) is True
        failed = await ended(call, team_id, await call("backfills.create", team_id, transfer_id, FIRST, LAST))
        assert (failed.status, failed.transfer_runs_failed) == ("FAILED", 3)
        assert failed.error_report[0].error.startswith(f"Login {login.login_id} was revoked; save the transfer")
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
            path = f"/teams/{team_id}/transfers/{transfer_id}"
            saved = await client.put(path, json=as_sent((await client.get(path)).raise_for_status().json()))
            assert saved.status_code == 200, saved.text
            again = f"/x/v1/teams/{team_id}/backfills/{failed.transfer_backfill_id}/retry"
            (await client.post(again, json={})).raise_for_status()
        healed = await ended(call, team_id, await call("backfills.get", team_id, failed.transfer_backfill_id))
        assert (healed.status, healed.error_report) == ("COMPLETED", [])
        assert [one.revoked_time is None for one in await call("logins.list")] == [True, False]
        await call.close()


def as_sent(configuration: dict[str, Any]) -> dict[str, Any]:
    """What was read, as the body that saves it again."""
    source = configuration["data_source"]
    return {
        "data_source_id": source["data_source_id"],
        "data_source_settings": source["settings"],
        **{name: configuration[name] for name in ("schema_id", "destination_id", "display_name", "schedule")},
        **{name: configuration[name] for name in ("accounts", "segments")},
    }
