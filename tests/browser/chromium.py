"""The browser of the machine, driven by Playwright; the one that Playwright would fetch is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def program() -> str:
    """Where Chromium is."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing = "needs a browser: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Its sandbox needs rights that root in a container has not; what it opens here is ours."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()
