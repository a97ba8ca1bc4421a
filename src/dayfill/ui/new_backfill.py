"""New backfill: choose days, see just those that will run and what it takes, then start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from dayfill.domain.access import Permission
from dayfill.domain.audit import Act
from dayfill.domain.days import DayRange, DayState, latest_today, parse_day
from dayfill.domain.transfer import Transfer
from dayfill.engine import audited
from dayfill.engine import backfills as verbs
from dayfill.engine import plan as planning
from dayfill.errors import Refused, RequestError
from dayfill.store import days
from dayfill.ui import answers, words
from dayfill.ui.copied import Copied, create_backfill
from dayfill.ui.render import plural
from dayfill.ui.transfer import known
from dayfill.ui.visit import Visit

CHOICES = tuple(verbs.CHOICES)
DEFAULT_DAYS = 30


@dataclass
class Asked:
    """What somebody typed, kept as it is; span is None while that is no range. problems: by field.

    is_page: the form is a page of its own and no dialog, also where a part of it is asked for.
    """

    start: str
    end: str
    only: list[str]
    is_page: bool = False
    span: DayRange | None = None
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would run. states: the days of the range, the chosen ones queued."""

    plan: planning.Plan
    states: str
    counts: str
    copied: Copied


async def page(visit: Visit) -> Response:
    """The form, filled in, with what it would start."""
    transfer = await known(visit)
    return await _form(visit, transfer, await _asked(visit, transfer, visit.request.query_params.multi_items()))


async def create(visit: Visit) -> Response:
    """Start it; where it cannot be, the form again with the reason."""
    visit.needs(Permission.TRANSFER_EDIT)
    transfer = await known(visit)
    asked = await _asked(visit, transfer, await visit.choices())
    if asked.span is None:
        return await _form(visit, transfer, asked, status=422)
    site = visit.site
    try:
        async with site.db.write() as tx:
            made = await verbs.create(
                tx,
                site.seams,
                visit.team_id,
                visit.user_id,
                transfer.transfer_id,
                asked.span,
                max_days=site.max_days,
                only=frozenset(asked.only),
            )
            await answers.record(visit, tx, Act("backfill.create", made.backfill_id, after=audited.backfill(made)))
    except RequestError as error:
        asked.problems["range"] = error.description
        return await _form(visit, transfer, asked, status=422)
    text = f"Backfill {made.backfill_id} started: {plural(made.total, 'day')}."
    return answers.done(visit, f"/transfers/{transfer.transfer_id}", text)


async def _form(visit: Visit, transfer: Transfer, asked: Asked, status: int = 200) -> Response:
    preview = None
    if asked.span is not None and "range" not in asked.problems:
        try:
            preview = await _preview(visit, transfer, asked, asked.span)
        except Refused as error:
            asked.problems["range"] = error.description
    return visit.page(
        "new_backfill.html",
        status,
        words=words,
        transfer=transfer,
        asked=asked,
        presets=await _presets(visit, transfer),
        choices=CHOICES,
        preview=preview,
    )


async def _preview(visit: Visit, transfer: Transfer, asked: Asked, span: DayRange) -> Preview:
    site, most = visit.site, visit.site.max_days
    if len(span) > most:
        # Not shown day by day: that would cost what the limit is there to spare.
        raise Refused(f"The range has {len(span):,} days: one backfill takes at most {most:,}. Split the range.")
    made = await planning.plan(
        site.db, site.seams, visit.team_id, transfer.transfer_id, span, max_days=most, only=frozenset(asked.only)
    )
    found = await days.states(site.db, visit.team_id, transfer.transfer_id, span)
    states = words.preview(span, found.states if found else (), made.ranges)
    copied = create_backfill(str(visit.request.base_url), visit.team_id, transfer.transfer_id, span, asked.only)
    return Preview(made, states, words.state_counts(made.counts), copied)


async def _asked(visit: Visit, transfer: Transfer, sent: Sequence[tuple[str, str]]) -> Asked:
    """What the form or the address says; nothing said is the last 30 days."""
    given = dict(sent)
    today = latest_today(visit.site.seams.now(), transfer.zone)
    first = (today - timedelta(days=DEFAULT_DAYS)).isoformat()
    last = (today - timedelta(days=1)).isoformat()
    only = [name for name in CHOICES if ("only", name) in sent]
    asked = Asked(given.get("start", first).strip(), given.get("end", last).strip(), only, "page" in given)
    start, end = _day(asked, "start", asked.start), _day(asked, "end", asked.end)
    if start and end and start > end:
        asked.problems["end"] = "The last day lies before the first one: choose a later one."
    elif start and end:
        asked.span = DayRange(start, end)
    return asked


def _day(asked: Asked, name: str, text: str) -> date | None:
    try:
        return parse_day(text)
    except ValueError as error:
        asked.problems[name] = f"{error}: write one like 2024-06-30."
        return None


async def _presets(visit: Visit, transfer: Transfer) -> list[tuple[str, str]]:
    """Words and addresses of ranges that are often wanted."""
    today = latest_today(visit.site.seams.now(), transfer.zone)
    yesterday = today - timedelta(days=1)
    found = await days.states(visit.site.db, visit.team_id, transfer.transfer_id)
    wanted = [("Last 7 days", today - timedelta(days=7)), ("Last 30 days", today - timedelta(days=30))]
    wanted.append(("This year", date(yesterday.year, 1, 1)))
    presets = [(word, _address(transfer, first, yesterday)) for word, first in wanted]
    if found and found.span:
        counts, span = found.counts(), found.span
        presets.append(("All known days", _address(transfer, span.start, span.end)))
        for name, state in verbs.CHOICES.items():
            if counts.get(state, 0):
                presets.append((f"Only {name}", _address(transfer, *_hull(found.states, span, state), name)))
    return presets


def _hull(states: Sequence[tuple[date, DayState]], span: DayRange, wanted: DayState) -> tuple[date, date]:
    """First and last day in a state; missing days are found between the known ones."""
    known_states = dict(states)
    hits = [day for day in span if known_states.get(day, DayState.MISSING) is wanted]
    return hits[0], hits[-1]


def _address(transfer: Transfer, first: date, last: date, only: str = "") -> str:
    query = {"start": first.isoformat(), "end": last.isoformat()} | ({"only": only} if only else {})
    return f"/transfers/{transfer.transfer_id}/backfills/new?{urlencode(query)}"
