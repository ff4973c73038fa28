"""A small application with everything of the kernel installed, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from app.shared.api.boundary import Boundary
from app.shared.api.problems import Problems, install_problem_handlers
from app.shared.application.deployment import Deployment

PUBLIC_URL = "https://api.example.com"


def small_app(*routers: APIRouter, observe: Any = None, **facts: Any) -> FastAPI:
    """With the routers under /api/v1; `facts` are those of its deployment."""
    app = FastAPI(
        title="Small", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    problems = Problems(PUBLIC_URL)
    install_problem_handlers(app, problems)
    deployment = Deployment(**{"public_url": PUBLIC_URL, **facts})
    app.add_middleware(Boundary, problems=problems, deployment=deployment, observe=observe)
    app.state.provided = {}
    for router in routers:
        app.include_router(router, prefix="/api/v1")
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


async def ask(app: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    async with client_of(app) as client:
        return await client.request(method, path, **request)
