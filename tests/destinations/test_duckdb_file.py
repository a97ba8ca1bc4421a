"""The DuckDB file as a file: who holds it, when it is let go, what is said if it cannot be opened."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest
from warehouse import Warehouse, a_day, duckdb_warehouse, on, path_of, stamped

from dayfill import destinations
from dayfill.destinations import DayOutcome, DestinationConfig
from dayfill.destinations.duckdb import pool
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.roots import placed
from reaching import TEMP

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
COUNT = (
    "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('FROM visits').count('*').fetchall())"
)


@contextmanager
def held_by_another_process(path: Path) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate()


def test_a_file_held_by_another_process_is_named_with_that_process_and_loads_afterwards(file: Warehouse) -> None:
    with held_by_another_process(path_of(file)) as holder:
        for attempt in (
            lambda: file.load(a_day(stamped(1))),
            lambda: file.destination.check(file.config),
            lambda: file.destination.greatest_token(file.config),
        ):
            with pytest.raises(Transient, match=rf"process {holder}: close it") as refused:
                attempt()
            assert refused.value.cause == "HELD" and str(path_of(file)) in refused.value.message
    assert file.load(a_day(stamped(1))) == [DayOutcome.LOADED]


def test_an_idle_file_is_let_go_so_that_another_process_can_read_it(file: Warehouse) -> None:
    file.load(a_day(stamped(1, 17)))
    closer = pool._closer
    assert closer is not None
    closer.join(timeout=30)
    assert not closer.is_alive()
    seen = subprocess.run([sys.executable, "-c", COUNT, path_of(file)], capture_output=True, text=True, check=True)
    assert seen.stdout == "[(17,)]\n"
    assert not path_of(file).with_name("warehouse.duckdb.wal").exists()
    assert file.load(a_day(stamped(2, 3), token=2)) == [DayOutcome.LOADED]


def test_at_the_end_of_the_process_the_closer_ends_and_no_file_stays_open(
    file: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.load(a_day(stamped(1)))
    closer = pool._closer
    assert closer is not None and closer.is_alive()
    with pool.session(placed(str(path_of(file)), TEMP)):
        assert pool._closer is closer, "one is enough"
    monkeypatch.setattr(pool, "_LOOK_EVERY_SECONDS", 0.0)
    pool._shut_down()
    assert (closer.is_alive(), pool._open) == (False, {})
    pool._closer = None
    pool._shut_down()
    pool._exiting.clear()


def test_a_column_of_a_type_that_is_never_made_is_named(file: Warehouse) -> None:
    file.load(a_day(stamped(1)))
    file.ask("ALTER TABLE visits ADD COLUMN pause INTERVAL")
    with pytest.raises(Permanent, match="Column pause of table visits has type INTERVAL, which dayfill cannot fill"):
        file.load(a_day(stamped(2), token=2))
    assert file.readings() == {on(0): [1] * 10}


def test_a_file_in_use_is_not_let_go(file: Warehouse) -> None:
    file.load(a_day(stamped(1)))
    with pool.session(placed(str(path_of(file)), TEMP)) as opened:
        for _ in range(3):
            assert pool._look()
        assert opened.connection.sql("FROM visits").count("*").fetchall() == [(10,)]
    assert not pool._look()


def test_a_process_that_ends_leaves_a_file_without_a_log(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from warehouse import *;"
        "duckdb_warehouse(Path(sys.argv[2])).load(a_day(stamped(1)))"
    )
    command = [sys.executable, "-c", code, Path(__file__).parent, tmp_path]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["warehouse.duckdb"]


def refusal(path: Path | str | None) -> ConnectorError:
    config = DestinationConfig("here", {"path": None if path is None else str(path)}, reach=TEMP)
    with pytest.raises(ConnectorError) as refused:
        destinations.get("DWH_DUCKDB").check(config)
    assert isinstance(refused.value, Permanent) and refused.value.fatal
    assert len(refused.value.message) < 500
    return refused.value


def test_a_path_that_cannot_be_a_database_is_refused_in_plain_words(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 1000)
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as state:
        state.execute("CREATE TABLE runs (id)")
    for other in (text, tmp_path / "state.sqlite"):
        assert "is not a DuckDB database" in refusal(other).message
    assert f"folder {tmp_path / 'absent'} does not exist" in refusal(tmp_path / "absent" / "x.duckdb").message
    assert "is a folder" in refusal(tmp_path).message
    for path in (None, " ", "nul\0.duckdb", "~nobody-of-that-name/x.duckdb"):
        assert refusal(path).cause == "CONFIG"
        assert "DWH_DUCKDB" in destinations.get("DWH_DUCKDB").location({"path": path})
    assert text.read_text().startswith("not a database")
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("text", ["Permission denied", "Read-only file system"])
def test_a_file_that_may_not_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    # Stubbed, since the tests may run as root, whom no permission stops.
    def denied(*_: object, **__: object) -> None:
        raise duckdb.IOException(f'IO Error: Cannot open file "{tmp_path}/x.duckdb": {text}')

    monkeypatch.setattr(duckdb, "connect", denied)
    assert "give its user permission" in refusal(tmp_path / "x.duckdb").message


def test_a_full_disk_is_transient_and_the_loads_go_on_when_there_is_room(file: Warehouse) -> None:
    file.load(a_day(stamped(1, 1000)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    token = 1
    try:
        with pytest.raises(Transient, match="full") as refused:
            for token in range(2, 200):
                file.load(a_day(stamped(token, 20_000), token=token))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.cause == "DESTINATION"
    assert refused.value.retry_after, "the destination rests: no day pays for it"
    (loaded,) = set(file.readings()[on(0)])
    assert file.ledger() == {("visits", on(0)): (loaded, 1000 if loaded == 1 else 20_000)}
    assert loaded == token - 1
    assert file.load(a_day(stamped(500, 5), token=500)) == [DayOutcome.LOADED]
    assert file.readings() == {on(0): [500] * 5}


@contextmanager
def answer_lost(error: Exception, *, committed: bool) -> Iterator[None]:
    """Every COMMIT meanwhile ends in this error, whether it took effect or not."""
    real = pool.Session.transaction

    @contextmanager
    def transaction(self: pool.Session) -> Iterator[duckdb.DuckDBPyConnection]:
        with real(self) as connection:
            yield connection
            if committed:
                connection.commit()
            raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool.Session, "transaction", transaction)
        yield


def test_a_commit_whose_answer_is_lost_counts_by_what_the_ledger_says(file: Warehouse) -> None:
    file.load(a_day(stamped(1)), a_day(stamped(9, 1, 1), 1, token=9))
    days = (a_day(stamped(2), token=2), a_day(stamped(2, 1, 1), 1, token=2))
    lost = duckdb.IOException("IO Error: the device went away")
    with answer_lost(lost, committed=False), pytest.raises(Transient, match="went away"):
        file.load(*days)
    assert file.readings()[on(0)] == [1] * 10
    with answer_lost(lost, committed=True):
        assert file.load(*days) == [DayOutcome.LOADED, DayOutcome.STALE]
    assert file.readings() == {on(0): [2] * 10, on(1): [9]}


def test_after_a_fatal_error_the_file_is_closed_by_all_and_opened_anew(file: Warehouse) -> None:
    file.load(a_day(stamped(1)))
    with pool.session(placed(str(path_of(file)), TEMP)):
        with answer_lost(duckdb.FatalException("FATAL Error: invalidated"), committed=False), pytest.raises(Transient):
            file.load(a_day(stamped(2), token=2))
        with pytest.raises(Transient, match="opened anew"):
            file.load(a_day(stamped(2), token=2))
    assert file.load(a_day(stamped(2), token=2)) == [DayOutcome.LOADED]


def test_the_log_of_a_killed_owner_is_folded_in_as_soon_as_the_file_is_opened(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from warehouse import *;"
        "duckdb_warehouse(Path(sys.argv[2])).load(a_day(stamped(1))); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, Path(__file__).parent, tmp_path], check=True)
    log = tmp_path / "warehouse.duckdb.wal"
    assert log.stat().st_size > 0
    file = duckdb_warehouse(tmp_path)
    with pool.session(placed(str(path_of(file)), TEMP)):
        assert not log.exists() or log.stat().st_size == 0
    assert file.readings() == {on(0): [1] * 10}
    pool.close_all()


def test_one_file_may_be_named_by_a_link_and_a_relative_path(
    file: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.load(a_day(stamped(1)))
    (tmp_path / "link").symlink_to(path_of(file))
    monkeypatch.chdir(tmp_path)
    for path in ("link", "./warehouse.duckdb"):
        config = DestinationConfig("here", {"path": path}, reach=TEMP)
        assert len(file.destination.ledger(config, 7)) == 1
        assert file.destination.location(config.fields) == file.destination.location(file.config.fields)


def test_a_schema_holds_its_own_tables_and_its_own_ledger(file: Warehouse) -> None:
    marts = DestinationConfig("here", {**file.config.fields, "schema": "marts"}, reach=TEMP)
    file.load(a_day(stamped(1), token=3))
    file.destination.replace_days(marts, [a_day(stamped(2, 4))], lambda: None)
    assert file.readings("marts.visits") == {on(0): [2] * 4}
    assert file.readings("main.visits") == {on(0): [1] * 10}
    assert file.destination.greatest_token(marts) == 1
    with pytest.raises(Permanent, match="schema name"):
        file.destination.check(DestinationConfig("here", {**file.config.fields, "schema": 'x"; --'}, reach=TEMP))


def test_sql_of_a_session_cannot_reach_other_files(file: Warehouse, tmp_path: Path) -> None:
    file.load(a_day(stamped(1)))
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for sql in (
        f"FROM '{tmp_path}/secret.csv'",
        f"ATTACH '{tmp_path}/other.duckdb'",
        "SET enable_external_access=true",
        "SET memory_limit='64GB'",
        "INSTALL httpfs",
    ):
        with pytest.raises(ConnectorError):
            file.ask(sql)
