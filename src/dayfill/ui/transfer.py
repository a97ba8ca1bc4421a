"""The page of one transfer: its days, what is being done, what failed and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup
from starlette.responses import Response

from dayfill.domain.backfill import ACTIVE, Backfill
from dayfill.domain.days import DayRange, DayState, vector
from dayfill.domain.parking import Waiting
from dayfill.domain.transfer import Table, Transfer, TransferState
from dayfill.engine import retries
from dayfill.errors import Missing
from dayfill.store import (
    backfills,
    boards,
    connections,
    day_details,
    days,
    destinations,
    failures,
    schedules,
    table_groups,
    teams,
)
from dayfill.store import transfers as store
from dayfill.store.day_details import Figures
from dayfill.store.days import Days
from dayfill.store.failures import Failures
from dayfill.ui import words
from dayfill.ui.copied import Copied, run_now, show_days, turn_transfer
from dayfill.ui.health import Word, fix, word_of
from dayfill.ui.visit import Visit

_FINISHED_SHOWN = 5
CHART_STEP, CHART_STEPS = timedelta(seconds=2), 90
"""The throughput chart: three minutes, as its script goes on with it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Failed days of one cause. retriable: how many a retry would queue now; active: backfills that hold the others."""

    failures: Failures
    ranges: words.Ranges
    retriable: int
    active: Sequence[int]
    fix: Markup


@dataclass(frozen=True, slots=True)
class Moving:
    """What of the page moves: it is read again whenever the stream says so. is_refused: the source takes no login."""

    counts: dict[DayState, int]
    active: Sequence[Backfill]
    ended: Sequence[Backfill]
    groups: Sequence[Group]
    figures: Figures
    waiting: Waiting | None
    people: dict[int, str]
    is_refused: bool
    next_time: datetime | None

    @property
    def failed(self) -> int:
        return sum(len(group.failures.days) for group in self.groups)

    @property
    def retriable(self) -> int:
        return sum(group.retriable for group in self.groups)


@dataclass(frozen=True, slots=True)
class Stale:
    """Loaded days that would now be read otherwise. span: from the first of them to the last."""

    days: int
    span: DayRange


async def page(visit: Visit) -> Response:
    """The whole page."""
    transfer = await known(visit)
    db, team_id, configuration = visit.site.db, visit.team_id, transfer.configuration
    found = await days_of(visit, transfer.transfer_id)
    moving = await _moving(visit, transfer, found.counts())
    group = await table_groups.get(db, team_id, configuration.schema_id)
    return visit.page(
        "transfer.html",
        words=words,
        transfer=transfer,
        tables=names(group.tables if group else ()),
        destination=await destinations.get(db, team_id, configuration.destination_id),
        word=word(transfer, moving),
        start=found.span.start if found.span else None,
        states=vector(found.span, found.states) if found.span else "",
        moving=moving,
        lately=await _lately(visit, transfer.transfer_id, moving.active),
        is_saved=(is_saved := "saved" in visit.request.query_params),
        stale=_stale(found) if is_saved else None,
        actions=_actions(visit, transfer),
        copied_as=show_days(str(visit.request.base_url), team_id, transfer.transfer_id),
        active_backfills=await boards.count_active(db, team_id),
    )


async def _lately(visit: Visit, transfer_id: int, active: Sequence[Backfill]) -> Sequence[tuple[int, int]]:
    """Ended days and rows of each step of the chart, for who comes in the middle; nothing if nothing is at work."""
    if not active:
        return ()
    span = DayRange(min(one.days.start for one in active), max(one.days.end for one in active))
    where = visit.site.db, visit.team_id, transfer_id, span
    return await day_details.settled_lately(*where, visit.site.seams.now(), CHART_STEP, CHART_STEPS)


def _stale(found: Days) -> Stale | None:
    """What there is to load again, as after a change of the settings."""
    stale = [day for day, state in found.states if state is DayState.STALE]
    return Stale(len(stale), DayRange(min(stale), max(stale))) if stale else None


def _actions(visit: Visit, transfer: Transfer) -> Sequence[tuple[str, Copied]]:
    """What is done at this page, as commands."""
    where = str(visit.request.base_url), visit.team_id, transfer.transfer_id
    verb = "resume" if transfer.state is TransferState.PAUSED else "pause"
    return [("Run now", run_now(*where)), (f"{verb.capitalize()} schedule", turn_transfer(*where, verb))]


async def parts(visit: Visit) -> Response:
    """The parts that move, for the page's script."""
    transfer = await known(visit)
    counts = (await boards.tally(visit.site.db, transfer.transfer_id)).counts  # counted where they lie: they are many
    moving = await _moving(visit, transfer, counts)
    return visit.page("transfer_parts.html", words=words, transfer=transfer, moving=moving, word=word(transfer, moving))


