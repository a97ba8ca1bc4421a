"""What a dispatcher knows from one claim to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dayfill import sources
from dayfill.domain.days import WHOLE
from dayfill.domain.reach import Reaches
from dayfill.domain.slices import DayResult, Slice, TransferJob
from dayfill.engine.budgets import GOAL_SECONDS, Budgets, SliceSize
from dayfill.engine.lanes import Lanes
from dayfill.errors import ConnectorError
from dayfill.store.lanes import Lane


@dataclass(slots=True)
class Claimer:
    """owner: this dispatcher's incarnation. lanes: whose turn it is.

    admits: whether a transfer's destination is known well enough to load into it; see `Reconciler`.
    rows_until: when a team may load again whose rows of the month are used up, if one has something to load.
    reaches: what the loads of each team may open. has_cluster: what can be loaded elsewhere is.
    look_from: monotonic second before which only urgent lanes are looked for. has_looked: the last look was for all.
    """

    owner: str
    installation_id: str
    budgets: Budgets
    admits: Callable[[TransferJob], bool] = lambda job: True
    reaches: Reaches = field(default_factory=Reaches)
    sizes: dict[int, SliceSize] = field(default_factory=dict)
    lanes: Lanes = field(default_factory=Lanes)
    rows_until: datetime | None = None
    has_cluster: bool = False
    look_from: float = float("-inf")
    has_looked: bool = False

    def size(self, transfer_id: int, source_kind: str) -> SliceSize:
        if transfer_id not in self.sizes:
            self.sizes[transfer_id] = SliceSize(shares=days_per_read(source_kind) > 1)
        return self.sizes[transfer_id]

    def at_once(self, lane: Lane) -> int:
        """Slices of its transfer that may be under way."""
        size = self.sizes.get(lane.transfer_id)
        return lane.parallelism if size is None else size.slices_at_once(lane.parallelism)

    def learn(self, lane: Lane, work: Slice, results: Sequence[DayResult], seconds: float) -> None:
        """How long a slice took, for its lane's next turn and for the size of the next ones.

        A turn is a slice of the length that all aim at; a longer one has taken as many more. Tables without days say
        nothing of size.
        """
        longer = round(seconds / GOAL_SECONDS) - 1
        if longer > 0:
            self.lanes.charge(lane, longer)
        if work.days[0].data_date == WHOLE:
            return
        failed = any(result.failure is not None and result.failure.transient for result in results)
        size = sum(result.size_bytes for result in results)
        self.size(work.transfer_id, work.source.kind).learn(len(results), seconds, size, failed=failed)


def days_per_read(source_kind: str) -> int:
    """Days that one reading of such a source may take."""
    try:
        return sources.get(source_kind).max_days_per_read
    except (ConnectorError, ImportError):
        return 1  # the load of its days will say so; the days of other transfers must not wait for that
