"""Jobs that travel arrive as they left, and of what comes back only results of just these days are taken."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.run import Failure, QueryDetail, Side
from dayfill.domain.slices import DayOrder, DayResult, DestinationJob, Outcome, Slice, SourceJob
from dayfill.domain.transfer import Account, Field, Segment, Table
from dayfill.engine import away
from dayfill.engine.away import Away, answered, pack, results
from dayfill.errors import SetupError, Transient

JOB = Slice(
    "here",
    team_id=1,
    transfer_id=7,
    source=SourceJob(
        "FILES", {"a": "x", "b": True, "c": 3, "d": None}, (Account("1"),), (Segment("me", 2),), sealed=b"\0\xff"
    ),
    tables=(Table("visits", (Field("day", "day", "DATE"),)), Table("clicks")),
    destination=DestinationJob("DWH_X", {"path": "p"}, b"sealed", "for", frozenset({1, 2}), True),
    days=(DayOrder(date(2024, 2, 29), 3, 2**40), DayOrder(date(2024, 2, 28), 4, 2**40 + 1)),
    deadline_seconds=1.5,
    reach=Reach(("/srv",), "/home", networks(["10.0.0.0/8", "::1"]), ("/srv/2",)),
)
DONE = [
    DayResult(3, 2**40, date(2024, 2, 29), Outcome.LOADED, 5, 6, "h", queries=(QueryDetail("visits", "ok", 5, 0.1),)),
    DayResult(
        4,
        2**40 + 1,
        date(2024, 2, 28),
        Outcome.FAILED,
        failure=Failure("X", "y", True, parks=Side.SOURCE, retry_after=1),
    ),
]


class OneJob:
    """A cluster that keeps what it is given."""

    slots, fault = 1, None

    def __init__(self) -> None:
        self.future: Future[bytes] = Future()

    def submit(self, job: bytes) -> Future[bytes]:
        return self.future

    def close(self) -> None: ...


def test_a_job_and_its_results_arrive_as_they_left() -> None:
    arrived: list[Slice] = []
    packed = answered(pack(JOB), lambda job: arrived.append(job) or DONE)  # type: ignore[func-returns-value]
    assert arrived == [JOB]
    assert results(packed, JOB) == DONE


def test_a_job_of_another_version_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(JOB)
    monkeypatch.setattr(away, "VERSION", "0.0.9/1")
    with pytest.raises(SetupError, match=r"A worker of the cluster runs dayfill 0\.0\.9/1, .*install the same"):
        answered(packed, lambda job: pytest.fail("it was"))


@pytest.mark.parametrize(
    "forged",
    [
        DONE[:1],
        DONE[::-1],
        [*DONE, DONE[0]],
        [replace(DONE[0], token=1), DONE[1]],
        [replace(DONE[0], run_id=9), DONE[1]],
        [replace(DONE[0], data_date=date(2024, 1, 1)), DONE[1]],
        [replace(DONE[0], rows="many"), DONE[1]],
        "no results",
    ],
    ids=["missing", "reversed", "more", "token", "run", "day", "type", "text"],
)
def test_results_of_anything_but_the_job_are_refused(forged: object) -> None:
    packed = answered(pack(JOB), lambda job: forged)  # type: ignore[arg-type,return-value]
    with pytest.raises((ValueError, msgspec.ValidationError)):
        results(packed, JOB)


def test_what_is_no_answer_is_an_error_of_the_future() -> None:
    cluster = OneJob()
    answer = Away(cluster, "token").submit(JOB)
    cluster.future.set_result(b"\xc1")
    assert isinstance(answer.exception(1), msgspec.DecodeError)


def test_an_error_of_the_cluster_is_handed_on_and_an_answer_unpacked() -> None:
    cluster = OneJob()
    answer = Away(cluster, "token").submit(JOB)
    cluster.future.set_exception(error := Transient("CLUSTER", "gone"))
    assert answer.exception(1) is error
    cluster = OneJob()
    answer = Away(cluster, "token").submit(JOB)
    cluster.future.set_result(answered(pack(JOB), lambda job: DONE))
    assert answer.result(1) == DONE


def test_a_cancel_reaches_the_cluster_and_what_it_says_then_counts_no_more() -> None:
    cluster = OneJob()
    answer = Away(cluster, "token").submit(JOB)
    assert answer.cancel() and cluster.future.cancelled()
    deaf = OneJob()
    deaf.future.set_running_or_notify_cancel()
    answer = Away(deaf, "token").submit(JOB)
    answer.cancel()
    deaf.future.set_result(b"late")
    assert answer.cancelled()
