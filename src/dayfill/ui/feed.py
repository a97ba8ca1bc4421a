"""The live stream of a browser: what moves on all its visible pages, in the short form that their script reads."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import lru_cache

import msgspec
from starlette.responses import Response, StreamingResponse

from dayfill.domain.live import Event, Progress, Subject, TeamEvent
from dayfill.errors import Busy, Exceeded, Malformed
from dayfill.store import days
from dayfill.ui import words
from dayfill.ui.visit import Visit

BEAT = b"event: beat\ndata: {}\n\n"
BEAT_SECONDS = 1.0
"""So often the script hears that the stream lives; a page that hears nothing for two seconds says how old it is."""
CHECK_EVERY_SECONDS = 10.0
MOST_SUBJECTS = 50
TYPE, HEADERS = "text/event-stream", {"X-Accel-Buffering": "no", "Vary": "Accept-Encoding"}
GZIP_WINDOW, GZIP_MEMORY, GZIP_LEVEL = 16 + 12, 5, 1
"""gzip of zlib, over 4 kB: an event is much like the one before it, and a stream holds 32 kB for that and no more. Each
page packs for itself: the lowest level takes half the time and leaves a tenth more at most."""
_encode = msgspec.json.Encoder().encode


async def stream(visit: Visit) -> Response:
    """The events of some transfers and of the team: ``/events/7.ID,8,team.ID``, each after the event of that id."""
    hub, wanted = visit.site.hub, _wanted(visit)
    if visit.request.method == "HEAD":  # nobody reads it, so it would never end
        return Response(media_type=TYPE, headers=HEADERS)
    there = {one: after for one, after in wanted.items() if await _is_there(visit, one)}
    try:
        hub.admit(visit.user_id)
    except Exceeded as error:
        # Of a 429 a page thinks that its address has asked too often, and waits: here somebody must close pages.
        raise Busy(error.description, retry_after=error.retry_after) from None
    gone = b"".join(_gone(one) for one in wanted if one not in there)
    texts = _texts(visit, there, gone)
    if "gzip" not in visit.request.headers.get("accept-encoding", ""):
        return StreamingResponse(texts, media_type=TYPE, headers=HEADERS)
    return StreamingResponse(_packed(texts), media_type=TYPE, headers={**HEADERS, "Content-Encoding": "gzip"})


async def _packed(texts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same, compressed; nothing is held back, so each event can be read when it comes."""
    packer = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW, memLevel=GZIP_MEMORY)
    async with aclosing(texts):
        async for one in texts:
            yield packer.compress(one) + packer.flush(zlib.Z_SYNC_FLUSH)


def _wanted(visit: Visit) -> dict[Subject, int | None]:
    wanted: dict[Subject, int | None] = {}
    for text in visit.request.path_params["wanted"].split(",")[: MOST_SUBJECTS + 1]:
        name, _, last = text.partition(".")
        if name != "team" and not (name.isascii() and name.isdigit() and len(name) < 19):
            raise Malformed(
                f"{text[:40]!r} is nothing that can be watched: name the team, or transfers by their numbers."
            )
        wanted[Subject(visit.team_id, None if name == "team" else int(name))] = visit.site.hub.after(last)
    if len(wanted) > MOST_SUBJECTS:
        raise Malformed(f"One stream tells of {MOST_SUBJECTS} transfers at most: ask for fewer.")
    return wanted


async def _is_there(visit: Visit, one: Subject) -> bool:
    if one.transfer_id is None:
        return True
    return await days.version(visit.site.db, one.team_id, one.transfer_id) is not None


async def _texts(visit: Visit, wanted: Mapping[Subject, int | None], gone: bytes) -> AsyncGenerator[bytes, None]:
    """For as long as the session goes on: signed out elsewhere, it ends within half a minute."""
    hub, monotonic = visit.site.hub, visit.site.seams.monotonic
    checked = monotonic()
    yield gone or BEAT
    async with aclosing(hub.watch(visit.user_id, wanted, BEAT_SECONDS)) as events:
        async for event in events:
            if monotonic() - checked >= CHECK_EVERY_SECONDS:
                if not await visit.still_signed_in():
                    return
                checked = monotonic()
            yield BEAT if event is None else text(hub.incarnation, event)


@lru_cache(maxsize=64)  # written once, however many pages are told it
def text(incarnation: str, event: Event | TeamEvent) -> bytes:
    """One event. t: its transfer; c: days by state; b: backfills; d: moved days, each the hexadecimal index and the
    state."""
    data: dict[str, object] = {"b": [_progress(one) for one in event.progress]}
    name = b"team"
    if isinstance(event, Event):
        if event.version is None:
            return _gone(event.subject)
        data |= {"t": event.subject.transfer_id, "c": {state: count for state, count in event.counts.items() if count}}
        if event.states is None:
            name = b"days"
            data["d"] = " ".join(f"{at:x}{state}" for at, state in event.moved)
        else:
            name = b"full"
            data |= {"start": event.start_date, "states": event.states}
    return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (incarnation.encode(), event.number, name, _encode(data))


def _gone(one: Subject) -> bytes:
    """A transfer that this team does not have, or no longer."""
    return b"event: gone\ndata: %b\n\n" % _encode({"t": one.transfer_id})


def _progress(one: Progress) -> dict[str, object]:
    backfill = one.backfill
    return {
        "id": backfill.backfill_id,
        "t": backfill.transfer_id,
        "status": backfill.status.value + ("+" if backfill.paused_time is not None else ""),
        "total": backfill.total,
        "done": backfill.completed,
        "failed": backfill.failed,
        "running": backfill.running,
        "queued": words.queued(backfill),
        "rows": backfill.rows_total,
        "pct": words.share(backfill),
        "eta": words.left_text(one),
        "held": one.eta_seconds is None and backfill.paused_time is None,
        "rate": None if one.per_minute is None else round(one.per_minute, 1),
    }
