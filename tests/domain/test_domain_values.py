"""The values of the domain: they cannot change under anybody's hands, and a slice can travel to a worker."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from datetime import date
from importlib import import_module
from pkgutil import iter_modules

import pytest

import dayfill.domain
from dayfill.domain.slices import DayOrder, DestinationJob, Slice, SourceJob
from dayfill.domain.transfer import TYPE_PATTERN, Account, Field, Segment, Table

MODULES = [import_module(f"dayfill.domain.{module.name}") for module in iter_modules(dayfill.domain.__path__)]
VALUES = [
    value
    for module in MODULES
    for _, value in inspect.getmembers(module, inspect.isclass)
    if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
]


def test_there_are_values_to_look_at() -> None:
    assert len(VALUES) > 15


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_a_value_is_frozen_and_takes_no_new_names(value: type) -> None:
    assert value.__dataclass_params__.frozen
    assert "__slots__" in vars(value)


def test_a_slice_arrives_in_a_worker_as_it_left() -> None:
    job = Slice(
        installation_id="one",
        team_id=1,
        transfer_id=2,
        source=SourceJob(
            "FILES",
            {"path": "flights.csv", "header": True, "skip": 1, "encoding": None},
            (Account("me", 1, "a"),),
            (Segment("me", 1, "s", "All"),),
            "America/New_York",
            b"sealed",
            "connection:1",
        ),
        tables=(Table("FLIGHTS", (Field("dep_delay", "dep_delay", "INTEGER"),)),),
        destination=DestinationJob("DWH_DUCKDB", {"path": "warehouse.duckdb"}),
        days=(DayOrder(date(2013, 12, 31), run_id=7, token=8),),
        deadline_seconds=3600,
    )
    assert pickle.loads(pickle.dumps(job)) == job


@pytest.mark.parametrize(
    "text",
    ["STRING", "INTEGER", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "DECIMAL(1,0)", "DECIMAL(38, 10)"],
)
def test_a_data_type_is_known(text: str) -> None:
    assert TYPE_PATTERN.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    ["", "string", "INT", "STRING ", "DECIMAL", "DECIMAL(0,0)", "DECIMAL(39,0)", "DECIMAL(10)", "DECIMAL(1\u0660,0)"],
)
def test_another_data_type_is_not(text: str) -> None:
    assert not TYPE_PATTERN.fullmatch(text)
