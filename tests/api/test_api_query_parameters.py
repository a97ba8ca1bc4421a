"""A query is the same query however it is sent: as one JSON text, as plain parameters, or as a body."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.api import query_parameters
from dayfill.api.routes import ROUTES
from dayfill.api.wire import Call
from dayfill.errors import Malformed

CODES = st.from_regex(r"[A-Za-z0-9_-]{1,50}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LISTS = st.one_of(TEXTS, CODES, st.lists(st.one_of(CODES, TEXTS), max_size=4))
SETTINGS = st.dictionaries(TEXTS, st.one_of(TEXTS, st.booleans(), st.integers(-(2**62), 2**62), st.none()), max_size=4)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "ds_id": CODES,
        "schedule_id": CODES,
        "ds_accounts": LISTS,
        "ds_segments": LISTS,
        "ds_users": LISTS,
        "ds_user": TEXTS,
        "start_date": TEXTS,
        "filter": TEXTS,
        "fields": LISTS,
        "order_rows": LISTS,
        "max_rows": st.integers(0, 10**9 - 1),
        "offset_start": st.integers(0, 10**9 - 1),
        "sync_timeout": st.integers(0, 10**9 - 1),
        "anything": TEXTS,
        "api_key": CODES,
    },
)


QUERY = next(route for route in ROUTES if route.path == "/query/data/json")


def call(query: bytes = b"", body: bytes = b"") -> Call:
    scope = {"query_string": query, "headers": [], "scheme": "http"}
    return Call(None, QUERY, None, (1,), "", {}, {}, body, scope)  # type: ignore[arg-type]


def as_json(query: dict[str, Any]) -> Call:
    return call(str(httpx.QueryParams({"json": json.dumps(query)})).encode())


def as_parameters(query: dict[str, Any]) -> Call:
    """As the official client writes it."""
    return call(str(httpx.QueryParams(query)).encode())


@given(QUERIES)
def test_every_way_to_send_a_query_means_the_same(query: dict[str, Any]) -> None:
    read = query_parameters.document(as_json(query))
    if list(query) != ["json"]:
        assert query_parameters.document(as_parameters(query)) == read
    assert query_parameters.document(call(body=json.dumps(query).encode())) == read


@given(SETTINGS)
def test_settings_are_an_object_a_json_text_or_what_python_writes(settings: dict[str, Any]) -> None:
    plain = query_parameters.document(as_json({"settings": settings}))
    assert plain == {"settings": settings}
    assert query_parameters.document(as_json({"settings": json.dumps(settings)})) == plain
    assert query_parameters.document(as_parameters({"settings": json.dumps(settings)})) == plain
    assert query_parameters.document(as_parameters({"settings": str(settings)})) == plain


def test_texts_with_commas_are_lists_and_objects_keep_theirs() -> None:
    query = {"fields": ["a, b", {"id": "c,d"}], "ds_accounts": 17, "order_rows": "a desc,b", "ds_users": [1, "x"]}
    assert query_parameters.document(as_json(query)) == {
        "fields": ["a", "b", {"id": "c,d"}],
        "ds_accounts": ["17"],
        "order_rows": ["a desc", "b"],
        "ds_users": ["1", "x"],
    }


def test_what_is_empty_or_null_is_left_out() -> None:
    query = {"ds_id": "", "start_date": None, "schedule_id": "abc", "max_rows": ""}
    assert query_parameters.document(as_json(query)) == {"schedule_id": "abc"}
    assert query_parameters.document(as_parameters(query)) == {"schedule_id": "abc"}


REFUSED = [
    (call(b"json=%7B"), "The parameter json is not JSON"),
    (call(b"json=%5B%5D"), "The query must be a JSON object."),
    (call(b"json=null"), "The query must be a JSON object."),
    (call(b"json=%7B%7D&json=%7B%7D"), "Send the query as one json parameter or as plain parameters, not as both."),
    (call(b"json=%7B%7D&ds_id=FILES"), "Send the query as one json parameter or as plain parameters, not as both."),
    (call(b"json=%7B%22a%22%3A1%2C%22a%22%3A1%7D"), "The parameter json names the key 'a' twice in one object."),
    (call(b"ds_id=FILES&ds_id=FILES"), "The query parameter ds_id is given twice. Keep one of them."),
    (call(b"ds_id=FILES", b"{}"), "Send the query in the body or in the address, not in both."),
    (call(body=b"[]"), "The query must be a JSON object."),
    (call(b"settings={'a':+[1]}"), "The parameter settings is not JSON"),
    (
        call(rb"settings={'a':+'\xZZ'}"),
        "The query's settings are neither JSON nor a dict as Python writes it. Send JSON.",
    ),
    (
        call(b"settings={'a':+'x%0Ay'}"),
        "The query's settings are neither JSON nor a dict as Python writes it. Send JSON.",
    ),
    (
        call(b"settings={'a':+'x%00'}"),
        "The query's settings are neither JSON nor a dict as Python writes it. Send JSON.",
    ),
    (call(b"settings={'a':+-007}"), "The query's settings are neither JSON nor a dict as Python writes it. Send JSON."),
    (call(rb"settings={'a':+'\ud800'}"), "The parameter settings holds half of a surrogate pair."),
    (call(b"settings=" + b"[" * 1000), "The parameter settings is nested more than 32 levels deep."),
    (call(b"settings=" + b"x" * 20_001), "The query's settings have more than 20,000 characters. Shorten them."),
]


@pytest.mark.parametrize(("sent", "said"), REFUSED, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_what_cannot_be_read_is_refused(sent: Call, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        query_parameters.document(sent)
    assert caught.value.description.startswith(said)
