"""The days of transfers, counted: kept as long as their version is the same, so that a page counts what has moved."""

from __future__ import annotations

from collections import OrderedDict

from dayfill.store import boards
from dayfill.store.boards import Line, Tally
from dayfill.store.db import Database

MOST = 5_000
"""Transfers whose counts are kept; the one that was asked for longest ago goes first."""


class Tallies:
    """Counts by transfer, in the memory of this process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, Tally]] = OrderedDict()

    async def of(self, db: Database, line: Line) -> Tally:
        """The counts of a transfer at its version or a later one, which the next reading finds again."""
        kept = self._kept.get(line.transfer_id)
        if kept is not None and kept[0] == line.version:
            self._kept.move_to_end(line.transfer_id)
            return kept[1]
        counted = await boards.tally(db, line.transfer_id)
        self._kept[line.transfer_id] = line.version, counted
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return counted
