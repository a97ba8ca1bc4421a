"""The load: total, whatever happens; a fault of one day costs that day alone; errors that are safe to show."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from dayfill.domain.run import MESSAGE_LENGTH
from dayfill.domain.secret import Secret
from dayfill.domain.slices import Outcome, SourceJob
from dayfill.engine import extract
from dayfill.engine.content_hash import joined_hash
from dayfill.errors import Permanent, SealBroken, Transient
from dayfill.sources import SourceConfig
from rig import ago
from scripted import Kept, reader
from slices import DAYS, Bench, causes


def test_all_days_in_one_reading_and_one_transaction(bench: Bench) -> None:
    results = bench.load(tables=("visits", "costs"))
    assert {result.outcome for result in results.values()} == {Outcome.LOADED}
    assert len(bench.source.reads) == 2
    assert bench.destination.groups == [DAYS]
    one = results[ago(0)]
    assert (one.rows, one.failure, [q.table for q in one.queries]) == (4, None, ["visits", "costs"])
    [share] = {query.duration for result in results.values() for query in result.queries}
    assert share >= 0, "each day and table has the same share of the time"
    kept = {table: bench.destination.days[7, table, ago(0)] for table in ("visits", "costs")}
    assert one.content_hash == joined_hash({name: day.content_hash for name, day in kept.items()})
    assert {(day.token, day.run_id) for day in kept.values()} == {(100, 0)}


def test_a_permanent_fault_of_a_group_is_pinned_to_the_guilty_day(bench: Bench) -> None:
    bench.source.on(ago(1), other_dates=[ago(9)])
    results = bench.load()
    assert causes(results) == {ago(1): "DATA"}
    assert bench.source.reads == [DAYS, [ago(0)], [ago(1)], [ago(2)]]
    assert bench.destination.loaded == [ago(0), ago(2)]


@pytest.mark.parametrize("error", [Permanent("SCHEMA", "Column n."), Transient("BUSY", "Locked.")], ids=repr)
def test_days_that_cannot_be_loaded_together_are_loaded_alone(bench: Bench, error: Exception) -> None:
    bench.destination.fails = {ago(1): [error, error]}
    results = bench.load()
    assert causes(results) == {ago(1): error.cause}
    assert bench.destination.groups == [DAYS, [ago(0)], [ago(1)], [ago(2)]]
    assert bench.destination.loaded == [ago(0), ago(2)]


def test_a_newer_reading_in_the_destination_stays(bench: Bench) -> None:
    bench.destination.days[7, "visits", ago(1)] = Kept(500, 1, reader([]).read_all(), "newer")
    results = bench.load()
    assert [results[day].outcome for day in DAYS] == [Outcome.LOADED, Outcome.STALE, Outcome.LOADED]
    assert [results[day].greatest_token for day in DAYS] == [0, 500, 0]
    assert bench.destination.days[7, "visits", ago(1)].content_hash == "newer"


@pytest.mark.parametrize(
    "place", ["source", "destination", "extract", "before_load", "before_commit", "after_load", "unseal"]
)
def test_an_unknown_fault_costs_an_attempt_and_says_nothing_of_its_text(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("postgresql://me:secret@host")

    choice: dict[str, object] = {}
    if place == "source":
        monkeypatch.setattr(bench.source, "read_days", broken)
    elif place == "destination":
        monkeypatch.setattr(bench.destination, "replace_days", broken)
    elif place == "unseal":
        choice = {"source": SourceJob("FILES", {}, sealed=b"x"), "unseal": broken}
    else:
        choice = {"failpoint": lambda name: broken() if name == place else None}
    with capture_logs() as logs:
        results = bench.load(**choice)
    [said] = logs
    assert (said["event"], said["transfer_id"], said["exc_info"]) == ("load_failed", 7, True)
    assert causes(results) == dict.fromkeys(DAYS, "INTERNAL")
    for result in results.values():
        assert result.failure.transient
        assert result.failure.message == "Unexpected KeyError while loading; the server's log has the trace."


def test_credentials_are_opened_for_their_row_and_reach_the_source(bench: Bench) -> None:
    heard: list[object] = []
    real = bench.source.read_days
    bench.source.read_days = lambda *args: heard.append(args[0].secrets) or real(*args)  # type: ignore[method-assign]
    sealed = SourceJob("FILES", {}, sealed=b"sealed", sealed_for="1:connections:2:sealed")
    asked: list[tuple[bytes, str]] = []
    bench.load(source=sealed, unseal=lambda *args: asked.append(args) or b'{"key": "k"}')
    assert asked == [(b"sealed", "1:connections:2:sealed")]
    assert heard == [{"key": Secret("k")}]


def test_an_error_that_holds_a_secret_is_kept_without_it(bench: Bench) -> None:
    def refused(config: SourceConfig, *_: object) -> None:
        raise Permanent("AUTH", f"{'x' * 480} me:{config.secrets['key'].reveal()}@db and more")

    bench.source.read_days = refused  # type: ignore[assignment,method-assign]
    sealed = SourceJob("FILES", {}, sealed=b'{"key": "hunter2-in-use"}')
    for result in bench.load(source=sealed).values():
        assert result.failure is not None
        assert result.failure.message == f"{'x' * 480} me:***@db and more"
        assert {query.error for query in result.queries} == {result.failure.message}


def test_credentials_that_do_not_open_fail_every_day_alike(bench: Bench) -> None:
    def broken(*_: object) -> bytes:
        raise SealBroken("changed")

    results = bench.load(source=SourceJob("FILES", {}, sealed=b"x"), unseal=broken)
    assert causes(results) == dict.fromkeys(DAYS, "AUTH")
    failure = results[ago(0)].failure
    assert (failure.transient, failure.fatal) == (False, True)
    assert "enter them again" in failure.message


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\nb\tc\x1b[31md\x00e", "a b c [31md e"),
        ("left\u202eright\u2066", "left right "),
        ("Grüße, 日本語", "Grüße, 日本語"),
        ("x" * MESSAGE_LENGTH, "x" * MESSAGE_LENGTH),
        ("x" * (MESSAGE_LENGTH + 1), "x" * (MESSAGE_LENGTH - 1) + "…"),
    ],
    ids=["control", "direction", "words", "full", "too long"],
)
def test_what_a_source_says_is_made_safe_to_show(bench: Bench, said: str, shown: str) -> None:
    bench.source.on(ago(0), always=Permanent("DATA", said))
    result = bench.load(ago(0))[ago(0)]
    assert result.failure.message == shown
    assert {query.error for query in result.queries} == {shown}


def test_past_its_deadline_nothing_is_written(bench: Bench) -> None:
    def slow(name: str) -> None:
        bench.seconds += 61 if name == "before_load" else 0

    results = bench.load(failpoint=slow)
    assert causes(results) == dict.fromkeys(DAYS, "TIMEOUT")
    assert "deadline of 60 s" in results[ago(0)].failure.message
    assert bench.destination.groups == []


def test_past_its_deadline_nothing_is_committed(bench: Bench) -> None:
    real = bench.destination.replace_days

    def slow(*args: object) -> list[object]:
        bench.seconds += 61
        return real(*args)

    bench.destination.replace_days = slow  # type: ignore[method-assign]
    results = bench.load()
    assert causes(results) == dict.fromkeys(DAYS, "TIMEOUT")
    assert "not loaded within the deadline of 60 s" in results[ago(0)].failure.message
    assert bench.destination.loaded == []


def test_days_tried_one_by_one_share_the_deadline(bench: Bench) -> None:
    bench.source.on(ago(0), always=Permanent("DATA", "Wrong."))
    bench.source.seconds = lambda days: setattr(bench, "seconds", bench.seconds + 25)
    results = bench.load()
    assert causes(results) == {ago(0): "DATA", ago(1): "TIMEOUT", ago(2): "TIMEOUT"}
    assert bench.destination.loaded == []


def test_without_a_day_that_can_be_read_the_destination_is_left_alone(bench: Bench) -> None:
    bench.source.on(*DAYS, failed=Permanent("DATA", "Wrong."))
    assert causes(bench.load()) == dict.fromkeys(DAYS, "DATA")
    assert bench.destination.groups == []


def test_days_that_memory_cannot_hold_together_are_read_in_halves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [ago(n) for n in range(4)]
    bench.source.on(*days, rows=100)
    size = reader([ago(0)] * 100).read_all().nbytes
    monkeypatch.setattr(extract, "MAX_SLICE_BYTES", 2 * size)
    assert causes(bench.load(*days)) == {}
    assert bench.source.reads == [days, days[:2], days[2:]]
    assert bench.destination.groups == [days[:2], days[2:]]


def test_each_part_of_a_slice_that_was_too_large_opens_its_credentials(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "MAX_SLICE_BYTES", 1)
    told, real = [], bench.source.read_days

    def read_days(config: SourceConfig, *given: object) -> object:
        told.append(sorted(config.secrets))
        return real(config, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.source, "read_days", read_days)
    sealed = SourceJob("FILES", {}, sealed=b'{"token": "t"}', sealed_for="connection 1")
    results = bench.load(source=sealed, unseal=lambda text, whose: text if whose == "connection 1" else b"{}")
    assert {result.outcome for result in results.values()} == {Outcome.LOADED}
    assert len(told) > 1 and set(map(tuple, told)) == {("token",)}
