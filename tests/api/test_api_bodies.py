"""JSON bodies have one meaning: whatever two readers could understand differently is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.api.bodies import MAX_DEPTH, MAX_KEYS, MAX_STRING, parse
from dayfill.errors import Malformed

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_whatever_json_can_say_is_read_as_it_was_meant(value: object, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_with_a_sentence(body: bytes) -> None:
    try:
        parse(body)
    except Malformed as refused:
        assert refused.description.endswith(".")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 1} {"a": 1}', "not JSON"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "'b' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"1" * 5000 + b"}", "too many digits"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": "\x01"}', "not JSON"),
    ],
)
def test_what_json_does_not_allow_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as refused:
        parse(body)
    assert refused.value.code == "INVALID_PARAMETER"


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        (b"{", "Mend it there."),
        (b'{"a": 1, "a": 1}', "Keep one of them."),
        (b'{"a": NaN}', "Send null, or a text."),
        (b"1e999", "Send it as a text."),
        (b"1" * 5000, "Send it as a text."),
        (b'"\\ud800"', "Write both halves, or neither."),
        (b'"\xff"', "Encode it as UTF-8."),
        (b"[" * (MAX_DEPTH + 1), "Flatten it."),
        (b'"%b"' % (b"a" * (MAX_STRING + 1)), "Shorten it."),
        (json.dumps({str(n): n for n in range(MAX_KEYS + 1)}).encode(), "Send it in parts."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_refusal_says_what_to_do(body: bytes, remedy: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(body)
    assert refused.value.description.startswith("The request body ")
    assert refused.value.description.endswith(f". {remedy}")


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_bounded_before_anything_is_decoded(opening: bytes, closing: bytes) -> None:
    parse(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(Malformed, match="levels deep"):
            parse(opening * depth + b"1" + closing * depth)


def test_brackets_inside_strings_are_no_depth() -> None:
    text = "[{" * 100 + '"' + "\\"
    assert parse(json.dumps([text] * 40).encode()) == [text] * 40


def test_the_number_of_keys_is_bounded() -> None:
    def body(count: int) -> bytes:
        return json.dumps([{str(n): n} for n in range(count)]).encode()

    assert len(parse(body(MAX_KEYS))) == MAX_KEYS
    with pytest.raises(Malformed, match="more than 10000 keys"):
        parse(body(MAX_KEYS + 1))


def test_the_length_of_a_string_is_bounded() -> None:
    assert len(parse(b'"%b"' % (b"a" * MAX_STRING))) == MAX_STRING
    with pytest.raises(Malformed, match="string of more than"):
        parse(b'["%b"]' % (b"a" * (MAX_STRING + 1)))


def test_no_text_makes_the_reading_slow() -> None:
    """Each of these took a search that goes back minutes; the suite's own time limit would end it."""
    for unit in (b'\\"', b'"', b"\\", b'"\\'):
        with pytest.raises(Malformed):
            parse(b"[" * (MAX_DEPTH + 1) + b'"' + unit * (500_000 // len(unit)))
