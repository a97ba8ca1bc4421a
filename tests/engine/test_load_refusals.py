"""Refusals that meet every day alike: asked once, told apart from the faults of one day, and of one load."""

from __future__ import annotations

import pytest

from dayfill.domain.run import Side
from dayfill.domain.slices import DestinationJob, SourceJob
from dayfill.errors import Permanent, Transient
from rig import ago
from slices import DAYS, PLAIN, Bench, causes


@pytest.mark.parametrize(
    "error", [Permanent("AUTH", "Revoked.", fatal=True), Transient("QUOTA", "No more today.", retry_after=60)], ids=repr
)
def test_days_tried_one_by_one_stop_where_all_others_would_fail_alike(bench: Bench, error: Exception) -> None:
    bench.source.on(ago(1), raises=[Permanent("DATA", "Wrong."), error])
    results = bench.load()
    assert causes(results) == {ago(1): error.cause, ago(2): error.cause}
    assert bench.source.reads == [DAYS, [ago(0)], [ago(1)]]
    assert bench.destination.loaded == [ago(0)]


def test_a_refused_login_is_not_asked_by_the_next_slice_either(bench: Bench) -> None:
    bench.source.on(ago(0), raises=[Transient("QUOTA", "No more today.", retry_after=60)])
    bench.load(ago(0))
    bench.seconds = 20
    results = bench.load(ago(1), source=PLAIN)
    failure = results[ago(1)].failure
    assert (failure.cause, failure.message, failure.retry_after) == ("QUOTA", "No more today.", 40)
    assert failure.parks is Side.SOURCE
    assert causes(bench.load(ago(1), source=SourceJob("FILES", {}, connection_id=2))) == {}
    bench.seconds = 60
    assert causes(bench.load(ago(1))) == {}
    assert bench.source.reads == [[ago(0)], [ago(1)], [ago(1)]]


@pytest.mark.parametrize(
    ("error", "parks"),
    [
        (Transient("QUOTA", "No."), Side.SOURCE),
        (Transient("RATE_LIMIT", "No."), Side.SOURCE),
        (Transient("RATE_LIMIT", "No.", day=ago(0)), None),
        (Transient("NETWORK", "No."), None),
        (Transient("NETWORK", "No.", retry_after=5), Side.SOURCE),
        (Permanent("QUOTA", "No."), None),
    ],
    ids=repr,
)
def test_only_a_refusal_of_all_parks_the_connection(bench: Bench, error: Exception, parks: Side | None) -> None:
    bench.source.on(ago(0), always=error)
    assert bench.load(ago(0))[ago(0)].failure.parks is parks


def test_a_fatal_fault_is_not_asked_for_day_by_day(bench: Bench) -> None:
    bench.source.on(ago(1), always=Permanent("AUTH", "The login was revoked.", fatal=True))
    results = bench.load()
    assert causes(results) == dict.fromkeys(DAYS, "AUTH")
    assert all(result.failure.fatal for result in results.values())
    assert bench.source.reads == [DAYS]


def test_a_fault_that_may_pass_fails_the_whole_reading(bench: Bench) -> None:
    bench.source.on(ago(1), raises=[Transient("RATE_LIMIT", "Slower.", retry_after=30)])
    results = bench.load()
    assert causes(results) == dict.fromkeys(DAYS, "RATE_LIMIT")
    assert all(result.failure.transient and result.failure.retry_after == 30 for result in results.values())
    assert {result.failure.parks for result in results.values()} == {Side.SOURCE}
    assert bench.destination.groups == []


AWAY = Transient("DESTINATION", "The warehouse does not answer.")


def test_a_destination_that_is_down_is_not_tried_day_by_day(bench: Bench) -> None:
    bench.destination.down = AWAY
    results = bench.load()
    assert causes(results) == dict.fromkeys(DAYS, "DESTINATION")
    assert {result.failure.parks for result in results.values()} == {Side.DESTINATION}
    assert bench.destination.uses == 2, "the load, then a look whether it is there at all"


def test_nor_is_one_that_goes_down_between_two_days(bench: Bench) -> None:
    bench.destination.fails = {ago(1): [Transient("BUSY", "Locked.")]}
    real = bench.destination.replace_days

    def going_down(*args: object) -> list[object]:
        bench.destination.down = AWAY if bench.destination.loaded else None
        return real(*args)

    bench.destination.replace_days = going_down  # type: ignore[method-assign]
    results = bench.load()
    assert causes(results) == {ago(1): "DESTINATION", ago(2): "DESTINATION"}
    assert bench.destination.loaded == [ago(0)]
    assert bench.destination.uses == 5, "three days and a look, the first one, the second and a look"


@pytest.mark.parametrize("cause", ["CONFLICT", "TIMEOUT"])
def test_a_load_that_met_another_one_needs_no_look(bench: Bench, cause: str) -> None:
    bench.destination.fails = {ago(0): [Transient(cause, "Try again.")]}
    failure = bench.load(ago(0))[ago(0)].failure
    assert (failure.cause, failure.parks, bench.destination.uses) == (cause, None, 1)


def test_a_wait_that_the_destination_states_is_no_wait_of_the_source(bench: Bench) -> None:
    bench.destination.fails = {ago(0): [Transient("DESTINATION", "Resuming.", retry_after=9)]}
    results = bench.load(ago(0))
    failure = results[ago(0)].failure
    assert (failure.retry_after, failure.parks, bench.destination.uses) == (9, Side.DESTINATION, 1)
    assert causes(bench.load(ago(0))) == {}


@pytest.mark.parametrize("down", [AWAY, None, Permanent("CONFIG", "There is no path.")], ids=repr)
def test_one_that_was_down_is_looked_at_before_the_source_is_read(bench: Bench, down: Exception | None) -> None:
    bench.destination.down = down
    results = bench.load(destination=DestinationJob("DWH_DUCKDB", {}, check_first=True))
    assert (bench.source.reads == []) == (down is AWAY)
    if down is AWAY:
        assert bench.destination.uses == 1
        assert {result.failure.parks for result in results.values()} == {Side.DESTINATION}
    else:
        assert causes(results) == (dict.fromkeys(DAYS, "CONFIG") if down else {})
