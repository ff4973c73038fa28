"""Mail of a real process: by STARTTLS with a login, after the server was away, and in no log."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import eventually, free_port
from tests.e2e.visitor import ADDRESS, PUBLIC_URL, Visitor
from tests.smtp_sink import LOGIN, Authority, smtp_sink


async def test_a_registration_is_acknowledged_while_the_mail_server_is_away_and_mailed_after(
    start_server: StartServer, tmp_path: Path
) -> None:
    authority, port = Authority.make(), free_port()
    user, password = (quote(part, safe="") for part in LOGIN)
    server = await start_server(
        MAIL_URL=f"smtp://{user}:{password}@127.0.0.1:{port}",
        MAIL_SENDER="Acme <no-reply@acme.example>",
        MAIL_CA=authority.pem,
    )

    registered = await Visitor(server.client()).register()
    await eventually(lambda: is_logged(server.log_file, "MailServerAwayError"))
    context = authority.server_context(tmp_path)
    async with smtp_sink(starttls=context, login=True, port=port) as sink:

        async def has_arrived() -> bool:
            return bool(sink.received)

        await eventually(has_arrived, within=60)
    await server.end()

    [mail] = sink.received
    assert registered.status_code == 202
    assert mail.encrypted
    assert mail.authenticated
    assert mail.recipients == [ADDRESS]
    assert mail.message["From"] == "Acme <no-reply@acme.example>"
    text = mail.message.get_body(("plain",))
    assert text is not None
    [link] = [line for line in text.get_content().split() if line.startswith("http")]
    assert link.startswith(f"{PUBLIC_URL}/verify-email#token=verify1.")
    for secret in (ADDRESS, LOGIN[1], password, link.partition("=")[2], "verify-email"):
        assert secret not in server.log()


async def is_logged(file: Path, words: str) -> bool:
    return words in file.read_text("utf-8")  # noqa: ASYNC240  # small, and nobody else waits
