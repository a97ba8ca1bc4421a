"""Looks at destinations that something came between: a restart of the state's database, another server, a stop."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from dayfill.engine import reconcile
from dayfill.errors import Busy, NotLeading
from dayfill.store import days
from dayfill.store.db import Database
from rig import Rig, ago, last

AWAY = Busy("The state database does not answer.", retry_after=2)
ELSEWHERE = NotLeading("Another server dispatches.")


def fails_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The state fails the next look with this error, before the destination has been asked."""
    errors, real = [error], reconcile.teams.last_token

    async def last_token(db: object) -> int:
        if errors:
            raise errors.pop()
        return await real(db)  # type: ignore[arg-type]

    monkeypatch.setattr(reconcile.teams, "last_token", last_token)


async def loaded(rig: Rig) -> int:
    transfer = rig.transfer()
    await rig.backfill(transfer, last(3))
    await rig.settle()
    return transfer


async def test_a_look_that_met_a_restart_of_the_state_is_made_again_before_anything_is_claimed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "BUSY_SECONDS", 0.0)
    asked: list[int] = []
    monkeypatch.setattr(rig.destination, "greatest_token", lambda config: asked.append(len(rig.source.reads)) or 0)
    fails_once(monkeypatch, AWAY)
    with capture_logs() as told:
        transfer = await loaded(rig)
    assert rig.agrees(transfer) == sorted(last(3))
    assert asked == [0], "it was asked once, before a source was read"
    waits = {"event": "destination_not_looked_at", "destination_id": 1, "why": AWAY.description}
    assert told == [waits | {"log_level": "warning"}], "in a line, without a trace"


async def test_a_look_of_who_does_not_dispatch_any_more_changes_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_once(monkeypatch, ELSEWHERE)
    with capture_logs() as told:
        transfer = await loaded(rig)
        assert rig.agrees(transfer) == [] and told == []
        await rig.settle()
    assert rig.agrees(transfer) == sorted(last(3)), "should it dispatch again, it looks again"


async def test_who_dispatches_again_after_another_looks_as_after_a_start(rig: Rig) -> None:
    transfer = await loaded(rig)
    rig.fail_at("claim", ELSEWHERE)
    # Meanwhile another has dispatched, and died when the destination lost what it had committed.
    del rig.destination.days[transfer, "visits", ago(1)]
    await rig.backfill(rig.transfer(), last(1))
    await rig.settle()
    assert rig.raised == 1
    rows = rig.installation.execute("SELECT data_date FROM transfer_days WHERE settled = 's'")
    assert rows == [(str(ago(1)),)]


@pytest.mark.parametrize("more", [0, 1])
async def test_only_where_tokens_were_drawn_since_are_all_loaded_days_looked_through(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """more: tokens whose days were not loaded."""
    transfer, asked, real = rig.transfer(), [], days.greatest_token
    await rig.backfill(transfer, last(3))
    await rig.settle()
    rig.dispatcher.stop()
    await rig.settle()
    rig.installation.execute("UPDATE installation SET last_token = last_token + :more", more=more)

    async def counted(db: Database, destination_id: int) -> int:
        asked.append(destination_id)
        return await real(db, destination_id)

    monkeypatch.setattr(days, "greatest_token", counted)
    await rig.backfill(transfer, last(1))
    await rig.settle()
    assert len(asked) == more
    assert rig.agrees(transfer) == list(last(3))


async def test_a_dispatcher_that_is_stopped_before_it_began_claims_no_stop_in_order(rig: Rig) -> None:
    rig.installation.execute("UPDATE installation SET stopped_cleanly = 0")
    rig.start()
    rig.dispatcher.stop()
    assert rig.task is not None
    await rig.task
    assert rig.installation.execute("SELECT stopped_cleanly FROM installation") == [(0,)]
