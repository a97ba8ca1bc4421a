"""From the columns that a database gives to those that are loaded: names, exact types, the day of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from dayfill.domain.days import WHOLE
from dayfill.domain.transfer import Table
from dayfill.errors import Permanent
from dayfill.sources.names import targets
from dayfill.sources.sql import numeric
from dayfill.sources.types import arrow_type

DATE_COLUMN = "data_date"
"""The date column that is put in where no column of the reading is the day."""
_FIRST, _END = -719_162, 2_932_897
"""The days that Python has, counted from 1970."""
_DIGITS = 20
"""Of any integer of 64 bits."""
_MOST_DIGITS = 38
"""Of a decimal."""
_MICROSECONDS = 86_400 * 10**6


@dataclass(frozen=True, slots=True)
class Shape:
    """chosen: column of the database -> name and type at the destination. day: the column that a row's day is in,
    None for a table without days. sent: columns that come as `numeric` takes them. arrays: columns of PostgreSQL's
    arrays, whose dimensions come beside them, for its driver lines up the values of all.
    """

    chosen: tuple[tuple[str, pa.Field], ...]
    day: str | None
    date_column: str
    zone: str
    sent: frozenset[str] = frozenset()
    arrays: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the database that are needed."""
        named = [source for source, _ in self.chosen]
        return tuple(dict.fromkeys(named if self.day is None else [*named, self.day]))

    @property
    def schema(self) -> pa.Schema:
        fields = [field for _, field in self.chosen]
        if all(field.name != self.date_column for field in fields):
            fields.append(pa.field(self.date_column, pa.date32()))
        return pa.schema(fields)

    def fit(self, batch: pa.RecordBatch, before: int) -> pa.RecordBatch:
        """A batch in the columns of the schema. before: rows that came before it.

        Raises:
            Permanent: a value does not fit its type; a row has no day.
        """
        for at, array in enumerate(self.arrays, len(self.sources)):
            _refuse_dimensions(batch.column(at), array, before)
        if self.arrays:
            batch = batch.select(range(len(self.sources)))
        if self.day is None:
            days = pa.repeat(pa.scalar(WHOLE, pa.date32()), batch.num_rows)
        else:
            days = _days(batch.column(self.day), self.day, self.zone, before)
        columns = [
            days if field.name == self.date_column else self._fitted(batch.column(source), source, field.type, before)
            for source, field in self.chosen
        ]
        if len(self.schema) > len(columns):
            columns.append(days)
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _fitted(self, column: pa.Array, name: str, wanted: pa.DataType, before: int) -> pa.Array:
        decode = numeric.decimals if name in self.sent else _fitted
        return decode(column, name, wanted, before)


def shape_of(given: pa.Schema, table: Table, day: str | None, zone: str) -> Shape:
    """How these columns are loaded into this table.

    Raises:
        Permanent: cause SCHEMA; a column is missing, or of a type that cannot be kept.
    """
    names = {name.lower(): name for name in given.names}
    if len(names) < len(given.names) or "" in names:
        raise Permanent("SCHEMA", "The columns of the query must have names, no two alike: use AS.")
    day = None if day is None else _found(names, day)
    if day is not None and not _tells_days(given.field(day).type):
        raise _no_days(day, given.field(day).type)
    if table.fields:
        chosen = tuple(
            (_found(names, field.field_id), pa.field(field.target_name, arrow_type(field.data_type)))
            for field in table.fields
        )
    else:
        called = targets(given.names)
        chosen = tuple((field.name, pa.field(called[field.name], kept(field))) for field in given)
    dates = [field.name for source, field in chosen if source == day and field.type == pa.date32()]
    if not dates and any(field.name.lower() == DATE_COLUMN for _, field in chosen):
        raise Permanent(
            "SCHEMA", f"The column name {DATE_COLUMN} is taken by the date that dayfill puts in; rename it."
        )
    arrays = tuple({source: None for source, _ in chosen if _is_array(given.field(source))})
    return Shape(chosen, day, dates[0] if dates else DATE_COLUMN, zone, _sent(given, chosen) - {day}, arrays)


def _sent(given: pa.Schema, chosen: Sequence[tuple[str, pa.Field]]) -> frozenset[str]:
    numbers = {field.name for field in given if numeric.is_numeric(field.type)}
    return frozenset(numbers - {source for source, field in chosen if not numeric.is_put_together(field.type)})


def _is_array(field: pa.Field) -> bool:
    return bool(kinds.is_list(field.type)) and b"POSTGRESQL:type" in (field.metadata or {})


def _found(names: Mapping[str, str], wanted: str) -> str:
    if wanted.lower() not in names:
        there = ", ".join(list(names.values())[:50])
        raise Permanent(
            "SCHEMA", f"The source has no column {wanted[:100]}; its columns are {there}. Correct the name."
        )
    return names[wanted.lower()]


