"""A mail that is owed to somebody, and for some kinds what the token in it is good for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.events import MailDue, RegistrationRepeated
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.policies import MailPolicy
from app.shared.domain.aggregate import Aggregate


@dataclass(eq=False, kw_only=True)
class OutgoingMail(Aggregate):
    """Written in the transaction that owes the mail; an effect sends it afterwards.

    The token is derived from `id` and `kid` when the mail is written, so the row holds no secret.
    Consuming the token voids it; the row stays for a day, to be counted.
    """

    id: UUID
    """128 bits that nobody outside knows before the mail is read."""
    kind: MailKind
    account_id: UUID | None
    """None where nobody is to be written to, or nobody is left."""
    address: str = field(repr=False)
    locale: str
    created_at: datetime
    expires_at: datetime | None = None
    kid: str | None = None
    """Names the secret that the token is derived from."""
    epoch: int | None = None
    """The account's, when the token was owed: a token of another epoch is void."""
    password_hash: str | None = field(default=None, repr=False)
    """Of the registration that this token proves; None where the account's own stays."""

    @classmethod
    def notice(
        cls, kind: MailKind, *, account: Account, now: datetime, address: str | None = None
    ) -> OutgoingMail:
        """Tells the account's owner what happened; nothing can be done with it."""
        mail = cls(
            id=uuid4(),
            kind=kind,
            account_id=account.id,
            address=address or account.email.display,
            locale=account.locale,
            created_at=now,
        )
        mail._record(MailDue(mail_id=mail.id))
        return mail

    @classmethod
    def farewell(cls, *, account: Account, now: datetime) -> OutgoingMail:
        """The last mail to somebody whose account is gone; it is nobody's, so nothing takes it
        away."""
        mail = cls.notice(MailKind.ACCOUNT_DELETED, account=account, now=now)
        mail.account_id = None
        return mail

    @classmethod
    def with_token(
        cls,
        kind: MailKind,
        *,
        account: Account,
        kid: str,
        policy: MailPolicy,
        now: datetime,
        address: str | None = None,
        password_hash: str | None = None,
    ) -> OutgoingMail:
        """Lets whoever reads the mail prove that they do, once and for a short while."""
        mail = cls(
            id=uuid4(),
            kind=kind,
            account_id=account.id,
            address=address or account.email.display,
            locale=account.locale,
            created_at=now,
            expires_at=now + policy.token_lifetime,
            kid=kid,
            epoch=account.auth_epoch,
            password_hash=password_hash,
        )
        mail._record(MailDue(mail_id=mail.id))
        return mail

    @classmethod
    def welcome(
        cls, mail_id: UUID, *, account: Account, kid: str, policy: MailPolicy, now: datetime
    ) -> OutgoingMail:
        """The proof of a new account's address. It needs no event of its own: the registration
        is one."""
        mail = cls.with_token(
            MailKind.VERIFY_EMAIL, account=account, kid=kid, policy=policy, now=now
        )
        mail.collect_events()
        mail.id = mail_id
        return mail

    @classmethod
    def to_holder(cls, *, password_hash: str, now: datetime) -> OutgoingMail:
        """Owed to whoever holds an address that was registered once more. What it says is written
        when it is sent; until then its account has no such mail."""
        mail = cls(
            id=uuid4(),
            kind=MailKind.VERIFY_EMAIL,
            account_id=None,
            address="",
            locale="en",
            created_at=now,
            password_hash=password_hash,
        )
        mail._record(RegistrationRepeated(mail_id=mail.id))
        return mail

    @classmethod
    def to_nobody(cls, kind: MailKind, *, now: datetime) -> OutgoingMail:
        """Costs what a mail costs where none is due, so that nobody can tell the difference."""
        mail = cls(id=uuid4(), kind=kind, account_id=None, address="", locale="en", created_at=now)
        mail._record(MailDue(mail_id=mail.id))
        return mail

    @property
    def is_written(self) -> bool:
        return self.kind is not MailKind.VERIFY_EMAIL or self.expires_at is not None

    def write_proof(self, holder: Account, *, kid: str, policy: MailPolicy, now: datetime) -> None:
        """Of the registration that it was owed for: its password counts once somebody shows the
        token. It is a mail of now, however long it was owed."""
        self.created_at = now
        self.address, self.locale, self.kid = holder.email.display, holder.locale, kid
        self.renew(holder, policy, now)

    def write_notice(self, kind: MailKind, holder: Account, *, now: datetime) -> None:
        self.kind, self.address, self.locale = kind, holder.email.display, holder.locale
        self.created_at, self.password_hash = now, None

    def drop(self) -> None:
        """Nobody gets it."""
        self.account_id = self.password_hash = None

    @property
    def proves_the_first_registration(self) -> bool:
        """Whether its token leaves the account's own password as it is."""
        return self.kind is MailKind.VERIFY_EMAIL and self.password_hash is None

    def renew(self, account: Account, policy: MailPolicy, now: datetime) -> None:
        """Its token counts from now on: it could not be sent before."""
        self.expires_at = now + policy.token_lifetime
        self.epoch = account.auth_epoch

    def void(self, now: datetime) -> None:
        """Its token, if it has one, does nothing any more."""
        if self.expires_at is not None:
            self.expires_at = min(self.expires_at, now)

    def is_good_for(self, kind: MailKind, account: Account, now: datetime) -> bool:
        """Whether its token still does what it was made for."""
        return (
            self.kind is kind
            and self.expires_at is not None
            and now < self.expires_at
            and self.epoch == account.auth_epoch
            and account.is_active
        )


def is_enough(
    kind: MailKind,
    account: Account,
    mails: Sequence[OutgoingMail],
    policy: MailPolicy,
    now: datetime,
) -> bool:
    """Whether an account gets no further mail of this kind now; what asked for one is answered all
    the same.

    Whoever asks for many keeps nobody from theirs: those of another kind do not count, and once no
    link of this kind is good any more there is another one.
    """
    lately = [m for m in mails if m.kind is kind and m.created_at > now - timedelta(hours=1)]
    if len(lately) < policy.max_per_hour:
        return False
    return any(m.expires_at is None or m.is_good_for(kind, account, now) for m in lately)


def void_all(mails: Sequence[OutgoingMail], now: datetime, *kinds: MailKind) -> None:
    """The tokens of these kinds; of every kind when none is named."""
    for mail in mails:
        if not kinds or mail.kind in kinds:
            mail.void(now)
