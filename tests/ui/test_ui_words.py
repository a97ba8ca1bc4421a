"""What pages say of days and backfills."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dayfill.domain.backfill import Backfill, BackfillStatus
from dayfill.domain.days import DayRange, DayState
from dayfill.domain.live import Event, Progress, Subject
from dayfill.domain.schedule import Interval, Schedule
from dayfill.domain.transfer import Partition, Table
from dayfill.ui import feed, words
from dayfill.ui.copied import create_backfill
from dayfill.ui.day import look

JUNE = DayRange(date(2024, 6, 1), date(2024, 6, 30))
NOW = datetime(2024, 7, 1, tzinfo=UTC)


def backfill(completed: int = 0, failed: int = 0, running: int = 0, paused: datetime | None = None) -> Backfill:
    return Backfill(
        *(7, 1, 2, JUNE, BackfillStatus.RUNNING, 3, NOW, 1, NOW, None, None, None, paused, None),
        *(1000, 1000, completed, failed, 0, running, 12_345, (), None),
    )


@pytest.mark.parametrize(("done", "share"), [(0, 0.0), (1, 0.1), (333, 33.3), (999, 99.9), (1000, 100.0)])
def test_a_hundred_percent_is_the_end_and_nothing_before_it(done: int, share: float) -> None:
    assert words.share(backfill(done)) == share
    assert words.share(backfill(0, done)) == share


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (Progress(backfill(100), 10.0, 98.0), "1 min 38 s left"),
        (Progress(backfill(10, 9), 10.0, 100.0), "50 s to 3 min 20 s left"),
        (Progress(backfill(), None, None), "waits for its first days"),
        (Progress(backfill(100, paused=NOW), 10.0, 98.0), "paused"),
    ],
)
def test_the_time_left_is_as_sure_as_it_can_be(progress: Progress, says: str) -> None:
    assert words.left_text(progress) == says


def test_months_are_counted_newest_first() -> None:
    assert words.month_counts(None, "") == []
    (february, counted), (january, _) = words.month_counts(date(2024, 1, 31), "lfs.")
    assert (february, january) == ("2024-02", "2024-01")
    assert [counted[state] for state in words.NAMES] == [0, 1, 1, 0, 0, 1]


def test_of_many_ranges_the_newest_are_shown() -> None:
    found = words.ranges(date(2024, 6, n) for n in range(1, 30, 2))
    assert (len(found.shown), found.more, found.shown[0]) == (8, 7, DayRange(date(2024, 6, 29), date(2024, 6, 29)))
    assert words.ranges([]).more == 0


def test_a_preview_shows_just_what_will_run() -> None:
    span = DayRange(date(2024, 6, 1), date(2024, 6, 4))
    now = [
        (date(2024, 6, 1), DayState.QUEUED),
        (date(2024, 6, 2), DayState.FAILED),
        (date(2024, 6, 3), DayState.LOADED),
    ]
    assert words.preview(span, now, [DayRange(date(2024, 6, 2), date(2024, 6, 2))]) == ".ql."


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (Schedule(Interval.DAILY, 7, hour=5), "daily at 05:00 UTC, the last 7 days"),
        (Schedule(Interval.HOURLY), "hourly, the last day"),
        (Schedule(Interval.WEEKLY, 2, weekday=1), "Mondays at 00:00 UTC, the last 2 days"),
        (Schedule(Interval.MONTHLY, month_day=31), "monthly on day 31 at 00:00 UTC, the last day"),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, says: str) -> None:
    assert words.every(schedule) == says


def test_numbers_in_the_middle() -> None:
    assert (words.median([]), words.median([3.0]), words.percentile([1, 2, 3, 4], 95)) == (None, 3.0, 4)


def test_a_command_names_the_key_and_does_not_show_it() -> None:
    made = create_backfill("http://127.0.0.1:8484/", 1, 2, JUNE, ["failed"])
    assert made.cli == "dayfill backfill create 2 2024-06-01 2024-06-30 --only failed --wait"
    assert "$DAYFILL_API_KEY" in made.curl and '"only": ["failed"]' in made.curl
    compile(made.python, "copied", "exec")


def test_a_name_with_quotes_stays_a_name() -> None:
    assert look(Table('a"b'), "d", JUNE.start) == 'SELECT * FROM "a""b" WHERE "d" = DATE \'2024-06-01\' LIMIT 100;'
    assert look(Table("t", partition=Partition.NONE), "d", JUNE.start) == 'SELECT * FROM "t" LIMIT 100;'


def test_an_event_carries_what_moved_and_no_more() -> None:
    counts = dict.fromkeys(DayState, 0) | {DayState.LOADED: 3}
    progress = (Progress(backfill(30, 1, 2), 61.26, 98.0),)
    moved = ((0, DayState.LOADED), (419, DayState.FAILED))
    told = feed.text("ab12", Event(5, Subject(1, 2), 9, JUNE.start, None, moved, counts, progress)).decode()
    head, data, *rest = told.split("\n", 2)[0], told.split("data: ")[1].strip()
    assert head == "id: ab12-5" and rest == []
    assert data == (
        '{"b":[{"id":7,"t":2,"status":"RUNNING","total":1000,"done":30,"failed":1,"running":2,"queued":967,'
        '"rows":12345,"pct":3.1,"eta":"1 min 38 s left","held":false,"rate":61.3}],"t":2,"c":{"l":3},"d":"0l 1a3f"}'
    )
    whole = feed.text("ab12", Event(5, Subject(1, 2), 9, JUNE.start, "l.f", (), counts, ())).decode()
    assert "event: full\n" in whole and '"start":"2024-06-01","states":"l.f"' in whole
