"""A backfill in words: its line of progress, its result, its failed days by cause, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dayfill.cli.dates import stamp
from dayfill.cli.exits import Exit
from dayfill.domain.days import name_of, ranges_of

Backfill = Mapping[str, Any]
"""A backfill as the wire shows it."""

EXITS = {"COMPLETED": Exit.OK, "FAILED": Exit.FAILED, "CANCELLED": Exit.CANCELLED}
"""Statuses at which a backfill rests -> how the command that waited for it ends."""

_RANGES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Cause:
    """Failed days that share a cause. message: that of the newest day."""

    cause: str
    days: tuple[date, ...]
    message: str


def settled(backfill: Backfill) -> int:
    """Days that have had their final attempt."""
    return int(backfill["transfer_runs_completed"] + backfill["transfer_runs_failed"])


def rows(backfill: Backfill) -> int:
    return int(backfill.get("x", {}).get("rows_total", 0))


def span_text(backfill: Backfill) -> str:
    return f"{backfill['range_start_date']} to {backfill['range_end_date']}"


_WAITS_FOR = {"quota": "quota", "source": "the source", "destination": "the destination", "cluster": "the cluster"}


def waiting_text(backfill: Backfill) -> str | None:
    """``waiting for quota until 14:05 UTC``, ``waiting for the cluster since 14:05 UTC``.

    Only a wait for rows is longer than a day and ends with one; else the time alone says when.
    """
    waiting = backfill.get("x", {}).get("waiting")
    if not waiting:
        return None
    word = "until" if "until" in waiting else "since"
    moment = datetime.fromisoformat(waiting[word])
    if waiting["reason"] == "rows":
        return f"waiting for the team's rows of the month until {moment:%Y-%m-%d} UTC"
    return f"waiting for {_WAITS_FOR.get(waiting['reason'], waiting['reason'])} {word} {moment:%H:%M} UTC"


def waiting_error(backfill: Backfill) -> str:
    """What it waits for has said, or what to do about it; empty if it waits for nothing."""
    waiting = backfill.get("x", {}).get("waiting") or {}
    return str(waiting.get("error") or "")


def state_word(backfill: Backfill) -> str:
    """The status, or that it is paused or waits."""
    status = str(backfill["status"])
    if text := waiting_text(backfill):
        return text
    return f"{status} (paused)" if status not in EXITS and backfill.get("x", {}).get("paused_time") else status


def causes(backfill: Backfill) -> list[Cause]:
    """The failed days by cause, the most frequent first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in backfill.get("error_report") or []:
        found.setdefault(entry.get("x", {}).get("cause") or "ERROR", []).append(entry)
    grouped = [
        Cause(
            cause,
            tuple(sorted(date.fromisoformat(entry["transfer_run_date"][:10]) for entry in entries)),
            max(entries, key=lambda entry: str(entry["transfer_run_date"]))["error"],
        )
        for cause, entries in found.items()
    ]
    return sorted(grouped, key=lambda one: (-len(one.days), one.cause))


def days_text(days: Sequence[date]) -> str:
    """The days as at most eight ranges, the newest first."""
    ranges = ranges_of(days)[::-1]
    shown = [name_of(one.start) if len(one) == 1 else f"{one.start} to {one.end}" for one in ranges[:_RANGES_SHOWN]]
    more = len(ranges) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def duration_text(seconds: float) -> str:
    """``42 s``, ``1 min 02 s``, ``3 h 05 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def seconds_taken(backfill: Backfill, now: datetime) -> int:
    """Whole seconds from the first run's start to the end, or to now."""
    if not backfill.get("start_time"):
        return 0
    end = datetime.fromisoformat(backfill["end_time"]) if backfill.get("end_time") else now
    return max(0, round((end - datetime.fromisoformat(backfill["start_time"])).total_seconds()))


def result_lines(backfill: Backfill, seconds: float, url: str) -> list[str]:
    """How it ended, a line for each cause of failure, the command that tries again, the address."""
    failed, total = backfill["transfer_runs_failed"], backfill["transfer_runs_total"]
    first = f"{backfill['transfer_runs_completed']:,} of {total:,} days loaded"
    first += f", {failed:,} failed" if failed else ""
    first += ", the rest cancelled" if backfill["status"] == "CANCELLED" else ""
    lines = [f"{first}, {rows(backfill):,} rows in {duration_text(seconds)}."]
    for one in causes(backfill):
        lines.append(f"  {one.cause:<12} {len(one.days):>5}  {days_text(one.days)}")
        lines.append(f"{'':21}{one.message}")
    if backfill["status"] == "FAILED":
        lines.append(f"Try them again: dayfill backfill retry {backfill['transfer_backfill_id']} --wait")
    return [*lines, url]


def logfmt(backfill: Backfill, now: datetime, **more: object) -> str:
    """One line for a log: time, counters, then whatever else is worth a key."""
    pairs = {
        "backfill": backfill["transfer_backfill_id"],
        "status": backfill["status"],
        "done": backfill["transfer_runs_completed"],
        "failed": backfill["transfer_runs_failed"],
        "total": backfill["transfer_runs_total"],
        "rows": rows(backfill),
        "seconds": seconds_taken(backfill, now),
    } | more
    return " ".join([stamp(now), *(f"{key}={value}" for key, value in pairs.items())])
