"""What the tests of sources share: one call that reads some days of files to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

import mariadb_server
import postgres_server
from databases import KINDS, VISITS, Source, file_source, mysql_source
from dayfill import sources
from dayfill.domain.transfer import Field, Table
from dayfill.errors import ConnectorError
from dayfill.sources import SourceConfig
from reaching import TEMP


@dataclass(frozen=True)
class Reading:
    rows: pa.Table
    date_column: str
    complete: bool
    failed: Mapping[date, ConnectorError]

    def of(self, column: str, day: date | None = None) -> list[object]:
        """The values of a column, ordered by all columns; of one day if given."""
        rows = sorted(self.rows.to_pylist(), key=repr)
        return [row[column] for row in rows if day is None or row[self.date_column] == day]


collect_ignore = [] if mariadb_server.MARIADBD else ["test_sql_mariadb.py"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[dict[str, str]]:
    """The MariaDB server of this session, for tests that are there where it is installed."""
    with mariadb_server.mariadb_server() as fields:
        yield fields


@pytest.fixture
def postgresql_source(postgres: postgres_server.AnyServer, postgres_database: str) -> Source:
    """A database of PostgreSQL without tables."""
    named = {name: postgres.address[name] for name in ("host", "port", "user")}
    database = postgres_database.partition("?")[0].rpartition("/")[2]
    return Source(
        "postgresql",
        {**named, "database": database},
        lambda *texts: [postgres_server.sql(postgres_database, one) for one in texts],
    )


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    """The same visits in each kind of database."""
    kind = request.param
    if kind == "postgresql":
        made: Source = request.getfixturevalue("postgresql_source")
        made.run(*VISITS)
        yield made
    elif kind == "mysql":
        with mysql_source(request.getfixturevalue("mariadb")) as made:
            made.run(*VISITS)
            yield made
    else:
        made = file_source(kind, tmp_path)
        made.run(*VISITS)
        yield made


ReadFiles = Callable[..., Reading]


@pytest.fixture
def read_files() -> ReadFiles:
    """read_files(path, days, types={column: data type}, **settings): the reading of these days, to its end."""

    def read(
        path: Path | str,
        days: Sequence[date],
        types: Mapping[str, str] | None = None,
        zone: str = "UTC",
        **settings: object,
    ) -> Reading:
        fields = tuple(Field(name, name, data_type) for name, data_type in (types or {}).items())
        config = SourceConfig({"path": str(path), **settings}, zone=zone, reach=TEMP)  # type: ignore[dict-item]
        found = sources.get("FILES").read_days(config, Table("t", fields), days, 60)
        assert not found.complete, "complete before a row was read"
        return Reading(found.reader.read_all(), found.date_column, found.complete, found.failed_days)

    return read
