"""SQL that turns a value into the wanted type, or into NULL if it does not fit without loss."""

from __future__ import annotations

from collections.abc import Sequence

from dayfill.sources.types import decimal_shape

_SQL_TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE",
}
_FRACTION_MARKS = ".eE"
_DAY = r"\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_TIME = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6}0*)?)?)?"
_ZONE = r"( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?"
_PATTERNS = {
    "DATE": _DAY + r"([ T]00:00(:00(\.0+)?)?)?\s*",
    "TIMESTAMP": _DAY + _TIME + r"\s*",
    "TIMESTAMPTZ": _DAY + _TIME + _ZONE + r"\s*",
}


def sql_type(data_type: str) -> str:
    """The DuckDB type of a data type."""
    shape = decimal_shape(data_type)
    return f"DECIMAL({shape[0]},{shape[1]})" if shape else _SQL_TYPES[data_type]


ZONED = _DAY + _TIME + _ZONE.removesuffix("?") + r"\s*"
"""Pattern of a text that is a moment: date, perhaps time, and an offset."""


def from_text(value: str, data_type: str) -> str:
    """SQL for a text as a typed value. An empty text is no value, unless a STRING is wanted."""
    if data_type == "STRING":
        return value
    cast = f"TRY_CAST({value} AS {sql_type(data_type)})"
    if data_type == "INTEGER":
        # DuckDB rounds '1.75' to 2 and '15e-1' to 2; only a fraction of zeros is lossless.
        odd = " OR ".join(f"contains({value}, '{mark}')" for mark in _FRACTION_MARKS)
        return f"CASE WHEN NOT ({odd}) OR regexp_full_match({value}, '\\s*[+-]?\\d+\\.0*\\s*') THEN {cast} END"
    if data_type == "FLOAT":
        finite = f"isfinite({cast}) OR regexp_full_match({value}, '(?i)\\s*([+-]?inf(inity)?|nan)\\s*')"
        return f"CASE WHEN {finite} THEN {cast} END"
    if data_type == "BOOLEAN":
        return cast
    if data_type in _PATTERNS:
        return f"CASE WHEN regexp_full_match({value}, '{_PATTERNS[data_type]}') THEN {cast} END"
    return _decimal_from_text(value, data_type, cast)


def rounded(value: str) -> str:
    """SQL for a text as an integer, where `not_whole` tells apart what was rounded: cheaper for many columns."""
    return f"TRY_CAST({value} AS BIGINT)"


def not_whole(values: Sequence[str]) -> str:
    """SQL that is true if one of these texts, each an integer once `rounded`, is not a whole number."""
    together = f"concat({', '.join(values)})"  # one look for all columns: hardly any row needs a closer one
    closer = " OR ".join(f"({value} <> '' AND {from_text(value, 'INTEGER')} IS NULL)" for value in values)
    odd = " OR ".join(f"contains({together}, '{mark}')" for mark in _FRACTION_MARKS)
    return f"CASE WHEN {odd} THEN coalesce({closer}, false) ELSE false END"


def _decimal_from_text(value: str, data_type: str, cast: str) -> str:
    shape = decimal_shape(data_type)
    scale = shape[1] if shape else 0
    plain = f"regexp_full_match({value}, '\\s*[+-]?\\d*(\\.\\d{{0,{scale}}}0*)?\\s*')"
    # A number with an exponent was written from a float: equal as floats is as exact as it ever was.
    same = f"contains(lower({value}), 'e') AND CAST({cast} AS DOUBLE) = TRY_CAST({value} AS DOUBLE)"
    return f"CASE WHEN {plain} OR ({same}) THEN {cast} END"


def from_value(value: str, source_type: str, data_type: str) -> str:
    """SQL for a value of a Parquet column as a typed value; it must survive the way back."""
    target = sql_type(data_type)
    if source_type == target:
        return value
    if source_type == "VARCHAR":
        return from_text(value, data_type)
    if data_type == "STRING":
        return _text_of(value, source_type)
    cast = f"TRY_CAST({value} AS {target})"
    return f"CASE WHEN TRY_CAST({cast} AS {source_type}) IS NOT DISTINCT FROM {value} THEN {cast} END"


def _text_of(value: str, source_type: str) -> str:
    if source_type == "BLOB":
        return f"TRY(decode({value}))"
    if source_type.endswith("]") or source_type.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({value}) AS VARCHAR)"
    return f"CAST({value} AS VARCHAR)"


def misfit(raw: str, typed: str, source_type: str, data_type: str) -> str | None:
    """SQL that is true where a value was there and did not fit; None where every value fits. raw, typed: SQL."""
    if data_type == "STRING":
        return f"({raw} IS NOT NULL AND {typed} IS NULL)" if source_type == "BLOB" else None
    if source_type == "VARCHAR":
        return f"({raw} <> '' AND {typed} IS NULL)"
    return None if source_type == sql_type(data_type) else f"({raw} IS NOT NULL AND {typed} IS NULL)"


def never_joined(source_type: str, data_type: str) -> bool:
    """Whether one is a moment and the other a reading of a clock somewhere."""
    if not source_type.startswith("TIMESTAMP") or not data_type.startswith("TIMESTAMP"):
        return False
    return ("ZONE" in source_type or source_type.startswith("TIMESTAMPTZ")) != (data_type == "TIMESTAMPTZ")
