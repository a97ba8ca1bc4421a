"""What happens to several servers on one state in PostgreSQL: killed, stopped, and cut off while that restarts."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import ClassVar

import arena
from arena import DEADLINE, Arena, Unanswered
from callers import Caller
from oracle import check, check_creates, check_state, check_weights
from places import LOOPBACK
from sabotage import Sabotage
from servers import Server, Template
from stamped import Habits
from weather import GRACE, KILLED_AT, LEFT, PATIENCE, Tally, moody

from postgres_server import PostgresServer

SERVERS = 3
SILENT = 1.0
"""Seconds after which a server that stands still has its place taken."""
QUICK = {"silent": SILENT, "rest": 0.3}
TAKEN_OVER = 60.0
"""Seconds in which another server must dispatch, whatever else happens on the machine."""
BREATH = 0.3
"""Seconds between two faults, on the average."""

HELD = "SELECT data_date, token FROM runs WHERE transfer_id = ? AND status = 'RUNNING'"
LOADED = "SELECT data_date, max(token) FROM runs WHERE transfer_id = ? AND status = 'COMPLETED' GROUP BY 1"


@dataclass
class SharedWeather:
    """One arena's weather. fleet: its servers, each in a data directory of its own. is_fenced: as of `Weather`.

    settings: more of the environment of servers.
    """

    arena: Arena
    template: Template
    postgres: PostgresServer
    chance: Random
    tally: Tally
    is_fenced: bool = True
    fleet: dict[int, Server] = field(default_factory=dict)
    to_come: list[str] = field(default_factory=list)
    trace_lines: int = 0
    patience: float = PATIENCE
    settings: Mapping[str, str] = field(default_factory=dict)
    events: ClassVar[dict[str, int]] = {"kill_leader": 3, "kill_any": 1, "overtake": 2, "stop": 1, "restart": 1}
    """How often each happens before all have."""

    def __post_init__(self) -> None:
        self.caller = Caller(self.arena, Random(self.chance.random()), may_err=False)

    def round(self, faults: int) -> None:
        """So many faults while people work, then fair weather until all is done, then the comparison."""
        end, over = self.tally.faults + faults, threading.Event()
        people = threading.Thread(target=self.caller.go_on, args=(over, 0.12))
        self.fill()
        people.start()
        try:
            while self.tally.faults < end:
                getattr(self, self.next_event())()
                self.look()
                self.fill()
                time.sleep(self.chance.expovariate(1 / BREATH))
        finally:
            over.set()
            people.join()
        self.calm()

    def next_event(self) -> str:
        if not self.to_come:
            self.to_come = [name for name, count in self.events.items() for _ in range(count)]
            self.chance.shuffle(self.to_come)
        return self.to_come.pop()

    # -- what happens

    def kill_leader(self) -> None:
        """The server that dispatches; mostly its successor is waited for."""
        leader, killed_at = self.leader(), time.time()
        self.kill(leader or self.anyone())
        self.tally.counts["kills under way"] += bool(self.arena.rows(LEFT))
        if leader is not None and self.chance.random() < 0.7:
            self.tally.to_leading.append(self.successor(leader, killed_at) - killed_at)

    def kill_any(self) -> None:
        self.kill(self.anyone())

    def overtake(self) -> None:
        """The server that dispatches stands still while it loads, until another has its place and loads its days."""
        leader = self.who_leads()
        transfer_id = self.let_load(leader)
        with self.stopped(leader):
            stopped_at, held = time.time(), self.arena.rows(HELD, transfer_id)
            self.successor(leader, stopped_at)
            self.tally.counts["overtaken"] += self.are_loaded_anew(transfer_id, held)
        time.sleep(1.0)  # what it was loading comes too late
        self.black_out()

    def black_out(self) -> None:
        """All servers die at once; then everything is compared as they have left it."""
        for server in list(self.fleet.values()):
            self.ended(server, signal.SIGKILL)
        self.until_quiet()
        self.tally.findings.add(check(self.arena))

    def until_quiet(self) -> None:
        """All servers are dead: wait until nobody writes any more."""
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dayfill%'"
        while self.arena.rows(ours) != [(0,)]:  # a commit that was sent is still made
            time.sleep(0.01)

    def let_load(self, leader: Server) -> int:
        """Ask for days that are loaded one by one, and wait until the leader reads some; returns their transfer."""
        (transfer_id,) = self.arena.side_by_side()
        asked_at = time.time()
        dates = [str(arena.day(number)) for number in self.chance.sample(range(self.arena.days), 8)]
        with suppress(Unanswered):
            self.arena.call("POST", f"/x/v1~/transfers/{transfer_id}/runs", {"dates": dates})
        end, tables = time.monotonic() + 3 * SILENT, self.arena.tables[transfer_id]
        while time.monotonic() < end:
            read = [one for one in self.arena.events() if one["what"] == "read" and self.loads_for(leader, one["pid"])]
            if any(one["at"] >= asked_at and one["table"] in tables for one in read):
                break
            time.sleep(0.005)
        return transfer_id

    def loads_for(self, leader: Server, pid: int) -> bool:
        """Whether this process does what that server wants."""
        return pid == leader.pid

    def are_loaded_anew(self, transfer_id: int, held: list[tuple[str, int]]) -> bool:
        """Wait until one of these days was loaded by a newer attempt; False if none is in time."""
        end = time.monotonic() + 3 * SILENT
        while held and time.monotonic() < end:
            newest = dict(self.arena.rows(LOADED, transfer_id))
            if any(newest.get(day, 0) > token for day, token in held):
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        """A server stands still for a while, which may be too long."""
        with self.stopped(self.chance.choice((self.leader() or self.anyone(), self.anyone()))):
            if self.chance.random() < 0.3:
                self.restart()
            time.sleep(self.chance.random() * (SILENT + 1))

    def restart(self) -> None:
        """PostgreSQL ends as if the power had gone, with state and data; after a while it is back."""
        self.postgres.stop("immediate")
        time.sleep(self.chance.random())
        self.postgres.start()
        self.tally.counts["restarts"] += 1

    # -- how

    def leader(self) -> Server | None:
        """The server that began to dispatch last, if it is there."""
        pids = [event["pid"] for event in self.arena.events() if event["what"] == "leads"]
        return next((one for one in self.fleet.values() if pids and one.pid == pids[-1]), None)

    def who_leads(self) -> Server:
        """The server that dispatches, once there is one."""
        end = time.monotonic() + TAKEN_OVER
        while (leader := self.leader()) is None:
            assert time.monotonic() < end, f"nobody dispatches: {[one.said() for one in self.fleet.values()]}"
            time.sleep(0.02)
        return leader

    def anyone(self) -> Server:
        return self.chance.choice(list(self.fleet.values()))

    def successor(self, before: Server, since: float) -> float:
        """When another server began to dispatch, in seconds of the clock; it may have done so before."""
        end = time.monotonic() + TAKEN_OVER
        while True:
            last = [event for event in self.arena.events() if event["what"] == "leads"][-1]
            if last["pid"] != before.pid:
                return max(float(last["at"]), since)
            assert time.monotonic() < end, f"nobody has taken the place: {[one.said() for one in self.fleet.values()]}"
            time.sleep(0.02)

    @contextmanager
    def stopped(self, server: Server) -> Iterator[None]:
        server.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.tally.counts["stops"] += not server.has_ended()
            server.send(signal.SIGCONT)

    def kill(self, server: Server) -> None:
        self.tally.counts["kills"] += self.ended(server, signal.SIGKILL) == -signal.SIGKILL

    def ended(self, server: Server, by: signal.Signals) -> int:
        """End one; what it has said that it should not have is noted."""
        code = server.end(by)
        self.fleet = {slot: one for slot, one in self.fleet.items() if one is not server}
        self.ask()
        said = server.said()
        if code not in (0, -signal.SIGKILL) or "Traceback" in said:
            self.tally.findings.wrong.append(("answer", f"a server ended with {code}\n{said[-4000:]}"))
        return code

    def fill(self, *, is_calm: bool = False) -> None:
        """Start servers where there are none."""
        for server in list(self.fleet.values()):
            if server.has_ended():  # at a failpoint
                self.kill(server)
        for slot in set(range(SERVERS)) - self.fleet.keys():
            server = self.fleet[slot] = self.serve(slot, is_calm=is_calm)
            if server.ready():
                self.tally.to_serving.append(time.time() - server.began_at)
            elif is_calm or not server.has_ended():
                raise AssertionError(f"a server does not start: {server.said()}")
        self.ask()

    def serve(self, slot: int, *, is_calm: bool) -> Server:
        keyring = str(self.arena.data_dir / "keyring")
        settings = {"DAYFILL_STATE": self.arena.state.dsn, "DAYFILL_KEYRING_FILE": keyring}
        settings |= {"DAYFILL_ALLOW_NETS": LOOPBACK, **self.settings}
        mood = (self.calmness(), "") if is_calm else (self.mood(), self.failpoint())
        return self.template.serve(self.arena.folder / f"server{slot}", *mood, **settings)

    def ask(self) -> None:
        """People ask whichever server there is."""
        ports = [one.port for one in self.fleet.values() if one.port] or [0]
        self.arena.port, self.arena.others = ports[0], tuple(ports[1:])

    def mood(self) -> Sabotage:
        habits = replace(moody(self.arena, self.chance), delay=self.chance.choice((0.02, 0.1, 0.3)))
        return Sabotage(habits, self.is_fenced, grace=GRACE, deadline=DEADLINE, naps=0.08, **QUICK)

    def calmness(self) -> Sabotage:
        """Nobody takes the place of a server that a busy machine holds up for a second."""
        return Sabotage(Habits(trace=str(self.arena.trace)), self.is_fenced, rest=QUICK["rest"])

    def failpoint(self) -> str:
        if self.chance.random() > 0.15:
            return ""
        return f"{self.chance.choice(KILLED_AT)}:kill@{self.chance.choice((1, 2, 3, 8))}"

    def look(self) -> None:
        """Count what the servers did to themselves; the state holds no violation, whatever is under way."""
        events = self.arena.events()
        new, self.trace_lines = events[self.trace_lines :], len(events)
        self.tally.read(new)
        self.tally.counts["leaders"] += sum(event["what"] == "leads" for event in new)
        self.tally.findings.add(check_state(self.arena))

    def calm(self) -> None:
        """Nothing happens any more: what was asked for is done, the servers stop when told to, nothing is wrong."""
        self.black_out()
        self.fill(is_calm=True)
        self.caller.finish(self.patience)
        found = self.tally.findings
        for server in list(self.fleet.values()):
            if (code := self.ended(server, signal.SIGTERM)) != 0:
                found.wrong.append(("answer", f"after SIGTERM a server ended with {code}"))
        self.look()
        found.add(check(self.arena))
        found.wrong += self.caller.wrong
        found.add(check_creates(self.arena, self.caller.acknowledged))
        found.add(check_weights(self.arena, self.caller.weights))
        self.tally.counts["creates"] = len(self.caller.acknowledged)
        self.tally.counts["repeated"] = self.caller.repeated
        self.tally.counts["weighed"] = self.caller.weighed
