"""Requests as the log and the metrics tell of them: a line for each, and counts. On a GET both cost microseconds."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar

import structlog

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper ends of the buckets in which durations are counted, in seconds; longer ones have a bucket of their own."""
NO_ROUTE = "none"
"""The route of a request whose path leads nowhere: what a stranger types must not become a label."""
UNREAD = "unread"
"""The method of what was refused before it was a request."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE", UNREAD}

current: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that is being answered, for every line that the log gets meanwhile."""


class Trace:
    """What becomes known of a request on its way. route: the path with its ids as names, so it tells of no object."""

    __slots__ = ("key_id", "request_id", "route", "team_id")

    def __init__(self, request_id: str, route: str = NO_ROUTE, team_id: int | None = None) -> None:
        self.request_id = request_id
        self.route = route
        self.team_id = team_id
        self.key_id: str | None = None


class Series:
    """All requests of one method and route: how many took how long, and which class of status they got."""

    __slots__ = ("buckets", "classes", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.classes: Counter[int] = Counter()
        self.seconds = 0.0


class Traffic:
    """The requests that a server has answered since it started."""

    def __init__(self) -> None:
        # Bound once: the lazy logger of a module is bound anew at each call, which costs more than the rest of this.
        self._log = structlog.get_logger(__name__).bind()
        self._tells_all = self._log.is_enabled_for(logging.DEBUG)
        self._series: dict[tuple[str, str], Series] = {}

    def answered(self, trace: Trace, method: str, status: int, seconds: float) -> None:
        """Count a request, and tell of it: changes and refusals at level info, the rest at debug."""
        key = (method, trace.route)
        series = self._series.get(key)
        if series is None:
            series = self._series.setdefault((method if method in _METHODS else "other", trace.route), Series())
        series.buckets[bisect_left(BOUNDS, seconds)] += 1
        series.classes[status // 100] += 1
        series.seconds += seconds
        is_told = status >= 400 or method not in _SAFE
        if is_told or self._tells_all:
            self._tell(trace, method, status, seconds, logging.INFO if is_told else logging.DEBUG)

    def _tell(self, trace: Trace, method: str, status: int, seconds: float, level: int) -> None:
        # Never the path, which names objects, nor the query, which may carry a key.
        self._log.log(
            level,
            "request",
            request_id=trace.request_id,
            method=method[:20],
            route=trace.route,
            status=status,
            team_id=trace.team_id,
            key_id=trace.key_id,
            ms=round(seconds * 1000, 2),
        )

    def series(self) -> Iterator[tuple[str, str, Series]]:
        """Method, route and counts; the method is "other" where it is none of HTTP's usual ones."""
        for (method, route), series in self._series.items():
            yield method, route, series
