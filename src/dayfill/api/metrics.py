"""What a monitoring system reads, in the text format of Prometheus.

Like /healthz it needs no key: it holds counts and times, nothing of any team, and a scraper has no team. Counters start
at 0 with the server; no figure costs more the longer the history is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Histogram
from prometheus_client.core import Metric
from prometheus_client.core import SummaryMetricFamily as Summary
from prometheus_client.registry import Collector

from dayfill.api.server import Server
from dayfill.api.traffic import BOUNDS, Traffic
from dayfill.api.wire import Answer
from dayfill.engine.vitals import Vitals
from dayfill.engine.work import Work
from dayfill.store.backlog import Backlog
from dayfill.store.parking import NOUN

_ENDS = [*(str(bound) for bound in BOUNDS), "+Inf"]


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


async def get(server: Server) -> Answer:
    vitals = await server.vitals()
    families = [*_of_requests(server.traffic), *_of_work(vitals.work), *_of_health(vitals)]
    if vitals.backlog is not None:
        families += _of_backlog(vitals.backlog, server.seams.now())
    registry = CollectorRegistry()
    registry.register(_Families(families))
    # In a thread: a thousand lines take milliseconds, in which the loop would answer nobody.
    text = await asyncio.to_thread(generate_latest, registry)
    return Answer(200, text, wrapped=False, headers={"Content-Type": CONTENT_TYPE})


def _of_requests(traffic: Traffic) -> Iterator[Metric]:
    requests = Counter("dayfill_http_requests", "Requests answered.", labels=["method", "route", "status"])
    seconds = Histogram(
        "dayfill_http_request_seconds", "From a request's head to its answer.", labels=["method", "route"]
    )
    for method, route, series in traffic.series():
        for of_hundred, count in series.classes.items():
            requests.add_metric([method, route, f"{of_hundred}xx"], count)
        buckets = list(zip(_ENDS, accumulate(series.buckets), strict=True))
        seconds.add_metric([method, route], buckets, series.seconds)
    yield requests
    yield seconds


def _of_work(work: Work) -> Iterator[Metric]:
    days = Counter(
        "dayfill_days_recorded", "Days that were tried, and what became of them.", labels=["type", "outcome"]
    )
    for (type_, ending), count in work.days.items():
        days.add_metric([type_.value, ending], count)
    yield days
    yield Counter("dayfill_rows_loaded", "Rows of the days that were loaded.", work.rows)
    yield Counter("dayfill_late_results", "Results that came after their day had been given to another try.", work.late)
    yield Summary(
        "dayfill_dispatcher_pass_seconds", "Passes of the dispatcher's loop, its sleep not included.", work.passes,
        work.pass_seconds,
    )  # fmt: skip


def _of_backlog(backlog: Backlog, now: datetime) -> Iterator[Metric]:
    runs = Gauge("dayfill_runs", "Runs that wait or run at this moment.", labels=["status"])
    runs.add_metric(["QUEUED"], backlog.queued)
    runs.add_metric(["RUNNING"], backlog.running)
    yield runs
    parked = Gauge("dayfill_parked", "Connections and destinations that rest because they refused.", labels=["kind"])
    for side, count in backlog.parked.items():
        parked.add_metric([NOUN[side]], count)
    yield parked
    waiting, late = _seconds_since(backlog.waiting_since, now), _seconds_since(backlog.next_slot, now)
    yield Gauge("dayfill_oldest_waiting_run_seconds", "How long the run waits that has waited longest.", waiting)
    yield Gauge("dayfill_schedule_lag_seconds", "By how much the next slot of all schedules is overdue.", late)


def _of_health(vitals: Vitals) -> Iterator[Metric]:
    yield Gauge("dayfill_dispatcher_fault", "1 while the dispatcher cannot work; /readyz says why.", bool(vitals.fault))
    if vitals.cluster is not None:
        outage, slots = vitals.cluster.outage, vitals.cluster.slots
        yield Gauge("dayfill_cluster_fault", "1 while the cluster takes nothing; the log says why.", outage is not None)
        yield Gauge("dayfill_cluster_slots", "Slices that the cluster takes at once.", slots)
    yield Gauge("dayfill_state_wal_bytes", "Size of the state's write-ahead log.", vitals.log_bytes)
    if vitals.checked_time is None:
        return
    violations = Gauge(
        "dayfill_invariant_violations", "What broke a rule of the state at the last check.", labels=["rule"]
    )
    for rule, count in vitals.violations.items():
        violations.add_metric([rule], count)
    yield violations
    seconds = vitals.checked_time.timestamp()
    yield Gauge("dayfill_invariant_check_timestamp_seconds", "When the rules were last checked.", seconds)
    yield Gauge("dayfill_invariant_check_duration_seconds", "How long the last check took.", vitals.check_seconds)


def _seconds_since(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max((now - moment).total_seconds(), 0.0)
