"""What the driver makes of jobs and of what becomes of them, beside a cluster that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from ray.exceptions import RayError, RayTaskError, TaskCancelledError, WorkerCrashedError

from dayfill import __version__
from dayfill.cluster import loads
from dayfill.cluster.loads import Answer, Ended, Loads
from dayfill.executors.frames import Order, Told


class Cluster:
    """Tasks in the order in which they were begun."""

    def __init__(self) -> None:
        self.tasks: list[tuple[list[bytes], Future[Answer]]] = []
        self.cancelled: list[object] = []
        self.ended: list[Ended] = []
        self.doubts = 0
        self.now = 100.0

    def remote(self, jobs: list[bytes]) -> SimpleNamespace:
        future: Future[Answer] = Future()
        self.tasks.append((jobs, future))
        return SimpleNamespace(future=lambda: future)

    def cancel(self, ref: SimpleNamespace, force: bool) -> None:
        assert force
        self.cancelled.append(ref.future())

    def doubt(self) -> None:
        self.doubts += 1

    def sizes(self) -> list[int]:
        return [len(jobs) for jobs, _ in self.tasks]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(loads, "load", made)
    monkeypatch.setattr(loads, "ray", made)
    monkeypatch.setattr(loads, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture
def begin(cluster: Cluster) -> Callable[[int, int], Loads]:
    """So many jobs, named by their numbers, on so many CPUs."""

    def begun(cpus: int, jobs: int) -> Loads:
        made = Loads(cluster.ended.append, cluster.doubt)
        cluster.now += 1
        assert made.meet([cpus]) == [Told("slots", 2 * cpus)]
        assert made.meet([Order(number, b"%d" % number) for number in range(jobs)]) == []
        return made

    return begun


def fail(cluster: Cluster, task: int, error: Exception) -> None:
    cluster.tasks[task][1].set_exception(error)


def test_jobs_that_fit_have_tasks_of_their_own_and_more_share_them(
    cluster: Cluster, begin: Callable[[int, int], Loads]
) -> None:
    begin(2, 4)
    assert cluster.sizes() == [1, 1, 1, 1]
    cluster.tasks.clear()
    made = begin(2, 9)
    assert cluster.sizes() == [3, 2, 2, 2]
    assert made.meet([Order(10, b"10")]) == [] and cluster.sizes() == [3, 2, 2, 2], "every place is taken"
    cluster.tasks[0][1].set_result(([b"a", b"b"], 3.0))
    assert made.meet(cluster.ended) == [Told("done", 0, b"a"), Told("done", 1, b"b")]
    assert cluster.tasks[-1][0] == [b"2", b"10"], "what was not begun comes first"


def test_quick_ones_share_a_task_while_they_are_quick(cluster: Cluster, begin: Callable[[int, int], Loads]) -> None:
    made = begin(2, 1)
    for number in range(3):
        cluster.tasks[-1][1].set_result(([b""], 0.001))
        made.meet([*cluster.ended, Order(10 + number, b"")])
        cluster.ended.clear()
    made.meet([Order(number, b"") for number in range(20, 24)])
    assert cluster.sizes()[-1] == 4, "three places more are free"
    cluster.tasks[-1][1].set_result(([b""] * 4, 8.0))
    made.meet([*cluster.ended, *(Order(number, b"") for number in range(30, 33))])
    assert cluster.sizes()[-3:] == [1, 1, 1]


def test_more_is_taken_the_faster_it_goes(cluster: Cluster, begin: Callable[[int, int], Loads]) -> None:
    made = begin(2, 40)
    for _, future in cluster.tasks:
        future.set_result(([b""] * 10, 5.0))
    cluster.now += 1
    assert made.meet([*cluster.ended, 2])[-1] == Told("slots", 4 + 10), "a quarter of what was done in a second"
    cluster.now += 1
    assert made.meet([2]) == [Told("slots", 4)]


def test_after_a_worker_was_lost_with_several_each_is_given_back_and_runs_alone(
    cluster: Cluster, begin: Callable[[int, int], Loads]
) -> None:
    made = begin(1, 4)
    fail(cluster, 0, WorkerCrashedError())
    assert made.meet(cluster.ended) == [Told("again", 0), Told("again", 1)]
    made.meet([Order(number, b"") for number in range(10, 14)])
    assert cluster.sizes() == [2, 2, 1]
    fail(cluster, 2, WorkerCrashedError())
    (told,) = made.meet(cluster.ended[1:])
    assert (told.what, told.number) == ("lost", 10)
    cluster.now += loads.CAREFUL_SECONDS
    cluster.tasks[3][1].set_result(([b""], 3.0))
    made.meet(cluster.ended[2:])
    assert cluster.sizes() == [2, 2, 1, 1, 2]


def test_a_cancel_ends_what_runs_and_takes_back_what_waits(
    cluster: Cluster, begin: Callable[[int, int], Loads]
) -> None:
    made = begin(1, 4)
    made.meet([Order(4, b"4")])
    assert made.meet([Order(4)]) == [Told("cancelled", 4)] and not cluster.cancelled
    assert made.meet([Order(1), Order(99)]) == [] and cluster.cancelled == [cluster.tasks[0][1]]
    fail(cluster, 0, TaskCancelledError())
    assert made.meet(cluster.ended) == [Told("again", 0), Told("cancelled", 1)]


def test_a_task_of_several_that_is_stuck_is_ended(cluster: Cluster, begin: Callable[[int, int], Loads]) -> None:
    made = begin(1, 3)
    assert cluster.sizes() == [2, 1]
    cluster.now += loads.STUCK_SECONDS + 1
    made.meet([1])
    assert cluster.cancelled == [cluster.tasks[0][1]], "a slice alone has until its deadline"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TaskCancelledError(), Told("cancelled", 0)),
        (RayTaskError("load", "trace\nno dayfill", ImportError("x\nno dayfill")), None),
        (WorkerCrashedError(), None),
        (RayError("trace\ndied"), Told("lost", 0, text="died")),
        (ConnectionError("trace\naway"), Told("gone", 0, text="away")),
    ],
)
def test_what_became_of_one_alone_is_told(
    cluster: Cluster, begin: Callable[[int, int], Loads], error: Exception, told: Told | None
) -> None:
    made = begin(1, 1)
    fail(cluster, 0, error)
    (found,) = made.meet(cluster.ended)
    if isinstance(error, RayTaskError):
        what = f"ImportError: no dayfill. Install dayfill {__version__} on every node, as on the server."
        assert found == Told("unfit", 0, text=what) and cluster.doubts == 1
    elif told is None:
        assert found.what == "lost" and "died" in found.text
    else:
        assert found == told and not cluster.doubts


def test_several_that_a_worker_could_not_begin_are_no_fault_of_theirs(
    cluster: Cluster, begin: Callable[[int, int], Loads]
) -> None:
    made = begin(1, 4)
    fail(cluster, 0, RayTaskError("load", "trace", ImportError("no dayfill")))
    assert [one.what for one in made.meet(cluster.ended)] == ["unfit", "unfit"] and cluster.doubts == 1
    assert made.meet([Order(8, b""), Order(9, b"")]) == [] and cluster.sizes() == [2, 2, 2], "nobody died"


def test_the_load_of_several_begins_no_more_once_it_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 0.5, 1.5, 1.6])
    monkeypatch.setattr(loads, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    monkeypatch.setattr("dayfill.cluster.worker.load", bytes.upper)
    assert loads.load._function([b"a", b"b", b"c"]) == ([b"A", b"B"], 1.6)
