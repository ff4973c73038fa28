"""The table of `users` and how the profile lies in it."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Uuid, func, literal_column

from app.database import mapper_registry, metadata
from app.modules.users.domain.profile import Profile

_TIME = DateTime(timezone=True)

profiles = Table(
    "profile",
    metadata,
    Column("id", Uuid, primary_key=True),
    # No foreign key: the account lives in another module.
    Column("account_id", Uuid, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("handle", Text),
    Column("locale", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("bio", Text, nullable=False),
    Column("avatar_url", Text),
    Column("created_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("erased_at", _TIME),
    schema="users",
)
Index("uq_profile_handle", func.lower(profiles.c.handle), unique=True)
# The orders of the list of users, whose statements name the same expressions.
_LISTED = profiles.c.erased_at.is_(None)
_NAME = func.lower(profiles.c.display_name)
_HANDLE = func.lower(func.coalesce(profiles.c.handle, literal_column("''")))
_ID = profiles.c.account_id
Index("ix_profile_created_at", profiles.c.created_at, _ID, postgresql_where=_LISTED)
Index("ix_profile_display_name", _NAME, _ID, postgresql_where=_LISTED)
Index("ix_profile_handle", _HANDLE, _ID, postgresql_where=_LISTED)

mapper_registry.map_imperatively(Profile, profiles, version_id_col=profiles.c.version)
