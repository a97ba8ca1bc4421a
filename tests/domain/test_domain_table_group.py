"""Names take their form, and a table group that no destination could carry is refused with its code."""

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill.domain.days import WHOLE
from dayfill.domain.table_group import (
    MAX_TABLE_FIELDS,
    MAX_TABLES,
    column_name,
    faults,
    names_beside,
    of_day,
    prefix,
    refreshed,
    snake,
    table_name,
)
from dayfill.domain.transfer import Field, Partition, Table

ID = Field("id", "id", "INTEGER")
RIGHT = Table("flights", (ID,))
DAY = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("campaignName", "campaign_name"),
        ("Campaign name", "campaign_name"),
        ("ga:sessions", "ga_sessions"),
        ("__cost--per click ", "cost_per_click"),
        ("CTR", "ctr"),
        ("ADS2B", "ads2b"),
        ("Größe (cm)", "grosse_cm"),
        ("Coût_réel", "cout_reel"),
        ("日本語", ""),
    ],
)
def test_snake(text: str, form: str) -> None:
    assert snake(text) == form
    assert table_name(text) == form.upper()


def test_a_prefix_ends_in_an_underscore_or_is_nothing() -> None:
    assert (prefix("nyc"), prefix("Nyc_"), prefix(""), prefix("--")) == ("NYC_", "NYC_", "", "")


def test_a_number_follows_the_name_of_a_transfer_whose_group_has_it_already() -> None:
    first, second, third, *more = names_beside("Weather")
    assert (first, second, third, more[-1]) == ("Weather", "Weather 2", "Weather 3", "Weather 99")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("campaignName", "campaignName"),
        ("_CTR", "_CTR"),
        ("Campaign name", "campaign_name"),
        ("Cost (EUR)", "cost_eur"),
        ("30-day cost", "_30_day_cost"),
        ("日本語", "日本語"),
        ("_dayfill", "dayfill"),
        ("_dayfill_day", "dayfill_day"),
        ("x" * 64, "x" * 64),
    ],
)
def test_a_column_keeps_its_name_where_it_can_and_else_takes_its_form(text: str, name: str) -> None:
    assert column_name(text) == name


@given(st.text())
def test_a_form_is_stable_and_safe(text: str) -> None:
    form = snake(text)
    assert snake(form) == form
    assert re.fullmatch(r"[a-z0-9_]*", form)
    assert prefix(prefix(text)) == prefix(text)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (replace(RIGHT, name=""), "SCHEMA_TABLE_NAME_INVALID"),
        (replace(RIGHT, name="1st"), "SCHEMA_TABLE_NAME_INVALID"),
        (replace(RIGHT, name='a"b'), "SCHEMA_TABLE_NAME_INVALID"),
        (replace(RIGHT, name="flüge"), "SCHEMA_TABLE_NAME_INVALID"),
        (replace(RIGHT, name="a" * 64), "SCHEMA_TABLE_NAME_INVALID"),
        (replace(RIGHT, name="_DayFill_days"), "SCHEMA_TABLE_NAME_INVALID"),
        (replace(RIGHT, fields=(replace(ID, target_name="a b"),)), "SCHEMA_FIELD_NAME_INVALID"),
        (replace(RIGHT, fields=(replace(ID, field_id=""),)), "SCHEMA_FIELD_ID_INVALID"),
        (replace(RIGHT, fields=(replace(ID, data_type="int"),)), "SCHEMA_FIELD_TYPE_INVALID"),
        (replace(RIGHT, fields=(ID, Field("other", "ID", "STRING"))), "SCHEMA_FIELD_NAME_DUPLICATE"),
    ],
)
def test_a_table_that_cannot_be(table: Table, code: str) -> None:
    assert [fault[0] for fault in faults("Group", "", [table])] == [code]


@pytest.mark.parametrize(
    ("partitions", "of_a_day", "of_a_whole", "loads"),
    [
        ("d", "d", "", [DAY]),
        ("n", "", "n", [WHOLE]),
        ("dn", "d", "n", [DAY, WHOLE]),
    ],
)
def test_a_day_fills_the_tables_that_have_days_and_a_refresh_the_others_too(
    partitions: str, of_a_day: str, of_a_whole: str, loads: list[date]
) -> None:
    kinds = {"d": Partition.DATE, "n": Partition.NONE}
    tables = [Table(letter, partition=kinds[letter]) for letter in partitions]
    assert "".join(table.name for table in of_day(tables, DAY)) == of_a_day
    assert "".join(table.name for table in of_day(tables, WHOLE)) == of_a_whole
    assert refreshed(tables, [DAY]) == loads


def test_a_group_that_cannot_be() -> None:
    assert faults("Group", "p_", [RIGHT]) == []
    assert [code for code, _ in faults("", "", [RIGHT])] == ["SCHEMA_NAME_INVALID"]
    assert [code for code, _ in faults("Group", "a" * 16, [RIGHT])] == ["SCHEMA_PREFIX_INVALID"]
    assert [code for code, _ in faults("Group", "", [])] == ["SCHEMA_TABLES_REQUIRED"]
    same = replace(RIGHT, name="FLIGHTS")
    assert [code for code, _ in faults("Group", "", [RIGHT, same])] == ["SCHEMA_TABLE_NAME_DUPLICATE"]
    other = Table("other", (replace(ID, data_type="STRING"),))
    assert [code for code, _ in faults("Group", "", [RIGHT, other])] == ["SCHEMA_FIELD_DUPLICATE"]


def test_a_group_may_be_large_but_not_endless() -> None:
    many = [Table(f"t{n}") for n in range(MAX_TABLES + 1)]
    assert faults("Group", "", many[:-1]) == []
    assert [code for code, _ in faults("Group", "", many)] == ["SCHEMA_TABLES_INVALID"]
    wide = tuple(Field(f"f{n}", f"f{n}", "STRING") for n in range(MAX_TABLE_FIELDS + 1))
    assert faults("Group", "", [replace(RIGHT, fields=wide[:-1])]) == []
    assert [code for code, _ in faults("Group", "", [replace(RIGHT, fields=wide)])] == ["SCHEMA_FIELDS_INVALID"]
