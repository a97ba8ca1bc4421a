"""What PostgreSQL refuses, or gives up, at each step of a load and of a look: which words it gets, what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pyarrow as pa
import pytest
from warehouse import FIRST, LOOPBACK, Warehouse, a_day, postgresql_warehouse, stamped

from dayfill.destinations import DayOutcome, DestinationConfig, FinishedTable
from dayfill.destinations.postgresql import locks
from dayfill.destinations.postgresql.faults import translated
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.outgoing import postgresql
from dayfill.outgoing.postgresql import Server, Session


@pytest.fixture
def served(postgres_warehouses: Callable[[], str]) -> Iterator[Warehouse]:
    """With a first reading of a day."""
    made = postgresql_warehouse(postgres_warehouses())
    made.load(a_day(stamped(1)))
    yield made


@contextmanager
def beside(served: Warehouse) -> Iterator[Session]:
    """Another session at the same database."""
    with postgresql.session(Server.of(served.config.fields, None, LOOPBACK, "DESTINATION")) as other:
        yield other


def fault(served: Warehouse, token: int = 9) -> ConnectorError:
    """What a load says that fails; the day keeps what it had."""
    with pytest.raises(ConnectorError) as raised:
        served.load(a_day(stamped(token), token=token))
    return raised.value


@pytest.fixture
def stranger(served: Warehouse) -> Iterator[DestinationConfig]:
    """The same place for a user who may look into the schema and make tables there, and no more."""
    schema = str(served.config.fields["schema"])
    with beside(served) as owner:
        owner.begin()
        owner.execute(f"CREATE ROLE stranger_{schema} LOGIN")
        owner.execute(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO stranger_{schema}")
        owner.commit()
        yield replace(served.config, fields={**served.config.fields, "user": f"stranger_{schema}"})
        owner.begin()
        owner.execute(f"DROP OWNED BY stranger_{schema}")
        owner.execute(f"DROP ROLE stranger_{schema}")
        owner.commit()


def test_a_connection_that_breaks_off_while_rows_are_coming_says_so() -> None:
    """The driver gives it no code then, and its words are those of the system."""
    server = Server.of({"host": "db.test", "database": "d", "user": "u"}, None, LOOPBACK, "DESTINATION")
    with pytest.raises(Transient) as raised, translated(server):
        raise ConnectionResetError
    assert (raised.value.cause, raised.value.message) == (
        "DESTINATION",
        "The connection to PostgreSQL at db.test:5432 broke off.",
    )


def test_who_may_not_see_the_ledger_is_told_what_to_grant(served: Warehouse, stranger: DestinationConfig) -> None:
    theirs = replace(served, config=stranger)
    stranger_name = stranger.fields["user"]
    served.destination.check(stranger)
    for refused in (fault(theirs), looked(theirs)):
        assert isinstance(refused, Permanent) and refused.fatal and refused.cause == "DESTINATION"
        assert "permission denied" in refused.message and f"Grant it to user {stranger_name}" in refused.message
    assert served.readings() == {FIRST: [1] * 10}


def looked(served: Warehouse) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        served.ledger()
    return raised.value


def test_what_only_the_commit_finds_leaves_the_day_as_it_was(served: Warehouse) -> None:
    """A rule that somebody has put on the table, and that is looked at last."""
    served.load(a_day(stamped(2, 1), token=2))
    with beside(served) as other:
        other.begin()
        other.execute(
            f"ALTER TABLE {served.config.fields['schema']}.visits"
            " ADD CONSTRAINT once UNIQUE (data_date, version) DEFERRABLE INITIALLY DEFERRED"
        )
        other.commit()
    refused = fault(served)
    assert (type(refused), refused.cause) == (Permanent, "SCHEMA") and '"once"' in refused.message
    assert served.readings() == {FIRST: [2]} and served.ledger() == {("visits", FIRST): (2, 1)}


def test_a_load_that_waits_for_a_day_ends_with_the_time_that_its_role_has(served: Warehouse) -> None:
    with beside(served) as other:
        ((name,),) = other.rows("SELECT current_database()")
        with standing(served, 2):
            other.begin()
            other.execute(f"ALTER DATABASE {name} SET statement_timeout = '300ms'")
            other.commit()
            postgresql.close_all()
            try:
                refused = fault(served)
            finally:
                other.begin()
                other.execute(f"ALTER DATABASE {name} RESET statement_timeout")
                other.commit()
                postgresql.close_all()
    assert (type(refused), refused.cause) == (Transient, "TIMEOUT")
    assert "statement_timeout of the role or the database" in refused.message


@contextmanager
def standing(served: Warehouse, *tokens: int) -> Iterator[None]:
    """Loads of the day that stand still: the first one holds it, the others wait for it."""
    stands, leave = Event(), Event()

    def stand_still() -> None:
        stands.set()
        leave.wait()

    with ThreadPoolExecutor(len(tokens)) as threads:
        for token in tokens:
            threads.submit(served.load, a_day(stamped(token), token=token), before_commit=stand_still)
            stands.wait()
        try:
            yield
        finally:
            leave.set()


def test_a_load_that_meets_one_stuck_load_after_another_is_tried_later(
    served: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with standing(served, 2, 3), beside(served) as other:
        while not other.rows(waiting):
            pass
        monkeypatch.setattr(locks, "WAIT_SECONDS", 1)
        refused = fault(served)
    assert (type(refused), refused.cause) == (Transient, "DESTINATION") and "did not come to rest" in refused.message
    assert served.load(a_day(stamped(9), token=9)) == [DayOutcome.LOADED]
    assert served.readings() == {FIRST: [9] * 10}


def test_text_that_is_no_text_is_the_days_fault(served: Warehouse) -> None:
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
    with pytest.raises(Permanent, match="invalid byte sequence") as refused:
        served.load(a_day(stamped(2, 1, 0, label=broken), token=2))
    assert refused.value.cause == "DATA"
    assert served.readings() == {FIRST: [1] * 10}


def test_more_columns_than_a_table_can_have_are_not_tried_again(served: Warehouse) -> None:
    many = {f"column_{n}": pa.array([n]) for n in range(1_600)}
    with pytest.raises(Permanent, match="at most 1600 columns") as refused:
        served.load(a_day(stamped(2, 1, 0, **many), names=("wide",), token=2))
    assert refused.value.cause == "SCHEMA"


@pytest.mark.parametrize("ended", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_look_that_is_ended_half_way_may_be_tried_again(served: Warehouse, ended: str) -> None:
    large = pa.array(["x" * 1000] * 100_000)
    assert served.load(a_day(stamped(2, 100_000, 0, label=large), token=2)) == [DayOutcome.LOADED]
    wanted = FinishedTable("visits", "data_date", stamped(1, 0, 0, label=pa.array([], pa.string())), "")
    seen = list[int]()

    def take(batch: pa.RecordBatch) -> None:
        seen.append(batch.num_rows)
        if len(seen) == 1:
            with beside(served) as other:
                other.rows(
                    f"SELECT {ended}(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'COPY%visits%'"
                )

    with pytest.raises(Transient, match="broke off"):
        served.destination.read_day(served.config, wanted, FIRST, take)
    assert 0 < sum(seen) < 100_000
