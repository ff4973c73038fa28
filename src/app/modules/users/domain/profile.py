"""The profile: one per account, made when the account is."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypedDict
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import available_timezones

from app.modules.users.contracts.events import ProfileUpdated
from app.modules.users.domain.errors import (
    AvatarUrlInvalidError,
    BioInvalidError,
    DisplayNameInvalidError,
    HandleInvalidError,
    LocaleInvalidError,
    TimeZoneUnknownError,
)
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.ids import new_id

_HANDLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,29}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_URL = re.compile(r"[!-~]{1,500}")


class ProfileChanges(TypedDict, total=False):
    """What is to change; a member that is absent stays as it is."""

    display_name: str
    handle: str | None
    locale: str
    time_zone: str
    bio: str
    avatar_url: str | None


@dataclass(eq=False, kw_only=True)
class Profile(Aggregate):
    """What an account's owner says of themselves. Only the owner changes it.

    When the account is gone a tombstone stays: it says nothing of anybody, and by being there keeps
    a registration that is delivered late or again from making a new profile.
    """

    id: UUID
    account_id: UUID
    created_at: datetime
    updated_at: datetime
    display_name: str = ""
    handle: str | None = None
    """Unique without regard to case, shown as it was typed."""
    locale: str = "en"
    time_zone: str = "UTC"
    bio: str = ""
    avatar_url: str | None = None
    version: int = 1
    """Counts the stored changes; two editors of one version cannot both win."""
    erased_at: datetime | None = None

    @classmethod
    def create(cls, *, account_id: UUID, now: datetime, locale: str = "en") -> Profile:
        """In English, where the locale is of a kind that no profile can have."""
        profile = cls(id=new_id(), account_id=account_id, created_at=now, updated_at=now)
        if _LOCALE.fullmatch(locale):
            profile.locale = locale
        return profile

    def edit(self, changes: ProfileChanges, *, now: datetime) -> None:
        """What is already as asked for is no change.

        Raises the `InvalidError` of the first member that breaks its rule.
        """
        before = self._said()
        if "display_name" in changes:
            self.display_name = _display_name(changes["display_name"])
        if "handle" in changes:
            self.handle = _handle(changes["handle"])
        if "locale" in changes:
            self.locale = _locale(changes["locale"])
        if "time_zone" in changes:
            self.time_zone = _time_zone(changes["time_zone"])
        if "bio" in changes:
            self.bio = _bio(changes["bio"])
        if "avatar_url" in changes:
            self.avatar_url = _avatar_url(changes["avatar_url"])
        if self._said() != before:
            self.updated_at = now
            self._record(
                ProfileUpdated(
                    account_id=self.account_id,
                    locale=self.locale,
                    profile_version=self.version + 1,
                )
            )

    def erase(self, now: datetime) -> None:
        """Leave the tombstone; who was erased already stays so since then."""
        if self.erased_at is None:
            self.display_name = self.bio = ""
            self.handle = self.avatar_url = None
            self.locale, self.time_zone = "en", "UTC"
            self.updated_at = self.erased_at = now

    def _said(self) -> tuple[str | None, ...]:
        return (
            self.display_name,
            self.handle,
            self.locale,
            self.time_zone,
            self.bio,
            self.avatar_url,
        )


def _display_name(value: str) -> str:
    if len(value) > 100 or not _is_printable(value):
        raise DisplayNameInvalidError
    return value


def _handle(value: str | None) -> str | None:
    if value is not None and not _HANDLE.fullmatch(value):
        raise HandleInvalidError
    return value


def _locale(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise LocaleInvalidError
    return value


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise TimeZoneUnknownError
    return value


def _bio(value: str) -> str:
    if len(value) > 500 or not _is_printable(value.replace("\n", "")):
        raise BioInvalidError
    return value


def _avatar_url(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        url = urlsplit(value)
    except ValueError:
        raise AvatarUrlInvalidError from None
    if not _URL.fullmatch(value) or url.scheme != "https" or not url.hostname or "@" in url.netloc:
        raise AvatarUrlInvalidError
    return value


def _is_printable(value: str) -> bool:
    """Neither control characters nor lone surrogates; PostgreSQL stores no NUL."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in value)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
