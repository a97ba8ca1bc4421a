"""What moves whose turn it is: weights of transfers and of teams, and more days than there is room for."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from told import DAYS, PICKS, Told, asked

from dayfill.domain.days import DayRange
from rig import ago

CROWD = 8
"""Days of each transfer that are asked for in a rush: older ones than those that the rest of a story is about."""
WEIGHTS = st.integers(1, 4)


class Shares(Told):
    @rule(pick=PICKS, weight=WEIGHTS)
    @precondition(Told.is_up)
    def weigh(self, pick: int, weight: int) -> None:
        transfer_id = self.transfer(pick)
        before = self.world.rows("SELECT transfer_id, data_date FROM transfer_days WHERE settled = 'l'")
        self.world.weigh(transfer_id, weight)
        after = self.world.rows("SELECT transfer_id, data_date FROM transfer_days WHERE settled = 'l'")
        assert after == before, "another weight is no other reading"
        self.tell(f"transfer {transfer_id} shall have {weight} turns for each one of another of its team")

    @rule(pick=PICKS, weight=WEIGHTS)
    @precondition(Told.is_up)
    def weigh_team(self, pick: int, weight: int) -> None:
        transfer_id = self.transfer(pick)
        self.world.allow(weight=weight)
        self.tell(f"the team of transfer {transfer_id} shall have {weight} turns for each one of another")

    @rule(seconds=st.sampled_from([0.3, 0.3, 0, 3]), answers=st.integers(8, 16), urgent=PICKS)
    @precondition(Told.is_up)
    def rush(self, seconds: float, answers: int, urgent: int) -> None:
        """Days of all transfers wait, and slices of single days answer one after the other.

        seconds: that each reading takes; a slice of over 1.5 s costs more turns than one. urgent: halfway somebody
        wants days of this transfer now.
        """
        world, span = self.world, DayRange(ago(DAYS + CROWD - 1), ago(DAYS))
        for transfer_id in sorted(world.transfers()):
            world.be_owner(transfer_id)
            before = len(world.source.readings)
            made = world.act(asked(world.rig.backfill(transfer_id, span), None))
            if made is not None:
                world.versions[made] = before
        self.tell(f"somebody asks for {span} of all transfers; a reading takes {seconds} s")
        for number in range(answers):
            if number == answers // 2 and world.is_up:
                world.act(asked(world.refresh(self.transfer(urgent), 2), None))
            if world.is_up and world.gates:
                world.rig.pass_time(seconds=seconds)
                world.answer(world.gates[0])
                world.step()
        self.tell(f"{answers} slices answer, one after the other")
