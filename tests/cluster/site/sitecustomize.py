"""Run by Python in every process of a test's cluster: registers the kinds when dayfill is first imported there.

In a storm that is also where a worker is told what is wrong with it. A node may be one on which nobody installed it.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

TESTS = Path(__file__).parents[2]


class _Registers(MetaPathFinder):
    """Waits for the import of the worker; all else would pay for what few processes need."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> None:
        if name == "dayfill" and "WITHOUT_DAYFILL" in os.environ:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name == "dayfill.cluster.worker":
            sys.meta_path.remove(self)
            sys.path += [str(TESTS / "cluster"), str(TESTS / "storm")]
            from kinds import register

            register()
            if "STORM_SABOTAGE" in os.environ:
                import sabotage

                sabotage.register()
                sabotage.of_worker()


sys.meta_path.insert(0, _Registers())
