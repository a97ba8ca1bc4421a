"""Names at the destination of columns that nobody has declared."""

from __future__ import annotations

from collections.abc import Iterable

from dayfill.domain.table_group import column_name
from dayfill.errors import Permanent


def targets(names: Iterable[str]) -> dict[str, str]:
    """Columns of a source -> their names at the destination.

    Raises:
        Permanent: cause SCHEMA; two columns would come to the same name.
    """
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        target = found[name] = column_name(name)
        other = taken.setdefault(target.lower(), name)
        if other != name and (other, name) != (found[other], target):
            raise Permanent(
                "SCHEMA",
                f"The columns {other[:80]!r} and {name[:80]!r} would both be named {target}: rename one of them at the "
                "source, or name both in the table group.",
            )
    return found
