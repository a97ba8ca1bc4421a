"""Each rule finds the damage it is there to find, and a sound state has none: checks that cannot fail prove nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dayfill.errors import Permanent, Transient
from dayfill.store import invariants
from dayfill.store.queries import QUERIES
from installation import Installation
from rig import Rig, ago, last

DAMAGES = [
    ("total", "UPDATE backfills SET created = created - 1 WHERE status = 'RUNNING'"),
    ("total", "DELETE FROM runs WHERE status = 'QUEUED' AND run_id = (SELECT max(run_id) FROM runs)"),
    ("total", "UPDATE backfills SET total = total + 1 WHERE status = 'RUNNING'"),
    ("counters", "UPDATE backfills SET completed = completed + 1 WHERE status = 'RUNNING'"),
    ("counters", "UPDATE backfills SET failed = failed - 1 WHERE status = 'FAILED'"),
    ("counters", "UPDATE backfills SET cancelled = cancelled + 1 WHERE status = 'CANCELLED'"),
    ("counters", "UPDATE backfills SET running = running + 1 WHERE status = 'RUNNING'"),
    ("counters", "UPDATE runs SET status = 'COMPLETED' WHERE status = 'FAILED'"),
    ("status", "UPDATE backfills SET status = 'COMPLETED' WHERE status = 'FAILED'"),
    ("status", "UPDATE backfills SET status = 'RUNNING' WHERE status = 'COMPLETED'"),
    ("status", "UPDATE backfills SET status = 'FAILED' WHERE status = 'RUNNING'"),
    ("status", "UPDATE backfills SET status = 'SCHEDULED' WHERE status = 'RUNNING'"),
    ("status", "UPDATE backfills SET status = 'CREATED' WHERE status = 'SCHEDULED'"),
    ("status", "UPDATE backfills SET start_time = 1 WHERE status = 'SCHEDULED'"),
    ("times", "UPDATE backfills SET end_time = NULL WHERE status = 'COMPLETED'"),
    ("times", "UPDATE backfills SET end_time = created_time WHERE status = 'RUNNING'"),
    ("times", "UPDATE backfills SET removed_time = NULL WHERE status = 'CANCELLED'"),
    ("times", "UPDATE backfills SET removed_user_id = 1 WHERE status = 'FAILED'"),
    ("times", "UPDATE backfills SET start_time = NULL WHERE status = 'RUNNING'"),
    ("times", "UPDATE backfills SET start_time = created_time - 1 WHERE status = 'RUNNING'"),
    ("times", "UPDATE backfills SET end_time = start_time - 1 WHERE status = 'COMPLETED'"),
    ("cancelled", "UPDATE runs SET status = 'QUEUED' WHERE status = 'CANCELLED'"),
    ("overlap", "UPDATE backfills SET transfer_id = 1 WHERE status IN ('RUNNING', 'SCHEDULED')"),
    ("running", "UPDATE runs SET token = NULL WHERE status = 'RUNNING'"),
    ("running", "UPDATE runs SET started_time = NULL WHERE status = 'RUNNING'"),
    ("tokens", "UPDATE installation SET last_token = last_token - 1"),
    ("token_once", "UPDATE runs SET token = 1 WHERE status = 'RUNNING'"),
    ("days", "UPDATE transfer_days SET queued = queued + 1"),
    ("days", "UPDATE transfer_days SET running = running + 1"),
    ("days", "UPDATE transfer_days SET queued = queued - 1 WHERE queued > 0"),
    ("day_rows", "DELETE FROM transfer_days WHERE settled = 'f'"),
    ("loaded", "UPDATE transfer_days SET row_count = row_count + 1 WHERE settled = 'l'"),
    ("loaded", "UPDATE transfer_days SET content_hash = 'x' WHERE settled = 'l'"),
    ("loaded", "UPDATE transfer_days SET run_id = NULL WHERE settled = 'l'"),
    ("loaded", "UPDATE transfer_days SET settled = 'l' WHERE settled = 'f'"),
    ("loaded", "UPDATE runs SET data_date = '1999-01-01' WHERE status = 'COMPLETED' AND run_id = 1"),
    ("team", "UPDATE runs SET team_id = 99 WHERE run_id = 1"),
    ("team", "UPDATE backfills SET team_id = 99"),
    ("team", "UPDATE destinations SET team_id = 99"),
    ("team", "UPDATE connections SET team_id = 99"),
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


async def violations(rig: Rig) -> list[str]:
    async with rig.db.write() as tx:
        return await invariants.check(tx)


async def test_a_sound_state_breaks_no_rule(rig: Rig) -> None:
    assert await violations(rig) == []
    statuses = {row[0] for row in rig.installation.execute("SELECT status FROM backfills")}
    assert statuses == {"COMPLETED", "FAILED", "CANCELLED", "SCHEDULED", "RUNNING"}
    statuses = {row[0] for row in rig.installation.execute("SELECT status FROM runs")}
    assert statuses == {"COMPLETED", "FAILED", "CANCELLED", "CREATED", "QUEUED", "RUNNING"}


@pytest.mark.parametrize(("rule", "damage"), DAMAGES, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(DAMAGES)])
async def test_the_rule_finds_the_damage(rig: Rig, rule: str, damage: str) -> None:
    rig.installation.execute("PRAGMA foreign_keys = OFF")
    rig.installation.execute(damage)
    assert rig.db._writer.changes() > 0, "the damage damages nothing"
    sentence = QUERIES[f"invariant_{rule}"].sentence
    found = [line for line in await violations(rig) if line.startswith(f"{sentence} But: ")]
    assert found and all(len(line) > len(sentence) + 10 for line in found)


def test_every_rule_has_its_damage() -> None:
    assert {f"invariant_{rule}" for rule, _ in DAMAGES} == {query.name for query in invariants.INVARIANTS}


async def test_an_owner_belongs_to_running_runs_alone_already_by_the_schema(rig: Rig) -> None:
    for damage in ("SET owner = NULL WHERE status = 'RUNNING'", "SET owner = 'x' WHERE status = 'QUEUED'"):
        with pytest.raises(Exception, match="CHECK constraint failed"):
            rig.installation.execute(f"UPDATE runs {damage}")
