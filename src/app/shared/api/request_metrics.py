"""How many requests there were and how long they took, by route and never by path."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Whatever else a client sends as a method is counted as `other`: it could invent any number."""

_BOUNDS = (*map(str, BUCKETS), "+Inf")


class RequestMetrics(Collector):
    """Counts in plain numbers of its own: on one event loop a lock per request protects nothing."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def observe(self, method: str, route: str | None, status: int, seconds: float) -> None:
        place = (method if method in METHODS else "other", route or "unmatched")
        self._requests[*place, status] += 1
        buckets = self._buckets.get(place)
        if buckets is None:
            buckets = self._buckets[place] = [0] * len(_BOUNDS)
            self._seconds[place] = 0.0
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[place] += seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "app_http_requests", "Requests answered.", labels=("method", "route", "status")
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric((method, route, str(status)), count)
        yield requests
        durations = HistogramMetricFamily(
            "app_http_request_duration_seconds",
            "From the request line to the end of the answer.",
            labels=("method", "route"),
        )
        for place, buckets in self._buckets.items():
            cumulated = [*zip(_BOUNDS, accumulate(buckets), strict=True)]
            durations.add_metric(place, cumulated, self._seconds[place])
        yield durations
