"""A mailer that remembers, for tests of what sends mail."""

from __future__ import annotations

from app.shared.application.mailer import Mail, Mailer


class InMemoryMailer(Mailer):
    """Holds what was sent, a repetition in the place of the first; can be told to fail."""

    def __init__(self) -> None:
        self.by_key: dict[str, Mail] = {}
        self.failure: Exception | None = None
        """What the next calls raise, `MailServerAwayError()` for example."""

    @property
    def sent(self) -> list[Mail]:
        return list(self.by_key.values())

    async def send(self, mail: Mail, *, idempotency_key: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.by_key[idempotency_key] = mail
