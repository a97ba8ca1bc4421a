"""What happens to the servers of one arena: killed at any moment, stopped past every deadline, their workers paused."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from arena import DEADLINE, Arena
from callers import Caller
from oracle import Findings, check, check_creates, check_state, check_weights
from overtaking import overtake
from sabotage import Sabotage
from servers import Server, Template
from stamped import Habits

from dayfill.domain.run import MAX_ATTEMPTS
from dayfill.seams import FAILPOINTS

PATIENCE = 90.0
"""Seconds in which everything must be done once the weather is fair."""
KILLED_AT = sorted(FAILPOINTS - {"shutdown", "fire", "create_transfer", "delete_transfer"})
GRACE = 0.3
OVERTAKING = 5.0
"""Seconds that each step of an overtaking may take."""
FAULTS = ("kills", "stops", "pauses", "overtaken", "restarts", "workers", "drivers", "nodes")
LOOKED_AT = 0.25
"""Share of the dead servers after which data and ledger are compared too; the state is checked after each."""

LEFT = f"""
SELECT r.transfer_id, r.data_date FROM runs r LEFT JOIN backfills b ON b.backfill_id = r.backfill_id
WHERE r.status = 'RUNNING' AND r.attempts < {MAX_ATTEMPTS - 1}
  AND (r.backfill_id IS NULL OR b.status = 'RUNNING' AND b.paused_time IS NULL)
