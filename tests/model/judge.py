"""What must hold after every step of a story, and between two of its steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from configured import Transfer
from moods import is_one_reading, version_of

from dayfill.domain.backfill import MOVES, BackfillStatus
from dayfill.domain.days import name_of
from dayfill.engine.content_hash import joined_hash
from dayfill.store import invariants
from dayfill.store.invariants import LedgerDay
from scripted import Kept
from world import World

FINAL = {"COMPLETED", "FAILED", "CANCELLED"}

Days = Mapping[tuple[int, str], Mapping[str, Kept]]
"""(transfer id, day) -> table -> what the warehouse holds of it."""


@dataclass(frozen=True)
class Seen:
    """A backfill at one moment."""

    backfill_id: int
    status: BackfillStatus
    created: int
    completed: int
    failed: int
    running: int
    end_time: int | None


@dataclass
class Judge:
    """Remembers what it saw after the step before."""

    world: World
    backfills: dict[int, Seen] = field(default_factory=dict)
    runs: dict[int, str] = field(default_factory=dict)
    tokens: dict[tuple[int, str, date], int] = field(default_factory=dict)
    last_token: int = 0

    def look(self, retried: Collection[int] = ()) -> None:
        """Raises AssertionError with all that is wrong. retried: backfills that somebody has retried since."""
        wrong = self.world.ground.loop.run_until_complete(self._look(retried))
        assert not wrong, "\n".join(wrong)

    def forget(self) -> None:
        """The state is an older one now: nothing can be said of what was before."""
        self.backfills, self.runs, self.last_token = {}, {}, 0

    async def _look(self, retried: Collection[int]) -> list[str]:
        world = self.world
        transfers = world.all_transfers()
        days = self._days(transfers)
        async with world.rig.db.write() as tx:
            return [
                *await invariants.check(
                    tx,
                    owner=world.rig.dispatcher._claimer.owner if world.is_up else "",
                    now=world.rig.seams.now() if world.is_up and not world.ground.installation.has_jumped else None,
                    ledgers=self._ledgers(days, transfers),
                ),
                *self._warehouse(transfers),
                *self._loaded(days, transfers),
                *self._done(days),
                *self._revoked(),
                *self._turns(),
                *self._moves(retried),
                *self._run_moves(retried),
            ]

    # -- I8, I9, I10: one complete reading, and the state says which

    def _days(self, transfers: Mapping[int, Transfer]) -> Days:
        """Tables of transfers that the state does not know, because it is an older one, are left out."""
        found: dict[tuple[int, str], dict[str, Kept]] = {}
        for (transfer_id, table, day), kept in self.world.destination.days.items():
            if transfer_id in transfers and table in transfers[transfer_id].names(day):
                found.setdefault((transfer_id, str(day)), {})[table] = kept
        return found

    def _ledgers(self, days: Days, transfers: Mapping[int, Transfer]) -> dict[int, list[LedgerDay]]:
        # An older state does not know what was loaded since.
        known = [transfer_id for transfer_id in transfers if self.world.is_reconciled(transfer_id)]
        found: dict[int, list[LedgerDay]] = {transfer_id: [] for transfer_id in known}
        for (transfer_id, day), tables in days.items():
            if transfer_id in found:
                found[transfer_id].append(_in_ledger(day, tables, transfers[transfer_id]))
        return found

    def _warehouse(self, transfers: Mapping[int, Transfer]) -> Iterator[str]:
        """Each day of each table is one reading, and its token never falls; a table without days has only one."""
        for key, kept in self.world.destination.days.items():
            if self.tokens.get(key) == kept.token:
                continue
            if key[0] in transfers and key[1] not in transfers[key[0]].names(key[2]):
                yield f"I8: {key[1]} was loaded for {name_of(key[2])}"
            if not is_one_reading(kept.rows, key[2], self.world.source.readings):
                yield f"I8: {key} is not one whole reading: {kept.rows.to_pylist()}"
            if kept.token < self.tokens.get(key, 0):
                yield f"I10: the ledger's token of {key} fell from {self.tokens[key]} to {kept.token}"
            self.tokens[key] = kept.token

    def _loaded(self, days: Days, transfers: Mapping[int, Transfer]) -> Iterator[str]:
        """A loaded day was read as the transfer is now."""
        for transfer_id, day, token in self.world.rows(
            "SELECT transfer_id, data_date, token FROM transfer_days WHERE settled = 'l'"
        ):
            key = (int(str(transfer_id)), str(day))
            for table, kept in days.get(key, {}).items():
                read = self.world.source.readings[version_of(kept.rows)].flavour
                wanted = transfers[key[0]].flavour
                if kept.token == token and read != wanted and self.world.is_reconciled(key[0]):
                    yield f"I8: {table} {day} was read as {read!r}, its transfer is {wanted!r}"

    def _done(self, days: Days) -> Iterator[str]:
        """Every day of a completed backfill holds a reading that began after its create, in every table."""
        for backfill_id, transfer_id, day in self.world.rows(
            "SELECT b.backfill_id, b.transfer_id, r.data_date FROM backfills b JOIN runs r USING (backfill_id)"
            " WHERE b.status = 'COMPLETED'"
        ):
            before = self.world.versions[int(str(backfill_id))]
            held = days.get((int(str(transfer_id)), str(day)), {})
            if not held or any(version_of(kept.rows) <= before for kept in held.values()):
                yield f"I8: backfill {backfill_id} is COMPLETED, but {day} has no reading that is newer than it"

    def _revoked(self) -> Iterator[str]:
        """Nothing is read with a login after it was revoked; no clock may have jumped between the two."""
        if self.world.jumps == 0:
            for run_id, login_id in self.world.rows(
                "SELECT r.run_id, c.connection_id FROM runs r JOIN transfers t USING (transfer_id)"
                " JOIN connections c USING (connection_id)"
                " WHERE r.status = 'COMPLETED' AND r.started_time > c.revoked_time"
            ):
                yield f"AUTH: run {run_id} was claimed after login {login_id} was revoked, and is COMPLETED"

    def _turns(self) -> Iterator[str]:
        """Nobody was passed over."""
        yield from self.world.turns.wrong
        self.world.turns.wrong.clear()

    # -- I5, I10, I12: between two steps

    def _moves(self, retried: Collection[int]) -> Iterator[str]:
        for row in self.world.rows(
            "SELECT backfill_id, status, created, completed, failed, running, end_time FROM backfills"
        ):
            now = Seen(int(str(row[0])), BackfillStatus(str(row[1])), *row[2:])  # type: ignore[arg-type]
            was = self.backfills.get(now.backfill_id)
            if was is not None and (fault := _fault(was, now, now.backfill_id in retried)):
                yield f"{fault}: backfill was {was} and is {now}"
            self.backfills[now.backfill_id] = now

    def _run_moves(self, retried: Collection[int]) -> Iterator[str]:
        for run_id, status, backfill_id in self.world.rows("SELECT run_id, status, backfill_id FROM runs"):
            was = self.runs.get(int(str(run_id)), "")
            if was in FINAL and was != status and not (was == "FAILED" and backfill_id in retried):
                yield f"I12: run {run_id} was {was} and is {status}"
            self.runs[int(str(run_id))] = str(status)
        ((last,),) = self.world.rows("SELECT last_token FROM installation")
        if int(str(last)) < self.last_token:
            yield f"I10: the sequence of tokens fell from {self.last_token} to {last}"
        self.last_token = int(str(last))


def _fault(was: Seen, now: Seen, retried: bool) -> str | None:
    """The rule that is broken if a backfill was the one and is the other a step later."""
    if now.status not in _reachable(was.status, retried):
        return "I12"
    if now.created < was.created or now.completed < was.completed or (now.failed < was.failed and not retried):
        return "I12"
    if was.status is BackfillStatus.CANCELLED and now.end_time != was.end_time:
        return "I5"
    risen = now.completed + now.failed - was.completed - was.failed
    return "I5" if was.status is BackfillStatus.CANCELLED and risen > was.running else None


def _reachable(status: BackfillStatus, retried: bool) -> set[BackfillStatus]:
    found, waiting = {status}, [status]
    while waiting:
        here = waiting.pop()
        for there in MOVES[here] - found:
            if here is not BackfillStatus.FAILED or there is not BackfillStatus.RUNNING or retried:
                found.add(there)
                waiting.append(there)
    return found


def _in_ledger(text: str, kept: Mapping[str, Kept], transfer: Transfer) -> LedgerDay:
    day = date.fromisoformat(text)
    newest = max(kept.values(), key=lambda one: one.token)
    least = min(one.token for one in kept.values()) if len(kept) == len(transfer.names(day)) else 0
    rows = sum(one.rows.num_rows for one in kept.values())
    hashes = joined_hash({name: one.content_hash for name, one in kept.items()})
    return LedgerDay(day, least, newest.token, newest.run_id, rows, hashes)
