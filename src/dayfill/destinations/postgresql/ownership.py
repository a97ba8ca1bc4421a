"""Who may load a table: one transfer of one installation, since a replaced day takes the rows of everybody in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dayfill.destinations.fence import Owner, foreign
from dayfill.destinations.postgresql import relation
from dayfill.destinations.postgresql.types import path_of, quoted
from dayfill.domain.days import WHOLE
from dayfill.outgoing.postgresql import Session


def newest(con: Session, schema: str, table: str) -> int | None:
    """The greatest token that was ever loaded into a table."""
    query = f"SELECT max(token) FROM {quoted(schema, 'schema')}._dayfill_days WHERE lower(table_name) = $1"
    found: int | None = con.rows(query, table.lower())[0][0]
    return found


def has_rows_of(con: Session, schema: str, table: str, *, whole: bool) -> bool:
    """Whether a table was ever loaded as a whole, or by day."""
    query = (
        f"SELECT 1 FROM {quoted(schema, 'schema')}._dayfill_days WHERE lower(table_name) = $1"
        f" AND data_date {'=' if whole else '<>'} $2 LIMIT 1"
    )
    return bool(con.rows(query, table.lower(), WHOLE))


def claim(con: Session, schema: str, owner: Owner, tables: Iterable[str], owners: Mapping[str, Owner]) -> None:
    """Own the tables that `fence.settle` named.

    Raises:
        Permanent: cause OWNERSHIP; one exists already and holds rows that somebody else put there.
    """
    inside = quoted(schema, "schema")
    for table in tables:
        if table.lower() in owners:
            con.execute(
                f"UPDATE {inside}._dayfill_tables SET transfer_id = $1::bigint WHERE table_name = $2",
                owner.transfer_id,
                table.lower(),
            )
            continue
        exists = relation.look(con, schema, table) is not None
        if exists and con.rows(f"SELECT 1 FROM {path_of(schema, table)} LIMIT 1"):
            raise foreign(table)
        con.execute(
            f"INSERT INTO {inside}._dayfill_tables VALUES ($1, $2, $3::bigint)",
            table.lower(),
            owner.installation_id,
            owner.transfer_id,
        )