"""
"""What a dead server was loading and its successor is to load at once: not paused, and not a suspect, which waits."""


@dataclass
class Tally:
    """What was done and what it led to. Times in seconds.

    to_leading: until another server dispatched, once the one that did was killed. to_loaded: until what was lost with a
    worker, a node or a driver of a cluster was loaded again, by kind.
    """

    counts: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)
    to_serving: list[float] = field(default_factory=list)
    to_reading: list[float] = field(default_factory=list)
    to_leading: list[float] = field(default_factory=list)
    to_loaded: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.findings.add(other.findings)
        self.to_serving += other.to_serving
        self.to_reading += other.to_reading
        self.to_leading += other.to_leading
        for kind, seconds in other.to_loaded.items():
            self.to_loaded[kind] += seconds

    @property
    def faults(self) -> int:
        return sum(self.counts[kind] for kind in FAULTS)

    def read(self, events: Sequence[dict[str, Any]]) -> None:
        """Count what the servers did to themselves."""
        counts = self.counts
        counts["pauses"] += sum(event["what"] == "sleep" for event in events)
        counts["naps"] += sum(event["what"] == "nap" for event in events)
        counts["readings"] += sum(event["what"] == "read" for event in events)
        counts["refused"] += sum(event["days"] for event in events if event["what"] == "refused")


def moody(arena: Arena, chance: Random) -> Habits:
    """A source that is slow or quick, and fails in each of its ways now and then."""
    return Habits(
        trace=str(arena.trace),
        seed=chance.getrandbits(32),
        delay=chance.choice((0.0, 0.02, 0.1)),
        transient=0.04,
        broken=0.02,
        truncated=0.03,
        miscounted=0.02,
    )


@dataclass
class Weather:
    """One arena's weather. is_fenced: False takes the fence out of the servers."""

    arena: Arena
    template: Template
    chance: Random
    tally: Tally
    is_fenced: bool = True
    caller: Caller = field(init=False)
    trace_lines: int = 0
    left: set[tuple[int, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.caller = Caller(self.arena, Random(self.chance.random()))

    def round(self, faults: int) -> None:
        """So many faults while people work, then fair weather until all is done, then the comparison."""
        end = self.tally.faults + faults
        over, caller = threading.Event(), self.caller
        people = threading.Thread(target=caller.go_on, args=(over, 0.12))
        people.start()
        try:
            while self.tally.faults < end:
                self.life()
        finally:
            over.set()
            people.join()
        self.calm()

    def life(self) -> None:
        """One server from its start to its death."""
        if self.chance.random() < 0.08:
            self.overtaking()
            return
        is_long = self.chance.random() < 0.3
        server = self.template.serve(self.arena.data_dir, self._sabotage(is_long), self._failpoint())
        if self.chance.random() < 0.08:
            time.sleep(self.chance.random() * 0.04)
            self._kill(server)
        elif self._has_come_up(server):
            self._live(server, self.chance.uniform(1.5, 3.5) if is_long else self.chance.expovariate(1 / 0.25))
            self._kill(server)
        else:
            self._kill(server)
        self._read_trace(server, is_thorough=self.chance.random() < LOOKED_AT)

    def overtaking(self) -> None:
        """The life of a server one of whose workers is overtaken by a newer attempt at its day."""
        transfer_id, gate = self.chance.choice(self.arena.side_by_side()), self.arena.folder / "gate"
        gate.unlink(missing_ok=True)
        sabotage = replace(self._sabotage(is_long=False), naps=0.0, gate=str(gate), gate_of=transfer_id)
        server = self.template.serve(self.arena.data_dir, sabotage)
        if self._has_come_up(server):
            flavour = self.chance.randrange(10**6)
            overtaken = overtake(self.arena, server, transfer_id, gate, flavour, OVERTAKING)
            self.tally.counts["overtaken"] += overtaken
        self._kill(server)
        self._read_trace(server, is_thorough=True)

    def calm(self) -> None:
        """Nothing happens any more: what was asked for is done, the server stops when told to, nothing is wrong."""
        server = self.template.serve(self.arena.data_dir, Sabotage(Habits(trace=str(self.arena.trace)), self.is_fenced))
        assert self._has_come_up(server), server.said()
        self.caller.finish(PATIENCE)
        self.arena.port = 0
        code = server.end(signal.SIGTERM)
        self._read_trace(server, is_thorough=True)
        found = self.tally.findings
        if code != 0 or "Traceback" in server.said():
            found.wrong.append(("answer", f"after SIGTERM the server ended with {code}\n{server.said()[:2000]}"))
        found.wrong += self.caller.wrong
        found.add(check_creates(self.arena, self.caller.acknowledged))
        found.add(check_weights(self.arena, self.caller.weights))
        self.tally.counts["creates"] = len(self.caller.acknowledged)
        self.tally.counts["repeated"] = self.caller.repeated
        self.tally.counts["weighed"] = self.caller.weighed

    def _sabotage(self, is_long: bool) -> Sabotage:
        habits = moody(self.arena, self.chance)
        naps, sleeps = (0.1, 0.05) if is_long else (0.08, 0.0)
        return Sabotage(habits, self.is_fenced, grace=GRACE, deadline=DEADLINE, naps=naps, sleeps=sleeps)

    def _failpoint(self) -> str:
        """Some servers die, or meet an error, at a step rather than at a time."""
        luck = self.chance.random()
        if luck > 0.35:
            return ""
        passage = self.chance.choice((1, 1, 2, 3, 8))
        return f"{self.chance.choice(KILLED_AT)}:{'kill' if luck < 0.25 else 'error'}@{passage}"

    def _has_come_up(self, server: Server) -> bool:
        if not server.ready():
            return False
        self.arena.port = server.port
        self.tally.to_serving.append(time.time() - server.began_at)
        return True

    def _live(self, server: Server, seconds: float) -> None:
        end = time.monotonic() + seconds
        if seconds > 1.5 and self.chance.random() < 0.4:
            server.has_ended(self.chance.random())
            self._stop(server)
            end += DEADLINE + 2 * GRACE
        server.has_ended(max(0.0, end - time.monotonic()))

    def _stop(self, server: Server) -> None:
        """Hold the whole process until every deadline has passed, then let it go on as if nothing had been."""
        server.send(signal.SIGSTOP)
        time.sleep(DEADLINE + GRACE + 0.2)
        if not server.has_ended():
            self.tally.counts["stops"] += 1
        server.send(signal.SIGCONT)

    def _kill(self, server: Server) -> None:
        code = server.end(signal.SIGKILL)
        self.tally.counts["kills"] += code == -signal.SIGKILL
        self.arena.port = 0
        if code != -signal.SIGKILL and "failpoint" not in server.said():
            self.tally.findings.wrong.append(("answer", f"the server ended by itself: {code}\n{server.said()[-2000:]}"))

    def _read_trace(self, server: Server, *, is_thorough: bool) -> None:
        """Count what the server did to itself, and when it first read again what its predecessor was loading."""
        events = self.arena.events()
        new, self.trace_lines = events[self.trace_lines :], len(events)
        self.tally.read(new)
        self.tally.to_reading += [at - server.began_at for at in self._read_again(new)]
        self.tally.findings.add(check(self.arena) if is_thorough else check_state(self.arena))
        self.left = set(self.arena.rows(LEFT))
        self.tally.counts["kills under way"] += bool(self.left)

    def _read_again(self, events: list[dict[str, Any]]) -> Iterator[float]:
        """When each day that the predecessor was loading was first read again."""
        left = set(self.left)
        for event in events:
            if event["what"] == "read":
                transfer_id = next(id_ for id_, names in self.arena.tables.items() if event["table"] in names)
                again = {(transfer_id, day) for day in event["days"]} & left
                left -= again
                yield from [event["at"]] * len(again)
