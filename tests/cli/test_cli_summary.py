"""A backfill in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from answering import backfill

from dayfill.cli.summary import (
    causes,
    days_text,
    duration_text,
    logfmt,
    result_lines,
    seconds_taken,
    state_word,
    waiting_text,
)

NOW = datetime(2024, 2, 1, 0, 1, 3, tzinfo=UTC)


def test_failed_days_are_grouped_by_cause_the_most_frequent_first_with_the_newest_message() -> None:
    found = causes(backfill("FAILED", completed=1, failed=3))
    assert [(one.cause, one.message) for one in found] == [("AUTH", "no luck 2"), ("RATE_LIMIT", "no luck 0")]
    assert found[0].days == (date(2024, 1, 2), date(2024, 1, 3))


def test_neighbouring_days_are_one_range_across_a_month() -> None:
    days = [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 3)]
    assert days_text(days) == "2024-02-03, 2024-01-30 to 2024-02-01"


def test_only_eight_ranges_are_listed() -> None:
    assert days_text([date(2024, 1, day) for day in range(1, 22, 2)]).endswith("2024-01-07 and 3 more")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (62, "1 min 02 s"),
        (3599, "59 min 59 s"),
        (11_100, "3 h 05 min"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_the_result_names_counts_causes_retry_and_address() -> None:
    lines = result_lines(backfill("FAILED", completed=29, failed=2, total=31), 62, "http://x/teams/7/backfills/12")
    assert lines == [
        "29 of 31 days loaded, 2 failed, 130,848 rows in 1 min 02 s.",
        "  AUTH             1  2024-01-02",
        "                     no luck 1",
        "  RATE_LIMIT       1  2024-01-01",
        "                     no luck 0",
        "Try them again: dayfill backfill retry 12 --wait",
        "http://x/teams/7/backfills/12",
    ]


def test_a_good_result_has_no_word_of_failure() -> None:
    assert result_lines(backfill("COMPLETED", completed=4), 1, "u") == ["4 of 4 days loaded, 130,848 rows in 1 s.", "u"]


def test_a_log_line_is_time_and_pairs() -> None:
    one = backfill("FAILED", completed=29, failed=2, total=31)
    assert logfmt(one, NOW) == (
        "2024-02-01T00:01:03Z backfill=12 status=FAILED done=29 failed=2 total=31 rows=130848 seconds=62"
    )
    assert logfmt(one, NOW, cause="AUTH").endswith(" seconds=62 cause=AUTH")


def test_time_runs_from_the_first_day_to_the_end_or_to_now() -> None:
    assert seconds_taken(backfill("RUNNING"), NOW) == 62
    assert seconds_taken(backfill("CREATED", start_time=None), NOW) == 0
    assert seconds_taken(backfill("FAILED", end_time="2024-02-01T00:00:05Z"), NOW) == 4


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("quota", "waiting for quota until 14:05 UTC"),
        ("source", "waiting for the source until 14:05 UTC"),
        ("destination", "waiting for the destination until 14:05 UTC"),
        ("rows", "waiting for the team's rows of the month until 2024-02-01 UTC"),
        ("what comes later", "waiting for what comes later until 14:05 UTC"),
    ],
)
def test_a_wait_is_told_in_words(reason: str, text: str) -> None:
    waiting = backfill(x={"waiting": {"reason": reason, "until": "2024-02-01T14:05:00Z"}})
    assert waiting_text(waiting) == state_word(waiting) == text


def test_a_wait_for_the_cluster_is_told_by_its_begin() -> None:
    waiting = backfill(x={"waiting": {"reason": "cluster", "since": "2024-02-01T14:05:00Z"}})
    assert waiting_text(waiting) == "waiting for the cluster since 14:05 UTC"


def test_without_a_wait_the_status_is_the_word() -> None:
    assert waiting_text(backfill()) is None
    assert state_word(backfill()) == "RUNNING"
    assert state_word(backfill(x={"paused_time": "2024-02-01T14:05:00Z"})) == "RUNNING (paused)"
