"""One backfill: how far it is, what failed and why, what it was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from dayfill.domain.backfill import ACTIVE, Backfill, BackfillStatus, DayFailure
from dayfill.domain.days import DayState, vector
from dayfill.domain.run import Priority
from dayfill.store import backfills, boards, days, teams
from dayfill.ui import lists, words
from dayfill.ui.backfill_actions import known
from dayfill.ui.copied import Copied, change_backfill
from dayfill.ui.health import fix
from dayfill.ui.visit import Visit

_PRIORITIES = {one.value: one.name.lower() for one in Priority}


@dataclass(frozen=True, slots=True)
class Cause:
    """Failed days of one cause, the newest first."""

    cause: str
    message: str
    fix: Markup
    count: int
    ranges: words.Ranges


async def page(visit: Visit) -> Response:
    """The whole page, or its moving part."""
    site = visit.site
    backfill = await known(visit, site.db)
    [moving] = await lists.moving(visit, [backfill])
    failed = await backfills.failures(site.db, backfill.backfill_id) if backfill.failed else []
    states = "" if visit.is_htmx else await _states(visit, backfill)
    person = await teams.member(site.db, visit.team_id, backfill.created_user_id)
    return visit.page(
        "backfill_moving.html" if visit.is_htmx else "backfill.html",
        title=_title(moving),
        one=moving,
        backfill=backfill,
        is_active=backfill.status in ACTIVE,
        actions=_actions(visit, backfill),
        is_over=backfill.status in (BackfillStatus.COMPLETED, BackfillStatus.CANCELLED),
        causes=_causes(failed, backfill.transfer_id),
        states=states,
        day_counts={state: states.count(state.value) for state in DayState},
        waiting=await site.hub.waits.of(site.db, visit.team_id, backfill.transfer_id, site.seams.now()),
        person=words.name_of(person) if person else f"user {backfill.created_user_id}",
        priority=_PRIORITIES.get(backfill.priority, str(backfill.priority)),
        words=words,
        active_backfills=await boards.count_active(site.db, visit.team_id),
    )


def _actions(visit: Visit, backfill: Backfill) -> Sequence[tuple[str, Copied]]:
    """What is done at this page, as commands."""
    verbs = []
    if backfill.status in ACTIVE:
        verbs = ["resume" if backfill.paused_time else "pause", "cancel"]
    elif backfill.status is BackfillStatus.FAILED:
        verbs = ["retry", "cancel"]
    where = str(visit.request.base_url), visit.team_id, backfill.backfill_id
    return [(verb.capitalize(), change_backfill(*where, verb)) for verb in verbs]


def _title(one: lists.Moving) -> str:
    """Begins with the percent while it is at work: a row of tabs is then a row of progress bars."""
    text = f"Backfill {one.backfill.backfill_id} of {one.name}"
    return f"{int(one.percent)}% · {text}" if one.backfill.status in ACTIVE else text


def _causes(failed: Sequence[DayFailure], transfer_id: int) -> list[Cause]:
    groups: dict[str, list[DayFailure]] = defaultdict(list)
    for one in failed:
        groups[one.cause].append(one)
    found = [
        Cause(cause, group[0].error, fix(cause, transfer_id), len(group), words.ranges(one.data_date for one in group))
        for cause, group in groups.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.cause))


async def _states(visit: Visit, backfill: Backfill) -> str:
    """The days of its range as they are now, one character each; empty if the transfer is gone."""
    found = await days.states(visit.site.db, visit.team_id, backfill.transfer_id, backfill.days)
    return vector(backfill.days, found.states) if found else ""
