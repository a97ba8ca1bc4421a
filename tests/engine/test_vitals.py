"""A running server checks the rules of its own state, beside the work."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count

import pytest

from dayfill.engine import vitals
from dayfill.engine.vitals import Vitals, Watch
from dayfill.engine.work import Work
from dayfill.store import invariants
from installation import Installation
from rig import Rig, last


async def test_a_check_counts_what_breaks_each_rule(rig: Rig) -> None:
    backfill = await rig.backfill(rig.transfer(), last(3))
    await rig.settle()
    watch = Watch(rig.db, replace(rig.seams, monotonic=count(0.0, 2.5).__next__))
    assert (await watch.vitals(None, Work())).violations == {}
    await watch.check()
    assert (await watch.vitals(None, Work())).violations == dict.fromkeys(invariants.RULES, 0)
    rig.installation.execute("UPDATE backfills SET completed = 2 WHERE backfill_id = :id", id=backfill)
    rig.pass_time(minutes=10)
    await watch.check()
    found = await watch.vitals("stuck", Work())
    assert {rule for rule, days in found.violations.items() if days} == {"I2", "I3"}
    assert (found.checked_time, found.check_seconds, found.fault) == (rig.seams.now(), 2.5, "stuck")
    assert found.log_bytes == rig.db.log_bytes()
    rig.installation.execute("UPDATE backfills SET completed = 3 WHERE backfill_id = :id", id=backfill)


async def test_it_checks_again_and_again_whatever_happens(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(vitals, "EVERY_SECONDS", 0.0)
    answers, enough = iter([RuntimeError("no state"), [], ["I5: A rule. But: broken."]]), asyncio.Event()

    async def check(state: object, **_: object) -> list[str]:
        answer = next(answers, None)
        if answer is None:
            enough.set()
            return []
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(invariants, "check", check)
    task = asyncio.create_task(Watch(installation.db, installation.server.seams).run())
    await asyncio.wait_for(enough.wait(), 30)
    task.cancel()
    await asyncio.wait([task])


async def test_a_check_that_is_cancelled_lets_go_of_the_state(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long read is broken off, or a server could not stop before it ends."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    query = invariants.INVARIANTS[0]
    with monkeypatch.context() as patch:
        patch.setitem(invariants.QUERIES, query.name, type(query)(query.name, query.sentence, endless))
        check = asyncio.create_task(Watch(rig.db, rig.seams).check())
        await asyncio.sleep(0)
        check.cancel()
        await asyncio.wait_for(asyncio.wait([check]), 30)
    assert check.cancelled()


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
async def test_a_state_without_a_log_has_none(installation: Installation) -> None:
    assert installation.db.log_bytes() > 0
    installation.db._path.with_name(installation.db._path.name + "-wal").unlink()
    assert installation.db.log_bytes() == 0
    assert Vitals() == Vitals(None, 0.0, {}, None, 0)
