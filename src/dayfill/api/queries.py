"""Data queries of the vendor's contract: start one, wait for it or not, look how it stands, page through its rows."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dayfill.api.query_answers import Page, answer
from dayfill.api.query_parameters import decoded
from dayfill.api.wire import Answer, Call
from dayfill.domain.query import MOST_ROWS, ChosenField, QueryDraft
from dayfill.domain.transfer import Value
from dayfill.engine.queries import Asked, Kept
from dayfill.engine.query_draft import understood
from dayfill.errors import Malformed, Refused

WAIT_SECONDS = 20
"""How long an answer waits for the query if the request does not say; the official client itself gives up after 30."""
DATA_PATH, STATUS_PATH = "/query/data/json", "/query/status"

Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]*\Z", max_length=50)]
Id = Annotated[str, Meta(max_length=100)]
Offset = Annotated[int, Meta(ge=0, le=MOST_ROWS)]


class FieldObject(msgspec.Struct, forbid_unknown_fields=True):
    """A field with a header of its own, or with a comma in its id."""

    id: Id
    field_name: Annotated[str, Meta(max_length=255)] = ""


class QueryBody(msgspec.Struct):
    """Parameters of a query; names that it does not know are ignored."""

    ds_id: Code = ""
    schedule_id: Code = ""
    ds_accounts: list[Id | dict[str, Any]] = []
    ds_segments: list[Id] = []
    ds_user: Annotated[str, Meta(max_length=255)] = ""
    ds_users: list[Annotated[str, Meta(max_length=255)]] = []
    date_range_type: Annotated[str, Meta(max_length=50)] = ""
    start_date: Annotated[str, Meta(max_length=100)] = ""
    end_date: Annotated[str, Meta(max_length=100)] = ""
    compare_type: str = "none"
    compare_show: str = ""
    compare_start_date: str = ""
    compare_end_date: str = ""
    fields: list[Id | FieldObject] = []
    settings: dict[str, Value] = {}
    filter: Annotated[str, Meta(max_length=5000)] = ""
    order_columns: Annotated[str, Meta(max_length=1000)] = ""
    order_rows: list[Id] = []
    max_columns: Annotated[int, Meta(ge=1, le=1000)] | None = None
    max_rows: Annotated[int, Meta(ge=1, le=MOST_ROWS)] | None = None
    offset_start: Offset = 0
    offset_end: Offset | None = None
    cache_minutes: Annotated[int, Meta(ge=0, le=10_080)] | None = None
    sync_timeout: Annotated[int, Meta(ge=0, le=3_600)] = WAIT_SECONDS


class StatusBody(msgspec.Struct):
    """Parameters of a look at a query."""

    schedule_id: Annotated[Code, Meta(min_length=1)]
    offset_start: Offset = 0
    offset_end: Offset | None = None


class ResultsBody(msgspec.Struct):
    """Parameters for the rows of a query that has ended."""

    schedule_id: Annotated[Code, Meta(min_length=1)]
    offset: Offset = 0
    limit: Annotated[int, Meta(ge=1, le=100_000)] | None = None


async def run(call: Call) -> Answer:
    """Start a query and wait for its end, or for as long as is wished; or look how a known one stands."""
    body = decoded(call, QueryBody)
    queries = call.server.queries
    page = _page(body.offset_start, body.offset_end)
    known = _known(call, body.schedule_id) if body.schedule_id else None
    draft = _draft(body)
    if known is None or (body.ds_id and _is_another(call, known, body, draft)):
        if not body.ds_id and body.schedule_id:
            raise _unknown(body.schedule_id)
        known = await queries.start(_asked(call, body, draft))
    else:
        known.spoken_of(call.request_id)
    await queries.wait(known, body.sync_timeout)
    return answer(call, known, page, DATA_PATH)


def _is_another(call: Call, known: Kept, body: QueryBody, draft: QueryDraft) -> bool:
    """Whether a known query is not the one that is asked for: it asked otherwise, or its rows are too old."""
    if known.ended is None or body.cache_minutes is None:
        return known.asked != _fingerprint(draft)
    age = call.server.seams.monotonic() - known.ended
    return known.asked != _fingerprint(draft) or age > 60 * body.cache_minutes


async def status(call: Call) -> Answer:
    """How a query stands, with its rows if it has ended well."""
    body = decoded(call, StatusBody)
    return answer(call, _found(call, body.schedule_id), _page(body.offset_start, body.offset_end), STATUS_PATH)


async def results(call: Call) -> Answer:
    """The rows of a query that has ended."""
    body = decoded(call, ResultsBody)
    found = _found(call, body.schedule_id)
    if not found.status.is_final:
        raise Refused(f"The query is {found.status.value}: it has no results yet. Ask GET /query/status until it has.")
    end = None if body.limit is None else body.offset + body.limit - 1
    return answer(call, found, Page(body.offset, end), STATUS_PATH)


def _page(start: int, end: int | None) -> Page:
    if end is not None and end < start:
        raise Malformed(
            f"Query: offset_end {end} lies before offset_start {start}. Send the smaller one as offset_start."
        )
    return Page(start, end)


def _known(call: Call, name: str) -> Kept | None:
    return call.server.queries.find(call.teams, call.caller.user_id, name)


def _found(call: Call, name: str) -> Kept:
    found = _known(call, name)
    if found is None:
        raise _unknown(name)
    found.spoken_of(call.request_id)
    return found


def _unknown(name: str) -> Refused:
    return Refused(
        f"You have no query {name}: it is forgotten an hour after its end, when the server restarts, or when results "
        "take up too much room. Ask again with all parameters."
    )


def _draft(body: QueryBody) -> QueryDraft:
    if any(not isinstance(account, str) for account in body.ds_accounts):
        raise Refused("Accounts are not chosen by a pattern here: list their ids in ds_accounts.")
    compares = {
        "compare_type": "" if body.compare_type == "none" else body.compare_type,
        "compare_show": body.compare_show,
        "compare_start_date": body.compare_start_date,
        "compare_end_date": body.compare_end_date,
    }
    return QueryDraft(
        data_source_id=body.ds_id,
        accounts=tuple(str(account) for account in body.ds_accounts),
        segments=tuple(body.ds_segments),
        logins=tuple(dict.fromkeys([*([body.ds_user] if body.ds_user else []), *body.ds_users])),
        date_range_type=body.date_range_type,
        start_date=body.start_date,
        end_date=body.end_date,
        compares=tuple(name for name, value in compares.items() if value),
        fields=tuple(
            ChosenField(one.id, one.field_name) if isinstance(one, FieldObject) else ChosenField(one)
            for one in body.fields
        ),
        settings=body.settings,
        filter=body.filter,
        order_columns=body.order_columns,
        order_rows=tuple(body.order_rows),
        max_columns=body.max_columns,
        max_rows=body.max_rows,
    )


def _fingerprint(draft: QueryDraft) -> str:
    """The same for the same query, whoever asks and whenever."""
    return hashlib.sha256(msgspec.json.encode(draft, order="deterministic")).hexdigest()[:32]


def _asked(call: Call, body: QueryBody, draft: QueryDraft) -> Asked:
    if len(draft.logins) > 1:
        raise Refused("A query reads through one login: name one in ds_user.")
    fingerprint = _fingerprint(draft)
    query = understood(draft, call.server.seams.now(), call.server.max_days)
    schedule_id = body.schedule_id or fingerprint
    login = draft.logins[0] if draft.logins else ""
    user_id, request_id = call.caller.user_id, call.request_id
    return Asked(call.teams, user_id, request_id, schedule_id, fingerprint, query, body.cache_minutes, login)
