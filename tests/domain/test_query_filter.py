"""Filters and orders of a query, from text to conditions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.query import RowOrder, read_order
from dayfill.domain.query_filter import MOST_CONDITIONS, Condition, parse, pattern


def test_and_binds_closer_than_or_and_values_may_hold_blanks() -> None:
    text = "clicks >= 10 AND campaign =@ super campaign OR campaign != Super campaign 1"
    assert parse(text) == (
        (Condition("clicks", ">=", "10"), Condition("campaign", "=@", "super campaign")),
        (Condition("campaign", "!=", "Super campaign 1"),),
    )


def test_a_field_may_hold_blanks_and_a_value_operators() -> None:
    assert parse("ad group == a == b") == ((Condition("ad group", "==", "a == b"),),)
    assert parse("name==x") == parse(" name  ==  x ") == ((Condition("name", "==", "x"),),)
    assert parse("name ==") == ((Condition("name", "==", ""),),)


def test_no_filter_has_no_group() -> None:
    assert parse("") == parse("  ") == ()


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z][a-z_ ]{0,8}[a-z]", fullmatch=True),
            st.sampled_from(["==", "!=", ">", ">=", "<", "<=", "=@", "!@"]),
            st.from_regex(r"[a-z0-9.]{0,8}", fullmatch=True),
            st.sampled_from(["AND", "OR"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_what_is_read(parts: list[tuple[str, str, str, str]]) -> None:
    text = " ".join(f"{chain} {field} {operator} {value}" for field, operator, value, chain in parts).split(" ", 1)[1]
    read = [condition for group in parse(text) for condition in group]
    assert read == [Condition(field, operator, value) for field, operator, value, _ in parts]
    assert len(parse(text)) == 1 + sum(chain == "OR" for *_, chain in parts[1:])


@pytest.mark.parametrize("text", ["clicks", "clicks >= 10 AND", "== 3", "a == Rock AND Roll", "a == 1 OR  AND b == 2"])
def test_a_part_that_is_no_condition_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"of the filter is not a condition; write FIELD OPERATOR VALUE"):
        parse(text)


def test_a_filter_has_its_limit() -> None:
    parse(" AND ".join(["a == 1"] * MOST_CONDITIONS))
    with pytest.raises(ValueError, match="more than 100 conditions"):
        parse(" AND ".join(["a == 1"] * (MOST_CONDITIONS + 1)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/^brand/i", "(?i)^brand"), ("/a/", "a"), ("#a/b#", "a/b"), ("{x{2}}", "x{2}"), ("/a/b/", "a/b"), ("//", "")],
)
def test_a_regular_expression_stands_between_delimiters(value: str, expected: str) -> None:
    assert pattern(value) == expected


@pytest.mark.parametrize("value", ["", "brand", "/brand", "\\a\\", "/a/x", "/"])
def test_another_regular_expression_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression"):
        parse(f"campaign =~ {value}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cost desc", RowOrder("cost", descending=True)),
        (" cost  ASC ", RowOrder("cost")),
        ("cost", RowOrder("cost")),
        ("ad group", RowOrder("ad group")),
        ("ad group DESC", RowOrder("ad group", descending=True)),
    ],
)
def test_an_order_names_a_field_and_perhaps_a_direction(text: str, expected: RowOrder) -> None:
    assert read_order(text) == expected


@pytest.mark.parametrize("text", ["", " ", "desc", " asc"])
def test_an_order_without_a_field_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no field"):
        read_order(text)
