"""The mailbox of development, as a developer uses it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from app.modules.auth.domain.mail_kind import MailKind
from app.shared.application.mailer import Mail
from app.shared.infrastructure.mail.folder_mailer import FolderMailer
from app.shared.infrastructure.mail.message import Sender
from tests.e2e.socket.server import Server
from tests.e2e.visitor import ADDRESS, Visitor

NEW_PASSWORD = "eight loud badgers paint"


async def open_mail(page: Page, subject: str) -> None:
    """Wait for it: mail is sent when the request is over."""
    link = page.get_by_role("link", name=subject)
    await page.goto("/dev/mailbox")
    while not await link.count():
        await page.reload()
    await link.click()


async def follow(context: BrowserContext, page: Page, name: str) -> Page:
    """The link in the mail's HTML opens a tab of its own, which forgets the token's address."""
    async with context.expect_page() as opened:
        await page.frame_locator("iframe").get_by_role("link", name=name).click()
    landing = await opened.value
    await landing.wait_for_url(lambda url: "#" not in url)
    return landing


@pytest.fixture
def visitor(client: httpx.AsyncClient) -> Visitor:
    return Visitor(client)


async def test_an_address_is_confirmed_by_the_link_in_its_mail(
    context: BrowserContext, page: Page, visitor: Visitor
) -> None:
    await visitor.register()
    await open_mail(page, "Confirm your e-mail address")
    landing = await follow(context, page, "Confirm this address")

    await landing.get_by_role("button", name="Confirm").click()

    await expect(landing.get_by_role("status")).to_have_text("Your address is confirmed.")
    tokens = (await visitor.log_in()).json()
    account = await visitor.account(tokens["access_token"])
    assert account.json()["email_verified"] is True


async def test_a_forgotten_password_is_replaced_by_the_link_in_its_mail(
    context: BrowserContext, page: Page, visitor: Visitor
) -> None:
    await visitor.register()
    await visitor.client.post("/api/v1/auth/password/forgot", json={"email": ADDRESS})
    await open_mail(page, "Choose a new password")
    landing = await follow(context, page, "Choose a new password")
    button = landing.get_by_role("button", name="Set the password")
    status = landing.get_by_role("status")

    await landing.get_by_label("New password").fill("short")
    await button.click()
    await expect(status).to_contain_text("15")
    await landing.get_by_label("New password").fill(NEW_PASSWORD)
    await button.click()

    await expect(status).to_have_text("Your password is set. Log in with it.")
    assert (await visitor.log_in(password=NEW_PASSWORD)).status_code == 200


async def test_opening_a_link_does_nothing_yet(
    context: BrowserContext, page: Page, visitor: Visitor
) -> None:
    await visitor.register()
    await open_mail(page, "Confirm your e-mail address")
    await follow(context, page, "Confirm this address")

    again = await follow(context, page, "Confirm this address")
    await again.get_by_role("button", name="Confirm").click()

    await expect(again.get_by_role("status")).to_have_text("Your address is confirmed.")


async def test_a_link_without_its_token_says_so(page: Page) -> None:
    await page.goto("/verify-email")

    await expect(page.get_by_role("status")).to_contain_text("no token")
    await expect(page.get_by_role("button")).to_be_hidden()


async def test_a_cleared_mailbox_is_empty(page: Page, visitor: Visitor) -> None:
    await visitor.register()
    await open_mail(page, "Confirm your e-mail address")
    await page.get_by_role("link", name="Mails").click()

    await page.get_by_role("button", name="Clear").click()

    await expect(page.get_by_text("No mail yet.")).to_be_visible()


async def test_a_hostile_mail_runs_nothing_and_leads_only_to_a_tab_of_its_own(
    context: BrowserContext, page: Page, server: Server, tmp_path: Path
) -> None:
    hostile = (
        "<script>document.write('ran'); top.location = '/docs'</script>"
        "<img src='x' onerror=\"document.body.append('ran')\">"
        "<form action='/dev/mailbox/clear' method='post'><button>Win a prize</button></form>"
        "<a href='/verify-email'>Win</a>"
    )
    await FolderMailer(tmp_path / "mail", Sender("Eve", "eve@localhost")).send(
        Mail(to="ada@example.com", subject="Hostile", text="Hostile", html=hostile),
        idempotency_key="hostile",
    )
    await open_mail(page, "Hostile")
    at = page.url
    frame = page.frame_locator("iframe")

    await frame.get_by_role("button", name="Win a prize").click()
    async with context.expect_page() as opened:
        await frame.get_by_role("link", name="Win").click()

    await (await opened.value).wait_for_url("**/verify-email")
    await expect(frame.get_by_text("ran")).to_have_count(0)
    assert page.url == at
    await page.goto("/dev/mailbox")
    await expect(page.get_by_role("link", name="Hostile")).to_be_visible()


async def test_every_mail_can_be_looked_at_in_every_language(page: Page) -> None:
    await page.goto("/dev/mailbox/previews")
    links = [await link.get_attribute("href") for link in await page.locator("td a").all()]

    assert len(links) >= 2 * len(MailKind)
    for link in filter(None, links):
        await page.goto(link)
        heading = await page.get_by_role("heading", level=1).inner_text()
        in_the_mail = page.frame_locator("iframe").get_by_role("heading")
        await expect(in_the_mail).to_have_text(heading)
