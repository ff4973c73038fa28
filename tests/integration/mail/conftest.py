"""A mail server of the test, and the mailer that is pointed at it."""

from __future__ import annotations

from typing import Any

import pytest

from app.shared.application.mailer import Mail
from app.shared.infrastructure.mail.message import Sender
from app.shared.infrastructure.mail.smtp_mailer import SmtpMailer
from app.shared.infrastructure.mail.smtp_server import SmtpServer
from tests.smtp_sink import Authority

MAIL = Mail(to="ada@example.com", subject="Grüße", text="Käse\n", html="<p>Käse</p>\n")


def mailer_to(port: int, scheme: str = "smtp+plain", **different: Any) -> SmtpMailer:
    login = different.pop("login", "")
    settings: dict[str, Any] = {"timeout": 60.0, "connections": 4, **different}
    server = SmtpServer.parse(f"{scheme}://{login}127.0.0.1:{port}")
    return SmtpMailer(server, Sender("Bulkhead", "no-reply@bulkhead.example"), **settings)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.make()
