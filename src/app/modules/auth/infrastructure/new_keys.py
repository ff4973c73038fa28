"""Makes the files of `AUTH_KEYS_DIR`, whoever else is making them."""

from __future__ import annotations

import errno
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.modules.auth.infrastructure.key_files import (
    SUFFIXES,
    TIMESTAMP,
    Algorithm,
    Kind,
    PrivateKey,
)

_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class NewKeyFile:
    """What was made; `content` only where the folder could not be written."""

    name: str
    content: str | None = field(default=None, repr=False)


def add_key_file(
    directory: Path, kind: Kind, now: datetime, *, algorithm: Algorithm = "ES256"
) -> NewKeyFile:
    """A fresh key in the folder; where that is read-only, only the answer has its content."""
    name = f"{new_kid(now)}{SUFFIXES[kind]}"
    content = new_content(kind, algorithm)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(directory / name, content)
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        return NewKeyFile(name, content.decode("ascii"))
    return NewKeyFile(name)


def new_kid(now: datetime, distinction: str | None = None) -> str:
    """`20261120T101500-ab12cd`: all who read it agree on the age of the key."""
    return f"{now.astimezone(UTC):{TIMESTAMP}}-{distinction or secrets.token_hex(3)}"


def new_content(kind: Kind, algorithm: Algorithm) -> bytes:
    """A fresh key or secret as the text of its file."""
    if kind == "refresh":
        return urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=") + b"\n"
    private: PrivateKey = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else ed25519.Ed25519PrivateKey.generate()
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_once(path: Path, content: bytes) -> bool:
    """Make the file, complete and with mode 0600, or leave the one that another process made
    first and answer False."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
