"""The health page and the metrics over a database with debts, without one, and at two processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.container import compose
from app.main import create_app
from app.shared.infrastructure.statements import Statements
from app.shared.web import web_app
from tests.e2e.conftest import MakeSettings, Serve, client_of, running
from tests.e2e.gateway import Gateway
from tests.e2e.visitor import refused

SUBSCRIBER = "users.create_profile"
OWE = """
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT gen_random_uuid(), 'auth.account_registered', 1, number::text, '{"secret": "Zq9x"}',
        '{}', now() - interval '1 hour'
    FROM generate_series(1, $2::int) AS number
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict, dead_at, last_error)
SELECT position, $1, key, false, CASE WHEN position % 2 = 0 THEN now() END, 'Zq9x in react'
FROM stored
"""
"""Half of them owed, half of them dead."""


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    gateway = Gateway(database)
    await gateway.open()
    yield gateway
    await gateway.cut()


async def samples(client: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    """By the names of the sample and of the subscriber or route."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, sample.labels.get("subscriber") or sample.labels.get("route", "")): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.labels.get("outcome", "paid") == "paid"
    }


async def samples_once_delivered(client: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    """What a delivery did may be seen a moment before it is counted."""
    async with asyncio.timeout(60):
        while not (found := await samples(client))["app_events_deliveries_total", SUBSCRIBER]:
            pass
    return found


async def test_a_backlog_and_dead_letters_are_shown_and_the_process_stays_ready(
    serve: Serve, statements: Statements
) -> None:
    async with serve(events={"dispatch": False}) as visitor:
        await statements.rows(OWE, SUBSCRIBER, 20_000)

        page = await visitor.client.get("/health/events")
        metrics = await samples(visitor.client)
        ready = await visitor.client.get("/health/ready")

    assert page.status_code == 200
    assert (page.json()["status"], page.json()["owed"], page.json()["dead"]) == (
        "dead_letters",
        10_000,
        10_000,
    )
    assert 3_600 <= page.json()["oldest_age"] < 4_000
    assert "Zq9x" not in page.text
    assert metrics["app_events_owed", SUBSCRIBER] == metrics["app_events_dead", SUBSCRIBER] == 10000
    assert metrics["app_events_oldest_age_seconds", SUBSCRIBER] >= 3_600
    assert metrics["app_events_dispatcher_up", ""] == 0
    assert ready.status_code == 200


async def test_a_success_is_seen_on_the_page_of_every_process_after_its_end(
    serve: Serve,
) -> None:
    async with serve() as visitor:
        await visitor.member()
        metrics = await samples_once_delivered(visitor.client)
    async with serve(events={"dispatch": False}) as visitor:
        page = (await visitor.client.get("/health/events")).json()
        metrics_of_another = await samples(visitor.client)

    last = {one["subscriber"]: one["last_delivered_at"] for one in page["subscribers"]}
    assert last[SUBSCRIBER] is not None
    assert page["status"] == "clear"
    assert metrics["app_events_deliveries_total", SUBSCRIBER] == 1
    assert metrics["app_events_dispatcher_up", ""] == 1
    assert metrics["app_http_requests_total", "/api/v1/auth/register"] == 1
    assert metrics_of_another["app_events_deliveries_total", SUBSCRIBER] == 0
    assert metrics_of_another["app_events_last_delivered_timestamp_seconds", SUBSCRIBER] > 0


async def test_a_dispatcher_that_ended_is_seen_and_the_process_stays_ready(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings()
    process = compose(settings)
    app = web_app(process, settings.deployment)
    async with running(app), client_of(app) as client:
        before = await samples(client)
        await process.dispatcher.stop()

        after = await samples(client)
        ready = await client.get("/health/ready")

        assert before["app_events_dispatcher_up", ""] == 1
        assert after["app_events_dispatcher_up", ""] == 0
        assert ready.status_code == 200


async def test_while_the_database_is_away_the_page_says_so_and_the_metrics_go_on(
    serve: Serve, gateway: Gateway
) -> None:
    async with serve(database_={"url": SecretStr(gateway.url)}) as visitor:
        await gateway.cut()
        refused(await visitor.client.get("/health/events"), 503, "database_unavailable")
        away = await samples(visitor.client)
        await gateway.open()
        page = await visitor.client.get("/health/events")
        back = await samples(visitor.client)

    assert ("app_events_owed", SUBSCRIBER) not in away
    assert away["app_http_requests_total", "/health/events"] == 1
    assert page.status_code == 200
    assert back["app_events_owed", SUBSCRIBER] == 0


async def test_many_who_ask_at_once_are_answered_by_few_looks(
    serve: Serve, statements: Statements
) -> None:
    async with serve(events={"dispatch": False}) as visitor:
        await statements.rows(OWE, SUBSCRIBER, 2)

        answers = await asyncio.gather(*(visitor.client.get("/health/events") for _ in range(50)))

    # Two looks never see the same age. One is right; a slow machine may need another or two.
    assert 1 <= len({answer.json()["oldest_age"] for answer in answers}) <= 5


async def test_two_applications_of_one_process_count_apart(make_settings: MakeSettings) -> None:
    one, other = create_app(make_settings()), create_app(make_settings())

    async with client_of(one) as client:
        await client.get("/health/live")
        counted = await samples(client)
    async with client_of(other) as client:
        of_the_other = await samples(client)

    assert counted["app_http_requests_total", "/health/live"] == 1
    assert ("app_http_requests_total", "/health/live") not in of_the_other
