"""Probes: alive while the loop turns, ready while the database answers, and how far behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from app.shared.api import health
from app.shared.api.health import health_router
from app.shared.application.backlog import SubscriberLag
from app.shared.domain.errors import UnavailableError
from tests.unit.api.small_app import ask, small_app


class DownError(UnavailableError):
    """The database is out of reach."""

    code = "down"
    detail = "Down."


def _app(failure: Exception | None = None, *lags: SubscriberLag) -> FastAPI:
    async def ready() -> None:
        if failure is not None:
            raise failure

    async def backlog() -> Sequence[SubscriberLag]:
        await ready()
        return lags

    app = small_app()
    app.include_router(health_router(ready, backlog))
    return app


def lag(subscriber: str, *, owed: int = 0, dead: int = 0) -> SubscriberLag:
    return SubscriberLag(
        subscriber=subscriber,
        owed=owed,
        due=owed,
        waiting=0,
        dead=dead,
        more=False,
        oldest_age=owed / 2 if owed else None,
        last_delivered_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) if owed else None,
    )


async def test_a_process_that_can_serve_is_live_and_ready() -> None:
    app = _app()

    live = await ask(app, "GET", "/health/live")
    ready = await ask(app, "GET", "/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert live.headers["cache-control"] == ready.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("failure", [DownError(), OSError("refused"), RuntimeError("anything")])
async def test_without_its_database_a_process_is_live_and_not_ready(failure: Exception) -> None:
    app = _app(failure)

    live = await ask(app, "GET", "/health/live")
    ready = await ask(app, "GET", "/health/ready")

    assert live.status_code == 200
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert ready.headers["retry-after"] == "1"
    assert ready.headers["cache-control"] == "no-store"


async def test_a_database_that_does_not_answer_in_time_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "READY_WITHIN", 0.01)

    async def ready() -> None:
        await asyncio.Event().wait()

    async def backlog() -> Sequence[SubscriberLag]:
        return ()

    app = small_app(request_timeout=timedelta(minutes=1))
    app.include_router(health_router(ready, backlog))

    answer = await ask(app, "GET", "/health/ready")

    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


async def test_the_events_page_shows_names_and_numbers_of_every_subscriber() -> None:
    app = _app(None, lag("lab.busy", owed=7), lag("lab.idle"))

    answer = await ask(app, "GET", "/health/events")

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {
        "status": "owing",
        "owed": 7,
        "dead": 0,
        "oldest_age": 3.5,
        "subscribers": [
            {
                "subscriber": "lab.busy",
                "owed": 7,
                "due": 7,
                "waiting": 0,
                "dead": 0,
                "more": False,
                "oldest_age": 3.5,
                "last_delivered_at": "2026-01-02T03:04:05Z",
            },
            {
                "subscriber": "lab.idle",
                "owed": 0,
                "due": 0,
                "waiting": 0,
                "dead": 0,
                "more": False,
                "oldest_age": None,
                "last_delivered_at": None,
            },
        ],
    }


@pytest.mark.parametrize(
    ("lags", "status"),
    [
        ([], "clear"),
        ([lag("lab.idle")], "clear"),
        ([lag("lab.idle"), lag("lab.busy", owed=1)], "owing"),
        ([lag("lab.busy", owed=1), lag("lab.choked", dead=1)], "dead_letters"),
    ],
)
async def test_the_worst_of_the_subscribers_is_the_status_of_all(
    lags: list[SubscriberLag], status: str
) -> None:
    answer = await ask(_app(None, *lags), "GET", "/health/events")

    assert (answer.status_code, answer.json()["status"]) == (200, status)


async def test_however_much_is_owed_or_dead_the_process_is_ready() -> None:
    app = _app(None, lag("lab.busy", owed=1_000_000, dead=1_000))

    answer = await ask(app, "GET", "/health/ready")

    assert answer.status_code == 200


async def test_without_its_database_the_events_page_is_a_problem() -> None:
    answer = await ask(_app(DownError(retry_after=1)), "GET", "/health/events")

    assert (answer.status_code, answer.json()["code"]) == (503, "down")
    assert answer.headers["retry-after"] == "1"
