"""Paths whose date tells no days apart, and engines that are closed at the moment of the deadline."""

from __future__ import annotations

from datetime import date

import pytest

from dayfill.sources.files import paths
from dayfill.sources.files.connection import connect
from dayfill.sources.files.deadline import Deadline

DAY = date(2024, 2, 29)


@pytest.mark.parametrize("template", ["{date:x}.csv", "{date:%Z}x.csv", "{date:%H}.csv"])
def test_a_path_that_is_the_same_for_ever_is_seen_without_a_walk(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date] = []
    of_day = paths.of_day
    monkeypatch.setattr(paths, "of_day", lambda path, day: asked.append(day) or of_day(path, day))
    assert paths.period(template, DAY) == (date.min, date.max)
    assert len(asked) < 20


@pytest.mark.parametrize(
    ("template", "first", "last"),
    [
        ("{date}", DAY, DAY),
        ("{date:%d}", DAY, DAY),
        ("{date:%Y-%m}", date(2024, 2, 1), DAY),
        ("{date:%y}", date(2024, 1, 1), date(2024, 12, 31)),
        ("{date:%C}", date(2000, 1, 1), date(2099, 12, 31)),
    ],
)
def test_a_period_ends_where_the_path_changes(template: str, first: date, last: date) -> None:
    assert paths.period(template, DAY) == (first, last)


def test_an_engine_closed_at_the_deadline_ends_the_watch_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = connect([])
    engine.close()
    clock = Deadline(0)
    rounds = iter([False, False, True])
    monkeypatch.setattr(clock._stopped, "wait", lambda seconds: next(rounds))
    clock._interrupt(engine)
    assert next(rounds, None) is None
