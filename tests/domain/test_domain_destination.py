"""What a caller asks of a destination is taken apart by the rules of its kind, and each fault is said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dayfill.domain.destination import (
    MAX_NAME,
    MAX_SECRET,
    MAX_VALUE,
    MOST_TOLD,
    FieldRule,
    Wanted,
    problems,
    sealed_for,
)
from dayfill.domain.secret import Secret

RULES = (
    FieldRule("host", is_required=True, is_secret=False),
    FieldRule("port", is_required=False, is_secret=False),
    FieldRule("password", is_required=True, is_secret=True),
    FieldRule("passphrase", is_required=False, is_secret=True),
)
PLAIN = RULES[:2]
KNOWN = "host, port, password, passphrase"
RIGHT = Wanted("DWH_SERVER", "Server", {"host": "db", "port": 5432, "password": "p"}, "AUTH_METHOD_SECRET")


def said(wanted: Wanted, rules: tuple[FieldRule, ...] = RULES, stored: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [(one.field_id, one.error_code, one.text) for one in problems(wanted, rules, stored)]


def test_settings_and_secrets_are_told_apart() -> None:
    sent = Wanted("D", "a", {"host": "", "port": 0, "password": "old", "passphrase": "", "unknown": "x"})
    assert sent.plain(RULES) == {"port": 0}
    assert sent.secrets(RULES) == {"password": Secret("old")}
    newer = replace(sent, fields={"host": True, "port": 1.5, "password": 7}, new_secrets={"passphrase": "new"})
    assert newer.plain(RULES) == {"host": True}
    assert newer.secrets(RULES) == {"passphrase": Secret("new")}
    assert replace(sent, new_secrets={"password": "new"}).secrets(RULES) == {"password": Secret("new")}
    assert replace(sent, fields={"host": "s" * MAX_VALUE}).plain(RULES) == {"host": "s" * MAX_VALUE}


def test_secrets_are_sealed_for_one_row() -> None:
    assert sealed_for(3, 14) == "3:destinations:14:sealed"


def test_a_correct_one_has_no_problem() -> None:
    assert said(RIGHT) == []
    assert said(replace(RIGHT, auth_method="")) == []
    assert said(replace(RIGHT, display_name="a" * MAX_NAME, new_secrets={"password": "p" * MAX_SECRET})) == []
    assert said(replace(RIGHT, fields={"host": "h" * MAX_VALUE}), stored=("password",)) == []
    assert said(replace(RIGHT, fields={"host": "db"}, auth_method=""), PLAIN) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"display_name": "  "}, ("display_name", "isEmpty", "display_name is empty: fill it in.")),
        (
            {"display_name": "a" * 256},
            ("display_name", "tooLong", "display_name has 256 characters; 255 are allowed: shorten it."),
        ),
        (
            {"auth_method": "KEY" * 50},
            (
                "auth_method",
                "notAllowed",
                f"There is no auth_method '{('KEY' * 50)[:100]}': known is AUTH_METHOD_SECRET.",
            ),
        ),
        ({"fields": {"password": "p"}}, ("fields.host", "isEmpty", "The field host is missing: fill it in.")),
        (
            {"fields": {"host": "db", "password": "p", "Prot": "1"}},
            ("fields.Prot", "notAllowed", f"There is no field 'Prot'; did you mean port? Known are {KNOWN}."),
        ),
        (
            {"fields": {"host": "db", "password": "p", "x" * 101: True}},
            (f"fields.{'x' * 100}", "notAllowed", f"There is no field '{'x' * 100}'; known are {KNOWN}."),
        ),
        ({"fields": {"host": "db"}}, ("fields.password", "isEmpty", "The field password is missing: fill it in.")),
        (
            {"fields": {"host": "db", "password": "p", "port": 1.5}},
            ("fields.port", "isInvalid", "The field port must be a text, a whole number, true or false."),
        ),
        (
            {"fields": {"host": "db", "password": "p", "passphrase": 7}},
            ("fields.passphrase", "isInvalid", "The field passphrase must be a text."),
        ),
        (
            {"fields": {"host": "h" * 1001, "password": "p"}},
            ("fields.host", "tooLong", "fields.host has 1001 characters; 1000 are allowed: shorten it."),
        ),
        (
            {"fields": {"host": "db", "password": "p" * 65_537}},
            ("fields.password", "tooLong", "fields.password has 65537 characters; 65536 are allowed: shorten it."),
        ),
        (
            {"fields": {"host": "d\0b", "password": "p"}},
            ("fields.host", "isInvalid", "The field host holds a NUL character: leave that out."),
        ),
        (
            {"new_secrets": {"password": "p" * 65_537}},
            ("new_password", "tooLong", "new_password has 65537 characters; 65536 are allowed: shorten it."),
        ),
    ],
)
def test_each_fault_is_said_in_words(changes: dict[str, object], problem: tuple[str, str, str]) -> None:
    assert said(replace(RIGHT, **changes)) == [problem]  # type: ignore[arg-type]


def test_of_many_fields_that_there_are_not_the_first_are_named() -> None:
    assert len(said(replace(RIGHT, fields={**RIGHT.fields, **{f"f{n}": n for n in range(9_000)}}))) == MOST_TOLD
    assert said(replace(RIGHT, fields={**RIGHT.fields, "prot": None})) == [], "it says nothing"


def test_a_kind_without_secrets_has_no_way_to_sign_in() -> None:
    text = "There is no auth_method 'AUTH_METHOD_SECRET': this type has none; leave auth_method out."
    assert said(replace(RIGHT, fields={"host": "db"}), PLAIN) == [("auth_method", "notAllowed", text)]
