"""Which nodes are asked whether they can load, and what follows, beside a cluster that does what the test says."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace as Of

import pytest
from ray.exceptions import RayTaskError, WorkerCrashedError

from dayfill.cluster import nodes
from dayfill.cluster.nodes import DOUBT_SECONDS, Nodes
from dayfill.errors import SetupError

OTHER = RayTaskError("greet", "trace", SetupError("Another release: install the same."))
NONE = RayTaskError("greet", "trace", ModuleNotFoundError("No module named 'dayfill'"))


def id_of(node: str) -> str:
    """As Ray writes it."""
    return node * 56


class Cluster:
    """cpus: of each node that is alive. asked: what was asked of it, one after the other."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now, self.cpus = 100.0, {"f": 0, "a": 2, "b": 2}
        self.asked: dict[str, list[Future[None]]] = {}
        patch.setattr(nodes, "ray", Of(nodes=self.nodes))
        patch.setattr(nodes, "time", Of(monotonic=lambda: self.now))
        patch.setattr(nodes, "greet", Of(options=self.options))

    def nodes(self) -> list[dict[str, object]]:
        there = [{"NodeID": id_of(node), "Alive": True, "Resources": {"CPU": n / 1}} for node, n in self.cpus.items()]
        return [*there, {"NodeID": id_of("e"), "Alive": False, "Resources": {"CPU": 8.0}}]

    def options(self, scheduling_strategy: Of) -> Of:
        assert not scheduling_strategy.soft, "nobody else answers for it"
        future: Future[None] = Future()
        self.asked.setdefault(scheduling_strategy.node_id[0], []).append(future)
        return Of(remote=lambda version: Of(future=lambda: future))

    def answer(self, node: str, error: Exception | None = None) -> None:
        asked = self.asked[node][-1]
        asked.set_exception(error) if error else asked.set_result(None)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(monkeypatch)


def test_each_node_with_cpus_is_asked_once_and_one_that_can_is_enough(cluster: Cluster) -> None:
    made = Nodes()
    assert [made.look(), made.look()] == [4, 4]
    assert {node: len(asked) for node, asked in cluster.asked.items()} == {"a": 1, "b": 1}
    assert (made.can_load, made.why_not) == (False, "")
    cluster.answer("a", OTHER)
    assert (made.can_load, made.why_not) == (False, ""), "the other may"
    cluster.answer("b")
    assert (made.can_load, made.why_not) == (True, "")


def test_if_none_can_it_says_why_each_reason_once_until_one_joins_that_may(cluster: Cluster) -> None:
    made = Nodes()
    cluster.cpus |= {"c": 1}
    made.look()
    for node, error in {"a": OTHER, "b": OTHER, "c": NONE}.items():
        cluster.answer(node, error)
    assert made.why_not.startswith("Another release: install the same. ModuleNotFoundError: No module named 'dayfill'.")
    assert "Install dayfill" in made.why_not and not made.can_load
    cluster.cpus |= {"d": 1}
    assert (made.look(), made.why_not) == (6, "")


def test_one_that_broke_off_with_the_question_is_asked_again_and_one_that_left_is_forgotten(cluster: Cluster) -> None:
    made = Nodes()
    made.look()
    cluster.answer("a", WorkerCrashedError())
    cluster.answer("b", OTHER)
    assert made.why_not == "" and not made.can_load
    made.look()
    assert len(cluster.asked["a"]) == 2 and len(cluster.asked["b"]) == 1
    del cluster.cpus["a"]
    assert made.look() == 2 and made.why_not == "Another release: install the same."


def test_after_a_worker_could_not_begin_all_are_asked_again_but_not_all_the_time(cluster: Cluster) -> None:
    made = Nodes()
    made.look()
    for node in ("a", "b"):
        cluster.answer(node)
    made.doubt()
    made.look()
    assert len(cluster.asked["a"]) == 1, "they have said so a moment ago"
    for _ in range(2):
        cluster.now += DOUBT_SECONDS + 1
        made.look()
    assert len(cluster.asked["a"]) == len(cluster.asked["b"]) == 2, "once for each doubt"
