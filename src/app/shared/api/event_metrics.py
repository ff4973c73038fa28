"""What is owed to each subscriber, and what became of the deliveries of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, get_args

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.shared.application.backlog import Outcome, SubscriberLag
from app.shared.domain.errors import UnavailableError

KNOWN_WITHIN: Final = 2.0
"""Seconds within which the database must have answered; the scraper does not wait for ever."""

_log = structlog.get_logger("app.metrics")


class EventMetrics(Collector):
    """The backlog as the database has it, beside what the dispatcher of this process did.

    While the database is away the first is left out, so that nobody takes it for an empty one.
    """

    def __init__(
        self,
        subscribers: Collection[str],
        outcomes: Mapping[tuple[str, Outcome], int],
        is_dispatching: Callable[[], bool],
        backlog: Callable[[], Awaitable[Sequence[SubscriberLag]]],
    ) -> None:
        self._subscribers = subscribers
        self._outcomes = outcomes
        self._is_dispatching = is_dispatching
        self._backlog = backlog
        self._lags: Sequence[SubscriberLag] = ()

    async def refresh(self) -> None:
        """Ask for what `collect`, which cannot wait, is going to show."""
        try:
            async with asyncio.timeout(KNOWN_WITHIN):
                self._lags = await self._backlog()
        except (UnavailableError, TimeoutError) as error:
            _log.warning("metrics without the backlog", error=type(error).__qualname__)
            self._lags = ()

    def collect(self) -> Iterator[Metric]:
        up = int(self._is_dispatching())
        yield GaugeMetricFamily(
            "app_events_dispatcher_up", "Whether this process delivers events.", value=up
        )
        deliveries = CounterMetricFamily(
            "app_events_deliveries",
            "Deliveries that this process brought to an end, by what became of them.",
            labels=("subscriber", "outcome"),
        )
        for subscriber in self._subscribers:
            for outcome in get_args(Outcome):
                # From zero on, or the first one would be no increase.
                count = self._outcomes.get((subscriber, outcome), 0)
                deliveries.add_metric((subscriber, outcome), count)
        yield deliveries
        if self._lags:
            yield from _backlog(self._lags)


def _backlog(lags: Sequence[SubscriberLag]) -> Iterator[Metric]:
    labels = ("subscriber",)
    owed = GaugeMetricFamily("app_events_owed", "Deliveries owed.", labels=labels)
    oldest = GaugeMetricFamily(
        "app_events_oldest_age_seconds",
        "How long ago the oldest event that is owed was stored; 0 when none is.",
        labels=labels,
    )
    dead = GaugeMetricFamily("app_events_dead", "Dead letters.", labels=labels)
    last = GaugeMetricFamily(
        "app_events_last_delivered_timestamp_seconds",
        "When a delivery last succeeded, in any process; absent when none ever did.",
        labels=labels,
    )
    for lag in lags:
        here = (lag.subscriber,)
        owed.add_metric(here, lag.owed)
        oldest.add_metric(here, lag.oldest_age or 0)
        dead.add_metric(here, lag.dead)
        if lag.last_delivered_at is not None:
            last.add_metric(here, lag.last_delivered_at.timestamp())
    yield from (owed, oldest, dead, last)
