"""A destination under test, the same to every test whatever its kind, and makers of the days that go into it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from dayfill import destinations
from dayfill.destinations import DayOutcome, Destination, DestinationConfig, FinishedDay, FinishedTable
from dayfill.destinations.duckdb import faults, pool
from dayfill.destinations.postgresql.types import _WIDER, fetched
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server
from dayfill.roots import placed

FIRST = date(2024, 1, 1)
TEMP = Reach((tempfile.gettempdir(),))
LOOPBACK = Reach(nets=networks(["127.0.0.0/8", "::1"]))
TRANSFER = 7


@dataclass(frozen=True)
class Warehouse:
    """Destination, its settings, and a way to ask it in plain SQL."""

    destination: Destination
    config: DestinationConfig
    ask: Callable[[str], pa.Table | None]
    integers: Mapping[pa.DataType, pa.DataType] = field(default_factory=dict)
    """In which type it keeps those that it does not have."""
    can_be_read_while_altered: bool = True

    def load(self, *days: FinishedDay, before_commit: Callable[[], None] = lambda: None) -> list[DayOutcome]:
        return self.destination.replace_days(self.config, days, before_commit)

    def readings(self, table: str = "visits") -> dict[date, list[int]]:
        """What the table holds: the version stamp of every row, by day."""
        rows = self.ask(f"SELECT data_date, version FROM {table} ORDER BY data_date, version")
        found: dict[date, list[int]] = {}
        for row in rows.to_pylist():
            found.setdefault(row["data_date"], []).append(row["version"])
        return found

    def ledger(self, transfer_id: int = TRANSFER) -> dict[tuple[str, date], tuple[int, int]]:
        """(token, row count) by table and day."""
        rows = self.destination.ledger(self.config, transfer_id)
        return {(row.table_name, row.data_date): (row.token, row.row_count) for row in rows}

    def tables(self) -> list[str]:
        schema = self.config.fields["schema"] or "main"
        query = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY 1"
        return [str(name) for name in self.ask(query).column(0).to_pylist()]

    def of_installation(self, installation_id: str) -> Warehouse:
        return replace(self, config=replace(self.config, installation_id=installation_id))

    def with_rivals(self, rivals: set[int]) -> Warehouse:
        return replace(self, config=replace(self.config, rivals=frozenset(rivals)))


def duckdb_warehouse(folder: str | Path) -> Warehouse:
    path = f"{folder}/warehouse.duckdb"

    def ask(sql: str) -> pa.Table | None:
        with pool.session(placed(path, TEMP)) as opened, faults.translated(opened.path):
            relation = opened.connection.sql(sql)
            return None if relation is None else plain(relation.to_arrow_table())

    config = DestinationConfig("here", {"path": path, "schema": None}, reach=TEMP)
    return Warehouse(destinations.get("DWH_DUCKDB"), config, ask)


def path_of(file: Warehouse) -> Path:
    return Path(str(file.config.fields["path"]))


def postgresql_warehouse(place: str) -> Warehouse:
    """place: JSON of the fields of a destination."""
    fields = json.loads(place)
    password, schema = Secret(fields.pop("password")), fields["schema"]
    config = DestinationConfig("here", {**fields, "tls": "disable"}, {"password": password}, reach=LOOPBACK)
    server = Server.of(config.fields, password, LOOPBACK, "DESTINATION")

    def ask(sql: str) -> pa.Table | None:
        with postgresql.session(server) as opened:
            opened.begin()
            if sql.startswith("CREATE"):
                opened.rows(f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'") or opened.execute(
                    f"CREATE SCHEMA {schema}"
                )
            opened.execute(f"SET LOCAL search_path TO {schema}")
            with opened.connection.cursor() as cursor:
                cursor.execute(sql)
                answer = plain(cursor.fetch_arrow_table()) if sql.startswith("SELECT") else None
            opened.commit()
            return answer

    return Warehouse(destinations.get("DWH_POSTGRESQL"), config, ask, _WIDER, can_be_read_while_altered=False)


def plain(rows: pa.Table) -> pa.Table:
    """What a driver gives, in plain types: decimals and not their texts, booleans of one bit, UTC by one name."""
    columns = {
        field_.name: column if (of := plain_type(field_)) == field_.type else in_type(column, of)
        for field_, column in zip(rows.schema, rows.columns, strict=True)
    }
    return pa.table(columns)


def in_type(column: pa.ChunkedArray, of: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([fetched(piece, of) for piece in column.chunks], of)


def plain_type(field_: pa.Field) -> pa.DataType:
    of = field_.type
    if pa.types.is_list(of) and not isinstance(of.value_type, pa.OpaqueType):  # of which the driver says too little
        return pa.list_(plain_type(of.value_field))
    if pa.types.is_timestamp(of) and of.tz == "Etc/UTC":
        return pa.timestamp("us", "UTC")
    if isinstance(of, pa.OpaqueType) and of.type_name == "numeric":
        modifier = int((field_.metadata or {}).get(b"POSTGRESQL:typmod", b"-1")) - 4
        return pa.decimal128(modifier >> 16, modifier & 0xFFFF) if modifier > 0 else pa.decimal128(38, 0)
    return pa.bool_() if isinstance(of, pa.Bool8Type) else of


WAREHOUSES = {"DWH_DUCKDB": duckdb_warehouse, "DWH_POSTGRESQL": postgresql_warehouse}
"""How each destination kind is set up for a test, from a text that says where."""


def close_all() -> None:
    pool.close_all()
    postgresql.close_all()


def on(offset: int) -> date:
    """The day this many days after the first."""
    return FIRST + timedelta(days=offset)


def a_day(rows: pa.Table | Sequence[pa.Table], offset: int = 0, token: int = 1, **over: object) -> FinishedDay:
    """A day of table ``visits``, or of ``visits``, ``costs`` if several are given; over: transfer_id, names."""
    tables = [rows] if isinstance(rows, pa.Table) else list(rows)
    names = over.pop("names", ("visits", "costs", "clicks"))
    return FinishedDay(
        transfer_id=over.pop("transfer_id", TRANSFER),
        data_date=on(offset),
        run_id=1000 + token,
        token=token,
        tables=tuple(
            FinishedTable(name, "data_date", table, f"hash-{token}") for name, table in zip(names, tables, strict=False)
        ),
    )


def stamped(version: int, count: int = 10, offset: int = 0, **columns: pa.Array) -> pa.Table:
    """``count`` rows of one day that all carry the version, and further columns."""
    return pa.table(
        {
            "data_date": pa.array([on(offset)] * count, pa.date32()),
            "version": pa.array([version] * count, pa.int64()),
            **columns,
        }
    )


def dated(count: int, offset: int = 0, **columns: pa.Array) -> pa.Table:
    """Rows of one day with just these columns beside the date."""
    return pa.table({"data_date": pa.array([on(offset)] * count, pa.date32()), **columns})