def kept(field: pa.Field) -> pa.DataType:
    """The type in which a column is kept, exactly.

    Raises:
        Permanent: cause SCHEMA; it has none, or says too little of it.
    """
    of, said = field.type, (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
    if said == "money":
        raise _unkept(field.name, "money, whose decimals the driver does not tell", "numeric(18,2)")
    if said == "json":
        return pa.string()
    if kinds.is_null(of):
        raise _unkept(field.name, "an expression whose type the database does not tell", None)
    if isinstance(of, pa.OpaqueType):
        modifier = int((field.metadata or {}).get(b"POSTGRESQL:typmod", b"-1")) - 4
        if of.type_name != "numeric":
            raise _unkept(field.name, of.type_name, "text")
        precision, scale = modifier >> 16, ((modifier & 0x7FF) ^ 0x400) - 0x400
        # It may count from places before the point, or begin behind it: then it has more digits than are kept.
        precision = max(precision - min(scale, 0), scale)
        if modifier <= 0 or precision > _MOST_DIGITS:
            raise _unkept(field.name, "numeric without precision, or with one beyond 38", "numeric(18,4)")
        return pa.decimal128(precision, max(scale, 0))
    if kinds.is_list(of):
        return pa.list_(_kept_in_array(field))
    return of


def _kept_in_array(field: pa.Field) -> pa.DataType:
    try:
        return kept(field.type.value_field)
    except Permanent:
        what = (field.metadata or {}).get(b"POSTGRESQL:type", b"values").decode().removeprefix("_")
        raise Permanent(
            "SCHEMA",
            f"Column {field.name} is an array of {what}, of which the driver tells too little: make it JSON in a query,"
            f" by to_jsonb({field.name}).",
        ) from None


def _unkept(name: str, what: str, instead: str | None) -> Permanent:
    cast = f", or make it {instead} by a CAST in a query" if instead else ""
    return Permanent("SCHEMA", f"Column {name} is {what}: declare the field's data type in the table group{cast}.")


def _fitted(column: pa.Array, name: str, wanted: pa.DataType, before: int) -> pa.Array:
    _refuse_endless(column, name, before)
    if column.type == wanted:
        return column
    try:
        return _cast(column, wanted)
    except pa.ArrowException as error:
        raise Permanent(
            "DATA",
            f"Column {name}: a value among rows {before + 1} to {before + len(column)} of the reading does not fit"
            f" {wanted} without loss ({str(error)[:200]}).",
        ) from None


def _cast(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if isinstance(column.type, pa.BaseExtensionType) and not isinstance(column.type, pa.UuidType):
        column = column.storage
    if kinds.is_list(column.type) and kinds.is_list(wanted):
        items = _cast(column.values, wanted.value_type)
        return pa.ListArray.from_arrays(column.offsets, items, mask=column.is_null())
    if kinds.is_integer(column.type) and kinds.is_decimal(wanted):  # Arrow would ask for room for every such integer
        column = column.cast(pa.decimal128(_DIGITS, 0)).cast(pa.decimal256(_DIGITS + wanted.scale, wanted.scale))
    return column.cast(wanted, safe=True)


def _refuse_dimensions(numbers: pa.Array, name: str, before: int) -> None:
    """No array of arrays: which values stood together would be lost."""
    if (flattened := pc.greater(numbers, 1)).true_count:
        row = before + pc.index(flattened, True).as_py() + 1
        raise Permanent(
            "DATA",
            f"Column {name}, row {row} of the reading: an array of more than one dimension. Make it JSON in a query, by"
            f" to_jsonb({name}).",
        )


def _refuse_endless(column: pa.Array, name: str, before: int) -> None:
    """No 'infinity', and no year that others do not have."""
    if (row := _endless(column)) is not None:
        raise Permanent(
            "DATA", f"Column {name}, row {before + row + 1} of the reading: infinity, or a year beyond 1 to 9999."
        )


def _endless(column: pa.Array) -> int | None:
    """The first row that holds such a moment, in itself or within a list or a struct."""
    if kinds.is_map(column.type):
        pair = pa.struct([("key", column.type.key_type), ("value", column.type.item_type)])
        column = column.cast(pa.list_(pair))
    of = column.type
    if kinds.is_list(of) or kinds.is_large_list(of) or kinds.is_fixed_size_list(of):
        found = _endless(pc.list_flatten(column))
        return None if found is None else int(pc.list_parent_indices(column)[found].as_py())
    if kinds.is_struct(of):
        return min((row for part in column.flatten() if (row := _endless(part)) is not None), default=None)
    if kinds.is_timestamp(of):
        least, most = _FIRST * _MICROSECONDS, _END * _MICROSECONDS
        numbers = column.cast(pa.timestamp("us", of.tz), safe=False).cast(pa.int64())
    elif kinds.is_date32(of):
        least, most, numbers = _FIRST, _END, column.cast(pa.int32())
    else:
        return None
    beyond = pc.or_(pc.less(numbers, least), pc.greater_equal(numbers, most))
    return int(pc.index(beyond, True).as_py()) if beyond.true_count else None


def _days(column: pa.Array, name: str, zone: str, before: int) -> pa.Array:
    """The day of each row, in the account's time zone."""
    _refuse_endless(column, name, before)
    if kinds.is_date(column.type):
        return column.cast(pa.date32())
    if kinds.is_timestamp(column.type):
        if column.type.tz is not None:
            column = pc.local_timestamp(column.cast(pa.timestamp("us", zone), safe=False))
        return column.cast(pa.date32(), safe=False)
    if kinds.is_string(column.type):
        try:
            return pc.utf8_slice_codeunits(column, 0, 10).cast(pa.date32())
        except pa.ArrowException:
            raise Permanent(
                "DATA", f"Column {name} must hold dates as YYYY-MM-DD; a row after {before} does not."
            ) from None
    raise _no_days(name, column.type)


def _tells_days(of: pa.DataType) -> bool:
    """Whether a day can be taken from it. Of an expression of SQLite nothing is known before its rows come."""
    return bool(kinds.is_date(of) or kinds.is_timestamp(of) or kinds.is_string(of) or kinds.is_null(of))


def _no_days(name: str, of: pa.DataType) -> Permanent:
    return Permanent("SCHEMA", f"The date column {name} is {of}, not a date, a timestamp or a text with one.")


def bounds_for(of: pa.DataType) -> str:
    """The type of the bounds that a table's date column is compared with."""
    if kinds.is_timestamp(of):
        return "timestamptz" if of.tz is not None else "timestamp"
    return "date"
