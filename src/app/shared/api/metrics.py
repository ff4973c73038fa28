"""What a Prometheus asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from app.shared.api.route_tree import operation_id


def metrics_router(
    registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]]
) -> APIRouter:
    """`refresh` is awaited before the registry's collectors, which cannot wait, are asked."""
    router = APIRouter(tags=["health"], generate_unique_id_function=operation_id)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics(request: Request) -> PlainTextResponse:
        """The numbers of this process, and of the events in the database, for Prometheus."""
        await refresh()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        headers = {"Cache-Control": "no-store", "Content-Type": content_type}
        return PlainTextResponse(encode(registry), headers=headers)

    return router
