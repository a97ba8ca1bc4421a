"""Compares state, ledger and data of an installation whose server has ended, and says what is not as promised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from arena import Arena
from evidence import Day, Held, days
from stamped import size

from dayfill.engine.content_hash import joined_hash
from dayfill.store import invariants
from dayfill.store.invariants import LedgerDay

ACTIVE = ("CREATED", "SCHEDULED", "RUNNING")
WAITING = ("CREATED", "QUEUED", "RUNNING")


@dataclass
class Findings:
    """What was looked at, and what is wrong: kind (lost, doubled, stale, disagrees, invariant) and sentence.

    ahead: days whose ledger has a newer complete reading than the state knows of.
    """

    rows: int = 0
    days: int = 0
    invariants: int = 0
    ahead: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        self.rows += other.rows
        self.days += other.days
        self.invariants += other.invariants
        self.ahead += other.ahead
        self.wrong += [one for one in other.wrong if one not in self.wrong]  # one found again is not one more

    def count(self, kind: str) -> int:
        return sum(one == kind for one, _ in self.wrong)


def check_state(arena: Arena, ledgers: Mapping[int, list[LedgerDay]] | None = None) -> Findings:
    """All invariants of the state in one snapshot, whatever the server is doing; with ledgers also those of both."""
    violations = arena.state.violations(ledgers)
    rules = len(invariants.INVARIANTS) + len(invariants.LEDGER_INVARIANTS) * len(ledgers or {})
    return Findings(invariants=rules, wrong=[("invariant", violation) for violation in violations])


def check(arena: Arena) -> Findings:
    """Everything. All servers must have ended, or have nothing to do; of a file the one that has it must have ended."""
    known = {transfer_id: list(days(arena, transfer_id, names)) for transfer_id, names in arena.tables.items()}
    ledgers = {
        transfer_id: [one.in_ledger(arena.tables[transfer_id]) for one in of_transfer if one.ledger]
        for transfer_id, of_transfer in known.items()
    }
    found = check_state(arena, ledgers)
    for transfer_id, of_transfer in known.items():
        names = arena.tables[transfer_id]
        for one in of_transfer:
            found.days += 1
            found.rows += sum(held.rows for held in one.held.values())
            found.wrong += [(kind, f"{one.name}: {what}") for kind, what in _faults(one, names)]
            found.ahead += any(row.token > one.token for row in one.ledger.values())
    return found


def check_weights(arena: Arena, of_teams: Mapping[int, int]) -> Findings:
    """A transfer has the turns that its configuration asks for, a team those that were told last."""
    found = Findings()
    told = {team_id: 1 for team_id in (arena.team_id, *arena.teams.values())} | dict(of_teams)
    for team_id, weight in arena.rows("SELECT team_id, weight FROM teams"):
        if weight != told[team_id]:
            found.wrong.append(("lost", f"team {team_id} was given the weight {told[team_id]}, it has {weight}"))
    for transfer_id, weight, text in arena.rows("SELECT transfer_id, weight, configuration FROM transfers"):
        wanted = {one["field_id"]: one["value"] for one in json.loads(text)["settings"]}["weight"]
        if weight != wanted:
            found.wrong.append(
                ("disagrees", f"transfer {transfer_id} weighs {weight}, its configuration says {wanted}")
            )
    return found


def _faults(one: Day, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What is wrong with one day, loaded or not."""
    for name in names:
        yield from _table_faults(one, name)
    if one.settled != "l":
        return
    rows = [one.ledger[name] for name in names if name in one.ledger]
    if len(rows) < len(names):
        yield "lost", "is loaded, but the ledger has no row of it"
    elif all(row.token == one.token for row in rows):
        if sum(row.row_count for row in rows) != one.row_count or {row.run_id for row in rows} != {one.run_id}:
            yield "disagrees", "state and ledger name different counts or runs"
        if joined_hash({row.table_name: row.content_hash for row in rows}) != one.content_hash:
            yield "disagrees", "state and ledger name different contents"


def _table_faults(one: Day, name: str) -> Iterator[tuple[str, str]]:
    row, held = one.ledger.get(name), one.held.get(name)
    if row is None or held is None:
        if held is not None:
            yield "doubled", f"{name} has rows that no ledger row speaks of"
        elif row is not None:
            yield "lost", f"{name} has no row, the ledger says {row.row_count}"
        return
    yield from _mixture(held, name, row.data_date)
    if (row.row_count, row.content_hash) != (held.rows, held.content_hash):
        yield "disagrees", f"{name}: the ledger says {row.row_count} rows {row.content_hash}, there are {held}"
    if row.token < one.greatest_completed:
        yield "stale", f"{name}: ledger token {row.token}, a run of token {one.greatest_completed} completed"
    if one.settled == "l" and held.versions[0] < one.started:
        yield "stale", f"{name} was read at {held.versions[0]}, the run that counts began at {one.started}"
    if one.settled == "l" and held.flavours != (one.flavour,):
        yield "stale", f"{name} has flavour {held.flavours}, the transfer {one.flavour}"


def _mixture(held: Held, name: str, day: date) -> Iterator[tuple[str, str]]:
    """Whatever is not exactly one complete reading."""
    wanted = size(held.versions[0], day, name)
    if len(held.versions) > 1 or len(held.flavours) > 1:
        yield "doubled", f"{name} is a mixture of the readings {held.versions}"
    elif held.rows > wanted or held.parts < held.rows:
        yield "doubled", f"{name} has {held.rows} rows of {wanted}, {held.parts} of them different"
    elif held.rows < wanted:
        yield "lost", f"{name} has {held.rows} rows of {wanted}"


def check_creates(arena: Arena, acknowledged: Mapping[int, tuple[int, str, str]]) -> Findings:
    """Every acknowledged create is there as it was asked for, has ended, and no other one is there."""
    found = Findings()
    query = "SELECT backfill_id, transfer_id, range_start, range_end, status FROM backfills"
    there = {row[0]: row[1:] for row in arena.rows(query)}
    for backfill_id, wanted in acknowledged.items():
        row = there.pop(backfill_id, None)
        if row is None or row[:3] != wanted:
            found.wrong.append(("lost", f"backfill {backfill_id} was acknowledged for {wanted}, there is {row}"))
        elif row[3] in ACTIVE:
            found.wrong.append(("lost", f"backfill {backfill_id} is {row[3]} for ever"))
    for backfill_id in there:
        found.wrong.append(("doubled", f"backfill {backfill_id} is there, and nobody was told"))
    marks = ", ".join("?" * len(WAITING))
    for run_id, status in arena.rows(f"SELECT run_id, status FROM runs WHERE status IN ({marks})", *WAITING):
        found.wrong.append(("lost", f"run {run_id} is {status} for ever"))
    return found
