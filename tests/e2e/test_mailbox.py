"""/dev/mailbox and the pages behind links in mails: development only, and harmless there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest

from app.shared.application.mailer import Mail
from app.shared.infrastructure.mail.folder_mailer import FolderMailer
from app.shared.infrastructure.mail.message import Sender
from tests.e2e.conftest import Serve
from tests.e2e.visitor import PUBLIC_URL, refused

HOSTILE = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>"
LANDINGS = ["/verify-email", "/reset-password", "/confirm-email"]
PAGES = [
    "/dev/mailbox",
    "/dev/mailbox/previews",
    "/dev/mailbox/previews/auth.verify_email/en",
    "/dev/mailbox/previews/auth.verify_email/en/html",
    *LANDINGS,
]


@pytest.fixture
async def mail(tmp_path: Path) -> str:
    """Where a mail with hostile words is shown, whose HTML nobody escaped."""
    mailer = FolderMailer(tmp_path / "mail", Sender("Bulkhead", "no-reply@localhost"))
    await mailer.send(
        Mail(to="ada@example.com", subject=HOSTILE, text=HOSTILE, html=HOSTILE),
        idempotency_key="hostile",
    )
    [file] = await asyncio.to_thread(lambda: list((tmp_path / "mail").iterdir()))
    return f"/dev/mailbox/mails/{file.stem}"


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_outside_development_there_are_no_such_pages(
    serve: Serve, keys_dir: Path, mail: str, environment: str
) -> None:
    async with serve(environment=environment) as visitor:
        for path in (*PAGES, mail, f"{mail}/html", f"{mail}/eml"):
            refused(await visitor.client.get(path), 404, "not_found")
        refused(await visitor.client.post("/dev/mailbox/clear"), 404, "not_found")


@pytest.mark.parametrize("page", PAGES)
async def test_in_development_there_are_and_the_description_is_silent_about_them(
    client: httpx.AsyncClient, page: str
) -> None:
    answer = await client.get(page)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert page not in (await client.get("/openapi.json")).json()["paths"]


async def test_a_mail_is_listed_shown_and_handed_out(client: httpx.AsyncClient, mail: str) -> None:
    listed = await client.get("/dev/mailbox")
    shown = await client.get(mail)
    raw = await client.get(f"{mail}/eml")

    assert f'href="{mail}"' in listed.text
    for page in (listed, shown):
        assert "ada@example.com" in page.text
    assert raw.headers["content-type"] == "message/rfc822"
    assert message_from_bytes(raw.content, policy=policy.default)["To"] == "ada@example.com"


async def test_what_a_mail_says_is_text_on_the_page(client: httpx.AsyncClient, mail: str) -> None:
    for path in ("/dev/mailbox", mail):
        page = await client.get(path)

        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;" in page.text
        assert directives(page)["default-src"] == "'none'"
        assert "script-src" not in directives(page)


async def test_the_html_of_a_mail_runs_nothing_fetches_nothing_and_has_no_origin(
    client: httpx.AsyncClient, mail: str
) -> None:
    shown = await client.get(mail)
    framed = await client.get(f"{mail}/html")

    rules = directives(framed)
    assert HOSTILE in framed.text
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
    assert "script-src" not in rules
    assert f'src="{mail}/html"' in shown.text
    assert f'sandbox="{rules["sandbox"]}"' in shown.text


async def test_only_a_page_of_the_same_origin_clears_the_mailbox(
    client: httpx.AsyncClient, mail: str
) -> None:
    clear = "/dev/mailbox/clear"
    for site in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        refused(await client.post(clear, headers=site), 403, "origin_refused")
    assert (await client.get(mail)).status_code == 200

    cleared = await client.post(clear, headers={"Sec-Fetch-Site": "same-origin"})

    assert (cleared.status_code, cleared.headers["location"]) == (303, "/dev/mailbox")
    refused(await client.get(mail), 404, "not_found")
    assert (await client.get("/dev/mailbox")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "mails/none",
        "mails/none/html",
        "mails/..%2F..%2Fkeys/eml",
        "previews/auth.verify_email/xx",
        "previews/none/en/html",
    ],
)
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(f"/dev/mailbox/{path}"), 404, "not_found")


async def test_mails_call_the_service_by_its_senders_name_and_lead_to_the_front_end(
    serve: Serve,
) -> None:
    settings = {"sender": "Acme & Sons <no-reply@acme.example>"}
    async with serve(mail=settings, frontend_url="https://www.acme.example") as visitor:
        page = await visitor.client.get("/dev/mailbox/previews/auth.verify_email/en/html")

    assert "at Acme &amp; Sons with" in page.text
    assert 'href="https://www.acme.example/verify-email#token=' in page.text


async def test_without_a_front_end_links_lead_to_the_public_url(client: httpx.AsyncClient) -> None:
    hosts = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}

    page = await client.get("/dev/mailbox/previews/auth.verify_email/en/html", headers=hosts)

    assert f'href="{PUBLIC_URL}/verify-email#token=' in page.text
    assert "evil" not in page.text


@pytest.mark.parametrize("page", LANDINGS)
async def test_the_page_behind_a_link_runs_its_own_script_and_no_other(
    client: httpx.AsyncClient, page: str
) -> None:
    answer = await client.get(page)

    [script] = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert directives(answer)["script-src"] == f"'sha256-{digest}'"
    assert directives(answer)["connect-src"] == "'self'"
    assert "onclick" not in answer.text


@pytest.mark.parametrize("page", LANDINGS)
async def test_the_page_behind_a_link_posts_to_a_route_of_ours(
    client: httpx.AsyncClient, page: str
) -> None:
    [route] = re.findall(r'data-consumed-by="([^"]+)"', (await client.get(page)).text)

    assert "post" in (await client.get("/openapi.json")).json()["paths"][route]


def directives(answer: httpx.Response) -> dict[str, str]:
    """The Content-Security-Policy, read as a browser does."""
    rules = [rule.strip() for rule in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in (rule.partition(" ") for rule in rules)}
