"""What people do: create, cancel, retry, pause, resume backfills; run, change, hold, delete transfers; limit rows."""

from __future__ import annotations

from configured import PAGES, VISITS
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from moods import MOODS
from told import DAYS, PICKS, Told, asked

from dayfill.domain.backfill import ACTIVE
from dayfill.domain.days import DayRange, latest_today
from dayfill.domain.run import Priority
from dayfill.engine import connections, runs, transfers
from rig import ago

MOST_TRANSFERS = 6
OFFSETS = st.integers(0, DAYS - 1)
CHOICES = st.sampled_from([(), ("missing",), ("failed",), ("stale",), ("failed", "stale", "missing")])


class People(Told):
    @initialize(pick=PICKS, newest=OFFSETS, more=OFFSETS, mood=st.sampled_from([*MOODS, ""]), singly=st.booleans())
    def begin(self, pick: int, newest: int, more: int, mood: str, singly: bool) -> None:
        if singly:
            self.world.source.max_days_per_read = 1
            self.tell("the source is asked for each day by itself")
        if mood:
            self.world.source.moods[ago(newest)] = [mood] * 4
            self.tell(f"the next 4 times that {ago(newest)} is read, the source {mood}")
        self.create(pick, newest, more, (), urgent=False)

    @rule(pick=PICKS, newest=OFFSETS, more=OFFSETS, only=CHOICES, urgent=st.booleans())
    @precondition(Told.is_up)
    def create(self, pick: int, newest: int, more: int, only: tuple[str, ...], urgent: bool) -> None:
        transfer_id = self.transfer(pick)
        span = DayRange(ago(min(newest + more, DAYS - 1)), ago(newest))
        allowed = (
            span.end <= latest_today(self.world.rig.seams.now(), "UTC")
            and not self.overlapping(transfer_id, span)
            and not self.rows_are_spent()
        )
        before = len(self.world.source.readings)
        choice = {"only": only, "priority": Priority.INTERACTIVE if urgent else Priority.BACKFILL}
        work = asked(self.world.rig.backfill(transfer_id, span, **choice), None if only and allowed else allowed)
        made = self.world.act(work)
        if made is not None:
            self.world.versions[made] = before
        self.tell(f"somebody asks for {span} of transfer {transfer_id} {'/'.join(only)}: backfill {made}")

    def overlapping(self, transfer_id: int, span: DayRange, other_than: int = 0) -> bool:
        return bool(
            self.world.rows(
                "SELECT 1 FROM backfills WHERE transfer_id = :id AND status IN ('CREATED', 'SCHEDULED', 'RUNNING')"
                " AND range_start <= :end AND range_end >= :start AND backfill_id <> :other",
                id=transfer_id,
                start=str(span.start),
                end=str(span.end),
                other=other_than,
            )
        )

    def hurry(self, hurried: bool) -> str:
        """The oldest slice answers at the very moment of the next change; what that change meets nobody can say."""
        if not (hurried and self.world.gates):
            return ""
        self.world.answer(self.world.gates[0])
        return " while a slice answers"

    @rule(pick=PICKS, hurried=st.booleans())
    @precondition(Told.has_backfill)
    def cancel(self, pick: int, hurried: bool) -> None:
        backfill_id, status = self.backfill(pick)
        hurry = self.hurry(hurried)
        if self.world.is_up:
            allowed = None if hurry else status not in ("COMPLETED", "CANCELLED")
            self.world.act(asked(self.world.rig.verb("cancel", backfill_id), allowed))
        self.tell(f"backfill {backfill_id}, {status}, is cancelled{hurry}")

    @rule(pick=PICKS, failed=st.booleans())
    @precondition(Told.has_backfill)
    def retry(self, pick: int, failed: bool) -> None:
        backfill_id, status = self.backfill(pick, "FAILED" if failed else "%")
        ((transfer_id, start, end),) = self.world.rows(
            "SELECT transfer_id, range_start, range_end FROM backfills WHERE backfill_id = :id", id=backfill_id
        )
        span = DayRange(*map(type(ago(0)).fromisoformat, (str(start), str(end))))
        allowed = (
            status == "FAILED"
            and transfer_id in self.world.transfers()
            and not self.overlapping(int(str(transfer_id)), span, backfill_id)
        )
        self.world.act(asked(self.world.rig.verb("retry", backfill_id), allowed))
        self.tell(f"backfill {backfill_id}, {status}, is tried again", retried=[backfill_id])

    @rule(pick=PICKS, verb=st.sampled_from(["pause", "resume"]), hurried=st.booleans())
    @precondition(Told.has_backfill)
    def hold(self, pick: int, verb: str, hurried: bool) -> None:
        backfill_id, status = self.backfill(pick)
        hurry = self.hurry(hurried)
        if self.world.is_up:
            allowed = None if hurry else status in ACTIVE
            self.world.act(asked(self.world.rig.verb(verb, backfill_id), allowed))
        self.tell(f"backfill {backfill_id}, {status}: {verb}{hurry}")

    @rule(pick=PICKS, window=st.integers(1, 3))
    @precondition(Told.is_up)
    def refresh(self, pick: int, window: int) -> None:
        transfer_id = self.transfer(pick)
        self.world.act(asked(self.world.refresh(transfer_id, window), not self.rows_are_spent()))
        self.tell(f"somebody refreshes {window} days of transfer {transfer_id}, and what has no days")

    @rule(pick=PICKS, newest=OFFSETS, more=st.integers(0, 2))
    @precondition(Told.is_up)
    def run_now(self, pick: int, newest: int, more: int) -> None:
        transfer_id = self.transfer(pick)
        days = list(DayRange(ago(newest + more), ago(newest)))
        allowed = ago(newest) <= latest_today(self.world.rig.seams.now(), "UTC") and not self.rows_are_spent()
        self.world.act(asked(self._run_now(transfer_id, days), allowed))
        self.tell(f"somebody wants {days[0]} to {days[-1]} of transfer {transfer_id} now")

    async def _run_now(self, transfer_id: int, days: list) -> object:
        async with self.world.rig.db.write() as tx:
            return await runs.run_now(tx, self.world.rig.seams, self.world.rig.team_id, transfer_id, dates=days)

    @rule(pick=PICKS, hurried=st.booleans())
    @precondition(Told.is_up)
    def edit(self, pick: int, hurried: bool) -> None:
        transfer_id = self.transfer(pick)
        hurry = self.hurry(hurried)
        if self.world.is_up:
            self.world.edit(transfer_id)
        self.tell(f"transfer {transfer_id} shall read something else{hurry}")

    @rule(pick=PICKS, rows=st.sampled_from([None, 1, 20]))
    @precondition(Told.is_up)
    def allow(self, pick: int, rows: int | None) -> None:
        transfer_id = self.transfer(pick)
        self.world.allow(rows_per_month=rows)
        self.tell(f"the team of {transfer_id} may load {'any number of' if rows is None else rows} rows a month")

    def rows_are_spent(self) -> bool:
        return bool(
            self.world.rows(
                "SELECT 1 FROM teams JOIN rows_of_months USING (team_id)"
                " WHERE team_id = :team AND month = :month AND row_count >= rows_per_month",
                team=self.world.rig.team_id,
                month=f"{self.world.rig.seams.now():%Y-%m}",
            )
        )

    @rule(pick=PICKS, verb=st.sampled_from(["pause", "unpause", "delete"]))
    @precondition(Told.is_up)
    def transfers(self, pick: int, verb: str) -> None:
        transfer_id = self.transfer(pick)
        if verb == "delete" and self.world.made < MOST_TRANSFERS:
            self.world.act(self._delete(transfer_id))
            if self.world.is_up:
                self.world.new_transfer(VISITS, PAGES)
            self.tell(f"transfer {transfer_id} is deleted, another one takes its place")
        else:
            self.world.act(self.hold_one(transfer_id, verb))
            self.tell(f"transfer {transfer_id}: {verb}")

    @rule(pick=PICKS, hurried=st.booleans())
    @precondition(Told.is_up)
    def revoke(self, pick: int, hurried: bool) -> None:
        """All transfers of the login meet it, not only the one."""
        transfer_id = self.transfer(pick)
        hurry = self.hurry(hurried)
        ((login_id, revoked),) = self.world.rows(
            "SELECT connection_id, revoked_time FROM transfers JOIN connections USING (connection_id)"
            " WHERE transfer_id = :id",
            id=transfer_id,
        )
        if self.world.is_up:
            self.world.act(asked(self._revoke(int(str(login_id))), revoked is None))
        self.tell(f"login {login_id} of transfer {transfer_id} is revoked{hurry}")

    async def _revoke(self, login_id: int) -> object:
        rig = self.world.rig
        async with rig.db.write() as tx:
            return await connections.revoke(tx, rig.seams, rig.team_id, login_id)

    @rule(pick=PICKS)
    @precondition(Told.is_up)
    def save(self, pick: int) -> None:
        transfer_id = self.transfer(pick)
        self.world.save(transfer_id)
        self.tell(f"transfer {transfer_id} is saved as it is")

    async def hold_one(self, transfer_id: int, verb: str) -> None:
        rig = self.world.rig
        async with rig.db.write() as tx:
            if verb == "unpause":
                await transfers.unpause(tx, rig.seams, rig.team_id, transfer_id)
            else:
                await transfers.pause(tx, rig.team_id, transfer_id)

    async def _delete(self, transfer_id: int) -> None:
        rig = self.world.rig
        async with rig.db.write() as tx:
            await transfers.delete(tx, rig.seams, rig.team_id, rig.user_id, transfer_id)
