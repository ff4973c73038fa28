"""/docs, as somebody uses it who meets the API for the first time."""

from __future__ import annotations

import httpx
from playwright.async_api import Page, expect

from tests.e2e.visitor import ADDRESS, PASSWORD, Visitor


async def test_who_authorizes_with_address_and_password_can_try_the_api_out(
    page: Page, client: httpx.AsyncClient
) -> None:
    await Visitor(client).member()
    await page.goto("/docs")

    await page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    await dialog.locator("#oauth_username").fill(ADDRESS)
    await dialog.locator("#oauth_password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Apply given OAuth2 credentials").click()
    await dialog.get_by_role("button", name="Close").click()
    operation = page.locator(".opblock-get", has_text="/api/v1/users/me")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table")
    await expect(answer.locator(".response-col_status").last).to_contain_text("200")
    await expect(answer).to_contain_text("display_name")
