"""What the pages with lists share: cursors in links, transfers with their states, backfills with their pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from markupsafe import Markup

from dayfill.domain.backfill import Backfill
from dayfill.domain.days import DayRange, refresh_window, vector
from dayfill.domain.ids import LARGEST_ID
from dayfill.domain.live import Progress
from dayfill.domain.pace import Pace
from dayfill.errors import Malformed
from dayfill.store import boards, days
from dayfill.store.boards import Cursor, Line
from dayfill.ui import words
from dayfill.ui.health import State
from dayfill.ui.strip import strip
from dayfill.ui.visit import Visit


def cursor_of(visit: Visit) -> Cursor | None:
    """Where this page of a list begins; None is at the newest row.

    Raises:
        Malformed: the link has been changed.
    """
    text = visit.request.query_params.get("before", "")
    if not text:
        return None
    at, _, row_id = text.partition("-")
    if not (_is_number(at) and _is_number(row_id)):
        raise Malformed("This link to an older page is damaged. Start again from the first page.")
    return int(at), int(row_id)


def filter_id(visit: Visit, name: str) -> int | None:
    """An id by which a list is narrowed, None if it is not.

    Raises:
        Malformed: it is not an id.
    """
    text = visit.request.query_params.get(name, "")
    if text and not (_is_number(text) and int(text) > 0):
        raise Malformed(f"{name} in this link is not a number. Choose one from the list instead.")
    return int(text) if text else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_ID


def older(visit: Visit, cursor: Cursor) -> str:
    """The link to the page after the row of this cursor, with the same filters."""
    query = {name: value for name, value in visit.request.query_params.items() if name not in ("before", "toast")}
    return f"{visit.request.url.path}?{urlencode({**query, 'before': f'{cursor[0]}-{cursor[1]}'})}"


async def states(visit: Visit, lines: Sequence[Line], active: Sequence[Backfill]) -> list[State]:
    """Transfers with their days counted."""
    site = visit.site
    busy, now = {one.transfer_id for one in active}, site.seams.now()
    return [State(line, await site.tallies.of(site.db, line), line.transfer_id in busy, now) for line in lines]


async def strip_of(visit: Visit, state: State, length: int) -> Markup:
    """The last days of a transfer as a picture: up to today in its zone, or to its last known day if nothing is due."""
    line, known_span = state.line, state.tally.span
    span = refresh_window(visit.site.seams.now(), length, line.zone)
    if line.next_time is None and known_span is not None and known_span.end < span.end:
        span = DayRange(known_span.end - timedelta(days=length - 1), known_span.end)
    known = await days.states(visit.site.db, visit.team_id, line.transfer_id, span)
    return strip(vector(span, known.states) if known else "." * length, span)


@dataclass(frozen=True, slots=True)
class Moving:
    """A backfill that has not ended, with what its pace tells. left: seconds. waits: for what nothing starts."""

    backfill: Backfill
    name: str
    per_minute: float | None
    left: float | None
    end: datetime | None
    waits: str = ""

    @property
    def text(self) -> str:
        """The time left, or why there is none."""
        return self.waits or words.left_text(Progress(self.backfill, self.per_minute, self.left))

    @property
    def percent(self) -> float:
        return words.share(self.backfill)

    @property
    def queued(self) -> int:
        return words.queued(self.backfill)


async def moving(visit: Visit, active: Sequence[Backfill]) -> list[Moving]:
    """Backfills with their pace since they began."""
    db, team_id, now = visit.site.db, visit.team_id, visit.site.seams.now()
    names = await boards.names(db, team_id, {one.transfer_id for one in active})
    found = []
    for one in active:
        done = one.completed + one.failed
        pace = Pace.since(one.worked(now), done)
        left = None if one.paused_time is not None else pace.seconds_for(one.total - done)
        waits = words.waits(await visit.site.hub.waits.of(db, team_id, one.transfer_id, now))
        end = None if left is None or waits else now + timedelta(seconds=left)
        name = names.get(one.transfer_id, f"Transfer {one.transfer_id}")
        found.append(Moving(one, name, pace.per_minute, left, end, waits))
    return found


async def active_of(visit: Visit) -> list[Moving]:
    """What is being filled now, for the pages that show it."""
    return await moving(visit, await boards.active_backfills(visit.site.db, visit.team_id))


def last_days(now: datetime, length: int) -> DayRange:
    """So many whole days up to yesterday, in UTC."""
    today = refresh_window(now, 1).end
    return DayRange(today - timedelta(days=length), today - timedelta(days=1))
