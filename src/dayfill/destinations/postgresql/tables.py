"""One table's part of a load: what must change so that the new rows fit, and the statements that put them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from adbc_driver_manager import Error

from dayfill.destinations import FinishedDay, drift, load
from dayfill.destinations.load import Incoming, blaming
from dayfill.destinations.names import checked
from dayfill.destinations.postgresql import relation, types
from dayfill.destinations.postgresql.relation import Relation
from dayfill.destinations.postgresql.types import path_of, quoted
from dayfill.domain.days import WHOLE
from dayfill.errors import Permanent, Transient
from dayfill.outgoing.postgresql import Session

_PIECE_BYTES = 200_000
"""What the driver is given at once: it encodes all of that before it sends any, and the server stores it meanwhile."""
_NUL = frozenset(("22021", "22P05"))
"""What PostgreSQL says to a NUL character: in a text, in JSON."""
_NUL_IN_JSON = r"(^|[^\\])(\\\\)*\\u0000"
"""The escape, and not a backslash before a text that looks like one."""


@dataclass(frozen=True, slots=True)
class Change:
    """The steps before the insert, and the rows of all days. before: the table as it is, None if there is none."""

    schema: str
    name: str
    date_column: str | None
    before: Relation | None
    steps: list[drift.Step]
    incoming: Incoming

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def path(self) -> str:
        return path_of(self.schema, self.name)


def planned(con: Session, schema: str, days: Sequence[FinishedDay], index: int) -> Change:
    """The change to the table at this index of the days' tables, as this transaction sees it; nothing is altered yet.

    Columns of the table that the days do not have are left alone: they take what they are declared to take, else NULL.

    Raises:
        Permanent: cause SCHEMA, with the day whose rows do not fit; OWNERSHIP, where no table has the name.
    """
    name, date_column = days[0].tables[index].name, days[0].tables[index].date_column
    before = relation.look(con, schema, name)
    came = {column.lower() for day in days for column in day.tables[index].rows.schema.names}
    current = types.columns(before.columns if before is not None else {}, name, came)
    target = current
    for day in days:
        with blaming(day.data_date, name):
            target = _kept(drift.after(target, drift.plan(target, day.tables[index].rows.schema)))
    incoming = Incoming.of(days, index, target)
    steps = drift.plan(current, target)
    column = None if date_column is None else load.date_column(target, date_column, name)
    return Change(schema, name, column, before, steps, incoming)


def _kept(target: pa.Schema) -> pa.Schema:
    """In PostgreSQL's types and, for the columns that it does not have yet, names."""
    return pa.schema([(_checked(field.name), types.stored(field.type)) for field in target])


def _checked(name: str) -> str:
    return checked(name, "column").lower()


def alter(con: Session, change: Change) -> None:
    """Create or widen the table.

    Raises:
        Permanent: cause SCHEMA; a stored integer would lose digits as a float.
    """
    if change.is_new:
        columns = (f"{quoted(field.name, 'column')} {types.name_of(field.type)}" for field in change.incoming.target)
        con.execute(f"CREATE TABLE {change.path} ({', '.join(columns)})")
        # Days are replaced and read by it. A BRIN index would be a hundredth of the size, but rows of days that come
        # in any order lie in any order.
        if change.date_column is not None:
            con.execute(f"CREATE INDEX ON {change.path} ({quoted(change.date_column, 'column')})")
        return
    for step in change.steps:
        column = quoted(step.name, "column")
        if isinstance(step, drift.AddColumn):
            con.execute(f"ALTER TABLE {change.path} ADD COLUMN {column} {types.name_of(step.type)}")
        else:
            if step.guarded:
                _guard(con, change, step)
            con.execute(f"ALTER TABLE {change.path} ALTER COLUMN {column} TYPE {types.name_of(step.new)}")


def replace(con: Session, change: Change, days: Sequence[date]) -> None:
    """Delete the days, or all there is, and insert the rows.

    Raises:
        Transient: PostgreSQL took another number of rows than it was given.
        Permanent: cause SCHEMA; a trigger or a rule of the table kept old rows, or put others in.
        ConnectorError: rows that waited in a file are not what they should be, or hold what it does not take.
    """
    _delete(con, change, days)
    try:
        taken = change.incoming.insert(lambda rows: _copy(con, change, rows), Error)
    except Error as error:
        if error.sqlstate in _NUL and (found := _nul(change)) is not None:
            raise found from None
        raise
    if taken != change.incoming.given:
        raise Transient(
            "DESTINATION", f"Table {change.name} took {taken} of {change.incoming.given} rows; rolled back."
        )
    if change.before is not None and change.before.is_watched:
        _count(con, change, days)


