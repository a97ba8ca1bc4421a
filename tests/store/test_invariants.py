"""Each rule finds the damage it is there to find, and a sound state has none: checks that cannot fail prove nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import pytest

from dayfill.engine.content_hash import joined_hash
from dayfill.errors import Permanent, Transient
from dayfill.store import invariants
from dayfill.store.invariants import LedgerDay
from dayfill.store.queries import QUERIES
from installation import Installation
from rig import Rig, ago, last

DAMAGES = [
    ("i01_total", "UPDATE backfills SET created = created - 1 WHERE status = 'RUNNING'"),
    ("i01_total", "DELETE FROM runs WHERE status = 'QUEUED' AND run_id = (SELECT max(run_id) FROM runs)"),
    ("i01_total", "UPDATE backfills SET total = total + 1 WHERE status = 'RUNNING'"),
    ("i02_counters", "UPDATE backfills SET completed = completed + 1 WHERE status = 'RUNNING'"),
    ("i02_counters", "UPDATE backfills SET failed = failed - 1 WHERE status = 'FAILED'"),
    ("i02_counters", "UPDATE backfills SET cancelled = cancelled + 1 WHERE status = 'CANCELLED'"),
    ("i02_counters", "UPDATE backfills SET running = running + 1 WHERE status = 'RUNNING'"),
    ("i02_counters", "UPDATE runs SET status = 'COMPLETED' WHERE status = 'FAILED'"),
    ("i03_status", "UPDATE backfills SET status = 'COMPLETED' WHERE status = 'FAILED'"),
    ("i03_status", "UPDATE backfills SET status = 'RUNNING' WHERE status = 'COMPLETED'"),
    ("i03_status", "UPDATE backfills SET status = 'FAILED' WHERE status = 'RUNNING'"),
    ("i03_status", "UPDATE backfills SET status = 'SCHEDULED' WHERE status = 'RUNNING'"),
    ("i03_status", "UPDATE backfills SET status = 'CREATED' WHERE status = 'SCHEDULED'"),
    ("i03_status", "UPDATE backfills SET start_time = 1 WHERE status = 'SCHEDULED'"),
    ("i04_times", "UPDATE backfills SET end_time = NULL WHERE status = 'COMPLETED'"),
    ("i04_times", "UPDATE backfills SET end_time = created_time WHERE status = 'RUNNING'"),
    ("i04_times", "UPDATE backfills SET removed_time = NULL WHERE status = 'CANCELLED'"),
    ("i04_times", "UPDATE backfills SET removed_user_id = 1 WHERE status = 'FAILED'"),
    ("i04_times", "UPDATE backfills SET start_time = NULL WHERE status = 'RUNNING'"),
    ("i04_times", "UPDATE backfills SET start_time = created_time - 1 WHERE status = 'RUNNING'"),
    ("i04_times", "UPDATE backfills SET end_time = start_time - 1 WHERE status = 'COMPLETED'"),
    ("i05_cancelled", "UPDATE runs SET status = 'QUEUED' WHERE status = 'CANCELLED'"),
    ("i06_overlap", "UPDATE backfills SET transfer_id = 1 WHERE status IN ('RUNNING', 'SCHEDULED')"),
    ("i07_running", "UPDATE runs SET token = NULL WHERE status = 'RUNNING'"),
    ("i07_running", "UPDATE runs SET started_time = NULL WHERE status = 'RUNNING'"),
    ("i10_tokens", "UPDATE installation SET last_token = last_token - 1"),
    ("i10_token_once", "UPDATE runs SET token = 1 WHERE status = 'RUNNING'"),
    ("i07_days", "UPDATE transfer_days SET queued = queued + 1"),
    ("i07_days", "UPDATE transfer_days SET running = running + 1"),
    ("i07_days", "UPDATE transfer_days SET queued = queued - 1 WHERE queued > 0"),
    ("i07_day_rows", "DELETE FROM transfer_days WHERE settled = 'f'"),
    ("i08_loaded", "UPDATE transfer_days SET row_count = row_count + 1 WHERE settled = 'l'"),
    ("i08_loaded", "UPDATE transfer_days SET content_hash = 'x' WHERE settled = 'l'"),
    ("i08_loaded", "UPDATE transfer_days SET run_id = NULL WHERE settled = 'l'"),
    ("i08_loaded", "UPDATE transfer_days SET settled = 'l' WHERE settled = 'f'"),
    ("i08_loaded", "UPDATE runs SET data_date = '1999-01-01' WHERE status = 'COMPLETED' AND run_id = 1"),
    ("i02_statuses", "UPDATE runs SET status = 'DONE' WHERE run_id = 1"),
    ("i07_running", "UPDATE runs SET attempts = 0 WHERE status = 'RUNNING'"),
    (
        "i07_once",
        "DROP INDEX runs_running; UPDATE runs SET status = 'RUNNING', owner = 'x', backfill_id = NULL,"
        " (transfer_id, data_date) = (SELECT transfer_id, data_date FROM runs WHERE status = 'RUNNING')"
        " WHERE status = 'QUEUED'",
    ),
    ("i08_loaded", "UPDATE transfer_days SET token = token + 1 WHERE settled = 'l'"),
    ("i09_newest", "UPDATE runs SET token = token + 1000 WHERE status = 'COMPLETED'"),
    ("i11_report", "UPDATE runs SET cause = NULL WHERE status = 'FAILED'"),
    ("i11_report", "UPDATE runs SET message = '' WHERE status = 'FAILED'"),
    ("i13_owner", "UPDATE runs SET owner = 'gone' WHERE status = 'RUNNING'"),
    ("i13_overdue", "UPDATE runs SET started_time = started_time - 691000000 WHERE status = 'RUNNING'"),
    ("i15_order", "UPDATE runs SET token = token + 100 WHERE data_date = '2024-06-14'"),
    ("i14_run_team", "UPDATE runs SET team_id = 99 WHERE run_id = 1"),
    ("i14_transfer_team", "UPDATE backfills SET team_id = 99"),
    ("i14_transfer_team", "UPDATE destinations SET team_id = 99"),
    ("i14_transfer_team", "UPDATE connections SET team_id = 99"),
    ("i16_rows", "UPDATE rows_of_months SET row_count = row_count + 1"),
    ("i16_rows", "DELETE FROM rows_of_months"),
    ("i16_rows", "INSERT INTO rows_of_months VALUES (1, '2024-05', 1)"),
]


@pytest.fixture
async def rig(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A state with a backfill in every status, and runs in every status."""
    made = Rig.create(installation, monkeypatch)
    made.single_days()
    done, failed, cancelled, paused, running = (made.transfer(parallelism=1) for _ in range(5))
    await made.backfill(done, last(2))
    await made.settle()
    made.source.on(ago(0), raises=[Permanent("DATA", "Wrong.")])
    await made.backfill(failed, last(2))
    await made.settle()
    await made.verb("cancel", await made.backfill(cancelled, last(2)))
    made.source.on(ago(0), raises=[Transient("NETWORK", "Lost.")])
    await made.verb("cancel", await tried(made, cancelled))
    await made.verb("pause", await made.backfill(paused, last(2)))
    await made.crash()
    made.gated(slots=1)
    await made.backfill(running, last(3))
    await made.step()
    await made.answer()
    yield made
    await made.crash()


