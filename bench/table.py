"""One measured ratio, how it is printed and how it is kept."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from dayfill import __version__

Value = TypeVar("Value")
RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what dayfill took, what the anchor took, and the goal for their ratio.

    higher_is_better: ours / anchor must reach the goal; otherwise it must not exceed it.
    """

    name: str
    ours: float
    anchor: float
    unit: str
    anchor_name: str
    goal: float
    higher_is_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.anchor

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.goal if self.higher_is_better else self.ratio <= self.goal


def median_of(times: int, measure: Callable[[], float]) -> float:
    """The median of some repeats; the machine is shared, a single figure says little."""
    return statistics.median(measure() for _ in range(times))


def show(figures: Sequence[Figure]) -> None:
    table = Table(title="dayfill, measured here and now", title_justify="left")
    for column in ("measurement", "dayfill", "anchor", "ratio", "goal", "", "note"):
        table.add_column(column, justify="left" if column in ("measurement", "note", "") else "right")
    for one in figures:
        sign = "≥" if one.higher_is_better else "≤"
        anchor = f"{_number(one.anchor)} {one.anchor_name}"
        mark = "met" if one.is_met else "MISSED"
        table.add_row(
            one.name,
            f"{_number(one.ours)} {one.unit}",
            anchor,
            f"{one.ratio:.2f}",
            f"{sign} {one.goal:g}",
            mark,
            one.note,
        )
    Console(width=150).print(table)


def keep(figures: Sequence[Figure], folder: Path, name: str = "latest", **more: object) -> Path:
    """Write the figures as JSON, beside the machine they were taken on and whatever more there is to know."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    document = {
        "version": __version__,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "figures": [asdict(one) | {"ratio": one.ratio, "is_met": one.is_met} for one in figures],
        **more,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
