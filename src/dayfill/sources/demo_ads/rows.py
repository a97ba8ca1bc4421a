"""The made advertising data: the same account and day give the same rows, on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

COLUMNS: tuple[tuple[str, str], ...] = (
    ("date", "DATE"),
    ("account_id", "STRING"),
    ("account_name", "STRING"),
    ("campaign_id", "INTEGER"),
    ("campaign_name", "STRING"),
    ("ad_group_id", "INTEGER"),
    ("ad_group_name", "STRING"),
    ("impressions", "INTEGER"),
    ("clicks", "INTEGER"),
    ("cost", "DECIMAL(18,6)"),
    ("conversions", "FLOAT"),
    ("updated", "TIMESTAMPTZ"),
)
"""Column and data type of the report."""

ACCOUNTS = {"100-1": "Nordlicht Outdoor", "100-2": "Café Zürich", "100-3": "Kaupunki Bikes"}
"""The accounts of a transfer that names none."""
GROUP = "Manager account 100"

_CAMPAIGNS = ("Brand: Search", "Summer sale", "Retargeting", "Új vásárlók, videó", 'Display "always on"')
_GROUPS = ("Exact", "Broad", "Lookalike 1 %", "Visitors, 30 days", "Competitors")
_ROWS = range(10, 21)


class _Dice:
    """Whole numbers that follow from a text alone."""

    def __init__(self, seed: str) -> None:
        self._left, self._seed, self._round = b"", seed, 0

    def roll(self, low: int, high: int) -> int:
        """A number from low up to and including high."""
        if len(self._left) < 4:
            self._left = blake2b(f"{self._seed}/{self._round}".encode()).digest()
            self._round += 1
        number, self._left = int.from_bytes(self._left[:4], "big"), self._left[4:]
        return low + number % (high - low + 1)


def report(account_ids: Sequence[str], day: date, restated: int = 0) -> Iterator[dict[str, Any]]:
    """The rows of one day, one per ad group, 10 to 20 per account.

    restated: how many times the figures of the day have been corrected; costs move by up to 3 % each time.
    """
    for account_id in account_ids:
        dice = _Dice(f"{account_id}/{day.isoformat()}")
        number = dice.roll(_ROWS[0], _ROWS[-1])
        corrections = _Dice(f"{account_id}/{day.isoformat()}/restated/{restated}")
        for place in range(number):
            yield _row(account_id, day, place, dice, 1000 + (corrections.roll(-30, 30) if restated else 0))


def _row(account_id: str, day: date, place: int, dice: _Dice, permille: int) -> dict[str, Any]:
    campaign, group = place % len(_CAMPAIGNS), place // len(_CAMPAIGNS)
    base = int.from_bytes(blake2b(account_id.encode(), digest_size=3).digest(), "big") * 100
    impressions = dice.roll(0, 20_000) if day.weekday() < 5 else dice.roll(0, 8_000)
    clicks = impressions * dice.roll(2, 60) // 1000
    micros = clicks * dice.roll(40_000, 2_600_000) * permille // 1000
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return {
        "date": day,
        "account_id": account_id,
        "account_name": ACCOUNTS.get(account_id, f"Account {account_id}"),
        "campaign_id": base + campaign,
        "campaign_name": _CAMPAIGNS[campaign],
        "ad_group_id": base + 10 * (campaign + 1) + group,
        "ad_group_name": _GROUPS[group],
        "impressions": impressions,
        "clicks": clicks,
        "cost": Decimal(micros).scaleb(-6),
        "conversions": dice.roll(0, clicks) / 4 if clicks else None,
        "updated": midnight + timedelta(days=1, seconds=dice.roll(0, 6 * 3600), microseconds=dice.roll(0, 999_999)),
    }
