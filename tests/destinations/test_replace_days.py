"""Conformance of every destination: a day is replaced as a whole, by nobody older, in all its tables or in none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pyarrow as pa
import pytest
from warehouse import Warehouse, a_day, dated, on, stamped

from dayfill.destinations import DayOutcome
from dayfill.errors import Permanent, Transient

LOADED, STALE = DayOutcome.LOADED, DayOutcome.STALE


def test_a_day_is_replaced_and_its_neighbours_stay(warehouse: Warehouse) -> None:
    assert warehouse.load(a_day(stamped(1, 10)), a_day(stamped(1, 4, 1), 1)) == [LOADED, LOADED]
    assert warehouse.load(a_day(stamped(2, 12), token=2)) == [LOADED]
    assert warehouse.readings() == {on(0): [2] * 12, on(1): [1] * 4}
    assert warehouse.ledger() == {("visits", on(0)): (2, 12), ("visits", on(1)): (1, 4)}


def test_a_day_shrinks_and_an_empty_day_is_emptied(warehouse: Warehouse) -> None:
    for token, count in enumerate((10, 3, 0), start=1):
        warehouse.load(a_day(stamped(token, count), token=token))
        assert warehouse.readings() == ({on(0): [token] * count} if count else {})
        assert warehouse.ledger() == {("visits", on(0)): (token, count)}


def test_a_first_day_without_rows_still_makes_the_table(warehouse: Warehouse) -> None:
    assert warehouse.load(a_day(stamped(1, 0))) == [LOADED]
    assert warehouse.readings() == {}
    assert warehouse.ledger() == {("visits", on(0)): (1, 0)}


def test_the_ledger_says_what_was_loaded_and_when(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 3), token=5))
    (first,) = warehouse.destination.ledger(warehouse.config, 7)
    assert (first.run_id, first.row_count, first.content_hash) == (1005, 3, "hash-5")
    warehouse.load(a_day(stamped(2, 3), token=6))
    (second,) = warehouse.destination.ledger(warehouse.config, 7)
    assert (second.run_id, second.content_hash) == (1006, "hash-6")
    assert second.loaded_at > first.loaded_at and first.loaded_at.utcoffset() is not None
    assert warehouse.destination.ledger(warehouse.config, 8) == []


def test_no_days_are_no_work(warehouse: Warehouse) -> None:
    assert warehouse.load() == []


def test_an_older_token_is_refused_and_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(5, 10), token=5))
    assert warehouse.load(a_day(stamped(4, 3), token=4)) == [STALE]
    assert warehouse.readings() == {on(0): [5] * 10}
    assert warehouse.ledger() == {("visits", on(0)): (5, 10)}


def test_an_equal_token_may_repeat(warehouse: Warehouse) -> None:
    for count in (10, 8):
        assert warehouse.load(a_day(stamped(5, count), token=5)) == [LOADED]
    assert warehouse.readings() == {on(0): [5] * 8}


def test_the_same_content_is_written_again_so_that_a_rerun_heals_what_was_edited(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(5, 10), token=5))
    warehouse.ask("UPDATE visits SET version = 99")
    warehouse.load(a_day(stamped(5, 10), token=5))
    assert warehouse.readings() == {on(0): [5] * 10}


def test_a_group_with_a_stale_member_loads_the_others_in_the_order_given(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(9, 2, 1), 1, token=9))
    days = [a_day(stamped(5, 3, offset), offset, token=5) for offset in (2, 1, 0)]
    assert warehouse.load(*days) == [LOADED, STALE, LOADED]
    assert warehouse.readings() == {on(0): [5] * 3, on(1): [9] * 2, on(2): [5] * 3}


def test_a_day_is_stale_if_one_of_its_tables_is_newer(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(9), token=9))
    assert warehouse.load(a_day([stamped(5), stamped(5)], token=5)) == [STALE]
    assert warehouse.readings() == {on(0): [9] * 10}
    assert ("costs", on(0)) not in warehouse.ledger()


def test_several_tables_are_replaced_all_or_none(warehouse: Warehouse) -> None:
    warehouse.load(a_day([stamped(1, 2), stamped(1, 3)]))
    unfit = dated(1, version=pa.array(["text"]))
    with pytest.raises(Permanent) as refused:
        warehouse.load(a_day([stamped(2, 5), unfit], token=2))
    assert refused.value.day == on(0) and "costs" in refused.value.message
    assert warehouse.readings("visits") == {on(0): [1] * 2}
    assert warehouse.readings("costs") == {on(0): [1] * 3}
    assert set(warehouse.ledger().values()) == {(1, 2), (1, 3)}


def test_an_error_in_one_day_of_a_group_leaves_every_day_as_it_was(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 2)), a_day(stamped(1, 2, 1), 1))
    unfit = a_day(dated(1, 1, version=pa.array(["text"])), 1, token=2)
    with pytest.raises(Permanent) as refused:
        warehouse.load(a_day(stamped(2, 5), token=2), unfit)
    assert refused.value.day == on(1)
    assert warehouse.readings() == {on(0): [1] * 2, on(1): [1] * 2}
    assert warehouse.ledger() == {("visits", on(0)): (1, 2), ("visits", on(1)): (1, 2)}


def test_what_is_raised_before_the_commit_rolls_all_of_it_back(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 2)))
    seen: list[object] = []

    def too_late() -> None:
        raise Transient("TIMEOUT", "Too late.")

    def refuse() -> None:
        seen.append(warehouse.readings())
        too_late()

    drifted = stamped(2, 5, extra=pa.array(["new"] * 5))
    for rows in (stamped(2, 5), *([drifted] if warehouse.can_be_read_while_altered else [])):
        with pytest.raises(Transient, match="Too late"):
            warehouse.load(a_day(rows, token=2), a_day(stamped(2, 1, 1), 1, token=2), before_commit=refuse)
    assert seen and all(before == {on(0): [1] * 2} for before in seen)
    with pytest.raises(Transient, match="Too late"):
        warehouse.load(a_day(drifted, token=2), before_commit=too_late)
    assert warehouse.readings() == {on(0): [1] * 2}
    assert warehouse.ledger() == {("visits", on(0)): (1, 2)}
    assert warehouse.ask("SELECT * FROM visits").column_names == ["data_date", "version"]


@pytest.mark.parametrize("wrong", [on(1), None], ids=["another day", "no day"])
def test_a_row_that_does_not_belong_to_the_day_is_refused(warehouse: Warehouse, wrong: object) -> None:
    warehouse.load(a_day(stamped(1, 2)))
    rows = pa.table({"data_date": pa.array([on(0), wrong], pa.date32()), "version": pa.array([2, 2])})
    with pytest.raises(Permanent, match="2024-01-01") as refused:
        warehouse.load(a_day(rows, token=2))
    assert refused.value.day == on(0)
    assert warehouse.readings() == {on(0): [1] * 2}


@pytest.mark.parametrize("loaded", [False, True], ids=["empty day", "loaded day"])
def test_of_two_writers_of_one_day_exactly_one_reading_remains(warehouse: Warehouse, loaded: bool) -> None:
    rounds = 15
    warehouse.load(a_day(stamped(0, 1, rounds), rounds, token=1))
    if loaded:
        warehouse.load(*(a_day(stamped(0, 4, offset), offset, token=1) for offset in range(rounds)))
    start = Barrier(2)

    def write(offset: int, token: int) -> DayOutcome | Transient:
        start.wait()
        try:
            return warehouse.load(a_day(stamped(token, 100 + token, offset), offset, token=token))[0]
        except Transient as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        for offset in range(rounds):
            older, newer = threads.map(write, (offset, offset), (2, 3))
            token, count = warehouse.ledger()["visits", on(offset)]
            assert warehouse.readings()[on(offset)] == [token] * count and count == 100 + token
            assert LOADED in (older, newer)
            assert newer is not STALE
            assert token == 3 or newer is not LOADED


def test_distinct_days_load_side_by_side_while_columns_are_added(warehouse: Warehouse) -> None:
    def load(offset: int) -> list[DayOutcome]:
        extra = {f"extra_{offset % 3}": pa.array([offset] * 5, pa.int64())}
        return warehouse.load(a_day(stamped(1, 5, offset, **extra), offset))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(load, range(40))) == [[LOADED]] * 40
    assert warehouse.readings() == {on(offset): [1] * 5 for offset in range(40)}
    sums = warehouse.ask(
        "SELECT sum(extra_0)::BIGINT AS a, sum(extra_1)::BIGINT AS b, sum(extra_2)::BIGINT AS c FROM visits"
    ).to_pylist()[0]
    assert sums == {name: sum(5 * day for day in range(40) if day % 3 == rest) for rest, name in enumerate("abc")}


def test_a_reader_never_sees_a_part_of_a_day(warehouse: Warehouse) -> None:
    warehouse.load(a_day(stamped(1, 501)))
    done = Event()

    def watch() -> tuple[int, list[dict[str, int]]]:
        looks, torn = 0, []
        while not done.is_set():
            sql = "SELECT count(*) AS n, min(version) AS low, max(version) AS high FROM visits"
            (seen,) = warehouse.ask(sql).to_pylist()
            looks += 1
            if seen["low"] != seen["high"] or seen["n"] != 500 + seen["low"] % 7:
                torn.append(seen)
        return looks, torn

    with ThreadPoolExecutor(1) as threads:
        watcher = threads.submit(watch)
        for token in range(2, 202):
            warehouse.load(a_day(stamped(token, 500 + token % 7), token=token))
        done.set()
        looks, torn = watcher.result()
    assert torn == []
    assert looks > 10


def test_the_greatest_token_is_that_of_all_transfers(warehouse: Warehouse) -> None:
    assert warehouse.destination.greatest_token(warehouse.config) == 0
    warehouse.load(a_day(stamped(1), token=41))
    warehouse.load(a_day(stamped(1, 1, 3), 3, token=12, transfer_id=8, names=("others",)))
    assert warehouse.destination.greatest_token(warehouse.config) == 41
    warehouse.ask(f"UPDATE _dayfill_days SET token = {2**63 - 1} WHERE transfer_id = 8")
    assert warehouse.destination.greatest_token(warehouse.config) == 41, "one that nobody has drawn"


def test_check_leaves_nothing_behind(warehouse: Warehouse) -> None:
    warehouse.destination.check(warehouse.config)
    warehouse.destination.check(warehouse.config)
    warehouse.load(a_day(stamped(1)))
    warehouse.destination.check(warehouse.config)
    assert warehouse.tables() == ["_dayfill_days", "_dayfill_tables", "visits"]


@pytest.mark.parametrize(
    "days",
    [
        (a_day(stamped(1)), a_day(stamped(2), token=2)),
        (a_day(stamped(1)), a_day(stamped(1, 1, 1), 1, transfer_id=8)),
        (a_day(stamped(1)), a_day(stamped(1, 1, 1), 1, names=("others",))),
        (a_day([stamped(1), stamped(1)], names=("visits", "Visits")),),
        (a_day([]),),
    ],
    ids=["one day twice", "two transfers", "different tables", "one table twice", "no table"],
)
def test_a_load_that_contradicts_itself_is_refused(warehouse: Warehouse, days: tuple[object, ...]) -> None:
    with pytest.raises(Permanent):
        warehouse.load(*days)
    assert warehouse.ledger() == {}
