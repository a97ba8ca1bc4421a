"""Conformance of every destination: a writer that is killed leaves whole days, and every day that it acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pyarrow as pa
from warehouse import WAREHOUSES, a_day, close_all, on, stamped

KILLS, DAYS, ROWS = 5, 4, 2000


def write_for_ever(kind: str, folder: str, token: int) -> None:
    """Replace the days in groups of two, in two tables, with ever greater tokens; print each token once it is in."""
    warehouse = WAREHOUSES[kind](folder)
    while True:
        for pair in ((0, 1), (2, 3)):
            days = [a_day([stamped(token, ROWS + token % 5, day)] * 2, day, token) for day in pair]
            warehouse.load(*days)
            sys.stdout.write(f"{token}\n")
            sys.stdout.flush()
            token += 1


def killed_after(kind: str, folder: str, token: int, lines: int, what: str = "write") -> int:
    """Let a writer go on from this token and kill it, unannounced, some lines later; returns its last line."""
    command = [sys.executable, __file__, what, kind, folder, str(token)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            line = process.stdout.readline()
            assert line, "the writer ended by itself"
            token = int(line)
        process.kill()
        rest = process.stdout.read().split("\n")
    return max([token, *(int(line) for line in rest[:-1])])


def test_sigkill_at_any_moment_leaves_whole_days_and_loses_no_acknowledged_one(warehouse_kind: str, place: str) -> None:
    chance, token = random.Random(20240101), 1
    for _ in range(KILLS):
        last = killed_after(warehouse_kind, place, token, chance.randint(1, 12))
        warehouse = WAREHOUSES[warehouse_kind](place)
        ledger, visits, costs = warehouse.ledger(), warehouse.readings("visits"), warehouse.readings("costs")
        assert visits == costs
        for day in visits:
            stored, count = ledger["visits", day]
            assert ledger["costs", day] == (stored, count)
            assert visits[day] == [stored] * count and count == ROWS + stored % 5
        assert visits.get(on(0), [0])[0] == visits.get(on(1), [0])[0]
        stored = warehouse.destination.greatest_token(warehouse.config)
        assert stored in (last, last + 1)
        token = stored + 1
        close_all()
    assert len(visits) == DAYS


def drifted(token: int) -> pa.Table:
    """A reading with a wider type and one column more than `stamped` has."""
    return stamped(token, ROWS, score=pa.array([0.5] * ROWS)).set_column(
        1, "version", pa.array([token + 0.5] * ROWS, pa.float64())
    )


def change_for_ever(kind: str, folder: str, token: int) -> None:
    """Change the table for a new reading and replace its day, say so, and never commit."""

    def stand_still() -> None:
        sys.stdout.write(f"{token}\n")
        sys.stdout.flush()
        signal.pause()

    WAREHOUSES[kind](folder).load(a_day(drifted(token), token=token), before_commit=stand_still)


def test_sigkill_between_a_change_of_the_table_and_the_commit_leaves_table_and_day(
    warehouse_kind: str, place: str
) -> None:
    warehouse = WAREHOUSES[warehouse_kind](place)
    warehouse.load(a_day(stamped(1, ROWS)), a_day(stamped(2, ROWS, 1), 1, token=2))
    before = warehouse.ask("SELECT * FROM visits ORDER BY data_date, version"), warehouse.ledger()
    close_all()
    assert killed_after(warehouse_kind, place, 3, 1, what="change") == 3
    assert (warehouse.ask("SELECT * FROM visits ORDER BY data_date, version"), warehouse.ledger()) == before
    warehouse.load(a_day(drifted(4), token=4))
    after = warehouse.ask("SELECT DISTINCT data_date, version, score FROM visits ORDER BY data_date").to_pylist()
    assert [tuple(row.values()) for row in after] == [(on(0), 4.5, 0.5), (on(1), 2.0, None)]


if __name__ == "__main__":
    {"write": write_for_ever, "change": change_for_ever}[sys.argv[1]](sys.argv[2], sys.argv[3], int(sys.argv[4]))
