"""Following a backfill: pace, the server's absence, the time limit; and when a line of log is due."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from answering import backfill
from rich.console import Console

from dayfill.cli.exits import CommandError, Exit
from dayfill.cli.follow import Pace, follow
from dayfill.cli.screen import Log, Screen

NOW = datetime(2024, 2, 1, tzinfo=UTC)


class Script:
    """An Api whose answers, and a clock whose time, the test decides."""

    def __init__(self, *answers: dict[str, Any] | CommandError) -> None:
        self.answers = list(answers)
        self.now = 0.0

    def team(self, path: str) -> str:
        return path

    def get(self, path: str) -> dict[str, Any]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, CommandError):
            raise answer
        return answer

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def statuses(self, timeout: float | None = None) -> list[str]:
        readings = follow(self, 12, timeout, self.monotonic, self.pause)  # type: ignore[arg-type]
        return [reading["status"] for reading in readings]


AWAY = CommandError("gone", Exit.UNAVAILABLE)


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CANCELLED"])
def test_it_ends_with_the_backfill(end: str) -> None:
    assert Script(backfill("CREATED"), backfill("RUNNING"), backfill(end)).statuses() == ["CREATED", "RUNNING", end]


def test_a_server_that_restarts_is_waited_for() -> None:
    assert Script(backfill(), AWAY, AWAY, backfill("COMPLETED")).statuses() == ["RUNNING", "COMPLETED"]


def test_a_server_that_stays_away_ends_it_after_a_minute() -> None:
    script = Script(backfill(), AWAY)
    with pytest.raises(CommandError, match="gone"):
        script.statuses()
    assert 60 < script.now < 62


def test_a_refusal_ends_it_at_once() -> None:
    script = Script(CommandError("no", Exit.ACCESS))
    with pytest.raises(CommandError, match="no"):
        script.statuses()
    assert script.now == 0


def test_the_time_limit_ends_it_while_the_backfill_runs() -> None:
    script = Script(backfill())
    with pytest.raises(TimeoutError):
        script.statuses(timeout=3)
    assert script.now == 3


def test_pace_is_days_a_minute_over_two_minutes() -> None:
    pace = Pace()
    pace.add(0, backfill(completed=0, total=1000))
    assert pace.per_minute is None
    pace.add(60, backfill(completed=100, failed=20, total=1000))
    assert pace.per_minute == 120
    assert pace.seconds_left(backfill(completed=100, failed=20, total=1000)) == 440
    pace.add(160, backfill(completed=200, failed=20, total=1000))
    assert pace.per_minute == 60  # the reading of second 0 is too old


def test_a_retry_starts_the_pace_anew() -> None:
    pace = Pace()
    pace.add(0, backfill(completed=10, failed=20, total=31))
    pace.add(1, backfill(completed=11, failed=0, total=31))
    assert pace.per_minute is None
    pace.add(2, backfill(completed=12, failed=0, total=31))
    assert pace.per_minute == 60


@pytest.mark.parametrize("why", [{"paused_time": "2024-02-01T00:00:00Z"}, {"waiting": {"reason": "quota"}}])
def test_a_rest_is_no_part_of_the_pace(why: dict[str, Any]) -> None:
    pace = Pace()
    pace.add(0, backfill(completed=0, total=1000))
    pace.add(10, backfill(completed=10, total=1000))
    pace.add(11, backfill(completed=11, total=1000, x={**why, "runs_running": 1}))
    assert pace.per_minute == 60
    pace.add(60, backfill(completed=11, total=1000, x={**why, "runs_running": 0}))
    assert pace.per_minute is None
    pace.add(80, backfill(completed=11, total=1000))
    pace.add(90, backfill(completed=21, total=1000))
    assert pace.per_minute == 60


def test_log_lines_come_at_the_start_each_quarter_each_first_cause_the_end_and_each_minute() -> None:
    log = Log()

    def lines(moment: float, **counts: Any) -> list[str]:
        return [line.split(" ", 2)[2] for line in log.lines(backfill(total=8, **counts), moment, NOW)]

    assert len(lines(0)) == 1
    assert lines(1, completed=1) == []
    assert len(lines(2, completed=2)) == 1
    assert [line.split()[-2:] for line in lines(3, completed=2, failed=1)] == [["cause=RATE_LIMIT", "day=2024-01-01"]]
    assert lines(4, completed=2, failed=1) == []
    assert lines(62, completed=2, failed=1) == []
    assert len(lines(63, completed=2, failed=1)) == 1
    end = lines(64, status="FAILED", completed=7, failed=1)
    assert len(end) == 1
    assert end[0].startswith("status=FAILED")
    assert lines(500, status="FAILED", completed=7, failed=1) == []


def test_a_wait_is_logged_when_it_begins_and_when_it_grows() -> None:
    log = Log()

    def lines(moment: float, until: str | None, **more: str) -> list[str]:
        waiting = (
            {"reason": "quota", "until": until, "cause": "RATE_LIMIT", "error": 'Say "slower".'} if until else more
        )
        reading = backfill(total=8, x={"waiting": waiting} if waiting else {})
        return [line[line.find("waiting=") :] for line in log.lines(reading, moment, NOW)]

    assert len(lines(0, None)) == 1
    first, again = "2024-02-01T14:05:00Z", "2024-02-01T15:05:00Z"
    assert lines(1, first) == [f'waiting=quota until={first} error="Say \\"slower\\"."']
    assert lines(2, first) == []
    assert lines(3, again) == [f'waiting=quota until={again} error="Say \\"slower\\"."']
    assert lines(4, None) == []
    assert lines(5, again) == [f'waiting=quota until={again} error="Say \\"slower\\"."']
    assert lines(6, None, reason="cluster", since=first) == [f"waiting=cluster since={first}"]
    assert lines(7, None, reason="cluster", since=first) == []
    mend = [f'waiting=cluster since={first} error="Mend it."']
    assert lines(8, None, reason="cluster", since=first, error="Mend it.") == mend, "now it is known why"


def test_a_terminal_says_once_above_its_line_what_a_backfill_waits_for() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    with Screen(console) as screen:
        for moment, error in enumerate(["It refuses [the] token.", "It refuses [the] token.", "Gone.", ""]):
            waiting = {"reason": "cluster", "since": "2024-02-01T14:05:00Z", "error": error} if error else None
            extension = {"runs_running": 0} | ({"waiting": waiting} if waiting else {})
            screen.show(backfill(total=8, x=extension), moment)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert told.count("It refuses [the] token.") == told.count("Gone.") == 1
