"""For each failpoint: what must be there before, what somebody does to reach it, and what must be true in the end."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import apsw
from arena import Arena, Unanswered, day
from callers import Caller
from past import step_back
from sabotage import Sabotage
from servers import PATIENCE, Server, Template
from stamped import Habits

DAYS = 6
WINDOW = 3


@dataclass
class Case:
    """One failpoint, one action, one installation. server: the one that fails. slot: of the schedule that is due."""

    arena: Arena
    template: Template
    chance: Random
    caller: Caller = field(init=False)
    server: Server = field(init=False, repr=False)
    slot: int = 0
    backfill_id: int = 0

    def __post_init__(self) -> None:
        self.caller = Caller(self.arena, self.chance)

    @property
    def first(self) -> int:
        """The transfer that is worked on; the other one may be deleted and made."""
        return min(self.arena.transfers)

    @property
    def second(self) -> int:
        return max(self.arena.transfers)

    def habits(self, **more: float) -> Habits:
        return Habits(trace=str(self.arena.trace), seed=self.chance.getrandbits(32), **more)

    def life(self, act: Callable[[Case], None], failpoint: str = "", **habits: float) -> None:
        """A server for as long as this is done: then it is killed, or is left to the failpoint that ends it."""
        server = self.template.serve(self.arena.data_dir, Sabotage(self.habits(**habits), backoff=0.01), failpoint)
        assert server.ready(), server.said()
        self.arena.port = server.port
        act(self)
        server.end(None if failpoint else signal.SIGKILL)
        self.arena.port = 0

    def until(self, done: Callable[[], bool]) -> None:
        """Do it until it is answered: servers come and go meanwhile."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if done():
                    return
            except Unanswered:
                pass
            assert time.monotonic() < end, "nobody has answered"
            time.sleep(0.01)


# -- what people do


def nothing(_case: Case) -> None: ...


def create(case: Case, transfer_id: int = 0) -> None:
    """A backfill of all days; asked again with the same key until it is answered."""
    key = str(UUID(int=case.chance.getrandbits(128), version=4))
    case.caller.open[key] = (transfer_id or case.first, str(day(0)), str(day(case.arena.days - 1)))

    def ask() -> bool:
        case.caller.repeat()
        return not case.caller.open

    case.until(ask)
    case.backfill_id = max(case.caller.acknowledged)


def cancel(case: Case) -> None:
    create(case)
    path = f"~/backfills/{case.backfill_id}"
    case.until(lambda: case.arena.call("PATCH", path, {"status": "CANCELLED"})[0] in (200, 422))


def retry(case: Case) -> None:
    path = f"/x/v1~/backfills/{case.backfill_id}/retry"
    case.until(lambda: case.arena.call("POST", path, {})[0] in (200, 422))


def delete_second(case: Case) -> None:
    case.until(lambda: case.arena.call("DELETE", f"~/transfers/{case.second}")[0] in (204, 404))


def delete_in_use(case: Case) -> None:
    create(case, case.second)
    delete_second(case)


def create_second(case: Case) -> None:
    """The second transfer again, under a new id; its tables are free."""
    before = case.second
    body, names = case.arena.transfers.pop(before), case.arena.tables.pop(before)
    key = str(UUID(int=case.chance.getrandbits(128), version=4))

    def ask() -> bool:
        status, answer = case.arena.call("POST", "~/transfers", body, **{"Idempotency-Key": key})
        if status == 201:
            made = answer["transfer_id"]
            case.arena.transfers[made], case.arena.tables[made] = body, names
        return status == 201

    case.until(ask)


def stop_while_loading(case: Case) -> None:
    create(case)
    case.until(lambda: any(event["what"] == "read" for event in case.arena.events()))
    case.server.send(signal.SIGTERM)


# -- what must be there before


def failed_backfill(case: Case) -> None:
    """One whose every day has failed."""

    def act(case: Case) -> None:
        create(case)
        status = f"~/backfills/{case.backfill_id}"
        case.until(lambda: case.arena.call("GET", status)[1]["status"] == "FAILED")

    case.life(act, transient=1.0)


