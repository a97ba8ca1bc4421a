"""What an operator reads in the log of that which no client is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from dayfill.engine import vitals
from dayfill.engine.housekeeping import Housekeeper
from dayfill.engine.vitals import Watch
from dayfill.errors import Busy, Transient
from dayfill.store import invariants
from rig import Rig, ago, last
from scripted import Kept
from slices import Bench

AWAY = Busy("The state database does not answer.")


def without_trace(entries: list[Any]) -> list[dict[str, object]]:
    return [{name: value for name, value in entry.items() if name != "exc_info"} for entry in entries]


async def test_a_slice_that_breaks_and_one_that_hangs_are_named(rig: Rig) -> None:
    executor = rig.gated()
    transfer = rig.transfer()
    await rig.backfill(transfer, last(1))
    await rig.step()
    with capture_logs() as entries:
        executor.gates[0].die(RuntimeError("torn"))
        await rig.step()
    broken = {
        "event": "executor_failed",
        "transfer_id": transfer,
        "error": "RuntimeError('torn')",
        "log_level": "error",
    }
    assert entries == [broken]
    rig.pass_time(minutes=1)
    await rig.step()
    rig.pass_time(hours=1)
    with capture_logs() as entries:
        await rig.step()
    hangs = {"event": "load_hangs", "transfer_id": transfer, "first_day": str(ago(0)), "log_level": "error"}
    assert entries == [hangs]


async def test_why_no_work_is_done_is_told_with_the_trace_of_what_nobody_foresaw(rig: Rig) -> None:
    await rig.step()
    for error, wanted in (
        (Busy("state"), {"event": "dispatch_waits", "why": Busy("state").description, "log_level": "warning"}),
        (RuntimeError("a bug"), {"event": "dispatch_failed", "log_level": "error"}),
    ):
        await rig.refresh(rig.transfer(), ago(0))
        with capture_logs() as entries:
            rig.fail_at("record", error)
            await rig.settle()
        assert without_trace(entries) == [wanted]
        assert entries[0].get("exc_info") is (None if isinstance(error, Busy) else error)


async def test_what_a_look_at_a_destination_found_is_told(rig: Rig) -> None:
    transfer = rig.transfer()
    await rig.backfill(transfer, last(3))
    await rig.settle()
    await rig.crash()
    for n, token in (0, None), (1, None), (2, 77):
        kept = rig.destination.days.pop((transfer, "visits", ago(n)))
        if token is not None:
            rig.destination.days[transfer, "visits", ago(n)] = Kept(token, kept.run_id, kept.rows, kept.content_hash)
    with capture_logs() as entries:
        await rig.settle()
    assert entries == [
        {"event": "ledger_ahead", "destination_id": 1, "token": 77, "drawn": 3, "log_level": "warning"},
        {"event": "days_stale", "transfer_id": transfer, "ledger_behind": 2, "ledger_ahead": 1, "log_level": "warning"},
    ]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (Transient("UNREACHABLE", "No answer."), {"event": "destination_not_looked_at", "why": "No answer."}),
        (RuntimeError("a bug"), {"event": "look_failed"}),
    ],
)
async def test_a_look_that_failed_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: Exception, wanted: dict[str, object]
) -> None:
    def greatest_token(config: object) -> int:
        raise error

    monkeypatch.setattr(rig.destination, "greatest_token", greatest_token)
    await rig.backfill(rig.transfer(), last(1))
    with capture_logs() as entries:
        await rig.settle()
    level = "warning" if "why" in wanted else "error"
    assert without_trace(entries) == [{"destination_id": 1, "log_level": level, **wanted}]
    assert [entry.get("exc_info") for entry in entries] == [True if level == "error" else None]


def test_a_load_that_met_a_bug_is_told_with_its_oldest_day(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_days(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(bench.source, "read_days", read_days)
    with capture_logs() as entries:
        bench.load(ago(0), ago(1))
    wanted = {"event": "load_failed", "transfer_id": 7, "first_day": str(ago(1)), "log_level": "error"}
    assert without_trace(entries) == [wanted]
    assert entries[0]["exc_info"] is True


async def test_a_broken_rule_and_a_check_that_failed_are_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(vitals, "EVERY_SECONDS", 0.0)
    answers, enough = iter([["I5: A rule. But: broken."], RuntimeError("no state"), AWAY, None]), asyncio.Event()

    async def check(*_: object, **__: object) -> list[str]:
        answer = next(answers, None)
        if answer is None:
            enough.set()
        elif isinstance(answer, Exception):
            raise answer
        return answer or []

    monkeypatch.setattr(invariants, "check", check)
    with capture_logs() as entries:
        task = asyncio.create_task(Watch(rig.db, rig.seams).run())
        await asyncio.wait_for(enough.wait(), 30)
        task.cancel()
        await asyncio.wait([task])
    monkeypatch.undo()
    assert without_trace(entries) == [
        {"event": "invariant_violated", "what": "I5: A rule. But: broken.", "log_level": "error"},
        {"event": "invariants_not_checked", "log_level": "error"},
        {"event": "invariants_not_checked", "why": AWAY.description, "log_level": "warning"},
    ]


async def test_housekeeping_that_waits_for_the_database_says_so_in_a_line(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tidy() -> None:
        raise AWAY

    keeper = Housekeeper(rig.db, rig.seams, set(), 400)
    monkeypatch.setattr(keeper, "tidy", tidy)
    with capture_logs() as entries:
        await keeper._try()
    assert entries == [{"event": "housekeeping_waits", "why": AWAY.description, "log_level": "warning"}]