async def tried(rig: Rig, transfer: int) -> int:
    """A backfill of one day, which waits for another try."""
    backfill = await rig.backfill(transfer, last(1))
    await rig.step()
    return backfill


async def violations(rig: Rig, ledgers: Mapping[int, Sequence[LedgerDay]] | None = None) -> list[str]:
    async with rig.db.write() as tx:
        owner = rig.dispatcher._claimer.owner
        return await invariants.check(tx, owner=owner, now=rig.seams.now(), ledgers=ledgers)


async def test_a_sound_state_breaks_no_rule(rig: Rig) -> None:
    assert await violations(rig) == []
    statuses = {row[0] for row in rig.installation.execute("SELECT status FROM backfills")}
    assert statuses == {"COMPLETED", "FAILED", "CANCELLED", "SCHEDULED", "RUNNING"}
    statuses = {row[0] for row in rig.installation.execute("SELECT status FROM runs")}
    assert statuses == {"COMPLETED", "FAILED", "CANCELLED", "CREATED", "QUEUED", "RUNNING"}


@pytest.mark.parametrize(("rule", "damage"), DAMAGES, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(DAMAGES)])
async def test_the_rule_finds_the_damage(rig: Rig, rule: str, damage: str) -> None:
    rig.installation.hands.unguard()
    rig.installation.execute(damage)
    assert rig.installation.hands.changes() > 0, "the damage damages nothing"
    sentence = QUERIES[f"invariant_{rule}"].sentence
    found = [line for line in await violations(rig) if line.startswith(f"{sentence} But: ")]
    assert found and all(len(line) > len(sentence) + 10 for line in found)


