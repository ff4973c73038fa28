"""Mail for development: every message a file, which any mail program opens."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

from app.shared.application.mailbox import KeptMail, Mailbox
from app.shared.application.mailer import Mail, Mailer
from app.shared.infrastructure.mail.message import Sender, message_of

KEPT = 200
"""Mails that are kept, and a quarter more; the oldest make room."""
_ID = re.compile("[0-9a-f]{32}")


class FolderMailer(Mailer):
    """Writes `.eml` files that are there in whole or not at all; a repetition replaces its own."""

    def __init__(self, folder: Path, sender: Sender, *, kept: int = KEPT) -> None:
        self._folder = folder
        self._sender = sender
        self._kept = kept
        self._since_tidied = 0

    async def send(self, mail: Mail, *, idempotency_key: str) -> None:
        name = sha256(idempotency_key.encode()).hexdigest()[:32]
        message = message_of(mail, self._sender, idempotency_key)
        await asyncio.to_thread(self._write, name, message)

    def _write(self, name: str, message: bytes) -> None:
        # Only for whoever runs this: there are links in it that open accounts.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f"{name}.{os.getpid()}.tmp"
        draft.touch(mode=0o600)
        draft.write_bytes(message)
        draft.rename(self._folder / f"{name}.eml")
        self._since_tidied += 1
        if self._since_tidied > self._kept // 4:
            # Looking at every file costs more than writing one.
            self._since_tidied = 0
            for file in _by_age(self._folder)[self._kept :]:
                file.unlink(missing_ok=True)


class FolderMailbox(Mailbox):
    """What the mailer of whichever process wrote into the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def newest(self) -> Sequence[KeptMail]:
        return await asyncio.to_thread(self._read_all)

    async def find(self, id: str) -> KeptMail | None:  # noqa: A002  # the port calls it so
        return await asyncio.to_thread(self._read_one, id) if _ID.fullmatch(id) else None

    async def clear(self) -> None:
        await asyncio.to_thread(self._clear)

    def _read_all(self) -> list[KeptMail]:
        found = []
        for file in _by_age(self._folder):
            with suppress(FileNotFoundError):  # another process made room
                found.append(_read(file))
        return found

    def _read_one(self, name: str) -> KeptMail | None:
        with suppress(FileNotFoundError):
            return _read(self._folder / f"{name}.eml")
        return None

    def _clear(self) -> None:
        for file in self._folder.glob("*.*"):
            file.unlink(missing_ok=True)


def _by_age(folder: Path) -> list[Path]:
    """The newest first."""
    ages = []
    for file in folder.glob("*.eml"):
        with suppress(FileNotFoundError):
            ages.append((file.stat().st_mtime_ns, file))
    return [file for _, file in sorted(ages, reverse=True)]


def _read(file: Path) -> KeptMail:
    raw = file.read_bytes()
    message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    return KeptMail(
        id=file.stem,
        sent_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        raw=raw,
    )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()) if part else ""
