"""What people do while their days are being loaded: whoever comes first wins, and nothing is torn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest
from live import SECONDS, Live

from dayfill.domain.backfill import Backfill, BackfillStatus
from dayfill.domain.days import DayRange
from dayfill.errors import Busy, Permanent, Refused
from dayfill.store.sqlite import SqliteDatabase

STATES = ["sqlite"]
FIRST = date(2024, 1, 1)


def days_from(offset: int, count: int) -> DayRange:
    return DayRange(FIRST + timedelta(days=offset), FIRST + timedelta(days=offset + count - 1))


class Passage:
    """Sets an event of the loop at the n-th passage of a failpoint, in whichever thread it is."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.left, self.event = name, number, asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def __call__(self, name: str) -> None:
        if name == self.name:
            self.left -= 1
            if self.left == 0:
                self.loop.call_soon_threadsafe(self.event.set)


@pytest.mark.timeout(3600)
async def test_a_cancel_against_the_last_result(live: Live, rounds: Callable[[int], int]) -> None:
    """The moment of the cancel closes in on the moment at which both have won equally often."""
    live.source.max_days_per_read = 1
    live.source.refuses = 0.02
    transfer, chance, delay, won = await live.transfer("cancelled"), Random(24), 0.003, Counter[str]()
    for _ in range(max(40, rounds(400) // 10)):
        span = days_from(chance.randrange(60), chance.randrange(1, 4))
        live.failpoint = passage = Passage("after_load", len(span))
        backfill_id = await live.backfill(transfer, span)
        async with asyncio.timeout(SECONDS):
            await passage.event.wait()
        await asyncio.sleep(delay)
        cancelled = await cancel(live, backfill_id, from_elsewhere=chance.random() < 0.5)
        delay = min(delay * (0.7 if cancelled is None else 1.4), 0.1)
        won["completion" if cancelled is None else "cancel"] += 1
        await live.rest()
        await check_end(live, backfill_id, cancelled)
        await live.sound(transfer)
    assert min(won["cancel"], won["completion"]) > won.total() / 10, f"one of them always wins: this is no race: {won}"


async def cancel(live: Live, backfill_id: int, from_elsewhere: bool) -> Backfill | None:
    """The cancelled backfill as its answer has it; None if it had been completed."""
    try:
        made = await live.verb("cancel", backfill_id, live.other if from_elsewhere else live.db)
    except Refused as refused:
        assert f"Backfill {backfill_id} was completed at " in str(refused)
        return None
    assert isinstance(made, Backfill)
    return made


async def check_end(live: Live, backfill_id: int, cancelled: Backfill | None) -> None:
    """All is done, by all runs, or cancelled; what was cancelled has not been written under its own name."""
    made = await live.get(backfill_id)
    rows = live.rows("SELECT run_id, status FROM runs WHERE backfill_id = :id", id=backfill_id)
    counts = Counter(status for _, status in rows)
    in_ledger = {row.run_id for row in live.ledger(made.transfer_id)}
    assert {run_id for run_id, status in rows if status == "COMPLETED"} <= in_ledger
    assert not {run_id for run_id, status in rows if status == "CANCELLED"} & in_ledger
    if cancelled is None:
        assert (made.status, counts) == ("COMPLETED", {"COMPLETED": made.total})
    else:
        assert (made.status, made.end_time) == (BackfillStatus.CANCELLED, cancelled.end_time)
        assert cancelled.completed <= made.completed <= cancelled.completed + cancelled.running
        assert made.running == 0


@pytest.mark.timeout(3600)
async def test_a_refresh_and_a_backfill_of_one_day(live: Live, rounds: Callable[[int], int]) -> None:
    """One after the other; the later reading stays. The refresh closes in on the moment when the backfill is ahead."""
    live.source.max_days_per_read = 1  # so that several slices are under way at once
    transfer, chance, delay, first = await live.transfer("refreshed"), Random(26), 0.005, Counter[str]()
    for _ in range(max(30, rounds(300) // 10)):
        span = days_from(chance.randrange(40), 3)
        days = list(span)
        backfill = asyncio.create_task(live.backfill(transfer, span))
        await asyncio.sleep(delay)
        await live.refresh(transfer, *days, db=live.other)
        await backfill
        await live.rest()
        held, loaded = live.versions("refreshed"), {row.data_date: row for row in live.ledger(transfer)}
        refreshed_first = 0
        for day in days:
            ended = live.rows(
                "SELECT token, run_id, status, cause_of_start FROM runs WHERE transfer_id = :id AND data_date = :day"
                " ORDER BY token DESC LIMIT 2",
                id=transfer,
                day=str(day),
            )
            assert [status for _, _, status, _ in ended] == ["COMPLETED", "COMPLETED"]
            assert (loaded[day].token, loaded[day].run_id) == ended[0][:2]
            assert held[day] == [live.source.read[day]], "an older reading than the last one"
            first[ended[1][3]] += 1
            refreshed_first += ended[1][3] == "schedule"
        delay = min(delay * (1.4 if refreshed_first > 1 else 0.7), 0.1)
        await live.sound(transfer)
    assert len(first) == 2, f"the same one is always first: this is no race: {first}"


VERBS = ("create", "cancel", "retry", "pause", "resume", "refresh")


@pytest.mark.timeout(3600)
async def test_all_verbs_at_once(live: Live, rounds: Callable[[int], int]) -> None:
    """Four people do whatever they like to three transfers whose source fails now and then."""
    live.source.refuses = 0.05
    for offset in range(0, 60, 3):
        live.source.on(FIRST + timedelta(days=offset), always=Permanent("DATA", "Wrong."))
    transfers = {await live.transfer(name): name for name in ("red", "green", "blue")}
    crowd = Crowd(live, list(transfers), steps=rounds(240) // 4)
    await asyncio.gather(*(crowd.person(Random(number), number % 2 == 0) for number in range(4)))
    assert all(crowd.done[verb] for verb in VERBS), crowd.done
    for (backfill_id,) in live.rows("SELECT backfill_id FROM backfills WHERE paused_time IS NOT NULL"):
        await resume(live, backfill_id)
    await live.rest()
    await live.sound(*transfers)
    for transfer, name in transfers.items():
        assert set(live.versions(name)) == {row.data_date for row in live.ledger(transfer)}
        assert all(len(numbers) == 1 for numbers in live.versions(name).values())


async def resume(live: Live, backfill_id: int) -> None:
    if (await live.get(backfill_id)).status in ("CREATED", "SCHEDULED", "RUNNING"):
        await live.verb("resume", backfill_id)


class Crowd:
    """People who do one thing after the other, steps each. created: backfills that anybody made. done: what took."""

    def __init__(self, live: Live, transfers: list[int], steps: int) -> None:
        self.live, self.transfers, self.steps = live, transfers, steps
        self.done, self.created = Counter[str](), list[int]()

    async def person(self, chance: Random, elsewhere: bool) -> None:
        db = self.live.other if elsewhere else self.live.db
        for _ in range(self.steps):
            verb = chance.choice(VERBS)
            try:
                await self._do(verb, chance, db)
                self.done[verb] += 1
            except (Refused, Busy):  # busy: the others kept the state to themselves for five seconds
                pass
            if chance.random() < 0.3:
                await self.live.sound()
            await asyncio.sleep(chance.random() / 50)

    async def _do(self, verb: str, chance: Random, db: SqliteDatabase) -> None:
        transfer = chance.choice(self.transfers)
        span = days_from(chance.randrange(50), chance.randrange(1, 5))
        if verb == "create" or not self.created:
            self.created.append(await self.live.backfill(transfer, span, db))
        elif verb == "refresh":
            await self.live.refresh(transfer, span.start, db=db)
        else:
            failed = [one for (one,) in self.live.rows("SELECT backfill_id FROM backfills WHERE status = 'FAILED'")]
            of = failed if failed and verb == "retry" else self.created
            await self.live.verb(verb, chance.choice(of[-6:]), db)
