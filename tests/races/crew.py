"""People in processes of their own, each with its own connection to one state, who all start at one moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random

from dayfill.domain.days import DayRange
from dayfill.engine import backfills
from dayfill.errors import Busy, Refused
from dayfill.seams import Seams
from dayfill.store.db import Database
from dayfill.store.postgresql import PostgresDatabase
from dayfill.store.sqlite import SqliteDatabase

SECONDS = 180
"""How long anybody waits for the others before the race is broken off."""
IMPORTED = ["dayfill.engine.backfills", "dayfill.store.postgresql", "dayfill.store.sqlite"]
"""What everybody needs: imported once, in the process that they are forked from."""
NOON = datetime(2024, 6, 15, 12, tzinfo=UTC)
"""When they live: that of `installation`, which would have each of them import the whole server."""


@dataclass(frozen=True)
class Wish:
    """What one person asks for: create over a range, or cancel, retry, pause, resume of a backfill."""

    verb: str
    transfer_id: int
    backfill_id: int = 0
    span: DayRange | None = None


@dataclass(frozen=True)
class Answer:
    """What came of it. backfill_id: that the verb worked on or made, 0 if it was refused for this reason."""

    wish: Wish
    backfill_id: int = 0
    reason: str = ""


class Crew:
    """The processes, ready; `race` lets each of them follow one wish."""

    def __init__(self, wishes: Sequence[Queue[Wish | None]], answers: Queue[Answer | str]) -> None:
        self._wishes, self._answers = wishes, answers

    def race(self, wishes: Sequence[Wish]) -> list[Answer]:
        """One wish for each process, all at once; the answers in the order in which they came."""
        for queue, wish in zip(self._wishes, wishes, strict=True):
            queue.put(wish)
        answers = [self._answers.get(timeout=SECONDS) for _ in wishes]
        faults = [answer for answer in answers if isinstance(answer, str)]
        assert faults == []
        return [answer for answer in answers if isinstance(answer, Answer)]


def forks() -> ForkServerContext:
    """Processes that know nothing of this one, and have imported what everybody needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


@contextmanager
def crew(state: Path | str, team_id: int, user_id: int, people: int) -> Iterator[Crew]:
    """So many processes on this state, a file or the DSN of a PostgreSQL database, until the block ends."""
    context = forks()
    start = context.Barrier(people)
    answers: Queue[Answer | str] = context.Queue()
    wishes: list[Queue[Wish | None]] = [context.Queue() for _ in range(people)]
    processes = [
        context.Process(target=person, args=(state, team_id, user_id, start, queue, answers), daemon=True)
        for queue in wishes
    ]
    for process in processes:
        process.start()
    try:
        yield Crew(wishes, answers)
        for queue in wishes:
            queue.put(None)
        for process in processes:
            process.join(SECONDS)
    finally:
        for process in processes:
            process.kill()
            process.join()


def person(
    state: Path | str,
    team_id: int,
    user_id: int,
    start: Barrier,
    wishes: Queue[Wish | None],
    answers: Queue[Answer | str],
) -> None:
    """The life of one process."""
    seams = Seams(lambda: NOON, lambda: 0.0, uuid.uuid4, Random(1))
    with asyncio.Runner() as runner:
        db = runner.run(_opened(state, seams))
        who = Who(db, seams, team_id, user_id)
        while (wish := wishes.get()) is not None:
            start.wait(SECONDS)
            answers.put(runner.run(who.answer(wish)))
        runner.run(db.close())


async def _opened(state: Path | str, seams: Seams) -> Database:
    if isinstance(state, str):
        return await PostgresDatabase.open(state, seams)
    db = SqliteDatabase(state)
    db._writer.execute("PRAGMA synchronous = OFF")  # no power is cut, and a disk would only put them in a row
    return db


@dataclass(frozen=True)
class Who:
    """One person with a connection."""

    db: Database
    seams: Seams
    team_id: int
    user_id: int

    async def answer(self, wish: Wish) -> Answer | str:
        answer = Answer(wish)
        try:
            return replace(answer, backfill_id=await self._do(wish))
        except Busy:  # a machine that holds somebody up for seconds; a client is told to ask again, too
            return await self.answer(wish)
        except Refused as refused:
            return replace(answer, reason=str(refused))
        except Exception as error:
            return f"{wish} ended with {error!r}"

    async def _do(self, wish: Wish) -> int:
        of_team = (self.team_id, self.user_id)
        async with self.db.write() as tx:
            match wish.verb:
                case "create":
                    assert wish.span is not None
                    made = await backfills.create(
                        tx, self.seams, *of_team, wish.transfer_id, wish.span, max_days=10_000
                    )
                    return made.backfill_id
                case "retry":
                    await backfills.retry(tx, self.seams, self.team_id, wish.backfill_id)
                case "cancel":
                    await backfills.cancel(tx, self.seams, *of_team, wish.backfill_id)
                case other:
                    raise ValueError(other)
        return wish.backfill_id
