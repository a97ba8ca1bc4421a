"""PostgreSQL as destination: days go in by binary COPY, a day and its ledger row in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

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
from dayfill.destinations.load import Request
from dayfill.destinations.names import checked
from dayfill.destinations.postgresql import faults, held, ledger, locks, replace
from dayfill.destinations.postgresql.types import quoted
from dayfill.domain.transfer import Value
from dayfill.outgoing import postgresql
from dayfill.outgoing.authorities import TLS_MODES
from dayfill.outgoing.postgresql import DEFAULT_PORT, Server, Session


class PostgreSQL:
    """Destination type DWH_POSTGRESQL; meets the `Destination` protocol."""

    kind = "DWH_POSTGRESQL"
    title = "PostgreSQL"
    fields = (
        DestinationField("host", "Host", help_text="Name or address of the server; no URL."),
        DestinationField("port", "Port", is_required=False, help_text=f"{DEFAULT_PORT} if left empty."),
        DestinationField("database", "Database"),
        DestinationField("user", "User", help_text="May create tables in the schema, or the schema itself."),
        DestinationField("password", "Password", is_required=False, is_secret=True),
        DestinationField(
            "schema", "Schema", is_required=False, help_text="Schema of the tables; public if left empty."
        ),
        DestinationField(
            "tls",
            "TLS",
            is_required=False,
            help_text=f"One of {', '.join(TLS_MODES)}. {TLS_MODES[0]} if left empty: certificate and name are checked.",
        ),
        DestinationField(
            "ca_certificate",
            "CA certificate",
            is_required=False,
            help_text="As PEM, of the authority of the server's certificate, if it is none of the well-known.",
            is_long=True,
        ),
    )

    def location(self, fields: Mapping[str, Value]) -> str:
        """Host, port, database and schema; what a name stands for is not asked."""
        host = str(fields.get("host") or "").strip().lower().rstrip(".")
        place = (host, fields.get("port") or DEFAULT_PORT, fields.get("database") or "")
        return ":".join((self.kind, *(str(part).strip() for part in place), _schema_in(fields).lower()))

    def check(self, config: DestinationConfig) -> None:
        """The server can be reached, and a table can be created in the schema; of the trial nothing stays."""
        server, inside = _server(config), quoted(_schema(config), "schema")
        with faults.translated(server), postgresql.session(server, is_checked=True) as con:
            con.begin()
            if not con.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", _schema(config).lower()):
                con.execute(f"CREATE SCHEMA {inside}")
            con.execute(f"CREATE TABLE {inside}._dayfill_check (trial integer)")

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        """Replace all days in all their tables in one transaction; outcomes in the order given."""
        if not days:
            return []
        request = Request(_schema(config), config.installation_id, config.rivals, tuple(days), before_commit)
        return replace.replace_days(_server(config), request)

    def ledger(self, config: DestinationConfig, transfer_id: int) -> list[LedgerRow]:
        """All ledger rows of a transfer, by table and day; none if no load has made the ledger yet."""
        with _looking(config) as con:
            return ledger.rows(con, _schema(config), transfer_id) if con else []

    def greatest_token(self, config: DestinationConfig) -> int:
        """The greatest token in the ledger that can have been drawn, 0 if there is none."""
        with _looking(config) as con:
            return ledger.greatest_token(con, _schema(config)) if con else 0

    def held(self, config: DestinationConfig, transfer_id: int, tables: Sequence[str]) -> list[HeldTable]:
        """The tables of a transfer, counted by day."""
        with _looking(config) as con:
            if con is None:
                return [HeldTable(table, (), None) for table in tables]
            return held.tables(con, _schema(config), transfer_id, tables)

    def read_day(
        self, config: DestinationConfig, table: FinishedTable, day: date, take: Callable[[pa.RecordBatch], None]
    ) -> None:
        """Hand over the rows of a day as another reading of it has them."""
        with _looking(config) as con:
            if con is not None:
                held.read_day(con, _schema(config), table, day, take)


def _server(config: DestinationConfig) -> Server:
    return Server.of(config.fields, config.secrets.get("password"), config.reach, "DESTINATION")


def _schema_in(fields: Mapping[str, Value]) -> str:
    return str(fields.get("schema") or "public").strip()


def _schema(config: DestinationConfig) -> str:
    return checked(_schema_in(config.fields), "schema")


@contextmanager
def _looking(config: DestinationConfig) -> Iterator[Session | None]:
    """One view of everything in which nothing can be written: None if there is no ledger."""
    server = _server(config)
    with faults.translated(server), postgresql.session(server, is_checked=True) as con:
        con.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (found,) = con.rows(
            "SELECT to_regclass($1)::text, set_config('lock_timeout', $2, true),"
            " set_config('row_security', 'off', true)",
            f"{quoted(_schema(config), 'schema')}._dayfill_days",
            f"{locks.WAIT_SECONDS}s",
        )
        yield con if found[0] is not None else None


DESTINATION = PostgreSQL()