def killed_while_loading(case: Case) -> None:
    """Some of its days were being read, others wait."""
    case.life(create, "extract:kill@2", delay=0.1)


def killed_before_the_upgrade(case: Case) -> None:
    killed_while_loading(case)
    step_back(case.arena.data_dir / "state.sqlite")


def due_schedule(case: Case) -> None:
    """A schedule whose slot has come while nobody served."""
    far = (time.gmtime().tm_hour + 12) % 24  # the next slot does not come during the test
    schedule = {"run_interval": "daily", "run_hour": far, "refresh_window": WINDOW}
    body = case.arena.transfers[case.first] | {"schedule": [schedule]}

    def act(case: Case) -> None:
        assert case.arena.call("PUT", f"~/transfers/{case.first}", body)[0] == 200

    case.life(act)
    case.slot = (int(time.time()) - 60) * 1_000_000
    with closing(apsw.Connection(str(case.arena.data_dir / "state.sqlite"))) as connection:
        connection.execute("UPDATE schedules SET next_time = ?", (case.slot,))


# -- what must be true in the end


def as_asked(_case: Case) -> list[str]:
    return []  # the comparison of what was acknowledged, and of all days, says the rest


def is_cancelled(case: Case) -> list[str]:
    found = case.arena.rows("SELECT status FROM backfills WHERE backfill_id = ?", case.backfill_id)
    return [] if found == [("CANCELLED",)] else [f"the cancelled backfill is {found}"]


def is_retried(case: Case) -> list[str]:
    found = case.arena.rows("SELECT status, failed FROM backfills WHERE backfill_id = ?", case.backfill_id)
    return [] if found == [("COMPLETED", 0)] else [f"the backfill that was tried again is {found}"]


def are_two(case: Case) -> list[str]:
    return _transfers(case, 2)


def is_one(case: Case) -> list[str]:
    return _transfers(case, 1) + is_cancelled(case)


def _transfers(case: Case, wanted: int) -> list[str]:
    found = case.arena.rows("SELECT configuration FROM transfers WHERE deleted_time IS NULL")
    return (
        [] if len(found) == wanted else [f"there are {len(found)} transfers: {[json.loads(row[0]) for row in found]}"]
    )


def has_fired_once(case: Case) -> list[str]:
    runs = case.arena.rows("SELECT count(*), count(DISTINCT data_date) FROM runs WHERE cause_of_start = 'schedule'")
    slots = case.arena.rows("SELECT slot_time FROM schedule_slots")
    return (
        []
        if (runs, slots) == ([(WINDOW, WINDOW)], [(case.slot,)])
        else [f"slot {case.slot} led to {slots} and runs {runs}"]
    )


@dataclass(frozen=True)
class Scenario:
    """How one failpoint is reached. many: it is passed twice at least, so either of its first passages may be meant."""

    act: Callable[[Case], None] = create
    prepare: Callable[[Case], None] = nothing
    check: Callable[[Case], list[str]] = as_asked
    many: bool = False
    delay: float = 0.0


SCENARIOS = {
    "answer": Scenario(),
    "create": Scenario(),
    "cancel": Scenario(cancel, check=is_cancelled, delay=0.4),
    "retry": Scenario(retry, failed_backfill, is_retried),
    "create_transfer": Scenario(create_second, lambda case: case.life(delete_second), are_two),
    "delete_transfer": Scenario(delete_in_use, check=is_one, delay=0.4),
    "materialise": Scenario(),
    "fire": Scenario(nothing, due_schedule, has_fired_once),
    "claim": Scenario(many=True),
    "record": Scenario(many=True),
    "rescue": Scenario(nothing, killed_while_loading),
    "migrate": Scenario(nothing, killed_before_the_upgrade),
    "shutdown": Scenario(stop_while_loading, delay=0.1),
    "extract": Scenario(many=True),
    "before_load": Scenario(many=True),
    "before_commit": Scenario(many=True),
    "after_load": Scenario(many=True),
}
