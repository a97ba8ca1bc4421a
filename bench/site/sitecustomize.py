"""Run by Python in the workers of a measurement: a slice there is loaded at once, and what is left is its way."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any


class _Empties(MetaPathFinder):
    """Waits for the import of the worker, and takes the load out of it."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> None:
        if name == "dayfill.cluster.worker":
            sys.meta_path.remove(self)
            from dayfill.domain.slices import DayResult, Outcome
            from dayfill.engine import load_slice

            load_slice.load_slice = lambda job, **_: [
                DayResult(one.run_id, one.token, one.data_date, Outcome.LOADED, rows=1, content_hash="0")
                for one in job.days
            ]


sys.meta_path.insert(0, _Empties())
