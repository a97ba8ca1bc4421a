"""The parameters of a query, in whichever of three ways they come: one JSON text, many plain parameters, or a body.

The official command line sends ``?json=<JSON>``, the official Python client ``?ds_id=FILES&fields=a&fields=b``. The
same query is the same document in each of them.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any, TypeVar

import msgspec

from dayfill.api import bodies
from dayfill.api.wire import Call
from dayfill.errors import Malformed

_LISTS = frozenset({"ds_accounts", "ds_segments", "ds_users", "fields", "order_rows"})
_NUMBERS = frozenset(
    {"max_columns", "max_rows", "offset_start", "offset_end", "offset", "limit", "cache_minutes", "sync_timeout"}
)
LONGEST_SETTINGS = 20_000

Parameters = TypeVar("Parameters")

_TEXT = r"""(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")"""
_PAIR = rf"{_TEXT}: (?:{_TEXT}|True|False|None|-?\d{{1,19}})"
_PYTHON = re.compile(rf"\{{(?:{_PAIR}(?:, {_PAIR})*+)?\}}", re.DOTALL)
"""A flat dict as Python writes it: no brackets in brackets, so that nothing deep is ever evaluated."""


def decoded(call: Call, type_: type[Parameters]) -> Parameters:
    """The parameters as this type, without any coercion but that of texts which stand for something else.

    Raises:
        Malformed: see `document`; also a parameter that is missing or of another kind.
    """
    try:
        return msgspec.convert(document(call), type_)
    except msgspec.ValidationError as error:
        raise Malformed(f"Query: {error}. See /openapi.yaml for what it may hold.") from None


def document(call: Call) -> dict[str, Any]:
    """The parameters by name; what is null or empty is left out, as if it had not been sent.

    Raises:
        Malformed: not JSON, no object, a parameter that is given twice, or both ways at once.
    """
    given = call.query
    if call.body and given:
        raise Malformed("Send the query in the body or in the address, not in both.")
    if call.body:
        found = call.document()
    elif "json" in given:
        if len(given.multi_items()) > 1:
            raise Malformed("Send the query as one json parameter or as plain parameters, not as both.")
        found = _parsed("json", given["json"])
    else:
        found = _plain(given.multi_items())
    if not isinstance(found, dict):
        raise Malformed("The query must be a JSON object.")
    read = {name: _read(name, value) for name, value in found.items() if name != "api_key"}
    return {name: value for name, value in read.items() if value not in (None, "", [])}


def _plain(items: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in items:
        if name in _LISTS:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Malformed(f"The query parameter {name[:100]} is given twice. Keep one of them.")
        else:
            found[name] = value
    return found


def _read(name: str, value: Any) -> Any:
    """One value, from a text to what it stands for; every other value as it is."""
    if name in _LISTS:
        return _listed(value)
    if isinstance(value, str):
        if name in _NUMBERS and value.isascii() and value.isdigit() and len(value) <= 9:
            return int(value)
        if name == "settings":
            return _settings(value)
    return value


def _listed(value: Any) -> Any:
    """A list, or a text with commas, as a list; commas within its texts part them as well. A name with a comma in it
    is written as an object.
    """
    values = value if isinstance(value, list) else [] if value is None else [value]
    found: list[Any] = []
    for one in values:
        if isinstance(one, str):
            found += [part.strip() for part in one.split(",") if part.strip()]
        else:
            found.append(str(one) if isinstance(one, int) and not isinstance(one, bool) else one)
    return found


def _settings(text: str) -> Any:
    """Settings in one text: JSON, or a dict as Python writes it, which is what the official client sends."""
    if len(text) > LONGEST_SETTINGS:
        raise Malformed(f"The query's settings have more than {LONGEST_SETTINGS:,} characters. Shorten them.")
    if _PYTHON.fullmatch(text) and not _is_json(text):
        text = _as_json(text)
    return _parsed("settings", text)


def _as_json(text: str) -> str:
    """Escapes and line breaks may still be wrong; and what they spell is held to the rules of every other body."""
    try:
        return json.dumps(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        raise Malformed("The query's settings are neither JSON nor a dict as Python writes it. Send JSON.") from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _parsed(name: str, text: str) -> Any:
    try:
        return bodies.parse(text.encode())
    except Malformed as error:
        raise Malformed(error.description.replace("The request body", f"The parameter {name}", 1)) from None
