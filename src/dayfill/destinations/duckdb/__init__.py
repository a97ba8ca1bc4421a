"""A DuckDB file as destination: one process owns it, a day and its ledger row are one transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pyarrow as pa

from dayfill.destinations import (
    DayOutcome,
    DestinationConfig,
    DestinationField,
    FinishedDay,
    FinishedTable,
    HeldTable,
    LedgerRow,
)
from dayfill.destinations.duckdb import faults, held, ledger, replace
from dayfill.destinations.duckdb.pool import Session, session
from dayfill.destinations.load import Request
from dayfill.destinations.names import checked, quoted
from dayfill.domain.transfer import Value
from dayfill.errors import misconfigured
from dayfill.roots import Place, placed


class DuckDBFile:
    """Destination type DWH_DUCKDB; meets the `Destination` protocol."""

    kind = "DWH_DUCKDB"
    title = "DuckDB file"
    fields = (
        DestinationField(
            "path",
            "Database file",
            help_text="Path on the server; created if it is not there, its folder must exist.",
            is_path=True,
        ),
        DestinationField("schema", "Schema", is_required=False, help_text="Schema of the tables; main if left empty."),
    )

    def location(self, fields: Mapping[str, Value]) -> str:
        """The file behind links and relative paths, and the schema; DuckDB's names know no case."""
        path, schema = str(fields.get("path") or ""), str(fields.get("schema") or "main")
        with suppress(ValueError):  # a path that names no file is refused when it is used
            path = os.path.realpath(os.path.expanduser(path))
        return f"{self.kind}:{path}:{schema.lower()}"

    def check(self, config: DestinationConfig) -> None:
        """The file opens, or can be made, and a table can be created in it; of the trial nothing stays."""
        inside = quoted(_schema(config), "schema")
        with session(_place(config), is_trial=True) as opened, opened.alone(), faults.translated(opened.path):
            con = opened.connection.begin()
            try:
                con.execute(f"CREATE SCHEMA IF NOT EXISTS {inside}")
                con.execute(f"CREATE TABLE {inside}._dayfill_check (trial INTEGER)")
            finally:
                con.rollback()

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        """Replace all days in all their tables in one transaction; outcomes in the order given."""
        if not days:
            return []
        request = Request(_schema(config), config.installation_id, config.rivals, tuple(days), before_commit)
        with _ready(config) as opened:
            return replace.replace_days(opened, request)

    def ledger(self, config: DestinationConfig, transfer_id: int) -> list[LedgerRow]:
        """All ledger rows of a transfer, by table and day; none if no load has made the file yet."""
        with _looking(config) as opened:
            return ledger.rows(opened.connection, _schema(config), transfer_id) if opened else []

    def greatest_token(self, config: DestinationConfig) -> int:
        """The greatest token in the ledger that can have been drawn, 0 if there is none."""
        with _looking(config) as opened:
            return ledger.greatest_token(opened.connection, _schema(config)) if opened else 0

    def held(self, config: DestinationConfig, transfer_id: int, tables: Sequence[str]) -> list[HeldTable]:
        """The tables of a transfer, counted by day."""
        with _looking(config) as opened:
            if opened is None:
                return [HeldTable(table, (), None) for table in tables]
            with opened.transaction() as con:
                return held.tables(con, _schema(config), transfer_id, tables)

    def read_day(
        self, config: DestinationConfig, table: FinishedTable, day: date, take: Callable[[pa.RecordBatch], None]
    ) -> None:
        """Hand over the rows of a day as another reading of it has them."""
        with _looking(config) as opened:
            if opened is not None:
                held.read_day(opened.connection, _schema(config), table, day, take)


def _place(config: DestinationConfig) -> Place:
    path = config.fields.get("path")
    if not isinstance(path, str) or not path.strip():
        raise misconfigured("The destination has no path: set the path of its DuckDB file.")
    return placed(path, config.reach)


def _schema(config: DestinationConfig) -> str:
    return checked(str(config.fields.get("schema") or "main"), "schema")


@contextmanager
def _ready(config: DestinationConfig) -> Iterator[Session]:
    """A session in whose schema the ledger exists; it is looked for once per opening, since only we can drop it."""
    schema = _schema(config)
    with session(_place(config)) as opened:
        if not opened.is_prepared(schema):
            with opened.alone(), faults.translated(opened.path), opened.transaction() as con:
                ledger.create(con, schema)
            opened.mark_prepared(schema)
        yield opened


@contextmanager
def _looking(config: DestinationConfig) -> Iterator[Session | None]:
    """A session that makes nothing: None if there is no file, or no ledger in it."""
    place, schema = _place(config), _schema(config)
    path = Path(place.path)
    if not path.exists() and path.parent.is_dir():  # a folder that is gone may be a disk that is not there now
        yield None
        return
    with session(place, read_only=config.read_only) as opened, faults.translated(opened.path):
        yield opened if opened.is_prepared(schema) or ledger.exists(opened.connection, schema) else None


DESTINATION = DuckDBFile()
