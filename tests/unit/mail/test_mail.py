"""A mail goes to one address, and nothing in it becomes a header."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from app.shared.application.mailer import Mail
from app.shared.infrastructure.mail.message import Sender, message_of

SENDER = Sender("Bulkhead", "no-reply@bulkhead.example")


def mail(**different: str) -> Mail:
    facts = {"to": "ada@example.com", "subject": "Hello", "text": "Text", "html": "<p>HTML</p>"}
    return Mail(**facts | different)


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, _class=EmailMessage, policy=policy.default)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@example.com,eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com\r",
        "ada@example.com\x00",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        '"ada eve"@example.com',
        "ada(eve)@example.com",
        "group:ada@example.com;",
        "ada@exa mple.com",
        "ada@example.com>",
        "ada@[127.0.0.1]",
        "ada@eve@example.com",
        "ada@bücher.example",
        "ädä@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 251,
    ],
)
def test_what_is_not_one_bare_address_gets_no_mail_and_is_not_quoted(to: str) -> None:
    with pytest.raises(ValueError, match="one bare address") as refusal:
        mail(to=to)

    assert not to or to not in str(refusal.value)


@pytest.mark.parametrize("to", ["ada@example.com", "a.d+a!#$%&'*/=?^_`{|}~-@xn--bcher-kva.example"])
def test_one_address_is_one_recipient(to: str) -> None:
    message = parsed(message_of(mail(to=to), SENDER, "key"))

    [recipient] = message["To"].addresses
    assert recipient.addr_spec == to
    assert message["Cc"] is None
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\x00b", "a\u2028b"]
)
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        mail(subject=subject)


def test_hostile_text_stays_text() -> None:
    hostile = "\r\n.\r\nRCPT TO:<eve@example.com>\r\n\r\nFrom: eve\r\n--=====\r\n<script>"

    message = parsed(message_of(mail(text=hostile, html=hostile), SENDER, "key"))

    assert [str(part.get_content_type()) for part in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    for part in message.iter_parts():
        assert part.get_content().split() == hostile.split()


def test_a_message_is_of_ascii_and_short_lines() -> None:
    raw = message_of(mail(subject="Grüße " * 40, text="ü" * 5000, html="ü" * 5000), SENDER, "key")

    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_message_id_is_the_keys_and_tells_nothing_of_it() -> None:
    one, same, other = [
        parsed(message_of(mail(), SENDER, key))["Message-ID"] for key in ("a\r\nb", "a\r\nb", "c")
    ]

    assert one == same != other
    assert one.endswith("@bulkhead.example>")


def test_a_mail_shows_nothing_of_itself() -> None:
    assert repr(mail(text="token", subject="secret")) == "Mail()"


@pytest.mark.parametrize(
    "written",
    ["Bulkhead <no-reply@bulkhead.example>", "Bücher & Söhne <no-reply@bulkhead.example>"],
)
def test_a_sender_is_read_as_it_is_written(written: str) -> None:
    sender = Sender.parse(written)

    message = parsed(message_of(mail(), sender, "key"))

    assert str(sender) == written
    assert message["From"].addresses[0].display_name == sender.name


@pytest.mark.parametrize(
    "written",
    [
        "",
        "no-reply@bulkhead.example",
        "<no-reply@bulkhead.example>",
        "Bulkhead no-reply@bulkhead.example",
        "Bulk\r\nhead <no-reply@bulkhead.example>",
        "Bulkhead <no-reply@bulkhead.example>, Eve <eve@example.com>",
        "Bulkhead <nö-reply@bulkhead.example>",
        "Bulkhead <no-reply>",
    ],
)
def test_what_is_not_one_sender_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        Sender.parse(written)
