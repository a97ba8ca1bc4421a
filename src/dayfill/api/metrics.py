"""What a monitoring system reads, in the text format of Prometheus.

Like /healthz it needs no key: it holds counts and times, nothing of any team, and a scraper has no team.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

from dayfill.api.wire import Answer, Server
from dayfill.engine.vitals import Vitals


class _Families(Collector):
    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[Gauge]:
        vitals = self._vitals
        yield Gauge(
            "dayfill_dispatcher_fault", "1 while the dispatcher cannot work; /readyz says why.", bool(vitals.fault)
        )
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


async def get(server: Server) -> Answer:
    registry = CollectorRegistry()
    registry.register(_Families(server.vitals()))
    return Answer(200, generate_latest(registry), wrapped=False, headers={"Content-Type": CONTENT_TYPE})
