"""The keys of this service: kept in a folder outside the database, changed without a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog

from app.modules.auth.application.ports import PublishedKeys
from app.modules.auth.infrastructure.key_files import (
    SUFFIXES,
    Algorithm,
    KeyRingError,
    Kind,
    RefreshSecret,
    SigningKey,
    fingerprint,
    key_files,
    made_at,
    read_refresh_secret,
    read_signing_key,
)
from app.modules.auth.infrastructure.new_keys import (
    NewKeyFile,
    add_key_file,
    new_content,
    new_kid,
    write_once,
)
from app.shared.application.clock import Clock

_log = structlog.get_logger("app.auth.keys")
REREAD_SECONDS = 15.0
"""How often each process looks into the folder."""
_Key = TypeVar("_Key", SigningKey, RefreshSecret)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """A key as an operator may see it."""

    kid: str
    kind: str
    algorithm: str
    mints: bool
    """Whether new tokens are made with it; every listed key verifies."""


class KeyRing(PublishedKeys):
    """Signing keys (`<kid>.pem`) and refresh secrets (`<kid>.secret`) of one folder.

    Every key verifies. The newest that is older than `publish_ahead` mints, so that all who
    verify have heard of it; while none is, the oldest does. The age stands in the kid
    (`20261120T101500-ab12cd`); a kid without a time counts as old.
    """

    def __init__(self, directory: Path, clock: Clock, *, publish_ahead: timedelta) -> None:
        """Raises `KeyRingError` unless there is a good key of each kind and no bad one."""
        self.version = 0
        """Grows with every change; what was derived from an older version is void."""
        self._directory = directory
        self._clock = clock
        self._publish_ahead = publish_ahead
        self._signing: dict[str, SigningKey] = {}
        self._secrets: dict[str, RefreshSecret] = {}
        self._seen = fingerprint(self._directory)
        complaints = self._load()
        if complaints:
            raise complaints[0]

    @classmethod
    def ensure(
        cls,
        directory: Path,
        clock: Clock,
        *,
        publish_ahead: timedelta,
        algorithm: Algorithm = "ES256",
    ) -> KeyRing:
        """As the constructor, but makes what is missing: the first start in development.

        Of processes that start together one makes the file and the others read it: its name is
        the present hour.
        """
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for kind, suffix in SUFFIXES.items():
                if not any(path.suffix == suffix for path in key_files(directory)):
                    name = f"{new_kid(hour, 'first')}{suffix}"
                    write_once(directory / name, new_content(kind, algorithm))
        except OSError as error:
            raise KeyRingError(f"the folder cannot be written: {error.strerror}") from None
        return cls(directory, clock, publish_ahead=publish_ahead)

    def signing_key(self) -> SigningKey:
        """The key that signs now."""
        return self._current(self._signing)

    def verifying_key(self, kid: str) -> SigningKey | None:
        return self._signing.get(kid)

    def refresh_secret(self) -> RefreshSecret:
        """The secret that mints now."""
        return self._current(self._secrets)

    def refresh_secret_of(self, kid: str) -> RefreshSecret | None:
        return self._secrets.get(kid)

    @property
    def refresh_kids(self) -> tuple[str, ...]:
        return tuple(self._secrets)

    @property
    def max_age_seconds(self) -> int:
        # Every process has read a new key, and every older answer has expired, when it signs.
        return int(self._publish_ahead.total_seconds() - 2 * REREAD_SECONDS)

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.public_jwk() for key in self._signing.values()]}

    def refresh(self) -> bool:
        """Read the folder again if anything in it changed; True when the keys did.

        A file that turned bad is logged and its last good content stays; without one good key
        of each kind everything stays as it was.
        """
        try:
            found = fingerprint(self._directory)
        except KeyRingError as error:
            _log.error("key folder unreadable", error=str(error))
            return False
        if found == self._seen:
            return False
        self._seen = found
        before = self.version
        for complaint in self._load():
            _log.error("key file refused", error=str(complaint))
        return self.version != before

    def listing(self) -> list[KeyState]:
        """Every key without its content."""
        signs, derives = self.signing_key().kid, self.refresh_secret().kid
        return [
            *(
                KeyState(kid=kid, kind="signing", algorithm=key.algorithm, mints=kid == signs)
                for kid, key in self._signing.items()
            ),
            *(
                KeyState(kid=kid, kind="refresh", algorithm="HS256", mints=kid == derives)
                for kid in self._secrets
            ),
        ]

    async def reread(self) -> None:
        """`refresh`, as a periodic task calls it."""
        self.refresh()

    def rotate(self, kind: Kind, *, algorithm: Algorithm = "ES256") -> NewKeyFile:
        """Add a key of the kind; it verifies at once and mints after `publish_ahead`."""
        made = add_key_file(self._directory, kind, self._clock.now(), algorithm=algorithm)
        self.refresh()
        return made

    def _load(self) -> list[KeyRingError]:
        """Take over what is good; answers what is not."""
        complaints: list[KeyRingError] = []
        signing: dict[str, SigningKey] = {}
        secrets: dict[str, RefreshSecret] = {}
        for path in key_files(self._directory):
            try:
                if path.suffix == SUFFIXES["signing"]:
                    key = read_signing_key(path)
                    signing[key.kid] = key
                else:
                    secret = read_refresh_secret(path)
                    secrets[secret.kid] = secret
            except KeyRingError as error:
                complaints.append(error)
                if path.stem in self._signing and path.suffix == SUFFIXES["signing"]:
                    signing[path.stem] = self._signing[path.stem]
                elif path.stem in self._secrets and path.suffix == SUFFIXES["refresh"]:
                    secrets[path.stem] = self._secrets[path.stem]
        for suffix, keys in ((".pem", signing), (".secret", secrets)):
            if not keys and not complaints:
                missing = f"there is no *{suffix} file in the folder"
                complaints.append(KeyRingError(f"{missing}: run `app keys rotate`"))
        if signing and secrets:
            self._signing, self._secrets = signing, secrets
            self.version += 1
        return complaints

    def _current(self, keys: dict[str, _Key]) -> _Key:
        published = self._clock.now() - self._publish_ahead
        newest_first = reversed(keys.values())
        ripe = (key for key in newest_first if made_at(key.kid) <= published)
        return next(ripe, None) or next(iter(keys.values()))
