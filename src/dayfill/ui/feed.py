"""The live stream of a transfer's page: what moves, in the short form that its script reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.responses import Response, StreamingResponse

from dayfill.domain.live import Event, Progress
from dayfill.errors import Missing
from dayfill.store import days
from dayfill.ui import words
from dayfill.ui.visit import Visit

RETRY, BEAT = b"retry: 1500\n\n", b"event: beat\ndata:\n\n"
"""The script hears a beat and knows that the stream lives; a comment it would never see."""
CHECK_EVERY_SECONDS = 10.0
TYPE, HEADERS = "text/event-stream", {"X-Accel-Buffering": "no"}
_encode = msgspec.json.Encoder().encode


async def stream(visit: Visit) -> Response:
    """The events of one transfer, from where the page was when it lost the stream."""
    hub, transfer_id = visit.site.hub, visit.path_id("transfer_id")
    if await days.version(visit.site.db, visit.team_id, transfer_id) is None:
        raise Missing("This transfer is gone: somebody has deleted it.")
    if visit.request.method == "HEAD":  # nobody reads it, so it would never end
        return Response(media_type=TYPE, headers=HEADERS)
    hub.admit(visit.user_id)
    after = hub.after(visit.request.headers.get("last-event-id", ""))
    return StreamingResponse(_texts(visit, transfer_id, after), media_type=TYPE, headers=HEADERS)


async def _texts(visit: Visit, transfer_id: int, after: int | None) -> AsyncGenerator[bytes, None]:
    """For as long as the session goes on: signed out elsewhere, it ends within half a minute."""
    hub, monotonic = visit.site.hub, visit.site.seams.monotonic
    checked = monotonic()
    yield RETRY
    async with aclosing(hub.watch(visit.user_id, visit.team_id, transfer_id, after)) as events:
        async for event in events:
            if monotonic() - checked >= CHECK_EVERY_SECONDS:
                if not await visit.still_signed_in():
                    return
                checked = monotonic()
            yield BEAT if event is None else text(hub.incarnation, event)


def text(incarnation: str, event: Event) -> bytes:
    """One event. c: days by state; b: backfills; d: moved days, each the hexadecimal index and the state."""
    data: dict[str, object] = {
        "c": {state.value: count for state, count in event.counts.items() if count},
        "b": [_progress(one) for one in event.progress],
    }
    if event.states is None:
        name = b"days"
        data["d"] = " ".join(f"{at:x}{state.value}" for at, state in event.moved)
    else:
        name = b"full"
        data |= {"start": event.start_date, "states": event.states}
    return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (incarnation.encode(), event.number, name, _encode(data))


def _progress(one: Progress) -> dict[str, object]:
    backfill = one.backfill
    return {
        "id": backfill.backfill_id,
        "status": backfill.status.value + ("+" if backfill.paused_time is not None else ""),
        "total": backfill.total,
        "done": backfill.completed,
        "failed": backfill.failed,
        "running": backfill.running,
        "queued": words.queued(backfill),
        "rows": backfill.rows_total,
        "pct": words.share(backfill),
        "eta": words.left_text(one),
        "rate": None if one.per_minute is None else round(one.per_minute, 1),
    }
