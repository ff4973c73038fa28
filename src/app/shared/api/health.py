"""What an orchestrator and an operator ask: is it alive, can it serve, does it fall behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from app.shared.api.errors import NotReadyError
from app.shared.api.refusals import refusals
from app.shared.api.route_tree import operation_id
from app.shared.application.backlog import SubscriberLag

READY_WITHIN: Final = 2.0
"""Seconds within which the database must have answered."""

_NO_STORE = {"Cache-Control": "no-store"}
_log = structlog.get_logger("app.health")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsHealth:
    """How far behind the deliveries are; names of subscribers and numbers, nothing else."""

    status: Literal["clear", "owing", "dead_letters"]
    owed: int
    dead: int
    oldest_age: float | None
    """Seconds."""
    subscribers: Sequence[SubscriberLag]


def health_router(
    ready: Callable[[], Awaitable[None]],
    backlog: Callable[[], Awaitable[Sequence[SubscriberLag]]],
) -> APIRouter:
    """`ready` returns when the database answers and raises whatever it likes when not."""
    router = APIRouter(prefix="/health", tags=["health"], generate_unique_id_function=operation_id)

    @router.get("/live", response_class=JSONResponse)
    async def live() -> JSONResponse:
        """Answers as long as the event loop turns; restart the process when it does not."""
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    @router.get("/ready", response_class=JSONResponse, responses=refusals(NotReadyError))
    async def readiness() -> JSONResponse:
        """Answers 503 while the database is out of reach; send no requests until it is back."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                await ready()
        except Exception as error:
            _log.warning("not ready", error=type(error).__qualname__)
            raise NotReadyError(retry_after=1) from error
        return JSONResponse({"status": "ready"}, headers=_NO_STORE)

    @router.get("/events")
    async def events(response: Response) -> EventsHealth:
        """What is owed to each subscriber; however much it is, the process is ready."""
        response.headers.update(_NO_STORE)
        return _events_health(await backlog())

    return router


def _events_health(subscribers: Sequence[SubscriberLag]) -> EventsHealth:
    owed = sum(one.owed for one in subscribers)
    dead = sum(one.dead for one in subscribers)
    ages = [one.oldest_age for one in subscribers if one.oldest_age is not None]
    return EventsHealth(
        status="dead_letters" if dead else "owing" if owed else "clear",
        owed=owed,
        dead=dead,
        oldest_age=max(ages, default=None),
        subscribers=subscribers,
    )
