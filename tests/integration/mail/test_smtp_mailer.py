"""SMTP against a real server: what arrives, what is refused, and what is tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from app.shared.application.event_bus import Discard
from app.shared.application.mailer import MailServerAwayError, MailServerRefusesError
from tests.e2e.socket.server import free_port
from tests.integration.mail.conftest import MAIL, mailer_to
from tests.smtp_sink import LOGIN, Authority, smtp_sink

AS_OURSELVES = f"{LOGIN[0]}:{quote(LOGIN[1], safe='')}@"


async def test_a_mail_arrives_once_at_its_recipient_with_both_of_its_parts() -> None:
    async with smtp_sink() as sink:
        await mailer_to(sink.port).send(MAIL, idempotency_key="one")

    [received] = sink.received
    text = received.message.get_body(("plain",))
    html = received.message.get_body(("html",))
    assert received.sender == "no-reply@bulkhead.example"
    assert received.recipients == ["ada@example.com"]
    assert received.message["From"] == "Bulkhead <no-reply@bulkhead.example>"
    assert received.message["Subject"] == "Grüße"
    assert received.message["Auto-Submitted"] == "auto-generated"
    assert text is not None
    assert text.get_content().splitlines() == ["Käse"]
    assert html is not None
    assert html.get_content().splitlines() == ["<p>Käse</p>"]


async def test_a_repetition_is_known_by_its_message_id() -> None:
    async with smtp_sink() as sink:
        for key in ("one", "one", "other"):
            await mailer_to(sink.port).send(MAIL, idempotency_key=key)

    first, again, other = [received.message["Message-ID"] for received in sink.received]
    assert first == again != other


async def test_nothing_is_said_before_starttls(tmp_path: Path, authority: Authority) -> None:
    context = authority.server_context(tmp_path)
    async with smtp_sink(starttls=context, login=True) as sink:
        mailer = mailer_to(sink.port, "smtp", login=AS_OURSELVES, ca=authority.pem)
        await mailer.send(MAIL, idempotency_key="one")

    [received] = sink.received
    assert received.encrypted
    assert received.authenticated


async def test_tls_from_the_first_byte_works_too(tmp_path: Path, authority: Authority) -> None:
    async with smtp_sink(tls=authority.server_context(tmp_path), login=True) as sink:
        mailer = mailer_to(sink.port, "smtps", login=AS_OURSELVES, ca=authority.pem)
        await mailer.send(MAIL, idempotency_key="one")

    [received] = sink.received
    assert received.authenticated


async def test_a_server_that_offers_no_starttls_gets_nothing() -> None:
    async with smtp_sink() as sink:
        with pytest.raises(MailServerRefusesError):
            await mailer_to(sink.port, "smtp").send(MAIL, idempotency_key="one")

    assert sink.received == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_of_nobody_we_believe_is_refused(
    tmp_path: Path, authority: Authority, scheme: str
) -> None:
    context = authority.server_context(tmp_path)
    server = smtp_sink(starttls=context) if scheme == "smtp" else smtp_sink(tls=context)
    async with server as sink:
        with pytest.raises(MailServerRefusesError, match="certificate"):
            await mailer_to(sink.port, scheme).send(MAIL, idempotency_key="one")

    assert sink.received == []


async def test_a_certificate_of_another_host_is_refused(
    tmp_path: Path, authority: Authority
) -> None:
    context = authority.server_context(tmp_path, address="192.0.2.1")
    async with smtp_sink(starttls=context) as sink:
        with pytest.raises(MailServerRefusesError, match="certificate"):
            await mailer_to(sink.port, "smtp", ca=authority.pem).send(MAIL, idempotency_key="one")

    assert sink.received == []


async def test_a_refused_login_is_the_operators_and_names_no_password(
    tmp_path: Path, authority: Authority
) -> None:
    async with smtp_sink(starttls=authority.server_context(tmp_path), login=True) as sink:
        mailer = mailer_to(sink.port, "smtp", login="mailer:mistyped@", ca=authority.pem)
        with pytest.raises(MailServerRefusesError, match="535") as refusal:
            await mailer.send(MAIL, idempotency_key="one")

    assert "mistyped" not in str(refusal.value)


@pytest.mark.parametrize(
    ("stage", "reply", "follows"),
    [
        ("RCPT", "550 5.1.1 <ada@example.com> does not exist", Discard),
        ("RCPT", "550 no such user ada@example.com", Discard),
        ("RCPT", "552 5.2.2 ada@example.com is full", Discard),
        ("DATA", "550 5.1.1 ada@example.com is not here", Discard),
        ("RCPT", "550 5.7.1 ada@example.com: we do not relay", MailServerRefusesError),
        ("RCPT", "550 relay not permitted for ada@example.com", MailServerRefusesError),
        ("RCPT", "530 authentication required, ada@example.com", MailServerRefusesError),
        ("RCPT", "554 go away, ada@example.com", MailServerRefusesError),
        ("DATA", "554 5.7.1 that is spam, ada@example.com", MailServerRefusesError),
        ("DATA", "550 that is spam, ada@example.com", MailServerRefusesError),
        ("MAIL", "550 5.1.8 we know no such sender, ada@example.com", MailServerRefusesError),
        ("RCPT", "451 4.7.1 ada@example.com is greylisted", MailServerAwayError),
        ("RCPT", "452 4.2.2 ada@example.com is full", MailServerAwayError),
        ("MAIL", "421 closing, ada@example.com", MailServerAwayError),
        ("DATA", "450 not now, ada@example.com", MailServerAwayError),
    ],
)
async def test_a_refusal_is_for_good_for_the_operator_or_for_now_and_never_quoted(
    stage: str, reply: str, follows: type[Exception]
) -> None:
    async with smtp_sink() as sink:
        sink.replies[stage] = reply
        with pytest.raises(follows) as refusal:
            await mailer_to(sink.port).send(MAIL, idempotency_key="one")

    assert reply[:3] in str(refusal.value)
    assert "ada" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


async def test_a_server_that_is_down_is_tried_again() -> None:
    with pytest.raises(MailServerAwayError):
        await mailer_to(free_port()).send(MAIL, idempotency_key="one")


async def test_a_server_that_does_not_answer_in_time_is_tried_again() -> None:
    async with smtp_sink() as sink:
        sink.stall = asyncio.Event()
        with pytest.raises(MailServerAwayError):
            await mailer_to(sink.port, timeout=0.2).send(MAIL, idempotency_key="one")
        sink.stall.set()


async def test_a_server_that_hangs_up_is_tried_again() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(MailServerAwayError):
            await mailer_to(port).send(MAIL, idempotency_key="one")


async def test_many_mails_share_few_connections() -> None:
    async with smtp_sink() as sink, smtp_sink() as elsewhere:
        sink.stall = asyncio.Event()
        mailer = mailer_to(sink.port, connections=2)
        many = [
            asyncio.create_task(mailer.send(MAIL, idempotency_key=str(number)))
            for number in range(10)
        ]
        while sink.at_once < 2:  # noqa: ASYNC110  # the server sets no event
            await asyncio.sleep(0)
        # When a later one is through, those that may go have gone as far as they can.
        await mailer_to(elsewhere.port).send(MAIL, idempotency_key="later")
        sink.stall.set()
        await asyncio.gather(*many)

    assert len(sink.received) == 10
    assert sink.most_at_once == 2


async def test_waiting_for_a_connection_is_part_of_a_mails_time() -> None:
    async with smtp_sink() as sink:
        mailer = mailer_to(sink.port, connections=1, timeout=0.2)
        async with mailer._permits, asyncio.timeout(30):
            with pytest.raises(MailServerAwayError):
                await mailer.send(MAIL, idempotency_key="one")

    assert sink.received == []
