"""A destination that is down: its days wait and lose no attempt, others go on, few tries find out when it is back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from dayfill import destinations
from dayfill.destinations import DestinationConfig
from dayfill.destinations.duckdb import DESTINATION
from dayfill.domain.run import MAX_ATTEMPTS, Side
from dayfill.errors import Permanent, Transient
from dayfill.store import parking
from reaching import TEMP
from rig import Rig, ago, last
from scripted import MemoryDestination

AWAY = Transient("DESTINATION", "The warehouse does not answer.")


def away_until(rig: Rig, seconds: float) -> list[float]:
    """The destination is down from now on for this long; returns the seconds at which it was tried meanwhile."""
    began, tried = rig.installation.now, []
    real = rig.destination.check

    def check(config: object) -> None:
        now = (rig.installation.now - began).total_seconds()
        if now < seconds:
            tried.append(now)
            raise AWAY
        real(config)

    rig.destination.check = check  # type: ignore[method-assign]
    return tried


async def test_an_hour_away_fails_no_run_and_takes_few_tries(rig: Rig) -> None:
    transfer, single = rig.transfer(), rig.transfer()
    began, tried = rig.installation.now, away_until(rig, 3600)
    backfills = [await rig.backfill(transfer, last(100)), await rig.backfill(single, last(1))]
    await rig.settle()
    assert {(await rig.get(backfill)).status for backfill in backfills} == {"COMPLETED"}
    assert {attempts for backfill in backfills for _, attempts in rig.runs(backfill).values()} == {1}
    assert rig.installation.now - began < timedelta(seconds=3600 + 375)
    # Two transfers with a destination each; a load that fails is followed by a look.
    assert len(tried) <= 2 * (2 + 18)
    gaps = [later - earlier for earlier, later in zip(tried[::2], tried[2::2], strict=False)]
    assert max(gaps) <= 375
    assert gaps[-1] >= 300
    assert rig.agrees(transfer) == sorted(last(100))


async def test_while_it_is_away_the_source_is_left_alone(rig: Rig) -> None:
    away_until(rig, 600)
    await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    assert rig.source.reads == [[ago(0)], [ago(0)]]


async def test_a_destination_that_is_away_holds_up_no_other(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    away = MemoryDestination(kind="AWAY", down=AWAY)
    monkeypatch.setattr(destinations, "get", lambda kind: away if kind == "AWAY" else rig.destination)
    one, other = rig.transfer(), rig.transfer()
    rig.installation.execute("UPDATE destinations SET destination_type = 'AWAY' WHERE location = 'T1'")
    waits, goes_on = await rig.backfill(one, last(5)), await rig.backfill(other, last(5))
    await rig.step()
    assert (await rig.get(goes_on)).status == "COMPLETED"
    assert {run for run in rig.runs(waits).values()} == {("QUEUED", 0)}
    assert away.uses == 2, "a load and a look, for five days"
    rig.pass_time(seconds=4)
    await rig.step()
    assert away.uses == 2
    away.down = None
    await rig.settle()
    assert (await rig.get(waits)).status == "COMPLETED"


async def test_a_day_that_a_sound_destination_refuses_uses_up_its_attempts(rig: Rig) -> None:
    rig.destination.fails[ago(1)] = [AWAY] * 100
    backfill = await rig.backfill(rig.transfer(), last(3))
    began = rig.installation.now
    await rig.settle()
    assert rig.runs(backfill)[ago(1)] == ("FAILED", MAX_ATTEMPTS)
    assert rig.runs(backfill)[ago(0)] == ("COMPLETED", 1)
    assert rig.installation.now - began < timedelta(seconds=15)


async def test_slices_under_way_cost_one_try_each_and_one_trial_follows(rig: Rig) -> None:
    rig.single_days()
    rig.source.seconds = lambda days: None
    executor = rig.gated()
    backfill = await rig.backfill(rig.transfer(), last(8))
    await rig.step()
    rig.destination.down = AWAY
    await rig.answer(*(day for gate in executor.gates for day in gate.days))
    assert executor.gates == []
    assert {run for run in rig.runs(backfill).values()} == {("QUEUED", 0)}
    await rig.settle()
    (trial,) = executor.gates
    rig.destination.down = None
    trial.answer()
    await rig.step()
    assert len(executor.gates) == 4
    await rig.finish()
    assert (await rig.get(backfill)).status == "COMPLETED"


async def test_a_new_server_knows_that_it_was_away(rig: Rig) -> None:
    tried = away_until(rig, 3600)
    await rig.backfill(rig.transfer(), last(20))
    await rig.step()
    before = len(tried)
    await rig.crash()
    await rig.step()
    assert len(tried) == before
    await rig.settle()
    assert (await rig.get(1)).status == "COMPLETED"


async def test_a_wait_that_the_destination_states_is_kept(rig: Rig) -> None:
    rig.destination.fails[ago(0)] = [Transient("DESTINATION", "Resuming the warehouse.", retry_after=77)]
    backfill = await rig.backfill(rig.transfer(), last(1))
    began = rig.installation.now
    await rig.settle()
    assert rig.installation.now - began == timedelta(seconds=77)
    assert rig.runs(backfill) == {ago(0): ("COMPLETED", 1)}
    assert rig.installation.execute("SELECT count(*) FROM connections WHERE parked_since IS NOT NULL") == [(0,)]


async def test_one_that_is_gone_for_good_is_no_outage(rig: Rig) -> None:
    rig.destination.down = Permanent("DESTINATION", "The file is not a database.", fatal=True)
    backfill = await rig.backfill(rig.transfer(), last(2))
    await rig.settle()
    assert {run for run in rig.runs(backfill).values()} == {("FAILED", 1)}


async def test_away_and_refused_at_once_both_are_tried_by_one_day(rig: Rig) -> None:
    """Until the destination is back nobody can say whether the source lets the login in."""
    rig.single_days()
    rig.source.seconds = lambda days: None
    away_until(rig, 12)
    rig.source.on(ago(0), raises=[Transient("RATE_LIMIT", "Slower.", retry_after=8)])
    transfer = rig.transfer()
    backfill = await rig.backfill(transfer, last(6))
    await rig.settle()
    assert (await rig.get(backfill)).status == "COMPLETED"
    assert {attempts for _, attempts in rig.runs(backfill).values()} == {1}


HOLD = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Popen[bytes]]:
    """Another program that has the warehouse file open until its input ends."""
    with Popen([sys.executable, "-c", HOLD, str(tmp_path / "held.duckdb")], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process


async def test_a_warehouse_file_that_another_program_holds_is_waited_for(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, holder: Popen[bytes]
) -> None:
    """The real destination and a real holder: its days wait, and load when it lets go."""
    monkeypatch.setattr(destinations, "get", lambda kind: DESTINATION)
    fields = {"path": str(tmp_path / "held.duckdb")}
    transfer = rig.transfer()
    rig.installation.execute("UPDATE destinations SET fields = :fields", fields=json.dumps(fields))
    backfill = await rig.backfill(transfer, last(3))
    await rig.step()
    for _ in range(3):
        rig.pass_time(seconds=30)
        await rig.step()
    assert set(rig.runs(backfill).values()) == {("QUEUED", 0)}
    waiting = await parking.waiting(rig.db, rig.team_id, transfer, rig.seams.now())
    assert waiting is not None and waiting.side is Side.DESTINATION
    assert f"held by process {holder.pid}" in waiting.message
    holder.communicate()
    await rig.settle()
    assert set(rig.runs(backfill).values()) == {("COMPLETED", 1)}
    loaded = DESTINATION.ledger(DestinationConfig("here", fields, reach=TEMP), transfer)
    assert {row.data_date for row in loaded} == set(last(3))
