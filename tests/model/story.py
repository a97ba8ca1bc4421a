"""The whole model: any order of what people do and what happens to them, and fair weather at the end.

A failure is shrunk to a short story of plain lines.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from accidents import Accidents
from hypothesis import note
from moods import version_of
from people import People
from shares import Shares
from told import DAYS

from dayfill.domain.days import WHOLE
from rig import last

CALM = timedelta(hours=60)
"""Fair weather brings everything to its end within this time: the longest rest of a connection is a day."""


class Story(People, Shares, Accidents):
    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # a story that has gone wrong has no happy end
                self.calm()
        finally:
            self.world.close()

    def calm(self) -> None:
        """No more moods, faults, limits, schedules: all work comes to its end, and what had failed can be repaired."""
        world = self.world
        note("    # fair weather: all come to rest")
        world.rig.failpoint = lambda name: None
        world.source.moods.clear()
        world.destination.moods.clear()
        if not world.is_up:
            world.start()
        for transfer_id in world.transfers():
            world.be_owner(transfer_id)
            world.allow(rows_per_month=None)
            world.act(self.hold_one(transfer_id, "pause"))
            world.save(transfer_id)
        self.finish(
            "resume",
            "SELECT backfill_id, transfer_id FROM backfills WHERE paused_time IS NOT NULL AND end_time IS NULL",
        )
        self.rest()
        self.finish(
            "retry",
            "SELECT backfill_id, transfer_id FROM backfills WHERE status = 'FAILED'"
            " AND transfer_id IN (SELECT transfer_id FROM transfers WHERE deleted_time IS NULL)",
        )
        if world.restored:
            self.load_everything()
        self.refresh_what_has_no_days()
        self.judge.look()
        open_runs = world.rows("SELECT * FROM runs WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')")
        assert open_runs == [], "runs that wait for ever"
        rows = world.rows(
            "SELECT * FROM backfills JOIN transfers USING (transfer_id)"
            " WHERE status NOT IN ('COMPLETED', 'CANCELLED') AND deleted_time IS NULL"
        )
        assert rows == [], "backfills that did not complete in fair weather"

    def load_everything(self) -> None:
        """After a restore no day is locked out, whatever tokens the warehouse has seen."""
        self.world.set_clock(max(0.0, -self.world.ground.installation.skew.total_seconds()))
        for transfer_id in self.world.transfers():
            before = len(self.world.source.readings)
            self.world.be_owner(transfer_id)
            made = self.world.act(self.world.rig.backfill(transfer_id, last(DAYS)))
            assert made is not None
            self.world.versions[made] = before
        self.rest()

    def refresh_what_has_no_days(self) -> None:
        """It holds what was read last, once, whatever has become of it before."""
        world, before = self.world, len(self.world.source.readings)
        whole = {transfer_id: names for transfer_id, one in world.transfers().items() if (names := one.names(WHOLE))}
        for transfer_id in whole:
            world.be_owner(transfer_id)
            world.act(world.refresh(transfer_id, 1))
        self.rest()
        for transfer_id, names in whole.items():
            for name in names:
                kept = world.destination.days.get((transfer_id, name, WHOLE))
                assert kept is not None and version_of(kept.rows) > before, f"{name} was not refreshed"

    def finish(self, verb: str, which: str) -> None:
        """One after the other, since retried ones may share days."""
        for backfill_id, transfer_id in self.world.rows(which):
            if (backfill_id, transfer_id) not in self.world.rows(which):
                continue  # what was under way in a paused one has ended meanwhile
            retried = [int(str(backfill_id))]
            self.world.be_owner(int(str(transfer_id)))
            self.world.act(self.world.rig.verb(verb, retried[0]))
            self.rest(retried)

    def rest(self, retried: list[int] | None = None) -> None:
        """All slices answer, and what is due later is waited for."""
        world = self.world
        began = world.rig.seams.monotonic()
        world.ground.loop.run_until_complete(world.rig.finish())
        self.judge.look(retried or ())
        waited = timedelta(seconds=world.rig.seams.monotonic() - began)
        assert waited <= CALM, f"the last work waited for {waited}"


class ShortStory(Story):
    """Fewer kinds of steps: those that a classic fault needs to show, so that it shows soon."""

    clock_jumps = transfers = hold = back_up = restore = None  # type: ignore[assignment]
    plant = revoke = save = terminate = allow = weigh = weigh_team = rush = None  # type: ignore[assignment]


class CrowdedStory(Story):
    """Only what makes all teams and transfers wait for their turns."""

    clock_jumps = transfers = hold = back_up = restore = plant = revoke = save = None  # type: ignore[assignment]
    terminate = allow = cancel = retry = edit = mood = answer_late = fall = None  # type: ignore[assignment]
