"""What `auth` writes to people, as a port."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.mail_kind import MailKind
from app.shared.application.mailer import Mail


@runtime_checkable
class MailComposer(Protocol):
    """Puts a kind of mail into words of the recipient's language."""

    def compose(
        self, kind: MailKind, *, to: EmailAddress, locale: str | None, token: str | None = None
    ) -> Mail:
        """`locale` is a language tag (BCP 47) or anything else; the nearest language is taken.

        The kinds with a link need a token, the others have none: `ValueError` otherwise.
        """
        ...
