"""The URL of a mail server."""

from __future__ import annotations

import pytest

from app.shared.infrastructure.mail.smtp_server import SmtpServer


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer(host="mail.example", port=587, security="starttls")),
        ("smtps://mail.example/", SmtpServer(host="mail.example", port=465, security="tls")),
        ("smtp+plain://[::1]:1025", SmtpServer(host="::1", port=1025, security="none")),
        (
            "smtp://me%40mail.example:p%40ss%2Fword@mail.example:25",
            SmtpServer(
                host="mail.example",
                port=25,
                security="starttls",
                username="me@mail.example",
                password="p@ss/word",
            ),
        ),
    ],
)
def test_its_scheme_says_how_the_way_there_is_protected(url: str, server: SmtpServer) -> None:
    assert SmtpServer.parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "mail.example:587",
        "http://mail.example",
        "smtp://",
        "smtp://:587",
        "smtp://mail.example:none",
        "smtp://mail.example:0",
        "smtp://mail.example:99999",
        "smtp://s3cret@mail.example",
        "smtp://me:s3cret@mail.example/path",
        "smtp://me:s3cret@mail.example?starttls=no",
        "smtp://me:s3cret@mail.example#x",
        "smtp://me:s3cret/word@mail.example",
    ],
)
def test_anything_else_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="is not") as refusal:
        SmtpServer.parse(url)

    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(SmtpServer.parse("smtp://me:s3cret@mail.example"))
