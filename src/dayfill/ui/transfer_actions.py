"""What a person does at the page of a transfer: load now, try failed days again."""

from __future__ import annotations

from starlette.responses import Response

from dayfill.domain.audit import Act
from dayfill.domain.days import parse_day
from dayfill.engine import retries, runs
from dayfill.errors import Malformed
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
        raise Malformed(f"{error}.") from None
    async with visit.site.db.write() as tx:
        made = await runs.run_now(tx, visit.site.seams, visit.team_id, transfer.transfer_id, dates=dates)
        started = [day.isoformat() for day in made.dates]
        act = Act("transfer.run", transfer.transfer_id, after={"dates": started, "joined": len(made.joined)})
        await answers.record(visit, tx, act)
    return answers.done(visit, f"/transfers/{transfer.transfer_id}", _started(made))


def _started(made: runs.Enqueued) -> str:
    if not made.dates:
        return f"{plural(len(made.joined), 'day')} waited already and will be loaded next."
    text = f"{plural(len(made.dates), 'day')} queued, before all other work."
    return text + (f" {plural(len(made.joined), 'day')} waited already." if made.joined else "")


async def retry(visit: Visit) -> Response:
    """Queue the failed days of one cause again, or all of them."""
    transfer, form = await known(visit), await visit.form()
    cause, fingerprint = form.get("cause") or None, form.get("fingerprint")
    async with visit.site.db.write() as tx:
        chosen = {"cause": cause, "fingerprint": fingerprint if cause else None}
        made = await retries.retry(tx, visit.site.seams, visit.team_id, transfer.transfer_id, **chosen)
        told = {**chosen, "days": made.days, "backfills": made.backfill_ids, "alone": made.alone}
        await answers.record(visit, tx, Act("transfer.retry", transfer.transfer_id, after=told))
    text = f"Queued {plural(made.days, 'failed day')} again."
    return answers.done(visit, f"/transfers/{transfer.transfer_id}", text)
