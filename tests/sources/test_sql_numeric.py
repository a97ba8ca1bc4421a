"""Numbers of PostgreSQL that are decoded as it sends them: as its own text of them says, or refused by their row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

import pyarrow as pa
import pytest

from databases import Source
from dayfill.errors import Permanent
from dayfill.sources.sql import numeric

DAY = date(2024, 3, 31)
SHAPES = [(1, 0), (4, 4), (5, 4), (8, 2), (9, 0), (15, 3), (16, 16), (18, 0), (18, 1), (18, 6), (18, 16)]


def numbers(precision: int, scale: int) -> list[Decimal | None]:
    """The ends, each power of ten, some of any length, and none."""
    chance, most = Random(precision * 100 + scale), 10**precision
    unscaled = {0, 1, most - 1, *(10**n for n in range(precision))}
    unscaled |= {chance.randrange(10 ** chance.randint(1, precision)) for _ in range(200)}
    signed = [sign * n for n in sorted(unscaled) for sign in (1, -1)]
    return [None, *(Decimal(n).scaleb(-scale) for n in signed), None]


def values(numbers: list[Decimal | None], of: str) -> dict[str, str]:
    """The settings of a query that gives these in one column."""
    rows = ", ".join("(NULL)" if n is None else f"('{n:f}')" for n in numbers)
    query = f"SELECT DATE '2024-03-31' AS day, n::{of} AS value FROM (VALUES {rows}) AS v(n)"
    return {"query": f"SELECT * FROM ({query}) AS made WHERE day >= :start AND day < :end"}


@pytest.mark.parametrize(("precision", "scale"), SHAPES)
def test_every_number_of_a_type_arrives_as_it_is(postgresql_source: Source, precision: int, scale: int) -> None:
    given = numbers(precision, scale)
    rows = postgresql_source.read([DAY], **values(given, f"numeric({precision},{scale})"))
    assert rows.schema.field("value").type == pa.decimal128(precision, scale)
    assert rows["value"].to_pylist() == given
    rows.validate(full=True)


REFUSED = [
    ("1000", "DECIMAL(5,2)", "1000 does not fit"),
    ("-12345678901234567890", "DECIMAL(18,0)", "-12345678901234567890 does not fit"),
    ("1e100", "DECIMAL(18,6)", "1000000"),
    ("0.001", "DECIMAL(5,2)", "0.0010 does not fit"),
    ("-0.0000001", "DECIMAL(5,2)", "-0.00000010 does not fit"),
    ("0.00001", "DECIMAL(4,0)", "0.00001000 does not fit"),
    ("NaN", "DECIMAL(5,2)", "NaN does not fit"),
    ("Infinity", "DECIMAL(5,2)", "Infinity does not fit"),
    ("-Infinity", "DECIMAL(5,2)", "-Infinity does not fit"),
]


@pytest.mark.parametrize(("number", "of", "says"), REFUSED)
def test_a_number_that_does_not_fit_is_named_by_its_row(
    postgresql_source: Source, number: str, of: str, says: str
) -> None:
    settings = values([Decimal(1), None, Decimal(number), Decimal(number)], "numeric")
    with pytest.raises(Permanent, match=f"Column value, row 3 of the reading: {says}") as refused:
        postgresql_source.read([DAY], {"day": "DATE", "value": of}, **settings)
    assert refused.value.cause == "DATA"


def test_numbers_are_read_from_a_table_in_the_middle_of_other_columns(postgresql_source: Source) -> None:
    """And two fields of one column are read in both of their types."""
    postgresql_source.run(
        'CREATE TABLE visits (day date, "the ""cost""" numeric(12,4), left_out numeric(9,2), label text)',
        "INSERT INTO visits VALUES ('2024-03-31', 1.5, 1, 'a'), ('2024-03-31', NULL, 1, 'b'),"
        " ('2024-04-01', 9, 1, 'c')",
    )
    rows = postgresql_source.read([DAY], {"label": "STRING", 'the "cost"': "DECIMAL(12,4)"})
    found = sorted(zip(rows["label"].to_pylist(), rows['the "cost"'].to_pylist(), strict=True))
    assert found == [("a", Decimal("1.5000")), ("b", None)]
    rows = postgresql_source.read([DAY])
    assert rows.column_names == ["day", "the_cost", "left_out", "label"]


def test_a_slice_of_numbers_is_decoded_from_its_own_beginning() -> None:
    one, two = bytes.fromhex("00010000000000000001"), bytes.fromhex("0002000040000002000204b0")
    column = pa.array([one, None, two, one], pa.binary()).slice(1, 2)
    assert numeric.decimals(column, "n", pa.decimal128(6, 2), 0).to_pylist() == [None, Decimal("-2.12")]
