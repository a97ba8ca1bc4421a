"""The live line of a backfill on a terminal, and the lines of a log where there is none."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from dayfill.cli.follow import Pace
from dayfill.cli.summary import (
    EXITS,
    Backfill,
    causes,
    duration_text,
    logfmt,
    settled,
    span_text,
    state_word,
    waiting_error,
)

_CELLS = 30
_QUARTERS = 4
_AT_LEAST_EVERY = 60.0


class DaysBar(ProgressColumn):
    """Loaded days, failed days and the rest, each in its own colour and shape."""

    def render(self, task: Task) -> Text:
        total = max(1, int(task.total or 1))
        failed = int(task.fields["failed"])
        filled = _CELLS * int(task.completed) // total
        bad = min(filled, max(1, round(_CELLS * failed / total))) if failed else 0
        glyphs = "█▒░" if task.fields["unicode"] else "#x."
        text = Text(glyphs[0] * (filled - bad), style="green")
        text.append(glyphs[1] * bad, style="red")
        return text.append(glyphs[2] * (_CELLS - filled), style="bright_black")


class Screen(AbstractContextManager["Screen"]):
    """One live line for each backfill that is shown, and above them, once, what one waits for."""

    def __init__(self, console: Console) -> None:
        self._unicode = (console.encoding or "").lower().startswith("utf")
        self._progress = Progress(
            TextColumn("{task.description}"),
            DaysBar(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            redirect_stdout=False,  # data on stdout stays there
        )
        self._tasks: dict[int, TaskID] = {}
        self._reasons: dict[int, str] = {}
        self._paces: dict[int, Pace] = {}

    def __enter__(self) -> Screen:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, backfill: Backfill, moment: float, title: str = "") -> None:
        """Draw this reading, taken at ``moment`` (monotonic seconds)."""
        key = int(backfill["transfer_backfill_id"])
        pace = self._paces.setdefault(key, Pace())
        pace.add(moment, backfill)
        fields = {"failed": backfill["transfer_runs_failed"], "figures": _figures(backfill, pace)}
        done, total = settled(backfill), backfill["transfer_runs_total"]
        named, why = title or span_text(backfill), waiting_error(backfill)
        if why and why != self._reasons.get(key):
            self._progress.console.print(Text(f"{named}: {why}"), soft_wrap=True)
        self._reasons[key] = why
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(named, True, total, done, unicode=self._unicode, **fields)
        self._progress.update(self._tasks[key], completed=done, total=total, **fields)


def _figures(backfill: Backfill, pace: Pace) -> str:
    """``29/31 days, 2 failed, 412 days/min, 1 min 02 s left``, or the status once it rests."""
    parts = [f"{settled(backfill):,}/{backfill['transfer_runs_total']:,} days"]
    if backfill["transfer_runs_failed"]:
        parts.append(f"{backfill['transfer_runs_failed']:,} failed")
    if backfill["status"] != "RUNNING" or state_word(backfill) != "RUNNING":
        return ", ".join([*parts, state_word(backfill)])
    left = pace.seconds_left(backfill)
    if left is not None:
        parts += [f"{pace.per_minute:,.0f} days/min", f"{duration_text(left)} left"]
    return ", ".join(parts)


class Log:
    """When a line is due: the start, each quarter, a cause's first failure, each wait, the end, and each minute."""

    def __init__(self) -> None:
        self._quarter = -1
        self._at_rest = False
        self._causes: set[str] = set()
        self._waiting: dict[str, str] = {}
        self._last = 0.0

    def lines(self, backfill: Backfill, moment: float, now: datetime) -> list[str]:
        """The lines that this reading gives; none if nothing is new."""
        quarter = _QUARTERS * settled(backfill) // max(1, backfill["transfer_runs_total"])
        fresh = [one for one in causes(backfill) if one.cause not in self._causes]
        lines = [logfmt(backfill, now, cause=one.cause, day=one.days[-1]) for one in fresh]
        self._causes |= {one.cause for one in fresh}
        waiting = backfill.get("x", {}).get("waiting") or {}
        if waiting != self._waiting and waiting:
            moments = {name: waiting[name] for name in ("until", "since") if name in waiting}
            why = {"error": json.dumps(error, ensure_ascii=False)} if (error := waiting_error(backfill)) else {}
            lines.append(logfmt(backfill, now, waiting=waiting["reason"], **moments, **why))
        self._waiting = waiting
        at_rest = backfill["status"] in EXITS
        is_late = not at_rest and moment - self._last >= _AT_LEAST_EVERY
        if quarter != self._quarter or at_rest != self._at_rest or is_late:
            lines.append(logfmt(backfill, now))
        if lines:
            self._last = moment
        self._quarter, self._at_rest = quarter, at_rest
        return lines
