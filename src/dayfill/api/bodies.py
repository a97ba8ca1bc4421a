"""Strict reading of JSON bodies: one meaning per text, bounded depth, no duplicate keys, no NaN."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from dayfill.errors import Malformed

MAX_BODY_BYTES = 1 << 20
BODY_SECONDS = 30.0
"""How long a body may take to arrive."""
MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_KEYS_OF_GROUP = 55_000
"""Of a table group, which may list 10,000 fields with five keys each."""
MAX_STRING = 65_536

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, or the rest of the text if it never ends; possessive, so that no text makes the search go back."""
_BRACKETS = re.compile(rb"[\[\]{}]")


def parse(body: bytes, most_keys: int = MAX_KEYS) -> Any:
    """The value of a JSON text.

    Raises:
        Malformed: not JSON in UTF-8, too deep, too many keys, a duplicate key, NaN, half of a surrogate pair.
    """
    _check_depth(body)
    keys = 0

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal keys
        keys += len(pairs)
        if keys > most_keys:
            raise Malformed(f"The request body has more than {most_keys} keys. Send it in parts.")
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise Malformed(f"The request body names the key {twice[:100]!r} twice in one object. Keep one of them.")
        return found

    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=members, parse_constant=_no_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"The request body is not UTF-8 (byte {error.start}). Encode it as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"The request body is not JSON: {error.msg} (line {error.lineno}). Mend it there.") from None
    except ValueError:
        raise Malformed("The request body holds a number with too many digits. Send it as a text.") from None
    _check_text(body, value)
    return value


def _check_depth(body: bytes) -> None:
    """Before decoding, because a deep text can exhaust the decoder's stack."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Malformed(f"The request body is nested more than {MAX_DEPTH} levels deep. Flatten it.")


def _check_text(body: bytes, value: Any) -> None:
    """Escapes can spell half of a surrogate pair, which no text can hold; and a string has its limit."""
    if b"\\u" in body:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise Malformed("The request body holds half of a surrogate pair. Write both halves, or neither.") from None
    if len(body) > MAX_STRING and any(len(text) > MAX_STRING + len(b'""') for text in _STRING.findall(body)):
        raise Malformed(f"The request body holds a string of more than {MAX_STRING} bytes. Shorten it.")


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"The request body holds {name}, which is not JSON. Send null, or a text.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Malformed(f"The request body holds {text[:30]}, which is too large for a number. Send it as a text.")
    return number