def _delete(con: Session, change: Change, days: Sequence[date]) -> None:
    if change.date_column is None:
        con.execute(f"DELETE FROM {change.path}")
        return
    has_no_index = change.before is not None and change.date_column not in change.before.indexed
    column = quoted(change.date_column, "column")
    if has_no_index:  # one of another kind, as BRIN, gives nothing but bitmaps
        con.execute("SET LOCAL enable_bitmapscan TO on")
    con.execute(f"DELETE FROM {change.path} WHERE {column} = ANY($1::date[])", list(days))
    if has_no_index:
        con.execute("SET LOCAL enable_bitmapscan TO off")


def _count(con: Session, change: Change, days: Sequence[date]) -> None:
    """What is there now, where what was sent need not be what came: the driver counts what it sends."""
    query = f"SELECT count(*) FROM {change.path}"
    if change.date_column is None:
        ((there,),) = con.rows(query)
    else:
        column = quoted(change.date_column, "column")
        ((there,),) = con.rows(f"{query} WHERE {column} = ANY($1::date[])", list(days))
    if there != change.incoming.given:
        raise Permanent(
            "SCHEMA",
            f"Table {change.name} holds {there:,} rows of the load where {change.incoming.given:,} came: a trigger or a"
            " rule of it keeps rows out or in, or moves them to other days. Nothing was changed; drop or disable it.",
        )


def _copy(con: Session, change: Change, rows: pa.Table | pa.RecordBatchReader) -> int:
    with con.connection.cursor() as cursor:
        return int(
            cursor.adbc_ingest(
                change.name.lower(),
                pa.RecordBatchReader.from_batches(rows.schema, _pieces(rows)),
                mode="append",
                db_schema_name=checked(change.schema, "schema").lower(),
            )
        )


def _pieces(rows: pa.Table | pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
        size = max(1, batch.num_rows * _PIECE_BYTES // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size)


def _guard(con: Session, change: Change, step: drift.Widen) -> None:
    column, most = quoted(step.name, "column"), drift.GREATEST_EXACT_IN_FLOAT
    beyond = con.rows(
        f"SELECT {column} FROM {change.path} WHERE {column} NOT BETWEEN $1::bigint AND $2::bigint LIMIT 1", -most, most
    )
    if beyond:
        raise Permanent(
            "SCHEMA",
            f"Column {step.name} of table {change.name} is {step.old} and came as {step.new}: the stored value"
            f" {beyond[0][0]} would lose digits. Set the field's data type to DECIMAL in the table group.",
        )


def _nul(change: Change) -> Permanent | None:
    """The refusal of the first text with a NUL character, which PostgreSQL stores in no text."""
    readers = [(None, change.incoming.rows.to_reader()), *((one.day, one.reader()) for one in change.incoming.waiting)]
    for day, reader in readers:
        before = 0
        for batch in reader:
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                row = _first_nul(column)
                if row is not None:
                    of = day or (batch.column(change.date_column)[row].as_py() if change.date_column else WHOLE)
                    return Permanent(
                        "DATA",
                        f"Table {change.name}: column {name}, row {before + row + 1} of the load holds a NUL"
                        f" character, which PostgreSQL keeps in no text: correct the source.",
                        day=of,
                    )
            before += batch.num_rows
    return None


def _first_nul(column: pa.Array) -> int | None:
    """The first row with a text that holds a NUL character, also one within a list or JSON."""
    if kinds.is_list(column.type):
        item = _first_nul(pc.list_flatten(column))
        return None if item is None else int(pc.list_parent_indices(column)[item].as_py())
    if column.type == pa.json_():
        held = pc.match_substring_regex(column.storage, _NUL_IN_JSON)
    elif column.type == pa.string():
        held = pc.match_substring(column, "\0")
    else:
        return None
    row = int(pc.index(held, True).as_py())
    return row if row >= 0 else None
