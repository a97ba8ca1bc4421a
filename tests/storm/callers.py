"""People who use an installation while it is stormed: they create, retry, cancel, pause, run now, edit and weigh."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from arena import Arena, Unanswered, day
from evidence import flavour_of
from overtaking import edit

FINAL = ("COMPLETED", "CANCELLED")
COUNTERS = ("transfer_runs_created", "transfer_runs_completed", "transfer_runs_failed")
OFTEN = {"create": 40, "look": 15, "retry": 15, "run_now": 12, "cancel": 6, "pause": 4, "resume": 6, "edit": 12}
OFTEN |= {"weigh": 8, "weigh_team": 6}
HEAVIEST = 9


@dataclass
class Caller:
    """One person. acknowledged: backfill -> (transfer, first day, last day). open: creates that were never answered.

    weights: of the teams that have been given one.
    wrong: what an answer said that no answer may say. refused: requests that were refused for a reason.
    may_err: an answer may be 500, since servers are made to fail.
    """

    arena: Arena
    chance: Random
    acknowledged: dict[int, tuple[int, str, str]] = field(default_factory=dict)
    open: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    seen: dict[int, dict[str, Any]] = field(default_factory=dict)
    weights: dict[int, int] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    refused: int = 0
    repeated: int = 0
    weighed: int = 0
    may_err: bool = True

    def go_on(self, until: threading.Event, pause: float) -> None:
        """One thing after the other until told to stop."""
        verbs, often = list(OFTEN), list(OFTEN.values())
        while not until.wait(self.chance.random() * pause):
            try:
                getattr(self, self.chance.choices(verbs, often)[0])()
            except Unanswered:
                continue  # whoever created something asks again later

    # -- what people do

    def create(self) -> None:
        if len(self.open) > 3:
            self.repeat()
            return
        transfer_id = self.chance.choice(list(self.arena.transfers))
        first = self.chance.randrange(self.arena.days)
        last = min(self.arena.days - 1, first + self.chance.randrange(12))
        key = str(UUID(int=self.chance.getrandbits(128), version=4))
        self.open[key] = (transfer_id, str(day(first)), str(day(last)))
        self._create(key)

    def repeat(self) -> None:
        """Ask again for what was never answered, with the same keys."""
        for key in list(self.open):
            self.repeated += 1
            self._create(key)

    def retry(self) -> None:
        self._verb("POST", "/x/v1{}/backfills/{}/retry", {}, reopens=True)

    def cancel(self) -> None:
        self._verb("PATCH", "{}/backfills/{}", {"status": "CANCELLED"})

    def pause(self) -> None:
        self._verb("POST", "/x/v1{}/backfills/{}/pause", {})

    def resume(self) -> None:
        self._verb("POST", "/x/v1{}/backfills/{}/resume", {})

    def look(self) -> None:
        self._verb("GET", "{}/backfills/{}")

    def run_now(self) -> None:
        transfer_id = self.chance.choice(list(self.arena.transfers))
        days = {str(day(self.chance.randrange(self.arena.days))) for _ in range(3)}
        self._call(
            "POST",
            f"/x/v1{self.arena.place(transfer_id)}/transfers/{transfer_id}/runs",
            {"dates": sorted(days)},
            may_be=(202,),
        )

    def edit(self) -> None:
        edit(self.arena, self.chance.choice(list(self.arena.transfers)), self.chance.randrange(10**6))

    def weigh(self) -> None:
        """A transfer gets more or fewer turns from now on; what it has loaded stays as good as it was."""
        transfer_id, weight = self.chance.choice(list(self.arena.transfers)), self.chance.randint(1, HEAVIEST)
        self.arena.transfers[transfer_id]["data_source_settings"][-1]["value"] = weight
        self.weighed += edit(self.arena, transfer_id, flavour_of(self.arena, transfer_id))

    def weigh_team(self) -> None:
        """From a process of the operator's own, which wakes no server."""
        team_id = self.chance.choice([self.arena.team_id, *self.arena.teams.values()])
        self.weights[team_id] = self.chance.randint(1, HEAVIEST)
        self.arena.state.change("UPDATE teams SET weight = ? WHERE team_id = ?", self.weights[team_id], team_id)
        self.weighed += 1

    def finish(self, patience: float) -> None:
        """Have everything done that was asked for, whatever stood in its way: open creates, pauses, failed days.

        patience: seconds in which some run must end, however slow the machine; all may take ten times as long.
        """
        began, last = time.monotonic(), self.ended()
        end = began + patience
        self.repeat()
        chosen = {"only": ["failed", "stale", "missing"], "range_start": str(day(0)), "range_end": None}
        chosen["range_end"] = str(day(self.arena.days - 1))
        left = set(self.arena.transfers)
        while left and time.monotonic() < end:
            if self.is_busy():
                time.sleep(0.02)
                before, last = last, self.ended()
                if last != before:
                    end = min(time.monotonic() + patience, began + 10 * patience)
                continue
            for transfer_id in sorted(left):
                place = self.arena.place(transfer_id)
                status, answer = self.arena.call("POST", f"/x/v1{place}/transfers/{transfer_id}/backfills", chosen)
                if status == 200:
                    self._acknowledge(answer)
                else:
                    left.discard(transfer_id)
        if left:
            self.wrong.append(("lost", f"work is left, and none was done for {patience:g} s: {self.waiting()}"))

    def is_busy(self) -> bool:
        """Whether something is under way or may start; what is paused is resumed."""
        active = []
        for place in self.arena.places:
            _, incomplete = self.arena.call("GET", f"{place}/backfills")
            active += [
                (place, one) for one in incomplete if one["status"] != "FAILED"
            ]  # it ends with a retry, or never
        for place, one in active:
            if one["x"].get("paused_time"):
                self.arena.call("POST", f"/x/v1{place}/backfills/{one['transfer_backfill_id']}/resume", {})
        return bool(active) or bool(self.waiting())

    def waiting(self) -> list[tuple[Any, ...]]:
        return self.arena.rows(
            "SELECT status, cause, count(*) FROM runs WHERE status IN ('CREATED', 'QUEUED', 'RUNNING') GROUP BY 1, 2"
        )

    def ended(self) -> int:
        ((count,),) = self.arena.rows("SELECT count(*) FROM runs WHERE status IN ('COMPLETED', 'FAILED', 'CANCELLED')")
        return int(count)

    # -- what they remember

    def _create(self, key: str) -> None:
        transfer_id, first, last = self.open[key]
        body = {"range_start": first, "range_end": last}
        status, answer = self.arena.call(
            "POST",
            f"{self.arena.place(transfer_id)}/transfers/{transfer_id}/backfills",
            body,
            **{"Idempotency-Key": key},
        )
        if self._failed(status, answer):  # a fault, or a server that is stopping: ask again
            return
        wanted = self.open.pop(key)
        if status == 200:
            self._acknowledge(answer, wanted)
        elif status != 422:
            self.wrong.append(("answer", f"create: {status} {answer}"))

    def _acknowledge(self, answer: dict[str, Any], wanted: tuple[int, str, str] | None = None) -> None:
        made = (answer["transfer_id"], answer["range_start_date"], answer["range_end_date"])
        backfill_id = answer["transfer_backfill_id"]
        if backfill_id in self.acknowledged or (wanted or made) != made:
            self.wrong.append(("answer", f"asked for {wanted}, told of backfill {backfill_id}: {made}"))
        self.acknowledged[backfill_id] = made

    def _verb(self, method: str, path: str, body: object = None, *, reopens: bool = False) -> None:
        if not self.acknowledged:
            return
        backfill_id = self.chance.choice(list(self.acknowledged)[-8:])
        if reopens:  # also if no answer comes: it may have been done
            self.seen.pop(backfill_id, None)
        place = self.arena.place(self.acknowledged[backfill_id][0])
        answer = self._call(method, path.format(place, backfill_id), body, may_be=(200,))
        if answer is not None:
            self._compare(backfill_id, answer)

    def _call(self, method: str, path: str, body: object, may_be: tuple[int, ...]) -> Any:
        """The answer, None if the request was refused."""
        status, answer = self.arena.call(method, path, body)
        if status in may_be:
            return answer
        self.refused += 1
        if not self._failed(status, answer) and status != 422:
            self.wrong.append(("answer", f"{method} {path}: {status} {answer}"))
        return None

    def _failed(self, status: int, answer: object) -> bool:
        """Whether it should be asked again."""
        if status == 500 and not self.may_err:
            self.wrong.append(("answer", f"500 {answer}"))
        return status in (500, 503)

    def _compare(self, backfill_id: int, now: dict[str, Any]) -> None:
        """Counters never fall and a final status never leaves, except by a retry."""
        before = self.seen.get(backfill_id)
        self.seen[backfill_id] = now
        if before is None:
            return
        fell = [name for name in COUNTERS if now[name] < before[name]]
        left = before["status"] in FINAL and (now["status"], now["end_time"]) != (before["status"], before["end_time"])
        if fell or left:
            self.wrong.append(("answer", f"backfill {backfill_id} was {before}, is {now}"))
