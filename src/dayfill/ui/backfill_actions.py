"""What a person does with a backfill: pause, resume, cancel, retry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from dayfill.domain.audit import Act
from dayfill.domain.backfill import Backfill, BackfillStatus
from dayfill.engine import audited
from dayfill.engine import backfills as verbs
from dayfill.errors import Missing, RequestError
from dayfill.store import backfills
from dayfill.store.db import Reader, Tx
from dayfill.ui import answers, words
from dayfill.ui.render import plural
from dayfill.ui.visit import Visit

_OVER = (BackfillStatus.COMPLETED, BackfillStatus.CANCELLED)


async def known(visit: Visit, db: Reader) -> Backfill:
    """The backfill of the path.

    Raises:
        Missing: this team has none with this number.
    """
    found = await backfills.get(db, visit.team_id, visit.path_id("backfill_id"))
    if found is None:
        raise Missing(
            "This team has no such backfill; it may belong to another team of yours. Choose one from the list."
        )
    return found


async def pause(visit: Visit) -> Response:
    def verb(tx: Tx, backfill_id: int) -> Awaitable[Backfill]:
        return verbs.pause(tx, visit.site.seams, visit.team_id, visit.user_id, backfill_id)

    return await _do(visit, "pause", verb, lambda before: f"Backfill {before.backfill_id} is paused.")


async def resume(visit: Visit) -> Response:
    def verb(tx: Tx, backfill_id: int) -> Awaitable[Backfill]:
        return verbs.resume(tx, visit.site.seams, visit.team_id, backfill_id)

    return await _do(visit, "resume", verb, lambda before: f"Backfill {before.backfill_id} goes on.")


async def ask_cancel(visit: Visit) -> Response:
    """What a cancel would do, in numbers, before it is done."""
    return _cancel_page(visit, await known(visit, visit.site.db))


async def cancel(visit: Visit) -> Response:
    def verb(tx: Tx, backfill_id: int) -> Awaitable[Backfill]:
        return verbs.cancel(tx, visit.site.seams, visit.team_id, visit.user_id, backfill_id)

    def said(before: Backfill) -> str:
        return f"Backfill {before.backfill_id} is cancelled: {plural(words.queued(before), 'queued day')} will not run."

    try:
        return await _do(visit, "cancel", verb, said)
    except RequestError as error:
        if not visit.is_htmx:
            raise
        if isinstance(error, Missing):
            return _cancel_page(visit, None, f"{error.description} Nothing was cancelled.", status=404)
        backfill = await known(visit, visit.site.db)
        return _cancel_page(visit, backfill, "" if backfill.status in _OVER else error.description)


async def retry(visit: Visit) -> Response:
    """Queue its failed days of one cause again, or all of them."""
    cause, queued = (await visit.form()).get("cause") or None, 0

    async def verb(tx: Tx, backfill_id: int) -> Backfill:
        nonlocal queued
        after, queued = await verbs.retry(tx, visit.site.seams, visit.team_id, backfill_id, cause=cause)
        return after

    return await _do(visit, "retry", verb, lambda _before: f"Queued {plural(queued, 'failed day')} again.")


def _cancel_page(visit: Visit, backfill: Backfill | None, problem: str = "", status: int = 200) -> Response:
    """What a cancel would do; without a backfill, why there is none to cancel."""
    return visit.page(
        "cancel.html",
        status,
        backfill_id=visit.path_id("backfill_id"),
        backfill=backfill,
        queued=words.queued(backfill) if backfill else 0,
        is_over=backfill is not None and backfill.status in _OVER,
        problem=problem,
    )


async def _do(
    visit: Visit,
    name: str,
    verb: Callable[[Tx, int], Awaitable[Backfill]],
    said: Callable[[Backfill], str],
) -> Response:
    async with visit.site.db.write() as tx:
        before = await known(visit, tx)
        after = await verb(tx, before.backfill_id)
        act = Act(f"backfill.{name}", before.backfill_id, audited.backfill(before), audited.backfill(after))
        await answers.record(visit, tx, act)
    return answers.done(visit, f"/transfers/{before.transfer_id}", said(before))
