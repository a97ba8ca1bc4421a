"""The scripted failures of the made source, and the small file that remembers what was refused already."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from threading import Lock
from types import MappingProxyType

from dayfill.domain.run import MAX_ATTEMPTS
from dayfill.errors import ConnectorError, Permanent, Transient

FAILURES: Mapping[int, str] = MappingProxyType(
    {
        **dict.fromkeys(range(86, 97), "AUTH"),
        **dict.fromkeys((23, 151, 152, 233, 318, 402, 511, 640), "RATE_LIMIT"),
        **dict.fromkeys((40, 275, 590), "TIMEOUT"),
        129: "SCHEMA",
    }
)
"""Days before the newest day -> cause. Fixed, so that docs and tests can name them: 11 + 8 + 3 + 1 = 23 days."""

_locks: defaultdict[str, Lock] = defaultdict(Lock)


def refusals(cause: str) -> int:
    """How often a day with this cause is refused before it answers: for one whole pass of a run."""
    return MAX_ATTEMPTS if cause in ("RATE_LIMIT", "TIMEOUT") else 1


def failure(cause: str, day: date) -> ConnectorError:
    """The scripted error of a day. None is fatal, or the demo would stop at the first hole."""
    if cause == "AUTH":
        return Permanent("AUTH", f"The ads account refused the login for {day}; sign in again, then retry.", day=day)
    if cause == "RATE_LIMIT":
        return Transient("RATE_LIMIT", f"The ads API answered {day} with 429, too many requests.", day=day)
    if cause == "TIMEOUT":
        return Transient("TIMEOUT", f"The ads API did not answer for {day} within 30 seconds.", day=day)
    return Permanent(
        "SCHEMA", f"The report of {day} has no column conversions; the ads API renamed it for a day.", day=day
    )


class Memory:
    """Counts by name in a JSON file, written as a whole and renamed; safe for the threads of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = _locks[str(path.absolute())]

    def add(self, name: str, most: int | None = None) -> int | None:
        """Count one more and return the new count, or None if it has reached ``most``."""
        with self._lock:
            counts = self._read()
            count = counts.get(name, 0)
            if most is not None and count >= most:
                return None
            counts[name] = count + 1
            self._write(counts)
            return count + 1

    def _read(self) -> dict[str, int]:
        try:
            counts = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Permanent("SOURCE", f"The memory file {self._path} cannot be read; delete it.") from error
        return {str(name): int(count) for name, count in counts.items()}

    def _write(self, counts: Mapping[str, int]) -> None:
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            beside.write_text(json.dumps(counts, sort_keys=True), "utf-8")
            beside.replace(self._path)
        except OSError as error:
            raise Permanent("SOURCE", f"The memory file {self._path} cannot be written: {error.strerror}.") from error
