"""What a password must be when it is chosen, and how it is read when it is presented."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import (
    InvalidCredentialsError,
    PasswordGuessableError,
    PasswordInvalidError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
)
from app.modules.auth.domain.guessable import CommonPasswords, Verdict, judge
from app.shared.domain.errors import InvalidError

__all__ = ["CommonPasswords", "NewPassword", "PasswordPolicy", "normalize_password"]

_MAX_BYTES = 4096
"""Of UTF-8 before normalisation, which is not linear in hostile input. No accepted password
comes near: one NFC code point is at most nine bytes before it is composed."""


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Lengths in code points, and the words that are no secret: the common ones, and those that
    anybody would guess of this service.

    There are no rules of composition: they make passwords weaker (NIST SP 800-63B-4 §3.1.1.2).
    """

    common: CommonPasswords = frozenset()
    min_length: int = 15
    max_length: int = 128
    context_words: tuple[str, ...] = ("bulkhead",)

    def __post_init__(self) -> None:
        if self.min_length < 8:
            raise ValueError("AUTH_PASSWORD_MIN_LENGTH must not be below 8")
        if not 64 <= self.max_length <= 256 or self.max_length < self.min_length:
            raise ValueError("the longest password must be 64 to 256 code points, never cut")


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that passed the policy of the day it was chosen; NFC, never truncated."""

    value: str = field(repr=False)

    @classmethod
    def choose(
        cls,
        raw: str,
        *,
        policy: PasswordPolicy,
        email: EmailAddress | None,
        member: str = "/password",
    ) -> NewPassword:
        """Raises the `Password…Error` that says what is wrong with it, under the pointer to the
        `member` of the request that it came in."""
        try:
            return cls(_judged(raw, policy, email))
        except InvalidError as refusal:
            refusal.pointer = member
            raise


def _judged(raw: str, policy: PasswordPolicy, email: EmailAddress | None) -> str:
    if not _fits(raw):
        raise PasswordTooLongError
    try:
        value = _normalised(raw)
    except UnicodeEncodeError:
        raise PasswordInvalidError from None
    if len(value) < policy.min_length:
        at_least = f"The password needs at least {policy.min_length} characters."
        raise PasswordTooShortError(at_least)
    if len(value) > policy.max_length:
        raise PasswordTooLongError(f"The password may have at most {policy.max_length} characters.")
    match judge(value, common=policy.common, context=_context(policy, email)):
        case Verdict.COMMON:
            raise PasswordTooCommonError
        case Verdict.CONTEXT:
            raise PasswordGuessableError
        case Verdict.FINE:
            return value


def normalize_password(raw: str) -> str:
    """The form that is hashed and compared: NFC, nothing else.

    No policy here: whoever has an older password keeps it. Raises `InvalidCredentialsError` for
    what can be nobody's password (far too long, or no Unicode text), before anything is hashed;
    the refusal depends on the text alone, so it tells nothing of any account.
    """
    if not _fits(raw):
        raise InvalidCredentialsError
    try:
        return _normalised(raw)
    except UnicodeEncodeError:
        raise InvalidCredentialsError from None


def _fits(raw: str) -> bool:
    return len(raw) <= _MAX_BYTES and len(raw.encode("utf-8", "surrogatepass")) <= _MAX_BYTES


def _normalised(raw: str) -> str:
    raw.encode("utf-8")  # a lone surrogate has no UTF-8 form, and so no hash
    return unicodedata.normalize("NFC", raw)


def _context(policy: PasswordPolicy, email: EmailAddress | None) -> frozenset[str]:
    words = set(policy.context_words)
    if email is not None:
        local, _, domain = email.key.partition("@")
        words |= {email.key, local, domain, domain.rpartition(".")[0], *domain.split(".")}
        words |= set(local.replace("+", ".").replace("_", ".").replace("-", ".").split("."))
    return frozenset(word.lower() for word in words if len(word) >= 3)
