"""What somebody who may write a transfer, and no more, tries with the SQL source."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest

from databases import VISITS, file_source
from dayfill import sources
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Table
from dayfill.errors import ConnectorError, Permanent
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server
from dayfill.sources import SourceConfig, kept_for
from dayfill.sources.sql import duckdb as duckdb_files
from dayfill.sources.sql import rows
from dayfill.sources.sql import sqlite as sqlite_files
from postgres_server import PostgresServer

DAYS = [date(2024, 1, 1)]
LOOPBACK = Reach(nets=networks(["127.0.0.0/8"]))


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    "change",
    [
        {"host": "db.example"},
        {"port": "6543"},
        {"port": ""},
        {"tls": "require"},
        {"tls": ""},
        {"ca_certificate": "c"},
        None,
    ],
    ids=str,
)
def test_a_password_is_sent_to_no_other_server_than_its_own(engine: str, change: dict[str, str] | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.settimeout(0)
        settings = {"host": "127.0.0.1", "port": str(theirs.getsockname()[1]), "database": "d", "user": "u"}
        wanted = {"engine": engine, "tls": "disable", "date_column": "day", "table": "t", **settings}
        # None: as it was kept for a host alone.
        name = "password@127.0.0.1" if change is None else kept_for("password", wanted | change)
        kept = {name: Secret("canary")}
        config = SourceConfig(wanted, secrets=kept, reach=LOOPBACK)  # type: ignore[arg-type]
        with pytest.raises(Permanent, match="type it again, in a new login") as refused:
            sources.get("SQL").read_days(config, Table("t", ()), DAYS, 5)
        assert refused.value.cause == "AUTH" and refused.value.fatal
        with pytest.raises(BlockingIOError):
            theirs.accept()


def test_large_rows_come_in_small_batches() -> None:
    asked: list[int] = []

    def fetch(most: int) -> Sequence[Sequence[object]]:
        asked.append(most)
        return [("x" * 1024 * 1024,)] * most if len(asked) < 6 else []

    reader = rows.reader(pa.schema([("z", pa.string())]), fetch)
    assert max(batch.nbytes for batch in reader) < 3 * rows.BATCH_BYTES
    assert sum(asked[:5]) == 250, "none was left out"


def test_a_value_of_sqlite_is_not_as_large_as_a_query_wants(tmp_path: Path) -> None:
    source = file_source("sqlite", tmp_path)
    source.run("CREATE TABLE t (day DATE)")
    query = "SELECT :start AS day, zeroblob(50000000) AS z WHERE :end > ''"
    with pytest.raises(Permanent, match="too big"):
        source.read(DAYS, {"day": "DATE", "z": "STRING"}, query=query)


def test_duckdb_takes_neither_the_memory_nor_the_disk_of_the_server(tmp_path: Path) -> None:
    source = file_source("duckdb", tmp_path)
    source.run("CREATE TABLE t (day DATE)")
    query = (
        "SELECT :start AS day, name, value FROM duckdb_settings() WHERE :end IS NOT NULL"
        " AND name IN ('memory_limit', 'temp_directory')"
    )
    found = source.read(DAYS, query=query)
    told = dict(zip(found["name"].to_pylist(), found["value"].to_pylist(), strict=True))
    assert told == {"memory_limit": "1.8 GiB", "temp_directory": ""}


@pytest.mark.parametrize("value", ["''", "(1 / (length(:start::text) - 10))::text"], ids=["read", "failed"])
def test_a_lock_of_a_query_ends_with_its_reading(postgres: PostgresServer, value: str) -> None:
    named = {"engine": "postgresql", "tls": "disable", "date_column": "day", "database": "postgres"}
    here = {name: postgres.address[name] for name in ("host", "port", "user")}
    query = f"SELECT :start AS day, pg_advisory_lock(4711)::text || {value} AS z WHERE :end > DATE '2000-01-01'"
    config = SourceConfig({**named, **here, "query": query}, reach=LOOPBACK)  # type: ignore[arg-type]
    with suppress(Permanent):
        sources.get("SQL").read_days(config, Table("t", ()), DAYS, 30).reader.read_all()
    server = Server.of({**named, **here}, None, LOOPBACK, "DESTINATION")
    with postgresql.session(server) as other:
        assert other.rows("SELECT pg_try_advisory_lock(4711)") == [(True,)]
        other.is_lost = True  # ends the lock


ODD = {
    "a file": (b"\xfb/etc/passwd", "asks for a file of this machine", True),
    "no packet": (b"\xfc", "sends what the driver cannot read", False),
}


@pytest.mark.parametrize(("answer", "told", "is_final"), ODD.values(), ids=ODD)
def test_an_answer_that_is_none_is_told_and_gets_nothing(answer: bytes, told: str, is_final: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        sent: list[bytes] = []
        asked = Thread(target=_odd_mysql, args=(theirs, answer, sent))
        asked.start()
        settings = {"host": "127.0.0.1", "port": str(theirs.getsockname()[1]), "database": "d", "user": "u"}
        wanted = {"engine": "mysql", "tls": "disable", "date_column": "day", "table": "t", **settings}
        config = SourceConfig(wanted, reach=LOOPBACK)  # type: ignore[arg-type]
        with pytest.raises(ConnectorError, match=told) as refused:
            sources.get("SQL").read_days(config, Table("t", ()), DAYS, 30)
        asked.join()
    assert isinstance(refused.value, Permanent) == is_final and refused.value.cause == "SOURCE"
    assert sent == [b""], "something was sent after the question for a file"


def _odd_mysql(listener: socket.socket, answer: bytes, sent: list[bytes]) -> None:
    """Greets as MySQL does, takes any login and any statement, and answers the first query oddly."""
    stream, _ = listener.accept()
    with stream, stream.makefile("rwb") as file:
        number = 0

        def say(payload: bytes) -> None:
            file.write(len(payload).to_bytes(3, "little") + bytes([number]) + payload)
            file.flush()

        say(b"\x0a8.0.0\0" + bytes(4) + b"x" * 8 + b"\0\xff\xf7\xff\2\0\xff\xff\x15" + bytes(10) + b"y" * 12 + b"\0")
        while head := file.read(4):
            said, number = file.read(int.from_bytes(head[:3], "little")), head[3] + 1
            if b"SELECT" in said:
                say(answer)
                sent.append(file.read())
                return
            say(b"\0\0\0\2\0\0\0")


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_pipe_is_no_database(kind: str, tmp_path: Path) -> None:
    source = file_source(kind, tmp_path)
    os.mkfifo(source.settings["path"])
    with pytest.raises(Permanent, match="is not a file: it is a link, pipe or device"):
        source.read(DAYS)


@pytest.mark.parametrize("comes_back", [False, True], ids=["for good", "for a moment"])
@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_another_one_takes_the_name_of_is_not_read(
    kind: str, comes_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = file_source(kind, tmp_path)
    source.run(*VISITS)
    path, other, away = (Path(f"{source.settings['path']}{name}") for name in ("", ".other", ".away"))
    shutil.copy(path, other)
    driver = sqlite_files.sqlite3 if kind == "sqlite" else duckdb_files.duckdb
    connect = driver.connect

    def swapped(*arguments: object, **more: object) -> object:
        path.rename(away)
        path.symlink_to(other)
        try:
            return connect(*arguments, **more)  # type: ignore[arg-type]
        finally:
            if comes_back:
                away.rename(path)

    assert source.read(DAYS).num_rows == 2
    monkeypatch.setattr(driver, "connect", swapped)
    with pytest.raises(ConnectorError, match="is not a file" if not comes_back else "was replaced while it was opened"):
        source.read(DAYS)
