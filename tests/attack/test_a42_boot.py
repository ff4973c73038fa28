"""A42: a process that would not be safe does not start, says why, and shows no value."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.infrastructure.database_clock import DatabaseClock
from tests.attack.size import FULL
from tests.e2e.socket.conftest import RunCommand, run_command
from tests.e2e.socket.server import free_port

__all__ = ["run_command"]

MARK = "marker8c1f"
SAFE = {
    "APP_ENVIRONMENT": "production",
    "APP_PUBLIC_URL": "https://bulkhead.example",
    "DATABASE_URL": "postgresql://service:a-good-one-73@127.0.0.1:1/app",
    "MAIL_URL": "smtp://mail.example",
    "MAIL_SENDER": "Bulkhead <no-reply@bulkhead.example>",
}
UNSAFE = {
    "APP_PUBLIC_URL": {"APP_PUBLIC_URL": f"http://{MARK}.example"},
    "APP_DEBUG": {"APP_DEBUG": "true"},
    "DATABASE_URL": {"DATABASE_URL": f"postgresql://{MARK}:app@127.0.0.1:5432/app"},
    "APP_CORS_": {
        "APP_CORS_ORIGINS": "*",
        "APP_CORS_CREDENTIALS": "true",
    },
    "MAIL_URL": {"MAIL_URL": f"smtp+plain://{MARK}.example"},
    "APP_TRUSTED_HOSTS": {"APP_TRUSTED_HOSTS": "*"},
}
PUBLISHED = (
    # What tutorials and default configurations have as their key.
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    b"your-256-bit-secret-your-256-bit-secret",
    b"supersecretkeythatshouldbechangedforproduction",
    b"changethis" * 5,
    b"0123456789abcdef0123456789abcdef",
    b"secret" * 8,
    b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
)
"""The last one is the key of RFC 7515, appendix A.1."""


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    KeyRing.ensure(folder, DatabaseClock(), publish_ahead=timedelta(minutes=5))
    return folder


async def _refused(run_command: RunCommand, **settings: str) -> list[str]:
    """The lines that it ended with."""
    ended = await run_command("serve", "--port", str(free_port()), **SAFE | settings)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout == ""
    assert MARK not in ended.stderr
    lines = ended.stderr.splitlines()
    assert all(line.startswith("app: ") for line in lines), ended.stderr
    return lines


async def test_a42_all_that_is_unsafe_is_named_in_a_line_of_its_own(
    run_command: RunCommand, keys_dir: Path
) -> None:
    settings = {name: value for unsafe in UNSAFE.values() for name, value in unsafe.items()}
    # Refused everywhere, and not only in production: it would hide the other lines.
    credentials = settings.pop("APP_CORS_CREDENTIALS")

    lines = await _refused(run_command, **settings)
    alone = await _refused(run_command, APP_CORS_ORIGINS="*", APP_CORS_CREDENTIALS=credentials)

    for name in UNSAFE:
        assert any(name in line for line in [*lines, *alone]), name
    if FULL:
        for name, unsafe in UNSAFE.items():
            lines = await _refused(run_command, **unsafe)
            assert [line for line in lines if name not in line] == []


async def test_a42_a_missing_key_and_a_short_one_are_refused(
    run_command: RunCommand, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    short = tmp_path / "short"
    KeyRing.ensure(short, DatabaseClock(), publish_ahead=timedelta(minutes=5))
    (short / "20260101T000000-a.secret").write_bytes(bytes(range(100, 131)))

    for lines in await asyncio.gather(
        _refused(run_command, AUTH_KEYS_DIR=str(tmp_path / "none")),
        _refused(run_command, AUTH_KEYS_DIR=str(short)),
    ):
        assert [line for line in lines if "AUTH_KEYS_DIR" not in line] == []


async def test_a42_a_key_that_everybody_knows_is_refused(
    run_command: RunCommand, keys_dir: Path
) -> None:
    for key in PUBLISHED if FULL else PUBLISHED[-1:]:
        (keys_dir / "20260101T000000-a.secret").write_bytes(key)

        lines = await _refused(run_command)

        assert [line for line in lines if "AUTH_KEYS_DIR" not in line] == [], key
        assert not [line for line in lines if key.decode() in line]
