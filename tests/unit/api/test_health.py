"""Probes: alive while the loop turns, ready while the database answers."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI

from app.shared.api import health
from app.shared.api.health import health_router
from app.shared.domain.errors import UnavailableError
from tests.unit.api.small_app import ask, small_app


class DownError(UnavailableError):
    """The database is out of reach."""

    code = "down"
    detail = "Down."


def _app(failure: Exception | None = None) -> FastAPI:
    async def ready() -> None:
        if failure is not None:
            raise failure

    app = small_app()
    app.include_router(health_router(ready))
    return app


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

    app = small_app(request_timeout=1)
    app.include_router(health_router(ready))

    answer = await ask(app, "GET", "/health/ready")

    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
