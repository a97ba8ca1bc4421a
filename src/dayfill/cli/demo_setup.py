"""What the demo makes through the API, as any client would: a warehouse, two transfers, two backfills."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dayfill.cli import demo_flights
from dayfill.cli.client import Api
from dayfill.domain.installation import SETTINGS_FILE

ADS, FLIGHTS = "Demo Ads", "Flights"
ADS_DAYS, ADS_WINDOW = 730, 7
_ADS_DELAY_MS, _ADS_PARALLELISM = 200, 4
"""Together about 20 days a second, so that there is something to look at."""
_MADE_FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Made:
    """What stands ready. Ids by the transfer's name, in the order in which they were made."""

    warehouse: Path
    transfers: dict[str, int]
    backfills: dict[str, int]


def warehouse_in(directory: Path) -> Path:
    return directory / "warehouse.duckdb"


def open_to_files(directory: Path) -> None:
    """The demo's own folder is the one that its server opens to files; `doctor` and `verify` find it there as well."""
    state = directory / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    (state / SETTINGS_FILE).write_text(f"file_roots = {json.dumps(str(directory))}\n", "utf-8")


def make(api: Api, directory: Path, flights_csv: Path | None, today: date) -> Made:
    """Create everything and start the backfills; flights only if their CSV is there."""
    warehouse = warehouse_in(directory)
    body = {"type": "DWH_DUCKDB", "display_name": "Demo warehouse", "fields": {"path": str(warehouse)}}
    destination_id = int(api.send("POST", api.team("destinations"), body)["id"])
    newest = today - timedelta(days=1)
    wanted: dict[str, tuple[dict[str, Any], date, date]] = {}
    if flights_csv is not None:
        wanted[FLIGHTS] = (_flights(api, flights_csv), demo_flights.FIRST_DAY, demo_flights.LAST_DAY)
    wanted[ADS] = (_ads(api, directory, newest), newest - timedelta(days=ADS_DAYS - 1), newest)
    transfers, backfills = {}, {}
    for name, (transfer, _, _) in wanted.items():
        named = transfer | {"display_name": name, "destination_id": destination_id}
        transfers[name] = int(api.send("POST", api.team("transfers"), named)["transfer_id"])
    for name, (_, first, last) in wanted.items():
        span = {"range_start": str(first), "range_end": str(last)}
        made = api.send("POST", api.team(f"transfers/{transfers[name]}/backfills"), span)
        backfills[name] = int(made["transfer_backfill_id"])
    stands = Made(warehouse, transfers, backfills)
    _write(directory / _MADE_FILE, {"transfers": transfers, "backfills": backfills})
    return stands


def found(directory: Path) -> Made | None:
    """What an earlier demo, kept or killed, made in this directory."""
    try:
        made = json.loads((directory / _MADE_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Made(warehouse_in(directory), made["transfers"], made["backfills"])


def write_ready(path: Path, made: Made, url: str, api_key: str, team_id: int) -> None:
    """The file for scripts: all of it or none, for its owner only, as it holds a key."""
    content = {
        "url": url,
        "api_key": api_key,
        "team_id": team_id,
        "transfer_ids": list(made.transfers.values()),
        "backfill_id": made.backfills[ADS],
        "warehouse": str(made.warehouse),
    }
    _write(path, content)


def _write(path: Path, content: dict[str, Any]) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    beside.replace(path)


def _flights(api: Api, csv: Path) -> dict[str, Any]:
    """The flights transfer. Its days come from year, month and day: ``time_hour`` is in UTC, so often a day later."""
    settings = {"path": str(csv), "date_expression": "make_date(year, month, day)", "null_values": "NA"}
    schema_id = _table_group(api, FLIGHTS, "FILES", "flights", demo_flights.COLUMNS)
    return _transfer("FILES", schema_id, settings)


def _ads(api: Api, directory: Path, newest: date) -> dict[str, Any]:
    settings = {
        "newest_day": str(newest),
        "delay_ms": _ADS_DELAY_MS,
        "memory_file": str(directory / "demo-ads.memory"),
        "parallelism": _ADS_PARALLELISM,
    }
    daily = {"run_interval": "daily", "run_hour": 6, "refresh_window": ADS_WINDOW}
    return _transfer("DEMO_ADS", _table_group(api, ADS, "DEMO_ADS", "demo_ads", {}), settings) | {"schedule": [daily]}


def _transfer(source: str, schema_id: int, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "data_source_id": source,
        "schema_id": schema_id,
        "schedule": [],
        "accounts": [],
        "data_source_settings": [{"field_id": name, "value": value} for name, value in settings.items()],
    }


def _table_group(api: Api, name: str, source: str, table: str, columns: dict[str, str]) -> int:
    """A table group with one table; without columns the source decides them."""
    fields = [
        {"field_id": one, "field_name": one, "display_name": one, "target_name": one, "data_type": data_type}
        for one, data_type in columns.items()
    ]
    group = {"group_name": name, "ds_id": source, "table_prefix": ""}
    tables = [{"table_name": table, "table_partition": "date", "fields": list(columns)}]
    body = {"version": 1, "group": group, "tables": tables, "fields": fields}
    return int(api.send("POST", "/table/group/import", body)["schema_id"])
