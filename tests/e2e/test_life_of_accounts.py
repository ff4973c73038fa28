"""Whatever people, strangers and an administrator do: the API answers as the documents say."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from app.container import compose
from app.modules.auth.application.commands.create_admin import CreateAdmin, CreateAdminHandler
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.infrastructure.jinja_mail_composer import JinjaMailComposer
from app.shared.infrastructure.statements import Statements
from app.shared.web import web_app
from tests.e2e.conftest import MakeSettings, client_of, running
from tests.e2e.visitor import PASSWORD, Pair, Visitor
from tests.life.machine import LifeMachine
from tests.life.service import Service

T = TypeVar("T")

KINDS = {
    preview.mail.subject: MailKind(preview.name.removeprefix("auth."))
    for preview in JinjaMailComposer(
        service="Bulkhead", frontend_url="https://app.example", token_lifetime=timedelta(minutes=10)
    ).previews()
    if preview.language == "en"
}


def kind_of(mail: EmailMessage) -> MailKind:
    return KINDS[mail["Subject"]]


@pytest.mark.parametrize("verification", ["optional", "required"])
async def test_the_life_of_accounts_is_as_documented(
    make_settings: MakeSettings, statements: Statements, tmp_path: Path, verification: str
) -> None:
    limits = {"login_free_attempts": 100, "login_failures_per_client": 10**6}
    generous = {"mails_per_hour": 10**6, "mail_requests_per_client": 10**6, "password_queue": 400}
    chosen = make_settings(auth={"email_verification": verification, **limits, **generous})
    process = compose(chosen)
    app = web_app(process, chosen.deployment, dispatching=False)
    loop = asyncio.get_running_loop()
    async with running(app), client_of(app) as client:
        create_admin = process.provided()[CreateAdminHandler]
        assert isinstance(create_admin, CreateAdminHandler)
        await create_admin(CreateAdmin("root@example.com", PASSWORD))
        admin = Pair.of(await Visitor(client).log_in("root@example.com"))
        await process.dispatcher.drain()

        class LifeOverHttp(LifeMachine):
            """Runs in a thread; the application stays in the loop of its connections."""

            verification_required = verification == "required"

            def make_service(self) -> Service:
                name = f"x{uuid4().hex}"
                return Service(client, process, statements, tmp_path, name, admin, kind_of)

            def run(self, doing: Coroutine[Any, Any, T]) -> T:
                return asyncio.run_coroutine_threadsafe(doing, loop).result()

        await asyncio.to_thread(
            run_state_machine_as_test,
            LifeOverHttp,
            settings=settings(max_examples=30, stateful_step_count=20, deadline=None),
        )
