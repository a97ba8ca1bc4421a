"""The live stream of a transfer, as server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from dayfill.api.auth import still_allowed
from dayfill.api.days import Counts, counts
from dayfill.api.parameters import integer
from dayfill.api.wire import Answer, Call
from dayfill.domain.ids import LARGEST_ID
from dayfill.domain.live import Event, Progress, Subject
from dayfill.engine import lookups
from dayfill.errors import Malformed
from dayfill.store import days

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""No proxy may keep the stream back: the second is nginx's word for it."""
RETRY, BEAT = b"retry: 1500\n\n", b":\n\n"
CHECK_EVERY_SECONDS = 10.0

_encode = msgspec.json.Encoder().encode


class ProgressView(msgspec.Struct, omit_defaults=True):
    """A backfill as an event carries it. eta: seconds left. rate: days a minute."""

    id: int
    status: str
    total: int
    completed: int
    failed: int
    running: int
    rows: int
    is_paused: bool = False
    eta: int | None = None
    rate: float | None = None


class FullView(msgspec.Struct, omit_defaults=True):
    transfer_id: int
    version: int
    states: str
    counts: Counts
    backfills: list[ProgressView]
    start_date: str | None = None


class DaysView(msgspec.Struct, omit_defaults=True):
    """d: what moved, each the hexadecimal index of a day from start_date and its new state, with blanks between."""

    transfer_id: int
    version: int
    d: str
    c: Counts
    b: list[ProgressView]


async def stream(call: Call) -> Answer:
    """The events of one transfer, or of the transfer of one backfill."""
    hub, transfer_id = call.server.hub, await _transfer(call)
    after = hub.after(call.headers.get("last-event-id", ""))
    if await days.version(call.server.db, call.team_id, transfer_id) is None:
        raise lookups.no_transfer()
    hub.admit(call.caller.user_id)
    return Answer(200, None, headers=HEADERS, stream=_texts(call, transfer_id, after))


async def _transfer(call: Call) -> int:
    if call.query.get("transfer_id") is not None:
        return integer(call, "transfer_id", lowest=1, highest=LARGEST_ID)
    if call.query.get("backfill_id") is None:
        raise Malformed("Name what to watch: the query parameter transfer_id or backfill_id is needed.")
    backfill_id = integer(call, "backfill_id", lowest=1, highest=LARGEST_ID)
    return (await lookups.backfill(call.server.db, call.team_id, backfill_id)).transfer_id


async def _texts(call: Call, transfer_id: int, after: int | None) -> AsyncGenerator[bytes, None]:
    """The stream, for as long as its key may read: revoked, it ends within half a minute."""
    server, monotonic = call.server, call.server.seams.monotonic
    checked = monotonic()
    yield RETRY
    async for event in server.hub.watch(call.caller.user_id, {Subject(call.team_id, transfer_id): after}):
        if monotonic() - checked >= CHECK_EVERY_SECONDS:
            if not await still_allowed(call):
                return
            checked = monotonic()
        yield text(server.hub.incarnation, event) if isinstance(event, Event) else BEAT


def text(incarnation: str, event: Event) -> bytes:
    """One event as it goes over the wire."""
    counted, progress = counts(dict(event.counts)), [_progress(one) for one in event.progress]
    data: FullView | DaysView
    transfer_id = event.subject.transfer_id or 0
    if event.states is None:
        moved = " ".join(f"{at:x}{state}" for at, state in event.moved)
        name, data = b"days", DaysView(transfer_id, event.version or 0, moved, counted, progress)
    else:
        start = event.start_date.isoformat() if event.start_date else None
        name, data = b"full", FullView(transfer_id, event.version or 0, event.states, counted, progress, start)
    return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (incarnation.encode(), event.number, name, _encode(data))


def _progress(one: Progress) -> ProgressView:
    backfill, eta, rate = one.backfill, one.eta_seconds, one.per_minute
    return ProgressView(
        backfill.backfill_id,
        backfill.status.value,
        backfill.total,
        backfill.completed,
        backfill.failed,
        backfill.running,
        backfill.rows_total,
        backfill.paused_time is not None,
        None if eta is None else round(eta),
        None if rate is None else round(rate, 1),
    )
