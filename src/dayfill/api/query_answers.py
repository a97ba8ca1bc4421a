"""What is said of a query: how it stands, what was understood, its rows and the way to the next of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, UnsetType

from dayfill.api.wire import LONGEST_DESCRIPTION, Answer, Call, stamp
from dayfill.domain.query import MOST_ROWS
from dayfill.domain.transfer import Value
from dayfill.engine.queries import Kept

PIECE = 256 * 1024
_TAIL = b"]}"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from start up to and including end, counted from 0; end None = to the last."""

    start: int
    end: int | None


class FieldView(msgspec.Struct):
    """A column of the result. field_type: met for numbers, dim for all else."""

    id: str
    field_id: str
    field_name: str
    field_type: str
    field_split: str
    data_type: str
    data_column: int
    visible: bool = True


class QueryView(msgspec.Struct):
    """What was understood."""

    start_date: str
    end_date: str
    ds_accounts: tuple[str, ...]
    ds_segments: tuple[str, ...]
    fields: list[FieldView]
    compare_type: str
    settings: dict[str, Value]
    cache_minutes: int | UnsetType = UNSET


class ResultView(msgspec.Struct):
    total_columns: int
    total_rows: int
    run_seconds: float
    data_sampled: bool
    cache_used: bool
    cache_time: str | None


class Paginate(msgspec.Struct):
    prev: str | UnsetType = UNSET
    next: str | UnsetType = UNSET


class QueryMeta(msgspec.Struct):
    request_id: str
    schedule_id: str
    status_code: str
    query: QueryView
    result: ResultView | UnsetType = UNSET
    paginate: Paginate | UnsetType = UNSET


class ErrorView(msgspec.Struct):
    """Why there is no result; of the shape of every error."""

    code: str
    message: str
    description: str


class Outcome(msgspec.Struct):
    """A query without a result: under way, or failed."""

    meta: QueryMeta
    error: ErrorView | UnsetType = UNSET
    data: list[list[str]] = []


def answer(call: Call, one: Kept, page: Page, path: str) -> Answer:
    """The answer for this page of the query's rows. path: where the other pages are."""
    meta = QueryMeta(call.request_id, one.schedule_id, one.status.value, _query_view(one))
    if one.error is not None:
        error = ErrorView(one.error.code, "Query failed", one.error.description[:LONGEST_DESCRIPTION])
        return Answer(200, Outcome(meta, error), wrapped=False)
    if one.result is None:
        return Answer(200, Outcome(meta), wrapped=False)
    lines = one.result.lines
    meta.result = _result_view(one)
    meta.paginate = _paginate(call, page, len(lines), path)
    place = lines.place(page.start, len(lines) if page.end is None else page.end)
    head = b'{"meta":%b,"data":[%b' % (msgspec.json.encode(meta), one.result.header + b"," * bool(place))
    if len(place) <= PIECE:
        return Answer(200, head + lines.text[place.start : place.stop] + _TAIL, wrapped=False)
    length = str(len(head) + len(place) + len(_TAIL))
    headers = {"Content-Type": "application/json", "Content-Length": length}
    return Answer(200, None, headers=headers, stream=_pieces(head, lines.text, place))


async def _pieces(head: bytes, text: bytes, place: range) -> AsyncGenerator[bytes, None]:
    """A large answer, sent as fast as the caller takes it; as a whole it would be copied several times meanwhile."""
    yield head
    for start in place[::PIECE]:
        yield text[start : min(start + PIECE, place.stop)]
    yield _TAIL


def _query_view(one: Kept) -> QueryView:
    query = one.query
    fields = [
        FieldView(
            field.asked,
            field.field_id,
            field.header,
            "met" if field.is_number else "dim",
            "row",
            field.data_type,
            position,
        )
        for position, field in enumerate(one.result.fields if one.result else ())
    ]
    settings = {setting.field_id: setting.value for setting in query.settings}
    cache_minutes = UNSET if one.cache_minutes is None else one.cache_minutes
    start, end = query.span.start.isoformat(), query.span.end.isoformat()
    return QueryView(start, end, query.accounts, (), fields, "none", settings, cache_minutes)


def _result_view(one: Kept) -> ResultView:
    assert one.result is not None
    cache_time = stamp(one.read_time) if one.cache_used and one.read_time else None
    seconds = min(round(one.run_seconds, 3), 7200.0)
    return ResultView(len(one.result.fields), len(one.result.lines), seconds, False, one.cache_used, cache_time)


def _paginate(call: Call, page: Page, total: int, path: str) -> Paginate:
    def url(start: int, end: int) -> str:
        query = urlencode({"schedule_id": call.request_id, "offset_start": start, "offset_end": end})
        return f"{call.base_url}{path}?{query}"

    found, size = Paginate(), page.start if page.end is None else page.end - page.start + 1
    if page.start:
        found.prev = url(max(0, page.start - size), page.start - 1)
    if page.end is not None and page.end < total - 1:
        found.next = url(page.end + 1, min(page.end + size, MOST_ROWS))
    return found
