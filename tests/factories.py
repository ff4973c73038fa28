"""Aggregates and commands for tests: `.build(…)` fills in what a test does not care about."""

from __future__ import annotations

from datetime import timedelta

from factory.base import Factory
from factory.declarations import LazyAttribute, LazyFunction, Sequence

from app.modules.auth.application.commands.create_admin import CreateAdmin
from app.modules.auth.application.commands.log_in import LogIn
from app.modules.auth.application.commands.register_account import RegisterAccount
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.session import Session
from app.modules.users.domain.profile import Profile
from app.shared.domain.ids import new_id
from app.shared.testing import FixedClock

START = FixedClock().now()
"""When a test's clock starts, and when everything that is built here was made."""

PASSWORD = "correct horse battery staple"


class AccountFactory(Factory[Account]):
    """An account whose password is `PASSWORD`, for the fake hasher."""

    class Meta:
        model = Account

    id = LazyFunction(new_id)
    email = Sequence(lambda n: EmailAddress.parse(f"Person{n}@example.com"))
    password_hash = f"fake1:{PASSWORD}"
    created_at = START


class SessionFactory(Factory[Session]):
    """A session that was opened and never refreshed."""

    class Meta:
        model = Session

    id = LazyFunction(new_id)
    account_id = LazyFunction(new_id)
    epoch = 0
    kid = "kid1"
    created_at = START
    rotated_at = LazyAttribute(lambda session: session.created_at)
    parent_rotated_at = LazyAttribute(lambda session: session.created_at)
    idle_expires_at = LazyAttribute(lambda session: session.rotated_at + timedelta(days=14))
    absolute_expires_at = LazyAttribute(lambda session: session.created_at + timedelta(days=30))


class ProfileFactory(Factory[Profile]):
    class Meta:
        model = Profile

    id = LazyFunction(new_id)
    account_id = LazyFunction(new_id)
    created_at = START
    updated_at = START


class RegisterAccountFactory(Factory[RegisterAccount]):
    class Meta:
        model = RegisterAccount

    email = Sequence(lambda n: f"newcomer{n}@example.com")
    password = PASSWORD


class CreateAdminFactory(Factory[CreateAdmin]):
    class Meta:
        model = CreateAdmin

    email = Sequence(lambda n: f"operator{n}@example.com")
    password = PASSWORD


class LogInFactory(Factory[LogIn]):
    class Meta:
        model = LogIn

    email = "person@example.com"
    password = PASSWORD
