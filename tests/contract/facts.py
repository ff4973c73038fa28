"""Compares aggregates by what they say, whatever carries them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.session import Session
from app.modules.users.domain.profile import Profile


def facts(aggregate: Account | ApiKey | OutgoingMail | Session | Profile | None) -> dict[str, Any]:
    """Every public fact by its name."""
    assert aggregate is not None
    return {field.name: getattr(aggregate, field.name) for field in fields(aggregate)}
