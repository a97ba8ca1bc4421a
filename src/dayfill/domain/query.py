"""A data query: rows of a source, asked for directly and answered without a warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dayfill.domain.days import DayRange
from dayfill.domain.query_filter import Filter
from dayfill.domain.transfer import SourceSetting, Value

MOST_ROWS = 1_000_000
MOST_FIELDS, MOST_ACCOUNTS, MOST_ORDERS = 100, 100, 50
_DIRECTIONS = {"asc": False, "desc": True}


class QueryStatus(StrEnum):
    """Where a query stands; the last three are final. STOPPED: it was given up before it came to its end."""

    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    STOPPED = "STOPPED"

    @property
    def is_final(self) -> bool:
        return self in (QueryStatus.SUCCESS, QueryStatus.FAILURE, QueryStatus.STOPPED)


@dataclass(frozen=True, slots=True)
class ChosenField:
    """One column of the result: its id at the source, and its header if that is to be another."""

    field_id: str
    header: str = ""


@dataclass(frozen=True, slots=True)
class RowOrder:
    field_id: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class QueryDraft:
    """A query as a caller writes it; what is left out is empty. compares: parameters of a comparison that are given."""

    data_source_id: str = ""
    accounts: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    date_range_type: str = ""
    start_date: str = ""
    end_date: str = ""
    compares: tuple[str, ...] = ()
    fields: tuple[ChosenField, ...] = ()
    settings: Mapping[str, Value] = field(default_factory=dict)
    filter: str = ""
    order_columns: str = ""
    order_rows: tuple[str, ...] = ()
    max_columns: int | None = None
    max_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a source. No fields = all that it has; no accounts = all that it has.

    max_rows, max_columns: the first so many, after filter and order; None = all there are.
    """

    data_source_id: str
    span: DayRange
    zone: str
    deadline_seconds: int
    settings: tuple[SourceSetting, ...] = ()
    accounts: tuple[str, ...] = ()
    fields: tuple[ChosenField, ...] = ()
    filter: Filter = ()
    order: tuple[RowOrder, ...] = ()
    max_rows: int | None = None
    max_columns: int | None = None


def read_order(text: str) -> RowOrder:
    """``cost desc``; without a direction the least comes first.

    Raises:
        ValueError: no field is named.
    """
    field_id, _, direction = text.strip().rpartition(" ")
    if direction.lower() not in _DIRECTIONS:
        field_id, direction = text.strip(), "asc"
    if not field_id.strip():
        raise ValueError(f"order_rows {text[:100]!r} names no field; write a field and asc or desc, such as cost desc")
    return RowOrder(field_id.strip(), _DIRECTIONS[direction.lower()])
