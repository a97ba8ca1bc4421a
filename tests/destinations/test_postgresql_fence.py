"""What protects a day on PostgreSQL, when connections break and when loads stand still."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pyarrow as pa
import pytest
from adbc_driver_manager import Error, OperationalError
from warehouse import FIRST, LOOPBACK, Warehouse, a_day, on, postgresql_warehouse, stamped

from dayfill.destinations import DayOutcome
from dayfill.destinations.fence import Entry, Seen
from dayfill.destinations.postgresql import faults, ledger, locks
from dayfill.errors import Permanent, Transient
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server, Session


@pytest.fixture
def served(postgres_warehouses: Callable[[], str]) -> Iterator[Warehouse]:
    yield postgresql_warehouse(postgres_warehouses())


@pytest.fixture
def server(served: Warehouse) -> Server:
    return Server.of(served.config.fields, None, LOOPBACK, "DESTINATION")


def end_sessions(server: Server) -> None:
    """As a server does that is shut down, or an administrator."""
    ender = postgresql.opened(server)
    ender.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    postgresql.close(ender)


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(served: Warehouse, server: Server) -> None:
    served.load(a_day(stamped(1)))
    end_sessions(server)
    assert served.load(a_day(stamped(2), token=2)) == [DayOutcome.LOADED]
    end_sessions(server)
    assert served.ledger() == {("visits", FIRST): (2, 10)}


def test_a_connection_that_breaks_in_the_load_changes_nothing_and_may_be_tried_again(
    served: Warehouse, server: Server
) -> None:
    served.load(a_day(stamped(1)))
    with pytest.raises(Transient, match="broke off") as broken:
        served.load(a_day(stamped(2), token=2), before_commit=lambda: end_sessions(server))
    assert broken.value.cause == "DESTINATION"
    assert served.readings() == {FIRST: [1] * 10}
    assert served.load(a_day(stamped(2), token=2)) == [DayOutcome.LOADED]


def test_a_commit_whose_answer_is_lost_is_looked_up(
    served: Warehouse, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Session.commit

    def answer_lost(con: Session) -> None:
        commit(con)
        if con.connection is not None and lost:
            lost.clear()
            raise OperationalError("no answer", status_code=10)

    served.load(a_day(stamped(1)))
    monkeypatch.setattr(Session, "commit", answer_lost)
    lost = [True]
    assert served.load(a_day(stamped(2), token=2)) == [DayOutcome.LOADED]
    assert served.readings() == {FIRST: [2] * 10}
    lost.append(True)
    monkeypatch.setattr(ledger, "rows", broken_ledger)
    with pytest.raises(Transient, match="broke off"):
        served.load(a_day(stamped(3), token=3))


def broken_ledger(*_: object) -> list[object]:
    raise OperationalError("down", status_code=10)


def test_an_older_load_that_stands_still_is_ended_by_the_next_one_of_its_day(
    served: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 1)
    served.load(a_day(stamped(1)))
    standing, leave = Event(), Event()

    def stand_still() -> None:
        standing.set()
        leave.wait()

    with ThreadPoolExecutor(1) as threads:
        zombie = threads.submit(served.load, a_day(stamped(2), token=2), before_commit=stand_still)
        standing.wait()
        try:
            with pytest.raises(Transient, match="was locked for too long") as refused:
                served.load(a_day(stamped(2), token=2))  # no older than that one
            assert refused.value.cause == "CONFLICT"
            assert served.load(a_day(stamped(3), token=3)) == [DayOutcome.LOADED]
        finally:
            leave.set()
        assert isinstance(zombie.exception(), Transient)
    assert served.readings() == {FIRST: [3] * 10}


def test_the_upsert_itself_refuses_a_greater_token(served: Warehouse, server: Server) -> None:
    served.load(a_day(stamped(4), token=4))
    schema = str(served.config.fields["schema"])
    entries = [Entry("visits", on(offset), 3, 1003, 10, "hash") for offset in range(2)]
    with postgresql.session(server, is_checked=True) as con:
        con.begin()
        assert ledger.write(con, schema, 7, entries, Seen({}, {})) is False
    assert served.ledger() == {("visits", FIRST): (4, 10)}


def test_a_greater_token_that_only_the_upsert_meets_is_tried_again(
    served: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.load(a_day(stamped(9), token=9))
    look = ledger.look
    monkeypatch.setattr(ledger, "look", lambda *of: type(seen := look(*of))(seen.owners, {}))
    with pytest.raises(Transient, match="changed the same day at the same time"):
        served.load(a_day(stamped(2), token=2))
    assert served.readings() == {FIRST: [9] * 10}


def test_a_load_says_in_the_list_of_sessions_which_run_it_is(served: Warehouse, server: Server) -> None:
    told: list[str] = []

    def look() -> None:
        with postgresql.session(server) as con:
            told.extend(name for (name,) in con.rows("SELECT application_name FROM pg_stat_activity"))

    served.load(a_day(stamped(5), token=5), a_day(stamped(4, 1, 1), 1, token=4), before_commit=look)
    assert "dayfill:1005:5" in told


@pytest.mark.parametrize("files", [False, True], ids=["memory", "file"])
def test_a_nul_character_is_named_by_column_and_row(served: Warehouse, files: bool) -> None:
    rows = stamped(1, 3, label=pa.array(["a", None, "b\0"]), other=pa.array(["", "", ""]))
    day = a_day(rows)
    if files:
        object.__setattr__(day.tables[0], "rows", Reread(rows))
    with pytest.raises(Permanent, match=r"Table visits: column label, row 3 .* NUL") as refused:
        served.load(day)
    assert (refused.value.cause, refused.value.day) == ("DATA", FIRST)


@pytest.mark.parametrize(
    "within",
    [
        pa.array([["a"], None, [], ["b", None, "c\0d"]]),
        pa.array([[["a"]], None, [["\\u0000"]], [["b", "\\\0"]]]),
        pa.array([{"a": "\\u0000"}, None, {"a": "\\\\u0000"}, {"a": "\0"}]),
    ],
    ids=["list", "lists of lists", "struct"],
)
def test_a_nul_character_within_a_value_is_named_too(served: Warehouse, within: pa.Array) -> None:
    """Backslashes before a text that looks like the escape are none."""
    with pytest.raises(Permanent, match=r"Table visits: column label, row 4 .* NUL") as refused:
        served.load(a_day(stamped(1, 4, label=within)))
    assert (refused.value.cause, refused.value.day) == ("DATA", FIRST)
    served.load(a_day(stamped(1, 3, label=within.slice(0, 3))))


class Reread:
    """Rows that wait elsewhere and can be read again."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self.schema, self.num_rows, self.nbytes = rows.schema, rows.num_rows, rows.nbytes

    def to_reader(self) -> pa.RecordBatchReader:
        return self._rows.to_reader(max_chunksize=2)


