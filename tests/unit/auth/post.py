"""What lies in the post of an account in memory."""

from __future__ import annotations

from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.testing import InMemoryAuth


def mails(auth: InMemoryAuth, *kinds: MailKind) -> list[OutgoingMail]:
    """Those to somebody, oldest first."""
    found = sorted(auth.mails, key=lambda mail: mail.created_at)
    return [mail for mail in found if mail.address and (not kinds or mail.kind in kinds)]


def token_in(auth: InMemoryAuth, mail: OutgoingMail) -> str:
    assert mail.kid is not None
    return auth.mailed_tokens.mint(mail.kind, mail.id, mail.kid)


def newest_token(auth: InMemoryAuth, kind: MailKind) -> str:
    return token_in(auth, mails(auth, kind)[-1])
