"""The first page: how all transfers are, what needs somebody, what is being done."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.access import Permission
from dayfill.store import boards
from dayfill.ui import lists, words
from dayfill.ui.health import State, Word, need, sentence
from dayfill.ui.visit import Visit

MOST_TRANSFERS, MOST_NEEDS, MOST_STRIPS = 1_000, 10, 12
STRIP_DAYS, BAR_DAYS = 90, 60


async def page(visit: Visit) -> Response:
    """The whole page, or its moving part."""
    if not visit.may(Permission.TRANSFER_VIEW):
        return visit.page("welcome.html", title="Overview")
    site = visit.site
    lines = await boards.transfers(site.db, visit.team_id, limit=MOST_TRANSFERS)
    active = await lists.active_of(visit)
    states = await lists.states(visit, lines, [one.backfill for one in active])
    total, beyond = len(states), list[State]()
    if total == MOST_TRANSFERS:
        total = await boards.count_transfers(site.db, visit.team_id)
        found = await boards.transfers(site.db, visit.team_id, lines[-1].name, MOST_TRANSFERS, needy=True)
        beyond = await lists.states(visit, found, [one.backfill for one in active])
    needy = [one for one in (*states, *beyond) if one.needs_somebody]
    failures = await boards.newest_failures(site.db, {one.line.transfer_id for one in needy[:MOST_NEEDS]})
    span = lists.last_days(site.seams.now(), BAR_DAYS)
    ends = [one.end for one in active if one.end is not None]
    return visit.page(
        "overview_moving.html" if visit.is_htmx else "overview.html",
        title="Overview",
        states=states,
        sentence=sentence(states, total, len(needy)),
        total=total,
        needs=[need(one, failures.get(one.line.transfer_id)) for one in needy[:MOST_NEEDS]],
        more_needs=max(len(needy) - MOST_NEEDS, 0),
        active=active,
        active_backfills=len(active),
        end=max(ends, default=None),
        strips=[
            (one, await lists.strip_of(visit, one, STRIP_DAYS))
            for one in _worst_first([*states, *beyond])[:MOST_STRIPS]
        ],
        rows=await boards.rows_by_day(site.db, {one.line.transfer_id for one in states}, span),
        span=span,
        names=words.NAMES,
    )


def _worst_first(states: list[State]) -> list[State]:
    order = list(Word)
    return sorted(states, key=lambda one: (not one.needs_somebody, order.index(one.word), one.line.name))
