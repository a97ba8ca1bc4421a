"""What others write is made fit to be kept: neither secrets by their looks nor those in use, in no form."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.secret import Secret
from dayfill.engine.keys import compose
from dayfill.secrets import safe, scrubbed

KEY = compose("1B2c3D4e", "x" * 43)
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ==\n-----END KEY-----\n"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"key {KEY} refused", "key api_*** refused"),
        (f"key {KEY[:30]}… refused", "key api_***… refused"),
        ("otok_aaaaaaaaaaaaaaaaaaaaaaaa", "otok_***"),
        ("the field api_key_id of api_keys", "the field api_key_id of api_keys"),
        ("postgresql://me:pa:ss@wo@db:5432/x?sslmode=no", "postgresql://me:***@db:5432/x?***"),
        ("postgresql://me@db/x is down", "postgresql://me@db/x is down"),
        ("host=db user=me password=hunter2 port=1", "host=db user=me password=*** port=1"),
        ("PGPASSWORD='a b' psql", "PGPASSWORD=*** psql"),
        ('pwd="a \\" b";x', "pwd=***;x"),
        ('{"password": "hunter2", "user": "me"}', '{"password": ***, "user": "me"}'),
        ("{'client_secret': 'hunter2'}", "{'client_secret': ***}"),
        ("GET /query?json=%7B%22api_key%22 200", "GET /query?*** 200"),
        ("GET https://x.example/y?z 500", "GET https://x.example/y?*** 500"),
        ("is all well? yes=no", "is all well? yes=no"),
        ("files /data/day-?.csv", "files /data/day-?.csv"),
        ("Authorization: Bearer abc\nHost: x", "Authorization: ***\nHost: x"),
        ("{'authorization': 'Basic YTpi', 'host': 'x'}", "{'authorization': '***', 'host': 'x'}"),
        ("[(b'cookie', b'a=b; c=d'), (b'host', b'x')]", "[(b'cookie', b'***'), (b'host', b'x')]"),
        ("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***"),
        ("sent Bearer abcdefghijkl.mno to", "sent Bearer *** to"),
    ],
)
def test_secrets_are_known_by_their_looks(text: str, clean: str) -> None:
    assert scrubbed(text) == clean


def forms(text: str) -> list[str]:
    """How a driver, a header or a log may repeat it."""
    plain = text.encode()
    inside = [b64encode(before + plain + b":after").decode() for before in (b"", b"u:", b"me:")]
    return [
        *(text, repr(text), json.dumps(text), json.dumps(text, ensure_ascii=False)),
        *(quote(text, safe=""), quote_plus(text), quote(text, safe="").lower() if text.islower() else quote(text)),
        *(b64encode(plain).decode(), urlsafe_b64encode(plain).decode(), plain.hex(), plain.hex().upper(), *inside),
    ]


@pytest.mark.parametrize("text", ["hunter2", "p@ss wörd/+\"'\\", "ünïcødé?>~~", PEM, "0123456789abcdef" * 20])
def test_a_secret_in_use_is_hidden_in_every_form(text: str) -> None:
    secret = Secret(text)
    for form in forms(text):
        said = scrubbed(f"The server said [{form}] and no more")
        assert said.startswith("The server said [")
        assert said.endswith("] and no more")
        assert len(said) < len("The server said [] and no more") + 24, said
    for line in text.splitlines():
        if len(line) >= 16:
            assert line not in scrubbed(f"at {line}")
    del secret


@given(st.text(min_size=6, max_size=40).filter(lambda text: text.strip(" \r\n") == text and "*" not in text))
def test_no_text_that_is_in_use_is_left_over(text: str) -> None:
    secret = Secret(text)
    assert text not in scrubbed(f"before {text} after")
    assert text not in safe(f"before {text}" + " after" * 9, 30)
    del secret


def test_a_secret_that_nobody_holds_any_more_is_no_secret_here() -> None:
    assert scrubbed("before-hunter3-after") == "before-hunter3-after"


def test_a_secret_that_another_begins_with_leaves_nothing_of_the_longer_one() -> None:
    held = [Secret("canary-3c90" + more) for more in ("", "-long", "-longer", "-longest")]
    assert [scrubbed(f"refused {one.reveal()} at once") for one in held] == ["refused *** at once"] * len(held)


def test_a_short_secret_takes_no_words_out_of_a_text() -> None:
    secret = Secret("the")
    assert scrubbed("the day") == "the day"
    del secret


def test_half_a_secret_is_not_left_at_the_cut() -> None:
    secret = Secret("canary-7d11-and-more")
    for length in range(10, 60):
        said = safe("The server refused canary-7d11-and-more today.", length)
        assert "canary" not in said
        assert len(said) <= length
    del secret


def test_control_characters_go() -> None:
    assert safe("a\x00b\r\n\x1b[31mc\u202ed", 50) == "a b   [31mc d"


@pytest.mark.parametrize(
    "hostile", ['password="', "password='\\\"", "a://", "://a:", "api_", "/?", "/", "authorization'", "bearer ", "x"]
)
@pytest.mark.timeout(20)
def test_a_hostile_text_of_any_length_is_soon_done(hostile: str) -> None:
    """Milliseconds; a pattern that looks back again and again would take hours, and end with the test's timeout."""
    assert len(safe(hostile * 100_000, 500)) <= 500
    assert scrubbed((hostile * 100_000)[:100_000])
