"""A process that must not run says why in a line that names the setting and no value."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes

import asyncpg
import pytest

from app.cli import main
from app.database import asyncpg_dsn
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.infrastructure.database_clock import DatabaseClock
from tests.e2e.socket.conftest import RunCommand
from tests.e2e.socket.server import environment, free_port

SAFE = {
    "APP_ENVIRONMENT": "production",
    "APP_PUBLIC_URL": "https://bulkhead.example",
    "DATABASE_URL": "postgresql://service:a-good-one-73@127.0.0.1:1/app",
    "MAIL_URL": "smtp://service:a-good-one-74@127.0.0.1:1",
    "MAIL_SENDER": "Bulkhead <no-reply@bulkhead.example>",
}
MARK = "marker-8c1f"


@pytest.fixture
def production_keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    KeyRing.ensure(folder, DatabaseClock(), publish_ahead=timedelta(minutes=5))
    return folder


@pytest.mark.parametrize(
    ("unsafe", "named"),
    [
        ({"APP_PUBLIC_URL": f"http://{MARK}.example"}, "APP_PUBLIC_URL"),
        ({"APP_DEBUG": "true"}, "APP_DEBUG"),
        ({"DATABASE_URL": f"postgresql://{MARK}:app@127.0.0.1:5432/app"}, "DATABASE_URL"),
        ({"DATABASE_URL": f"postgresql://{MARK}@127.0.0.1:5432/app"}, "DATABASE_URL"),
        ({"DATABASE_URL": f"mysql://app:{MARK}@127.0.0.1/app"}, "DATABASE_URL"),
        ({"MAIL_URL": ""}, "MAIL_URL"),
        ({"MAIL_URL": f"smtp+plain://{MARK}:{MARK}@127.0.0.1"}, "MAIL_URL"),
        ({"MAIL_URL": f"smtp://{MARK}@127.0.0.1"}, "MAIL_URL"),
        ({"MAIL_URL": f"http://{MARK}:{MARK}@127.0.0.1"}, "MAIL_URL"),
        ({"MAIL_SENDER": ""}, "MAIL_SENDER"),
        ({"MAIL_SENDER": MARK}, "MAIL_SENDER"),
        ({"MAIL_CA": MARK}, "MAIL_CA"),
        ({"MAIL_TIMEOUT": "26"}, "MAIL_TIMEOUT"),
        ({"AUTH_REFRESH_GRACE": "301"}, "AUTH_REFRESH_GRACE"),
        ({"AUTH_IDLE_LIFETIME": "99999999"}, "AUTH_IDLE_LIFETIME"),
        ({"AUTH_PASSWORD_MIN_LENGTH": "7"}, "AUTH_PASSWORD_MIN_LENGTH"),
        ({"AUTH_ACCESS_LIFETIME": MARK}, "AUTH_ACCESS_LIFETIME"),
        ({"APP_REQUEST_TIMEOUT": "31"}, "APP_REQUEST_TIMEOUT"),
        ({"APP_ENVIRONMENT": MARK}, "APP_ENVIRONMENT"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_production_refuses_an_unsafe_setting(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    production_keys: Path,
    unsafe: dict[str, str],
    named: str,
) -> None:
    set_alone = environment(SAFE["DATABASE_URL"], production_keys.parent, **SAFE | unsafe)
    monkeypatch.setattr("os.environ", set_alone)
    monkeypatch.chdir(production_keys.parent)
    monkeypatch.setattr("sys.argv", ["app", "serve", "--port", str(free_port())])

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert ended.value.code == 1
    assert said.out == ""
    assert named in said.err
    assert MARK not in said.err
    assert "99999999" not in said.err
    assert all(line.startswith("app: ") for line in said.err.splitlines())


async def test_a_refused_process_ends_with_its_line_alone(
    run_command: RunCommand, production_keys: Path
) -> None:
    unsafe = {"APP_PUBLIC_URL": f"http://{MARK}.example"}

    ended = await run_command("serve", "--port", str(free_port()), **SAFE | unsafe)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "app: APP_PUBLIC_URL is not https\n"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (None, b""),
        ("20260101T000000-a.secret", urlsafe_b64encode(token_bytes(31)).rstrip(b"=")),
        ("20260101T000000-a.secret", b"changethis" * 5),
        ("20260101T000000-a.secret", b"a" * 64),
        ("20260101T000000-a.pem", b"-----BEGIN PRIVATE KEY-----\n"),
    ],
    ids=["none", "31 bytes", "placeholder", "repeated", "no PEM"],
)
async def test_production_refuses_missing_and_weak_keys(
    run_command: RunCommand, tmp_path: Path, file: str | None, content: bytes
) -> None:
    folder = tmp_path / "keys"
    if file is None:
        folder.mkdir()
    else:
        KeyRing.ensure(folder, DatabaseClock(), publish_ahead=timedelta(minutes=5))
        (folder / file).write_bytes(content)

    ended = await run_command("serve", "--port", str(free_port()), **SAFE)

    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("app: AUTH_KEYS_DIR: ")
    if content:
        assert content.decode().strip() not in ended.stdout + ended.stderr


async def test_an_unreachable_database_is_one_line(run_command: RunCommand) -> None:
    url = f"postgresql://service:a-good-one-73@127.0.0.1:{free_port()}/app"

    for ended in await asyncio.gather(
        run_command("serve", "--port", str(free_port()), DATABASE_URL=url),
        run_command("worker", DATABASE_URL=url),
        run_command("migrate", DATABASE_URL=url),
    ):
        assert ended.returncode == 1
        [line] = ended.stderr.splitlines()
        assert line.startswith("app: DATABASE_URL: ")
        assert "a-good-one-73" not in ended.stdout + ended.stderr


async def test_a_database_without_a_schema_is_one_line(
    run_command: RunCommand, blank_database_url: str
) -> None:
    ended = await run_command("serve", "--port", str(free_port()), DATABASE_URL=blank_database_url)

    assert ended.returncode == 1
    assert ended.stderr == "app: the database has no schema yet: run `app migrate`\n"


async def test_a_database_that_was_not_migrated_for_this_version_is_one_line(
    run_command: RunCommand, blank_database_url: str
) -> None:
    await run_command("migrate", DATABASE_URL=blank_database_url)
    connection = await asyncpg.connect(asyncpg_dsn(blank_database_url))
    await connection.execute("ALTER TABLE messaging.subscription DROP COLUMN last_delivered_at")
    await connection.execute("ALTER TABLE messaging.event ADD COLUMN of_a_newer_version int")
    older = await run_command("events", "lag", DATABASE_URL=blank_database_url)
    await connection.execute("ALTER TABLE messaging.subscription ADD last_delivered_at timestamptz")
    await connection.close()

    newer = await run_command("events", "lag", DATABASE_URL=blank_database_url)

    assert older.returncode == 1
    assert older.stderr == "app: the database is older than this code: run `app migrate`\n"
    assert newer.returncode == 0, newer.stderr


async def test_a_database_that_may_take_back_what_it_acknowledged_is_one_line(
    run_command: RunCommand, blank_database_url: str
) -> None:
    connection = await asyncpg.connect(asyncpg_dsn(blank_database_url))
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await connection.close()

    ended = await run_command("migrate", DATABASE_URL=blank_database_url)

    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("app: synchronous_commit is off: ")


async def test_a_secret_may_lie_in_a_file(
    run_command: RunCommand, database: str, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text(f"{database}\n")

    ended = await run_command("migrate", DATABASE_URL="", DATABASE_URL_FILE=str(tmp_path / "url"))

    assert ended.returncode == 0, ended.stderr
