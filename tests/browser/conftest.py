"""A server on a socket with links that lead to itself, and a browser that opens them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import chromium, program
from tests.e2e.socket.server import Server, environment, free_port

PATIENCE = 60_000
"""Milliseconds: a busy machine takes its time."""

expect.set_options(timeout=PATIENCE)


@pytest.fixture
async def server(database: str, tmp_path: Path) -> AsyncIterator[Server]:
    program()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = environment(database, tmp_path, APP_PUBLIC_URL=url)
    server = Server.start(["serve", "--port", str(port)], env, tmp_path / "server.log")
    server.url = url
    try:
        await server.ready()
        yield server
        await server.stop()
    finally:
        await server.close_clients()
        server.kill()


@pytest.fixture
def client(server: Server) -> httpx.AsyncClient:
    return server.client()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def context(server: Server, browser: Browser) -> AsyncIterator[BrowserContext]:
    """One visitor's browser: whatever a page asks of another host is an error of the test."""
    elsewhere: list[str] = []
    context = await browser.new_context(base_url=server.url, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    context.on(
        "request",
        lambda request: (
            elsewhere.append(request.url)
            if not request.url.startswith((server.url, "data:", "blob:"))
            else None
        ),
    )
    yield context
    await context.close()
    assert elsewhere == []


@pytest.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A tab in which nothing goes wrong unseen."""
    errors: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
