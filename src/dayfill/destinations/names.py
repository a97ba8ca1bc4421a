"""The names of tables, columns and schemas: checked and quoted in one place, the same for every destination."""

from __future__ import annotations

from dayfill.domain import sql
from dayfill.domain.table_group import NAME, RESERVED
from dayfill.errors import Permanent

_SHOWN = 80


def checked(name: str, what: str) -> str:
    """The name itself, if a destination may carry it. ``what``: "table", "column" or "schema", for the message.

    Raises:
        Permanent: cause SCHEMA, naming it.
    """
    if not NAME.fullmatch(name):
        raise Permanent(
            "SCHEMA",
            f"The {what} name {name[:_SHOWN]!r} cannot be used: it must start with a letter or underscore and hold only"
            " A-Z, a-z, 0-9 and underscores, at most 63 of them. Give it another name at the source or in the table"
            " group.",
        )
    if name.lower().startswith(RESERVED):
        raise Permanent(
            "SCHEMA",
            f"The {what} name {name!r} cannot be used: names that start with {RESERVED} are kept for dayfill.",
        )
    return name


def quoted(name: str, what: str) -> str:
    """The checked name as a quoted SQL identifier; the only way a name enters a statement."""
    return sql.name(checked(name, what))
