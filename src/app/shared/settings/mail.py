"""Which server mail leaves by, and in whose name."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from app.shared.infrastructure.mail.message import Sender
from app.shared.infrastructure.mail.smtp_server import SmtpServer
from app.shared.infrastructure.settings_group import Seconds, SettingsGroup


def _as_certificates(pem: str | None) -> str | None:
    if pem is None:
        return None
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, TypeError):
        raise ValueError("holds no certificates in PEM") from None
    return pem


class MailSettings(SettingsGroup):
    """Mail by SMTP; without a URL every mail is a file in APP_DATA_DIR/mail."""

    model_config = SettingsConfigDict(env_prefix="MAIL_")

    url: Annotated[
        SmtpServer | None,
        NoDecode,
        BeforeValidator(lambda url: SmtpServer.parse(url) if isinstance(url, str) else url),
        Field(
            description="smtp://user:password@host demands STARTTLS, smtps:// is TLS throughout,"
            " smtp+plain:// is neither, for development."
        ),
    ] = None
    sender: Annotated[
        Sender,
        NoDecode,
        BeforeValidator(lambda line: Sender.parse(line) if isinstance(line, str) else line),
        Field(description="Who mails come from; the name is what they call this service."),
    ] = Sender("Bulkhead", "no-reply@localhost")
    ca: Annotated[
        str | None,
        AfterValidator(_as_certificates),
        Field(description="Certificates (PEM) to believe, and no others; or MAIL_CA_FILE."),
    ] = None
    timeout: Annotated[
        Seconds,
        # Less than an effect may take.
        Field(
            description="How long handing over a mail may take.",
            gt=timedelta(0),
            le=timedelta(seconds=25),
        ),
    ] = timedelta(seconds=10)
    connections: Annotated[
        int, Field(description="Mails that a process hands over at once, at the most.", ge=1)
    ] = 4

    @property
    def sender_name(self) -> str:
        """What people know this service as."""
        return self.sender.name

    def risks(self) -> Mapping[str, bool]:
        return {
            "MAIL_URL is not set: mail would go nowhere": self.url is None,
            "MAIL_URL is without TLS": self.url is not None and self.url.security == "none",
        }

    @model_validator(mode="after")
    def _has_a_sender(self) -> MailSettings:
        if self.url and "sender" not in self.model_fields_set:
            raise ValueError("MAIL_SENDER is not set: MAIL_URL needs it")
        return self
