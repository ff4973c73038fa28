"""What an operator may decide about sessions and mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPolicy:
    """How long sessions live and how patient their rotation is."""

    grace: timedelta = timedelta(seconds=30)
    """How long the predecessor of a refresh token still gets the same successor."""
    idle_lifetime: timedelta = timedelta(days=14)
    absolute_lifetime: timedelta = timedelta(days=30)
    max_recoveries: int = 10
    """How many lost responses in a row are believed."""
    max_sessions: int = 50
    """Of one account; the one that is idle longest makes room for a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPolicy:
    """How much `auth` writes, and for how long a mailed token is good."""

    token_lifetime: timedelta = timedelta(minutes=10)
    max_per_hour: int = 5
    """Mails of one kind that others can make us write to one account. It also bounds the
    registrations of an unverified address that wait for their proof at the same time."""
