"""What somebody has put in a table's place on PostgreSQL, or into it: a load keeps its promise, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from warehouse import FIRST, TRANSFER, Warehouse, a_day, on, postgresql_warehouse, stamped

from dayfill.errors import ConnectorError, Permanent

TABLE = "CREATE TABLE visits (data_date date, version bigint)"
FUNCTION = "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {} END$$"
TRIGGER = "CREATE TRIGGER meddles BEFORE {} ON visits FOR EACH ROW EXECUTE FUNCTION meddle()"


@pytest.fixture
def warehouse(postgres_warehouses: Callable[[], str]) -> Warehouse:
    made = postgresql_warehouse(postgres_warehouses())
    made.load(a_day(stamped(1), names=("others",)))  # which makes the schema
    return made


def refusal(warehouse: Warehouse, token: int = 2, count: int = 10) -> ConnectorError:
    with pytest.raises(ConnectorError) as raised:
        warehouse.load(a_day(stamped(token, count), token=token))
    return raised.value


@pytest.mark.parametrize(
    "made, called",
    [
        ("CREATE VIEW visits AS SELECT NULL::date AS data_date, 1::bigint AS version", "visits is a view"),
        ("CREATE MATERIALIZED VIEW visits AS SELECT 1 AS version", "visits is a materialised view"),
        ("CREATE SEQUENCE visits", "visits is a sequence"),
        ("CREATE TYPE visits AS (version bigint)", "visits is a type"),
        ("CREATE INDEX visits ON others (version)", "visits is an index"),
    ],
)
def test_what_is_no_table_is_named_and_no_day_is_tried_again(warehouse: Warehouse, made: str, called: str) -> None:
    warehouse.ask(made)
    refused = refusal(warehouse)
    assert isinstance(refused, Permanent) and refused.fatal and refused.cause == "OWNERSHIP"
    assert called in refused.message and "choose another table name" in refused.message


def test_columns_that_somebody_has_added_are_left_alone(warehouse: Warehouse) -> None:
    """Whatever their names and types; they hold what they are declared to hold, and loads go on."""
    warehouse.load(a_day(stamped(1)))
    warehouse.ask("CREATE TYPE mood AS ENUM ('good')")
    for column in (
        "twice bigint GENERATED ALWAYS AS (version * 2) STORED",
        "id bigint GENERATED ALWAYS AS IDENTITY",
        "seen text NOT NULL DEFAULT 'new'",
        '"Version" text',
        '"a ""note""" text',
        "mood mood",
    ):
        warehouse.ask(f"ALTER TABLE visits ADD COLUMN {column}")
    warehouse.load(a_day(stamped(2), token=2), a_day(stamped(2, offset=1), 1, token=2))
    warehouse.load(a_day(stamped(3, extra=pa.array(["x"] * 10)), token=3))
    rows = warehouse.ask('SELECT DISTINCT version, twice, seen, "Version", extra FROM visits ORDER BY version')
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(2, 4, "new", None, None), (3, 6, "new", None, "x")]


def test_a_table_without_columns_gets_them(warehouse: Warehouse) -> None:
    warehouse.ask("CREATE TABLE visits ()")
    warehouse.load(a_day(stamped(1)))
    assert warehouse.readings() == {FIRST: [1] * 10}


@pytest.mark.parametrize(
    "meddling",
    [
        (FUNCTION.format("RETURN NULL;"), TRIGGER.format("INSERT")),
        (FUNCTION.format("NEW.data_date := NEW.data_date + 1; RETURN NEW;"), TRIGGER.format("INSERT")),
        (FUNCTION.format("RETURN NULL;"), TRIGGER.format("DELETE")),
        ("CREATE RULE meddles AS ON DELETE TO visits DO INSTEAD NOTHING",),
    ],
    ids=["no row goes in", "rows go elsewhere", "no row goes out", "a rule keeps rows"],
)
def test_a_trigger_that_keeps_rows_out_or_in_makes_no_day_loaded(warehouse: Warehouse, meddling: list[str]) -> None:
    """The driver counts what it sends, which then is not what is there."""
    warehouse.load(a_day(stamped(1)))
    for statement in meddling:
        warehouse.ask(statement)
    refused = refusal(warehouse)
    assert isinstance(refused, Permanent) and "where 10 came: a trigger or a rule" in refused.message
    assert warehouse.readings() == {FIRST: [1] * 10} and warehouse.ledger() == {
        ("others", FIRST): (1, 10),
        ("visits", FIRST): (1, 10),
    }


def test_a_trigger_that_lets_all_rows_through_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.ask(TABLE)
    warehouse.ask(FUNCTION.format("RETURN NEW;"))
    warehouse.ask(TRIGGER.format("INSERT"))
    warehouse.load(a_day(stamped(1)), a_day(stamped(1, offset=1), 1))
    warehouse.load(a_day(stamped(2), token=2))
    assert warehouse.readings() == {FIRST: [2] * 10, on(1): [1] * 10}


def test_a_table_in_parts_is_loaded_as_any_other(warehouse: Warehouse) -> None:
    warehouse.ask(f"{TABLE} PARTITION BY RANGE (data_date)")
    warehouse.ask("CREATE TABLE first PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2024-01-02')")
    warehouse.load(a_day(stamped(1)))
    warehouse.load(a_day(stamped(2), token=2))
    assert warehouse.readings() == {FIRST: [2] * 10}
    with pytest.raises(Permanent, match="no partition of relation"):
        warehouse.load(a_day(stamped(1, offset=1), 1))


@pytest.mark.parametrize(
    "made, said",
    [
        (("ALTER TABLE visits ADD UNIQUE (version)",), 'unique constraint "visits_version_key"'),
        (("ALTER TABLE visits ADD CHECK (version < 2)",), 'check constraint "visits_version_check"'),
        ((FUNCTION.format("RAISE 'no more';"), TRIGGER.format("INSERT")), "no more"),
    ],
)
def test_what_the_table_does_not_take_is_told_and_not_tried_again(
    warehouse: Warehouse, made: tuple[str, ...], said: str
) -> None:
    """A key that somebody has given the table was told as a race with another load, and attempts were spent on it."""
    warehouse.load(a_day(stamped(1, 1)))
    for statement in made:
        warehouse.ask(statement)
    refused = refusal(warehouse)
    assert isinstance(refused, Permanent) and refused.cause == "SCHEMA" and said in refused.message


def test_a_table_of_which_a_policy_hides_rows_is_neither_emptied_nor_counted(warehouse: Warehouse) -> None:
    """An empty day deleted what the policy lets see, nothing, and was loaded with all old rows there."""
    warehouse.load(a_day(stamped(1)))
    schema = warehouse.config.fields["schema"]
    warehouse.ask(f"CREATE ROLE seer_{schema} LOGIN")
    for statement in (
        f"GRANT ALL ON SCHEMA {schema} TO seer_{schema}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO seer_{schema}",
        "ALTER TABLE visits ENABLE ROW LEVEL SECURITY",
    ):
        warehouse.ask(statement)
    config = replace(warehouse.config, fields={**warehouse.config.fields, "user": f"seer_{schema}"})
    theirs = replace(warehouse, config=config)
    refused = refusal(theirs, count=0)
    assert isinstance(refused, Permanent) and refused.fatal and "BYPASSRLS" in refused.message
    with pytest.raises(Permanent, match="BYPASSRLS"):
        theirs.destination.held(theirs.config, TRANSFER, ["visits"])
    assert warehouse.readings() == {FIRST: [1] * 10}
    warehouse.ask(f"DROP OWNED BY seer_{schema}")
    warehouse.ask(f"DROP ROLE seer_{schema}")
