"""The tokens that travel in mails, in the words of `auth`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable
from uuid import UUID

from app.modules.auth.domain.mail_kind import MailKind


@runtime_checkable
class MailedTokens(Protocol):
    """Derives the token of a mail from a secret outside the database; nothing of it is stored."""

    @property
    def current_kid(self) -> str: ...

    def mint(self, kind: MailKind, mail_id: UUID, kid: str) -> str:
        """The same token for the same arguments. Raises `LinkInvalidError` for a kid whose secret
        is gone."""
        ...

    def parse(self, kind: MailKind, token: str) -> UUID:
        """The id of the mail. Raises `LinkInvalidError` for everything that was not minted for a
        mail of this kind."""
        ...
