"""What happens without anybody's wish: time, clocks, moods, faults, deaths of the server, older copies of its state."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from moods import FAULTS, MOODS
from told import DAYS, PICKS, Told, picked

from dayfill.domain.days import WHOLE, name_of
from rig import Killed, ago
from world import Stumbled

STEPS = (
    *("create", "cancel", "retry", "create_transfer", "delete_transfer"),
    *("materialise", "fire", "claim", "record", "rescue"),
    *("extract", "before_load", "before_commit", "after_load"),
)
"""Failpoints that lie in this model: all but those of the command line and of the HTTP server."""
LATE = ["load", "load and record", "give up"]
"""What may become of a slice whose server is thought to be dead."""
MOST_JUMPS = 4
HOUR, YEAR = 3600, 365 * 86_400


class Accidents(Told):
    # -- slices

    @rule(pick=PICKS, together=st.integers(1, 3), die=st.booleans())
    @precondition(Told.has_slices)
    def answer(self, pick: int, together: int, die: bool) -> None:
        days = []
        for _ in range(min(together, len(self.world.gates))):
            if self.world.is_up:
                gate = picked(self.world.gates, pick)
                gate.die(RuntimeError("the worker is gone")) if die else self.world.answer(gate)
                days += [str(day) for day in gate.days]
        self.tell(f"slices {'die' if die else 'answer'}: {', '.join(days)}")

    @rule(rounds=st.integers(1, 3), late=st.sampled_from(["none", *LATE]))
    @precondition(Told.has_slices)
    def work(self, rounds: int, late: str) -> None:
        """late: what slices of former servers do just before."""
        for gate in [] if late == "none" else list(self.world.zombies):
            self.world.answer_late(gate, late)
        for _ in range(rounds):
            for gate in self.world.gates:
                if self.world.is_up:
                    self.world.answer(gate)
            self.world.pass_time(10)
        self.tell(f"all slices answer, {rounds} times, 10 s apart; of former servers: {late}")

    @rule(pick=PICKS, late=st.sampled_from(LATE))
    @precondition(Told.has_zombies)
    def answer_late(self, pick: int, late: str) -> None:
        gate = picked(self.world.zombies, pick)
        self.world.answer_late(gate, late)
        self.tell(f"of a former server: {late} {', '.join(map(str, gate.days))}")

    # -- time and clocks

    @rule(seconds=st.sampled_from([1, 10, 60, 700, HOUR, 6 * HOUR, 26 * HOUR]), answers=st.integers(0, 4))
    def time_passes(self, seconds: int, answers: int) -> None:
        answering = self.world.gates[:answers]
        for gate in answering:
            if self.world.is_up:
                self.world.answer(gate)
        self.world.pass_time(seconds)
        self.tell(f"{timedelta(seconds=seconds)} pass, {len(answering)} slices answer")

    @rule(seconds=st.sampled_from([HOUR, -HOUR, YEAR, -YEAR]))
    @precondition(lambda self: self.world.jumps < MOST_JUMPS)
    def clock_jumps(self, seconds: int) -> None:
        self.world.set_clock(seconds)
        self.tell(f"the clock is set {'ahead' if seconds > 0 else 'back'} by {timedelta(seconds=abs(seconds))}")

    # -- moods

    @rule(newest=st.integers(0, DAYS), mood=st.sampled_from([*MOODS, *FAULTS]), times=st.integers(1, 4))
    @precondition(Told.is_up)
    def mood(self, newest: int, mood: str, times: int) -> None:
        who = self.world.source if mood in MOODS else self.world.destination
        day = ago(newest) if newest < DAYS else WHOLE
        who.moods[day] = [mood] * times
        self.tell(f"the next {times} times that {name_of(day)} is read or loaded, {who.title.lower()} {mood}")

    # -- the server

    @rule(step=st.sampled_from(STEPS), dies=st.booleans(), skip=st.integers(0, 2))
    @precondition(Told.is_up)
    def plant(self, step: str, dies: bool, skip: int) -> None:
        self.world.rig.fail_at(step, Killed() if dies else Stumbled(), skip=skip)
        self.tell(f"the server will {'die' if dies else 'stumble'} at the step {step}, after {skip} more passages")

    @rule(with_slices=st.booleans(), stays=st.booleans())
    @precondition(Told.is_up)
    def fall(self, with_slices: bool, stays: bool) -> None:
        self.world.fall(with_slices=with_slices)
        if not stays:
            self.world.start()
        after = "" if stays else ", another takes over at once"
        self.tell(f"the server is killed, its slices {'too' if with_slices else 'do not know it'}{after}")

    @rule(drains=st.booleans(), stays=st.booleans())
    @precondition(Told.is_up)
    def terminate(self, drains: bool, stays: bool) -> None:
        self.world.stop(drains=drains)
        if not stays:
            self.world.start()
        how = "when its slices have answered" if drains else "before its slices have answered"
        self.tell(f"the server is told to end and does, {how}{'' if stays else ', another starts'}")

    @rule()
    @precondition(Told.is_down)
    def start(self) -> None:
        self.world.start()
        self.tell("a server starts")

    @rule()
    @precondition(lambda self: self.is_up() and not self.copies)
    def back_up(self) -> None:
        self.copies.append(self.world.copy())
        self.tell("the state is backed up")

    @rule()
    @precondition(lambda self: self.is_up() and self.copies and not self.world.restored)
    def restore(self) -> None:
        self.world.restore(self.copies[0])
        self.judge.forget()
        self.tell("a backup of the state is restored")
