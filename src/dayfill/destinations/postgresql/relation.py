"""What stands under a table's name, and what its rows may meet there: columns, triggers, an index on the date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dayfill.destinations.postgresql.types import path_of
from dayfill.errors import Permanent
from dayfill.outgoing.postgresql import Session

_TABLES = ("r", "p")
"""Plain ones, and those that are divided."""
_CALLED = {"v": "a view", "m": "a materialised view", "f": "a foreign table", "S": "a sequence", "c": "a type"}
# The access method 403 is btree, in every PostgreSQL; to plan a join that says its name takes as long as all the rest.
_LOOK = """
SELECT c.relkind::text, c.relhastriggers OR c.relhasrules OR c.relhassubclass, a.attname,
  format_type(a.atttypid, a.atttypmod),
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid
    AND i.indpred IS NULL AND (SELECT relam FROM pg_class WHERE oid = i.indexrelid) = 403)
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass($1) ORDER BY a.attnum"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table that is there. columns: PostgreSQL's type of each, by its name; any type, since people add columns.

    indexed: columns with which an ordinary index begins. is_watched: what goes in or out may come to something else,
    by a trigger, a rule, or one of the tables that it is divided into.
    """

    columns: Mapping[str, str]
    indexed: frozenset[str] = frozenset()
    is_watched: bool = False


def look(con: Session, schema: str, table: str) -> Relation | None:
    """The table as this transaction sees it; None if there is nothing of that name.

    Raises:
        Permanent: cause OWNERSHIP; something else has the name.
    """
    found = con.rows(_LOOK, path_of(schema, table))
    if not found:
        return None
    kind, is_watched, *_ = found[0]
    if kind not in _TABLES:
        raise Permanent(
            "OWNERSHIP",
            f"{table} is {_CALLED.get(kind, 'an index')} in schema {schema} and not a table: choose another table name"
            " or prefix, or give that another name.",
            fatal=True,
        )
    columns = {name: of for _, _, name, of, _ in found if name is not None}
    return Relation(columns, frozenset(name for _, _, name, _, is_indexed in found if is_indexed), is_watched)
