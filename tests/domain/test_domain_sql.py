"""Names and texts of any kind come back from the engine as they went in, and never as SQL."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dayfill.domain import sql

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@given(ANY)
@example('"; DROP TABLE runs; --')
@example("select")
@example("\u202egnissucof")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_names_just_that(con: duckdb.DuckDBPyConnection, name: str) -> None:
    assert con.sql(f"SELECT 1 AS {sql.name(name)}").columns == [name]


@given(st.lists(ANY, max_size=5))
@example(["'); DROP TABLE runs; --", "\\", "'"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_texts_are_just_these(con: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    assert con.sql(f"SELECT {sql.texts(texts)}").fetchall() == [(texts,)]
    assert con.sql(f"SELECT {sql.struct(dict.fromkeys(['a'], 'b'))}").fetchall() == [({"a": "b"},)]
