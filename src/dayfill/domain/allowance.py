"""What a team may take: rows in a calendar month (UTC), days back, work at once, and how often it has its turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dayfill.domain.fair import DEFAULT_WEIGHT

MOST_ACTIVE = 50
"""Backfills of a team that may be active at once."""
MOST_WAITING = 200_000
"""Days of a team that its active backfills may have left to do."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of a team (None: no limit), and the rows that its days have committed in this month.

    weight: turns that it gets for each turn of a team whose weight is 1, while both have something to start.
    """

    rows_per_month: int | None
    history_days: int | None
    rows: int
    weight: int = DEFAULT_WEIGHT

    @property
    def is_spent(self) -> bool:
        return self.rows_per_month is not None and self.rows >= self.rows_per_month

    def spent(self, now: datetime) -> str:
        """That the rows of the month are used up, and until when."""
        return (
            f"This team has loaded {self.rows:,} rows in {month_of(now)}, and its limit is {self.rows_per_month:,} a "
            f"month: nothing more starts before {next_month(now):%Y-%m-%dT%H:%M:%SZ}, unless the operator raises it."
        )

    def first_day(self, now: datetime) -> date | None:
        """The oldest day that may be asked for: so many days before today, in UTC."""
        return None if self.history_days is None else now.date() - timedelta(days=self.history_days)


def month_of(moment: datetime) -> str:
    """The calendar month of an instant in UTC: ``2024-06``."""
    return moment.isoformat()[:7]


def next_month(moment: datetime) -> datetime:
    """When the month after that of an instant begins, in UTC."""
    return (moment.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC
    )
