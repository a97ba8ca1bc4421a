"""``dayfill backfill``: start, watch, retry and stop backfills."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from dayfill.cli.client import Api, connect, exit_of, transfer_id
from dayfill.cli.confirm import confirm
from dayfill.cli.dates import day_range
from dayfill.cli.exits import Exit, usage
from dayfill.cli.options import DEFAULTS, Options
from dayfill.cli.output import Printer
from dayfill.cli.summary import Backfill, duration_text, span_text, waiting_error, waiting_text
from dayfill.cli.watch import wait_for
from dayfill.seams import system_seams

Priority = Literal["backfill", "interactive"]
Status = Literal["CREATED", "SCHEDULED", "RUNNING", "FAILED", "COMPLETED", "CANCELLED"]
Day = Annotated[str, Parameter(allow_leading_hyphen=True)]

app = App(name="backfill", help="Backfills: ranges of days, done again, newest first.")

_COLUMNS = {
    "ID": "transfer_backfill_id",
    "TRANSFER": "transfer_id",
    "FROM": "range_start_date",
    "TO": "range_end_date",
    "STATUS": "status",
    "LOADED": "transfer_runs_completed",
    "FAILED": "transfer_runs_failed",
    "TOTAL": "transfer_runs_total",
    "CREATED": "created_time",
}


@app.command
def create(
    transfer: str,
    start: Day,
    end: Day | None = None,
    /,
    *,
    only: str | None = None,
    priority: Priority = "backfill",
    wait: Annotated[bool, Parameter(negative="--detach", show_default=False)] = False,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    options: Options = DEFAULTS,
) -> int:
    """Load a range of days again, newest first.

    Dates are 2024-01-31, 2024-03 (the month), 2024 (the year), yesterday, today, or -30d (30 days ago). Days are
    those of the source's zone; "today" is today in UTC.

    For example:

        dayfill backfill create 1 -30d --wait
        dayfill backfill create "Demo Ads" 2024-01 2024-03 \\
            --only missing,failed --dry-run

    Args:
        transfer: Id or name.
        start: First day.
        end: Last day, inside the range. Without it: the whole span of START, or up to yesterday from -30d.
        only: Days in these states: missing, failed, stale, with commas between.
        priority: interactive goes before everything else.
        wait: Stay until it ends; Ctrl-C detaches.
        dry_run: Say what would run, and start nothing; ends as the command itself would, were it refused.
    """
    first, last = day_range(start, end, system_seams().now().date())
    timeout = options.timeout_seconds()
    api, printer = connect(options)
    with api:
        path = api.x(f"transfers/{transfer_id(api, transfer)}/backfills")
        body = _body(first, last, only, priority)
        if dry_run:
            return _plan(printer, api.send("POST", f"{path}/plan", body))
        return _started(api, printer, api.send("POST", path, body), timeout, wait=wait)


@app.command(name="list")
def list_(
    *,
    transfer: str | None = None,
    status: Annotated[tuple[Status, ...], Parameter(negative=(), show_default=False)] = (),
    limit: int = 50,
    options: Options = DEFAULTS,
) -> int:
    """Backfills of the team, the newest first, finished ones too.

    For example:

        dayfill backfill list --status RUNNING --status FAILED

    Args:
        transfer: Of this transfer only: id or name.
        status: In this status only; may be repeated.
        limit: At most so many.
    """
    api, printer = connect(options)
    with api:
        of = None if transfer is None else transfer_id(api, transfer)
        printer.many(api.pages(api.x("backfills"), limit, transfer_id=of, status=list(status) or None), _COLUMNS)
    return Exit.OK


@app.command
def get(backfill: int, /, *, options: Options = DEFAULTS) -> int:
    """One backfill with its failed days.

    For example:

        dayfill backfill get 12 -o json

    Args:
        backfill: Id.
    """
    api, printer = connect(options)
    with api:
        found = api.get(api.team(f"backfills/{backfill}"))
        printer.one(found)
        if text := waiting_text(found):
            printer.note(f"Backfill {backfill} is {text}: {waiting_error(found)}")
    return Exit.OK


@app.command
def watch(backfill: int, /, *, options: Options = DEFAULTS) -> int:
    """Stay until a backfill ends; Ctrl-C detaches and never cancels.

    Exit code: 0 every day loaded, 3 a day failed, 4 cancelled, 5 --timeout came first, 130 detached.

    For example:

        dayfill backfill watch 12 --timeout 2h

    Args:
        backfill: Id.
    """
    timeout = options.timeout_seconds()
    api, printer = connect(options)
    with api:
        return wait_for(api, printer, backfill, timeout)


@app.command
def retry(
    backfill: int,
    /,
    *,
    cause: str | None = None,
    wait: Annotated[bool, Parameter(negative="--detach", show_default=False)] = False,
    options: Options = DEFAULTS,
) -> int:
    """Try the failed days of a backfill again, in the same backfill.

    For example:

        dayfill backfill retry 12 --cause RATE_LIMIT --wait

    Args:
        backfill: Id.
        cause: Only the days that failed by this cause, such as AUTH.
        wait: Stay until it ends; Ctrl-C detaches.
    """
    timeout = options.timeout_seconds()
    api, printer = connect(options)
    with api:
        body = {} if cause is None else {"cause": cause}
        found = api.send("POST", api.x(f"backfills/{backfill}/retry"), body)
        return _started(api, printer, found, timeout, wait=wait)


@app.command
def cancel(backfill: int, /, *, options: Options = DEFAULTS) -> int:
    """Stop a backfill: waiting days are cancelled, running ones finish, loaded days stay.

    For example:

        dayfill backfill cancel 12 -y

    Args:
        backfill: Id.
    """
    api, printer = connect(options)
    with api:
        confirm(options, f"Cancel backfill {backfill}?")
        printer.one(api.send("PATCH", api.team(f"backfills/{backfill}"), {"status": "CANCELLED"}))
    return Exit.OK


@app.command
def pause(backfill: int, /, *, options: Options = DEFAULTS) -> int:
    """Start no more days of a backfill until it is resumed; running ones finish.

    For example:

        dayfill backfill pause 12

    Args:
        backfill: Id.
    """
    return _move(backfill, "pause", options)


@app.command
def resume(backfill: int, /, *, options: Options = DEFAULTS) -> int:
    """Go on with a paused backfill.

    For example:

        dayfill backfill resume 12

    Args:
        backfill: Id.
    """
    return _move(backfill, "resume", options)


def _move(backfill: int, verb: str, options: Options) -> int:
    api, printer = connect(options)
    with api:
        printer.one(api.send("POST", api.x(f"backfills/{backfill}/{verb}")))
    return Exit.OK


def _body(first: date, last: date, only: str | None, priority: Priority) -> dict[str, Any]:
    states = [state.strip() for state in (only or "").split(",") if state.strip()]
    unknown = sorted(set(states) - {"missing", "failed", "stale"})
    if unknown:
        raise usage(f"--only does not know {', '.join(unknown)}; it takes missing, failed, stale.")
    body: dict[str, Any] = {"range_start": str(first), "range_end": str(last), "priority": priority}
    return body | ({"only": states} if states else {})


def _started(api: Api, printer: Printer, backfill: Backfill, timeout: float | None, *, wait: bool) -> int:
    backfill_id = int(backfill["transfer_backfill_id"])
    total = backfill["transfer_runs_total"]
    days = f"{total:,} day{'' if total == 1 else 's'}"
    printer.note(f"Backfill {backfill_id}: {span_text(backfill)}, {days}, {backfill['status']}.")
    if wait:
        return wait_for(api, printer, backfill_id, timeout)
    printer.one(backfill)
    printer.note(f"Watch it: dayfill backfill watch {backfill_id}")
    return Exit.OK


def _plan(printer: Printer, plan: dict[str, Any]) -> int:
    """What a dry run found, in one line; the API's answer as data where that is asked for."""
    if printer.output != "table":
        printer.one(plan)
    counts = {"loaded": "again", "stale": "stale", "failed": "failed", "missing": "missing"}
    parts = [f"{plan['counts'][state]:,} {word}" for state, word in counts.items() if plan["counts"].get(state)]
    text = (
        f"Would load {plan['days_chosen']:,} day{'' if plan['days_chosen'] == 1 else 's'}"
        + (f" ({', '.join(parts)})" if parts else "")
        + "."
    )
    conflicts = plan.get("conflicts") or []
    text += f" {len(conflicts)} overlap."
    if estimate := plan.get("estimate"):
        low, high = (duration_text(estimate[f"seconds_{end}"]) for end in ("low", "high"))
        calls = estimate["source_calls"]
        text += f" About {high if low == high else f'{low} to {high}'}, {calls:,} call{'' if calls == 1 else 's'}."
    printer.note(text)
    for one in conflicts:
        printer.note(f"  overlaps backfill {one['transfer_backfill_id']}: {span_text(one)}, {one['status']}")
    if refusal := plan.get("refusal"):
        printer.note(f"It would be refused: {refusal['description']} ({refusal['code']})")
        return exit_of(refusal["status"])
    return Exit.OK