async def known(visit: Visit) -> Transfer:
    """The transfer of the path.

    Raises:
        Missing: this team has none with this number.
    """
    transfer = await store.get(visit.site.db, visit.team_id, visit.path_id("transfer_id"))
    if transfer is None:
        raise Missing(
            "This team has no such transfer. It may have been deleted, or belongs to another team: look at the list."
        )
    return transfer


def names(tables: Sequence[Table]) -> str:
    """The tables that a transfer loads, as a title says it."""
    if not tables:
        return "nothing"
    return tables[0].name if len(tables) == 1 else f"{tables[0].name} and {len(tables) - 1} more"


def word(transfer: Transfer, moving: Moving) -> Word:
    """How the transfer is, in one word: the one that lists have for it."""
    return word_of(
        transfer.state,
        is_refused=moving.is_refused,
        waits=moving.waiting is not None,
        is_active=bool(moving.active),
        failed=bool(moving.groups),
        is_loaded=moving.figures.freshest is not None,
    )


async def days_of(visit: Visit, transfer_id: int) -> Days:
    """Every day of a transfer.

    Raises:
        Missing: it was deleted just now.
    """
    found = await days.states(visit.site.db, visit.team_id, transfer_id)
    if found is None:
        raise Missing("This transfer is gone: somebody has deleted it. Look at the list of transfers.")
    return found


async def _moving(visit: Visit, transfer: Transfer, counts: dict[DayState, int]) -> Moving:
    db, team_id, transfer_id = visit.site.db, visit.team_id, transfer.transfer_id
    active = await backfills.active(db, team_id, transfer_id)
    recent = await backfills.page(db, team_id, transfer_id=transfer_id, limit=_FINISHED_SHOWN + len(active))
    members = await teams.members(db, team_id)
    return Moving(
        counts,
        active[::-1],
        [one for one in recent if one.status not in ACTIVE][:_FINISHED_SHOWN],
        [_group(one, transfer_id) for one in await failures.by_cause(db, team_id, transfer_id)],
        await day_details.figures(db, team_id, transfer_id),
        await visit.site.hub.waits.of(db, team_id, transfer_id, visit.site.seams.now()) if active else None,
        {one.user_id: words.name_of(one) for one in members},
        await _is_refused(visit, transfer.connection_id),
        await schedules.next_of(db, transfer_id),
    )


async def _is_refused(visit: Visit, connection_id: int) -> bool:
    """Whether the source refuses this login, or it was revoked."""
    connection = await connections.get(visit.site.db, visit.team_id, connection_id)
    if connection is None or connection.revoked_time is not None:
        return True
    rest = (await boards.rests_of_connections(visit.site.db, visit.team_id)).get(connection_id)
    return rest is not None and rest.cause == "AUTH"


def _group(found: Failures, transfer_id: int) -> Group:
    wanted = [day for day in found.days if retries.may_retry(day)]
    held = {day.backfill_id for day in found.days if not retries.may_retry(day) and day.backfill_id is not None}
    ranges = words.ranges(day.data_date for day in found.days)
    return Group(found, ranges, len(wanted), sorted(held), fix(found.cause, transfer_id))
