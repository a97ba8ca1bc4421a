"""Texts that others have written, such as a driver's error, made fit to be kept: no secret, no control character.

It knows two things: what secrets look like (API keys, passwords in a DSN, headers, query strings), and the very secrets
that jobs hold at this moment, in each form in which a driver may repeat them.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus
from weakref import WeakKeyDictionary

from dayfill.domain.secret import Secret, in_use

HIDDEN = "***"
SHORTEST, SHORTEST_LINE = 4, 16
"""Characters: a shorter secret would take words out of every text; a shorter line of a long secret tells nothing."""

_VALUE = r"""(?:"(?:[^"\\]|\\.){0,2000}"|'(?:[^'\\]|\\.){0,2000}'|[^\s,;&"'<>)}\]]+)"""
_NAMES = r"password|passwd|passphrase|pwd|secret|api_?key|private_?key|access_?key(?:_?id)?|_token"
_SHAPES = tuple(
    (words, re.compile(shape, re.IGNORECASE), rf"{kept}{HIDDEN}{after}")
    for words, shape, kept, after in (
        # An API key or an OAuth token, whole or cut short.
        (("api_", "otok_"), r"((?:api|otok)_)[A-Za-z0-9_-]{20,}", r"\1", ""),
        # Headers, as HTTP, Python and JSON write them: all up to the end of the text or of the line.
        (
            ("authorization", "cookie"),
            r"""\b((?:(?:proxy-)?authorization|(?:set-)?cookie)["']?\s*[:=,]\s*)(b?["'])?(?(2)(?:(?!["']).)*|.*)""",
            r"\1\2",
            "",
        ),
        (("bearer", "basic"), r"\b((?:bearer|basic)\s{1,9})[A-Za-z0-9._~+/=-]{8,}", r"\1", ""),
        # scheme://user:password@host; a password may hold an @ itself.
        (("://",), r"""(://[^\s:/@"'<>]{0,200}:)[^\s"'<>]{0,500}@""", r"\1", "@"),
        # What follows the ? of a URL, or of a path if it looks like parameters.
        (("://",), r"""(://[^\s?"'<>]{0,500}\?)[^\s"'<>]+""", r"\1", ""),
        (("?",), r"""(/[^\s?"'<>]{0,200}\?)[^\s"'<>=]{0,200}=[^\s"'<>]*""", r"\1", ""),
        # password=... of a DSN in key words, of a form or of JSON.
        (
            ("pass", "pwd", "secret", "key", "token"),
            rf"""\b((?:\w*(?:{_NAMES})|token)(?:["']?\s*=\s*|["']\s*:\s*|:\s+))(?!{re.escape(HIDDEN)}){_VALUE}""",
            r"\1",
            "",
        ),
    )
)
"""What secrets look like, each with words of which one must be there, and what is put in their place.

Most texts hold none of the words, and a search for one costs a hundredth of that for a shape. Every repetition has an
end, or takes what it has passed: a hostile text must not make them look at it again and again.
"""


def scrubbed(text: str) -> str:
    """The text without any secret."""
    found = {form for secret in in_use() for form in _forms(secret) if form in text}
    # A secret may be the beginning of another: the shorter one would leave the rest of the longer one to be read.
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    small = text.lower()
    for words, shape, hidden in _SHAPES:
        if any(word in small for word in words):
            text = shape.sub(hidden, text)
    return text


def safe(text: str, longest: int) -> str:
    """The text without any secret, on one line, without control characters, and cut to so many characters."""
    # Half a secret is not found, so the cut comes last, after one that only bounds the work.
    clean = "".join(one if one.isprintable() else " " for one in scrubbed(text[: 32 * longest]))
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


_written: WeakKeyDictionary[Secret, tuple[str, ...]] = WeakKeyDictionary()
"""For as long as a secret is in use: one may be a key of many lines, and a job may tell much."""


def _forms(secret: Secret) -> tuple[str, ...]:
    """How a secret may stand in a text, longest first."""
    known = _written.get(secret)
    if known is None:
        text = secret.reveal()
        lines = [line.strip() for line in text.splitlines()]
        parts = [text, *(line for line in lines if len(line) >= SHORTEST_LINE)] if len(text) >= SHORTEST else []
        known = tuple(sorted({form for part in parts for form in _encoded(part)}, key=len, reverse=True))
        _written[secret] = known
    return known


def _encoded(text: str) -> Iterator[str]:
    plain = text.encode("utf-8", "surrogatepass")
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    for quoted in (quote(plain, safe=""), quote(plain), quote_plus(plain)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    yield plain.hex()
    yield plain.hex().upper()
    for encode in (b64encode, urlsafe_b64encode):
        yield from _base64(plain, encode)


def _base64(plain: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """As it stands alone, and inside of something longer (user:password), where it may begin at three places."""
    for before in range(3):
        text = encode(b"\0" * before + plain).decode()
        whole = text[(8 * before + 5) // 6 : (8 * (before + len(plain))) // 6]
        if len(whole) >= SHORTEST:
            yield whole
