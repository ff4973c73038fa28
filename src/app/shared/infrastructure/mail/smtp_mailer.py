"""Mail by SMTP (RFC 5321), a connection for each, over TLS that is verified."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from typing import NoReturn

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from app.shared.application.event_bus import Discard
from app.shared.application.mailer import (
    Mail,
    Mailer,
    MailServerAwayError,
    MailServerRefusesError,
)
from app.shared.infrastructure.mail.message import Sender, message_of
from app.shared.infrastructure.mail.smtp_server import SmtpServer

_FAREWELL = 1.0
"""Seconds that QUIT may take; the mail is the server's by then."""

_STATUS = re.compile(r"[245]\.(\d{1,3})\.\d{1,3}\b")
"""An enhanced status code (RFC 3463) begins the text of a reply."""
_OF_THE_RECIPIENT = ("1", "2")
"""Its subjects that blame the address or the mailbox, and not the sender or a policy."""
_NO_SUCH_MAILBOX = (550, 551, 552, 553)
"""Replies to RCPT that do so where there is no enhanced code (RFC 5321 §4.3.2)."""
_AGAINST_US = re.compile("relay|authenti", re.IGNORECASE)


class SmtpMailer(Mailer):
    """At most `connections` at a time; waiting for one is part of a mail's time.

    What it raises names codes and never quotes the server, which likes to repeat addresses.
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: Sender,
        *,
        timeout: float,
        connections: int,
        ca: str | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._timeout = timeout
        self._permits = asyncio.Semaphore(connections)
        self._tls = None
        if server.security != "none":
            self._tls = ssl.create_default_context(cadata=ca)

    async def send(self, mail: Mail, *, idempotency_key: str) -> None:
        message = message_of(mail, self._sender, idempotency_key)
        try:
            async with asyncio.timeout(self._timeout), self._permits:
                await self._hand_over(mail.to, message)
        except SMTPRecipientsRefused as refusal:
            _give_up(refusal.recipients[0], addressed=True)
        except SMTPResponseException as refusal:
            _give_up(refusal, addressed=isinstance(refusal, SMTPDataError))
        except (SMTPException, OSError, TimeoutError) as error:
            _fail(error)

    async def _hand_over(self, recipient: str, message: bytes) -> None:
        client = SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=self._server.password,
            # Its default asks the name service who we are, for as long as that takes.
            local_hostname=self._sender.domain,
            timeout=self._timeout,
            use_tls=self._server.security == "tls",
            start_tls=self._server.security == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
            await client.sendmail(self._sender.address, [recipient], message)
            with suppress(SMTPException, OSError):
                await client.quit(timeout=_FAREWELL)
        finally:
            client.close()


def _give_up(refusal: SMTPResponseException, *, addressed: bool) -> NoReturn:
    """What follows from a reply; `addressed` is one to the recipient or to the message itself."""
    status = _STATUS.match(refusal.message)
    reply = f"{refusal.code} {status[0]}" if status else str(refusal.code)
    if not 500 <= refusal.code < 600:
        raise MailServerAwayError(f"answered {reply}") from None
    if addressed and _blames_the_recipient(refusal, status):
        raise Discard(f"the mail server refused the recipient for good: {reply}") from None
    raise MailServerRefusesError(f"answered {reply} ({type(refusal).__name__})") from None


def _blames_the_recipient(refusal: SMTPResponseException, status: re.Match[str] | None) -> bool:
    if _AGAINST_US.search(refusal.message):
        return False
    if status:
        return status[1] in _OF_THE_RECIPIENT
    return refusal.code in _NO_SUCH_MAILBOX and not isinstance(refusal, SMTPDataError)


def _fail(error: Exception) -> NoReturn:
    """What follows when there was no reply: a certificate is refused, all else is an outage."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        raise MailServerRefusesError(f"its certificate: {cause.verify_message}") from None
    if isinstance(error, OSError | TimeoutError):
        raise MailServerAwayError(type(error).__name__) from None
    # No STARTTLS, no login, no method of it in common: it talks, and not as it must.
    raise MailServerRefusesError(type(error).__name__) from None
