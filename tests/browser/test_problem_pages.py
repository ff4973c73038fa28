"""/problems/{code}, which whoever meets a refusal may open wherever they are."""

from __future__ import annotations

from playwright.async_api import Page, expect

WIDTH = 320


async def test_on_a_phone_the_text_keeps_off_the_edges(page: Page) -> None:
    await page.set_viewport_size({"width": WIDTH, "height": 640})
    await page.goto("/problems/idempotency_key_malformed")

    text = await page.locator("main > p").first.bounding_box()

    assert text is not None
    assert text["x"] >= 16
    assert text["x"] + text["width"] <= WIDTH - 16
    assert await page.evaluate("document.documentElement.scrollWidth") == WIDTH


async def test_it_is_dark_for_whoever_wants_it_dark(page: Page) -> None:
    body = page.locator("body")
    await page.goto("/problems/throttled")
    await page.emulate_media(color_scheme="light")
    await expect(body).to_have_css("color", "rgb(27, 36, 48)")

    await page.emulate_media(color_scheme="dark")

    await expect(body).to_have_css("color", "rgb(230, 233, 238)")
    await expect(body).to_have_css("background-color", "rgb(20, 23, 28)")