def error(state: str | None) -> Error:
    details = [(b"PG_DIAG_MESSAGE_PRIMARY", b"the server's sentence"), ("PG_DIAG_SQLSTATE", (state or "").encode())]
    return OperationalError("ERROR:  all of it", status_code=10, sqlstate=state, details=details)


@pytest.mark.parametrize(
    ("fault", "kind", "cause", "says"),
    [
        (error("40P01"), Transient, "CONFLICT", "tried again"),
        (error(None), Transient, "DESTINATION", "broke off"),
        (error("57P01"), Transient, "DESTINATION", "broke off"),
        (error("53100"), Transient, "DESTINATION", "disk .* is full"),
        (error("57014"), Transient, "TIMEOUT", "statement_timeout"),
        (error("42501"), Permanent, "DESTINATION", "Grant it to user postgres"),
        (error("22P05"), Permanent, "DATA", "the server's sentence"),
        (error("42804"), Permanent, "SCHEMA", "the server's sentence"),
        (error("XX000"), Transient, "DESTINATION", "the server's sentence"),
        (pa.ArrowInvalid("does not fit"), Permanent, "SCHEMA", "does not fit"),
    ],
    ids=lambda value: getattr(value, "sqlstate", None),
)
def test_an_error_of_the_server_is_told_in_our_words(
    server: Server, fault: Exception, kind: type, cause: str, says: str
) -> None:
    reported = faults.translate(fault, server)
    assert (type(reported), reported.cause) == (kind, cause)
    assert re.search(says, reported.message) and "all of it" not in reported.message


def test_a_table_of_foreign_types_is_refused_with_their_names(served: Warehouse) -> None:
    served.ask("CREATE TABLE visits (data_date date, version bigint, price money)")
    with pytest.raises(Permanent, match="Column price of table visits has type money"):
        served.load(a_day(stamped(1, price=pa.array([1] * 10))))
    served.ask("CREATE TABLE costs (data_date date, version bigint, label varchar, price numeric(50,2))")
    with pytest.raises(Permanent, match=r"numeric\(50,2\)"):
        served.load(a_day(stamped(1, price=pa.array([1] * 10)), names=("costs",)))


def test_names_are_kept_in_small_letters_so_that_nobody_needs_quotes(served: Warehouse) -> None:
    served.load(a_day(stamped(1, 2, 0, Label=pa.array(["a", "b"])), names=("MY_TABLE",)))
    assert served.ask("SELECT LABEL FROM My_Table ORDER BY 1").column("label").to_pylist() == ["a", "b"]
    assert served.load(a_day(stamped(2), names=("MY_TABLE",), token=2)) == [DayOutcome.LOADED]
