"""A ledger as the state sees it, and what it says of loaded days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import product

from dayfill.destinations import LedgerRow
from dayfill.domain.days import WHOLE
from dayfill.domain.transfer import Partition, Table
from dayfill.engine.ledgers import differing, ledger_days
from dayfill.store import days, invariants
from dayfill.store.db import micros
from dayfill.store.invariants import LedgerDay
from installation import NOON, Installation
from rig import Rig, ago
from scripted import LONG_AGO, InlineExecutor


def row(table: str, day: date, token: int, rows: int = 1) -> LedgerRow:
    return LedgerRow(1, table, day, token, token, rows, f"hash{token}", LONG_AGO)


def test_the_ledger_of_a_day_is_that_of_all_its_tables() -> None:
    rows = [
        row("a", ago(0), 5),
        row("b", ago(0), 7),
        row("a", ago(1), 3),
        row("dropped", ago(2), 9),
        row("w", WHOLE, 8),
    ]
    tables = [Table("a"), Table("b"), Table("w", partition=Partition.NONE)]
    whole, one, two = ledger_days([*rows, row("w", ago(1), 4), row("a", WHOLE, 4)], tables)
    assert (whole.data_date, whole.least_token, whole.token) == (WHOLE, 8, 8)
    assert (one.data_date, one.least_token, one.token) == (ago(1), 0, 3)
    assert (two.data_date, two.least_token, two.token, two.run_id, two.row_count) == (ago(0), 5, 7, 7, 2)


def test_loaded_days_are_behind_ahead_or_as_they_should_be() -> None:
    ledger = [LedgerDay(ago(n), token, token, 1, 1, "x") for n, token in enumerate((5, 4, 6))]
    found = differing([(str(ago(n)), 5, 1, "x") for n in range(4)], ledger)
    assert found.behind == [(ago(1), 5), (ago(3), 5)]
    assert found.ahead == [(5, ledger[2])]


def test_a_day_whose_content_is_another_one_under_the_same_token_is_behind() -> None:
    ledger = [LedgerDay(ago(0), 5, 5, 1, 1, "x")]
    assert differing([(str(ago(0)), 5, 2, "x")], ledger).behind == [(ago(0), 5)]
    assert differing([(str(ago(0)), 5, 1, "y")], ledger).behind == [(ago(0), 5)]


@dataclass
class Held:
    """Loaded days of a transfer, each under token 5 with one row of content x, and what the ledger says of them."""

    rig: Rig
    transfer: int
    ledger: list[LedgerDay] = field(default_factory=list)
    completed: set[int] = field(default_factory=set)

    def run(self, day: date, status: str, token: int) -> int:
        stamp = {"created_time": micros(NOON), "run_type": "Recurring", "cause_of_start": "manual", "priority": 3}
        made = {"team_id": self.rig.team_id, "transfer_id": self.transfer, "data_date": str(day), "token": token}
        return self.rig.installation.insert("runs", **stamp, **made, status=status, row_count=1, content_hash="x")

    def add(self, day: date, least: int | None, token: int, rows: int, content: str, status: str) -> None:
        """A loaded day. least: None is no ledger row. status: of the run that a later row names."""
        run = self.run(day, "COMPLETED", 5)
        says = {"settled": "l", "token": 5, "run_id": run, "row_count": 1, "content_hash": "x"}
        self.rig.installation.insert("transfer_days", transfer_id=self.transfer, data_date=str(day), **says)
        if least is not None:
            run = run if token == 5 else self.run(day, status, token)
            self.ledger.append(LedgerDay(day, least, token, run, rows, content))
            self.completed |= {run} if status == "COMPLETED" else set()

    async def broken(self) -> dict[str, set[date]]:
        """The days of which the rules say that the ledger is behind, or ahead in all tables."""
        kinds = {rule.sentence: rule.name.rpartition("_")[2] for rule in invariants.LEDGER_INVARIANTS}
        found: dict[str, set[date]] = {kind: set() for kind in kinds.values()}
        for line in await invariants.check(self.rig.db, ledgers={self.transfer: self.ledger}):
            sentence, _, what = line.partition(" But: ")
            if sentence in kinds:
                found[kinds[sentence]].add(date.fromisoformat(what.split()[3]))
        behind = found["rows"] | found["behind"]
        return {"behind": behind, "ahead": found["ahead"] - behind}


async def test_the_comparison_and_the_rules_say_the_same_of_every_way_to_differ(installation: Installation) -> None:
    """But that a rule knows later rows which may be: those of runs whose record is late."""
    rig = Rig(installation, InlineExecutor())
    held, equal = Held(rig, rig.transfer()), []
    ways = product((None, 0, 4, 5, 6), (4, 5, 6), (1, 2), ("x", "y"), ("COMPLETED", "FAILED"))
    for number, way in enumerate(way for way in ways if way[0] is None or way[0] <= way[1]):
        held.add(ago(number), *way)
        equal += [ago(number)] if way[:4] == (5, 5, 1, "x") else []
    found = differing(await days.loaded(rig.db, held.transfer), held.ledger)
    assert await held.broken() == {
        "behind": {day for day, _ in found.behind},
        "ahead": {one.data_date for _, one in found.ahead if one.run_id in held.completed},
    }
    async with rig.db.write() as tx:
        await days.settle(tx, held.transfer, found)
    assert await held.broken() == {"behind": set(), "ahead": set()}
    assert sorted(row[0] for row in await days.loaded(rig.db, held.transfer)) == sorted(map(str, equal))
