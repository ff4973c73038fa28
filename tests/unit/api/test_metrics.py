"""The numbers that a Prometheus takes: requests by route, deliveries by outcome, the backlog."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from app.shared.api import event_metrics
from app.shared.api.event_metrics import EventMetrics
from app.shared.api.metrics import metrics_router
from app.shared.api.request_metrics import RequestMetrics
from app.shared.api.strict_json import module_router
from app.shared.application.backlog import Outcome, SubscriberLag
from app.shared.domain.errors import UnavailableError
from tests.unit.api.small_app import ask, small_app

SECRET = "s3cret-Zq9x"
BUSY = SubscriberLag(
    subscriber="lab.busy",
    owed=7,
    due=4,
    waiting=3,
    dead=2,
    more=False,
    oldest_age=3.5,
    last_delivered_at=datetime(2026, 1, 2, tzinfo=UTC),
)
IDLE = SubscriberLag(
    subscriber="lab.idle",
    owed=0,
    due=0,
    waiting=0,
    dead=0,
    more=False,
    oldest_age=None,
    last_delivered_at=None,
)


class DownError(UnavailableError):
    """The database is out of reach."""

    code = "down"
    detail = "Down."


async def backlog() -> Sequence[SubscriberLag]:
    return (BUSY, IDLE)


async def away() -> Sequence[SubscriberLag]:
    raise DownError


async def silent() -> Sequence[SubscriberLag]:
    await asyncio.Event().wait()
    return ()


def measured(
    look: Callable[[], Awaitable[Sequence[SubscriberLag]]] = backlog,
    outcomes: Counter[tuple[str, Outcome]] | None = None,
    *,
    dispatching: bool = True,
) -> FastAPI:
    router = module_router("/sample", ["sample"])

    @router.get("/things/{thing_id}")
    async def read(thing_id: str) -> str:
        return "thing"

    requests = RequestMetrics()
    events = EventMetrics(
        ("lab.busy",), Counter() if outcomes is None else outcomes, lambda: dispatching, look
    )
    registry = CollectorRegistry()
    registry.register(requests)
    registry.register(events)
    app = small_app(router, observe=requests.observe)
    app.include_router(metrics_router(registry, events.refresh))
    return app


async def scraped(app: FastAPI) -> dict[str, float]:
    """Every sample as `name{label=value,…}`."""
    answer = await ask(app, "GET", "/metrics")
    assert answer.status_code == 200
    return {
        f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))}}}": (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_requests_are_counted_by_their_route_and_status() -> None:
    app = measured()

    for number in range(3):
        await ask(app, "GET", f"/api/v1/sample/things/{number}")
    await ask(app, "POST", "/api/v1/sample/things/1")
    samples = await scraped(app)

    route = "route=/api/v1/sample/things/{thing_id}"
    assert samples[f"app_http_requests_total{{method=GET,{route},status=200}}"] == 3
    assert samples[f"app_http_requests_total{{method=POST,{route},status=405}}"] == 1
    assert samples[f"app_http_request_duration_seconds_count{{method=GET,{route}}}"] == 3
    assert samples[f"app_http_request_duration_seconds_sum{{method=GET,{route}}}"] > 0


async def test_nothing_that_a_client_chooses_becomes_a_label() -> None:
    app = measured()

    await ask(app, SECRET.upper(), f"/{SECRET}", params={"q": SECRET})
    await ask(app, "GET", f"/api/v1/sample/things/{SECRET}")
    answer = await ask(app, "GET", "/metrics")

    assert 'app_http_requests_total{method="other",route="unmatched",status="404"} 1.0' in (
        answer.text
    )
    assert SECRET.lower() not in answer.text.lower()


def test_a_duration_falls_into_the_buckets_that_it_fits() -> None:
    requests = RequestMetrics()
    registry = CollectorRegistry()
    registry.register(requests)

    for seconds in (0.0005, 0.05, 0.06, 11.0):
        requests.observe("GET", "/x", 200, seconds)

    bounds = ("0.001", "0.025", "0.05", "0.1", "10.0", "+Inf")
    assert [
        registry.get_sample_value(
            "app_http_request_duration_seconds_bucket",
            {"method": "GET", "route": "/x", "le": bound},
        )
        for bound in bounds
    ] == [1, 1, 2, 3, 3, 4]


async def test_the_backlog_is_shown_by_subscriber() -> None:
    samples = await scraped(measured())

    assert {name: value for name, value in samples.items() if "subscriber=lab" in name} == {
        "app_events_owed{subscriber=lab.busy}": 7,
        "app_events_owed{subscriber=lab.idle}": 0,
        "app_events_dead{subscriber=lab.busy}": 2,
        "app_events_dead{subscriber=lab.idle}": 0,
        "app_events_oldest_age_seconds{subscriber=lab.busy}": 3.5,
        "app_events_oldest_age_seconds{subscriber=lab.idle}": 0,
        "app_events_last_delivered_timestamp_seconds{subscriber=lab.busy}": 1767312000,
    } | {
        f"app_events_deliveries_total{{outcome={outcome},subscriber=lab.busy}}": 0
        for outcome in ("paid", "failed", "died", "discarded", "released", "lost")
    }


async def test_deliveries_are_counted_by_outcome_as_the_dispatcher_has_them() -> None:
    outcomes: Counter[tuple[str, Outcome]] = Counter()
    app = measured(outcomes=outcomes)
    await scraped(app)

    outcomes["lab.busy", "paid"] += 5
    samples = await scraped(app)

    deliveries = "app_events_deliveries_total{outcome=%s,subscriber=lab.busy}"
    assert (samples[deliveries % "paid"], samples[deliveries % "died"]) == (5, 0)


@pytest.mark.parametrize("dispatching", [True, False])
async def test_the_dispatcher_is_seen_to_be_up_or_down(dispatching: bool) -> None:
    samples = await scraped(measured(dispatching=dispatching))

    assert samples["app_events_dispatcher_up{}"] == dispatching


@pytest.mark.parametrize("look", [away, silent])
async def test_while_the_database_is_away_the_backlog_is_left_out_and_the_rest_is_there(
    look: Callable[[], Awaitable[Sequence[SubscriberLag]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_metrics, "KNOWN_WITHIN", 0.01)

    samples = await scraped(measured(look))

    assert samples["app_events_dispatcher_up{}"] == 1
    assert not [name for name in samples if name.startswith("app_events_owed")]


async def test_the_format_is_the_one_that_was_asked_for() -> None:
    app = measured()

    plain = await ask(app, "GET", "/metrics")
    modern = await ask(
        app, "GET", "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}
    )

    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert modern.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert modern.text.endswith("# EOF\n")
    assert plain.headers["cache-control"] == modern.headers["cache-control"] == "no-store"


async def test_a_scrape_is_logged_for_debugging_only() -> None:
    app = measured()

    with capture_logs() as lines:
        await ask(app, "GET", "/metrics")

    assert [line["log_level"] for line in lines] == ["debug"]


async def test_without_anybody_who_counts_requests_are_served_all_the_same() -> None:
    router = APIRouter()

    @router.get("/quiet")
    async def quiet() -> str:
        return "quiet"

    answer = await ask(small_app(router), "GET", "/api/v1/quiet")

    assert answer.json() == "quiet"