def test_every_rule_has_its_damage() -> None:
    assert {f"invariant_{rule}" for rule, _ in DAMAGES} == {query.name for query in invariants.INVARIANTS}


LEDGER_DAMAGES = [
    ("i08_rows", {"row_count": 1}),
    ("i08_rows", {"content_hash": "x"}),
    ("i08_rows", {"least_token": 0}),
    ("i09_behind", {"token": 0, "least_token": 0}),
    ("i09_behind", {"least_token": 0}),
    ("i09_behind", None),
    ("i09_ahead", {"token": 99, "least_token": 99}),
]


async def ledger(rig: Rig, transfer_id: int) -> list[LedgerDay]:
    """What the destination in memory would say of a transfer with one table."""
    kept = {day: one for (transfer, _, day), one in rig.destination.days.items() if transfer == transfer_id}
    return [
        LedgerDay(day, one.token, one.token, one.run_id, one.rows.num_rows, joined_hash({"visits": one.content_hash}))
        for day, one in kept.items()
    ]


@pytest.mark.parametrize(
    ("rule", "damage"), LEDGER_DAMAGES, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(LEDGER_DAMAGES)]
)
async def test_the_rule_finds_the_damaged_ledger(rig: Rig, rule: str, damage: dict[str, object] | None) -> None:
    sound = await ledger(rig, 1)
    assert len(sound) == 2 and await violations(rig, {1: sound}) == []
    oldest = min(sound, key=lambda one: one.token)
    damaged = [] if damage is None else [msgspec.structs.replace(oldest, **damage)]
    sentence = QUERIES[f"ledger_{rule}"].sentence
    found = await violations(rig, {1: [*damaged, *(one for one in sound if one is not oldest)]})
    assert any(line.startswith(f"{sentence} But: transfer 1 day {oldest.data_date} ") for line in found), found


async def test_a_ledger_ahead_of_the_state_is_sound_where_its_run_has_not_completed(rig: Rig) -> None:
    sound = await ledger(rig, 1)
    ahead = [msgspec.structs.replace(one, token=99, least_token=99, run_id=99) for one in sound]
    assert await violations(rig, {1: ahead}) == []


def test_every_rule_of_the_ledger_has_its_damage() -> None:
    assert {f"ledger_{rule}" for rule, _ in LEDGER_DAMAGES} == {query.name for query in invariants.LEDGER_INVARIANTS}


async def test_an_owner_belongs_to_running_runs_alone_already_by_the_schema(rig: Rig) -> None:
    for damage in ("SET owner = NULL WHERE status = 'RUNNING'", "SET owner = 'x' WHERE status = 'QUEUED'"):
        with pytest.raises(Exception, match=r"(?i)check constraint"):
            rig.installation.execute(f"UPDATE runs {damage}")
