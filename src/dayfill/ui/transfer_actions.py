"""What a person does at the page of a transfer: load now, try failed days again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from starlette.responses import Response

from dayfill.domain.audit import Act
from dayfill.domain.days import parse_day
from dayfill.domain.transfer import Transfer
from dayfill.engine import audited, retries, runs, transfers
from dayfill.errors import Malformed
from dayfill.store.db import Tx
from dayfill.ui import answers
from dayfill.ui.render import plural
from dayfill.ui.transfer import known
from dayfill.ui.visit import Visit


async def run(visit: Visit) -> Response:
    """Load one day, or the days of the refresh window, before all other work."""
    transfer = await known(visit)
    text = (await visit.form()).get("day", "")
    try:
        dates = [parse_day(text)] if text else []
    except ValueError as error:
        raise Malformed(f"{error}. Choose a day from the calendar.") from None
    async with visit.site.db.write() as tx:
        made = await start(visit, tx, transfer.transfer_id, dates)
    return answers.done(visit, f"/transfers/{transfer.transfer_id}", _started(made))


async def start(visit: Visit, tx: Tx, transfer_id: int, dates: Sequence[date] = ()) -> runs.Enqueued:
    """Load days, without any those of the refresh window, and say so in the audit log."""
    made = await runs.run_now(tx, visit.site.seams, visit.team_id, transfer_id, dates=dates)
    started = [day.isoformat() for day in made.dates]
    await answers.record(
        visit, tx, Act("transfer.run", transfer_id, after={"dates": started, "joined": len(made.joined)})
    )
    return made


def _started(made: runs.Enqueued) -> str:
    if not made.dates:
        return f"{plural(len(made.joined), 'day')} waited already and will be loaded next."
    text = f"{plural(len(made.dates), 'day')} queued, before all other work."
    return text + (f" {plural(len(made.joined), 'day')} waited already." if made.joined else "")


async def pause(visit: Visit) -> Response:
    """Start no more scheduled runs."""
    return await _turn(visit, "pause")


async def resume(visit: Visit) -> Response:
    """Go on with the schedule at its next slot."""
    return await _turn(visit, "resume")


async def _turn(visit: Visit, name: str) -> Response:
    transfer = await known(visit)
    async with visit.site.db.write() as tx:
        text = await turn(visit, tx, transfer, name)
    return answers.done(visit, f"/transfers/{transfer.transfer_id}", text)


async def turn(visit: Visit, tx: Tx, transfer: Transfer, name: str) -> str:
    """Pause or resume the schedule of a transfer, and say so in the audit log."""
    team_id, transfer_id = visit.team_id, transfer.transfer_id
    if name == "pause":
        after = await transfers.pause(tx, team_id, transfer_id)
    else:
        after = await transfers.unpause(tx, visit.site.seams, team_id, transfer_id)
    verb = "pause" if name == "pause" else "unpause"
    await answers.record(
        visit, tx, Act(f"transfer.{verb}", transfer_id, audited.transfer(transfer), audited.transfer(after))
    )
    return "The schedule is paused; backfills go on." if name == "pause" else "The schedule goes on at its next time."


async def retry(visit: Visit) -> Response:
    """Queue the failed days of one cause again, or all of them."""
    transfer, form = await known(visit), await visit.form()
    cause, fingerprint = form.get("cause") or None, form.get("fingerprint")
    async with visit.site.db.write() as tx:
        chosen = {"cause": cause, "fingerprint": fingerprint if cause else None}
        made = await again(visit, tx, transfer.transfer_id, chosen)
    text = f"Queued {plural(made.days, 'failed day')} again."
    return answers.done(visit, f"/transfers/{transfer.transfer_id}", text)


async def again(
    visit: Visit, tx: Tx, transfer_id: int, chosen: Mapping[str, str | None] | None = None
) -> retries.Retried:
    """Queue failed days again, and say so in the audit log."""
    chosen = chosen or {}
    made = await retries.retry(tx, visit.site.seams, visit.team_id, transfer_id, **chosen)
    after = {**chosen, "days": made.days, "backfills": made.backfill_ids, "alone": made.alone}
    await answers.record(visit, tx, Act("transfer.retry", transfer_id, after=after))
    return made
