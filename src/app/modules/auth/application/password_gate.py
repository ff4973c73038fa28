"""The one way to a comparison of passwords, so that every guess is counted before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.credentials import Credentials, CredentialStore
from app.modules.auth.application.ports import PasswordCheck, PasswordHasher
from app.modules.auth.application.throttling import Charge, Reservation, Throttle
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    CurrentPasswordWrongError,
    HashingOverloadedError,
    HashingQueueShareError,
    InvalidCredentialsError,
    LoginThrottledError,
)
from app.modules.auth.domain.password import normalize_password
from app.modules.auth.domain.throttling import ThrottlePolicy, network_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """A guess that was made and counted as a failure, unless it is accepted."""

    check: PasswordCheck
    reserved: tuple[Reservation, ...]


@dataclass(frozen=True)
class PasswordGate:
    """A guess is charged to the network that it comes from, and then to the address it is for.

    Somebody who was logged in to the account before, and shows it, has a budget of their own in
    place of the address's, so that an attack from elsewhere does not lock them out.
    """

    credentials: CredentialStore
    throttle: Throttle
    hasher: PasswordHasher
    throttle_policy: ThrottlePolicy

    async def verify_current(
        self, account_id: UUID, password: str, client: str | None
    ) -> Credentials:
        """Raises `CurrentPasswordWrongError`, `LoginThrottledError`, and `AccountDisabledError`
        when the account is gone."""
        known = await self.credentials.of_account(account_id)
        if known is None:
            raise AccountDisabledError
        try:
            attempt = await self.attempt(
                SecurityEvent.PASSWORD_CHECK,
                password,
                known,
                mailbox=known.email_key,
                client=client,
            )
        except InvalidCredentialsError:
            raise CurrentPasswordWrongError from None
        if not attempt.check.matches:
            log_event(
                SecurityEvent.PASSWORD_CHECK,
                CurrentPasswordWrongError.code,
                account_id=known.account_id,
            )
            raise CurrentPasswordWrongError
        await self.accept(attempt)
        return known

    async def attempt(
        self,
        event: SecurityEvent,
        password: str,
        known: Credentials | None,
        *,
        mailbox: str,
        client: str | None,
    ) -> Attempt:
        """The same work whether or not the address is known.

        Raises `LoginThrottledError` before anything is hashed, the refusals of `PasswordHasher`,
        and those of `normalize_password`.
        """
        normalized = normalize_password(password)
        try:
            reserved = await self.throttle.reserve(
                Charge(self.throttle_policy.client, network_of(client)),
                self._charge(known, mailbox),
            )
        except LoginThrottledError as refusal:
            log_event(event, refusal.code, account_id=known.account_id if known else None)
            raise
        try:
            check = await self.hasher.check(
                normalized, known.password_hash if known else None, client=client
            )
        except (HashingOverloadedError, HashingQueueShareError):
            await self.throttle.refund(reserved)
            raise
        return Attempt(check, reserved)

    async def accept(self, attempt: Attempt) -> None:
        """It was no failure, so it is not held against anybody."""
        await self.throttle.succeeded(attempt.reserved)

    async def clear(self, email_key: str) -> None:
        """Somebody who reads the address's mail has a new password: forget the guesses."""
        await self.throttle.clear(Charge(self.throttle_policy.password, email_key))

    def _charge(self, known: Credentials | None, mailbox: str) -> Charge:
        if known is None or known.session_id is None:
            return Charge(self.throttle_policy.password, mailbox)
        # A reset raises the epoch, and with it the device starts anew.
        return Charge(self.throttle_policy.device, f"{known.session_id}|{known.epoch}")
