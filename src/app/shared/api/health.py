"""What an orchestrator asks: is the process alive, and can it serve."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from app.shared.api.errors import NotReadyError

READY_WITHIN: Final = 2.0
"""Seconds within which the database must have answered."""

_NO_STORE = {"Cache-Control": "no-store"}
_log = structlog.get_logger("app.health")


def health_router(ready: Callable[[], Awaitable[None]]) -> APIRouter:
    """`ready` returns when the database answers and raises whatever it likes when not."""
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", response_class=JSONResponse)
    async def live() -> JSONResponse:
        """Answers as long as the event loop turns; restart the process when it does not."""
        return JSONResponse({"status": "live"}, headers=_NO_STORE)

    @router.get("/ready", response_class=JSONResponse)
    async def readiness() -> JSONResponse:
        """Answers 503 while the database is out of reach; send no requests until it is back."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                await ready()
        except Exception as error:
            _log.warning("not ready", error=type(error).__qualname__)
            raise NotReadyError(retry_after=1) from error
        return JSONResponse({"status": "ready"}, headers=_NO_STORE)

    return router
