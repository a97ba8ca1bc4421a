"""The same days in each kind of database, and what a transfer says to read them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

import mariadb_server
from dayfill import sources
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Field, Table
from dayfill.sources import DaysRead, SourceConfig, kept_for
from reaching import TEMP

HERE = Reach(TEMP.roots, nets=networks(["127.0.0.0/8"]))
KINDS = ("postgresql", "sqlite", "duckdb", *(("mysql",) if mariadb_server.MARIADBD else ()))
VISITS = (
    "CREATE TABLE visits (id INTEGER, day DATE, seen_at TIMESTAMP, label VARCHAR(20), price DECIMAL(9,2))",
    "INSERT INTO visits VALUES (1, '2024-01-01', '2024-01-01 00:00:00', 'a', 0.01), (2, '2024-01-01',"
    " '2024-01-01 23:59:59.999999', NULL, 10.5), (3, '2024-01-02', '2024-01-02 00:00:00', '', NULL),"
    " (4, '2024-01-04', '2024-01-04 12:00:00', 'é''x', -2)",
)


@dataclass(frozen=True)
class Source:
    """One database and how it is named in the settings of a transfer."""

    kind: str
    settings: dict[str, str]
    run: Callable[..., None]
    password: Secret | None = None

    def config(self, zone: str = "UTC", **settings: object) -> SourceConfig:
        given = {"engine": self.kind, "tls": "disable", "date_column": "day", **self.settings, **settings}
        secrets = {kept_for("password", given): self.password} if self.password is not None else {}
        return SourceConfig(given, zone=zone, secrets=secrets, reach=HERE)  # type: ignore[arg-type]

    def read(
        self, days: Sequence[date], types: dict[str, str] | None = None, zone: str = "UTC", **settings: object
    ) -> pa.Table:
        found = self.begin(days, types, zone, **settings)
        assert not found.complete, "complete before a row was read"
        rows = found.reader.read_all()
        assert found.complete and not found.failed_days
        return rows

    def begin(
        self, days: Sequence[date], types: dict[str, str] | None = None, zone: str = "UTC", **settings: object
    ) -> DaysRead:
        table = Table("t", tuple(Field(name, name, of) for name, of in (types or {}).items()))
        chosen = settings if settings.keys() & {"table", "query"} else {"table": "visits", **settings}
        return sources.get("SQL").read_days(self.config(zone, **chosen), table, days, 60)

    def ids(self, rows: pa.Table) -> list[int]:
        return sorted(rows.column("id").to_pylist())


def file_source(kind: str, folder: Path) -> Source:
    path = str(folder / f"days.{kind}")
    connect: Callable[[str], sqlite3.Connection | duckdb.DuckDBPyConnection] = {
        "sqlite": sqlite3.connect,
        "duckdb": duckdb.connect,
    }[kind]

    def run(*statements: str) -> None:
        con = connect(path)
        for statement in statements:
            con.execute(statement)
        con.commit()
        con.close()

    return Source(kind, {"path": path}, run)


@contextmanager
def mysql_source(fields: dict[str, str]) -> Iterator[Source]:
    def run(*statements: str) -> None:
        with mariadb_server.connect(fields) as con, con.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.replace(" TIMESTAMP,", " DATETIME(6),"))
            con.commit()

    run("DROP DATABASE days", "CREATE DATABASE days")
    yield Source("mysql", fields, run, Secret(mariadb_server.PASSWORD))
