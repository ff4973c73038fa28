"""Settings: where they come from, what they refuse, and that no refusal shows a value."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import ValidationError

from app.database import asyncpg_dsn
from app.modules.auth.settings import AuthSettings
from app.settings import Settings, SettingsError
from app.shared.application.deployment import Deployment
from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.codec import EventCodec

SAFE = {
    "APP_ENVIRONMENT": "production",
    "APP_PUBLIC_URL": "https://api.example.com",
    "DATABASE_URL": "postgresql://app:Yt7-long-and-random@db.example.com/app",
    "AUTH_KEYS_DIR": "/run/keys",
    "MAIL_URL": "smtps://app:Yt7-long-and-random@mail.example.com",
    "MAIL_SENDER": "Example <no-reply@example.com>",
}
NO_PASSWORD = "DATABASE_URL has no password or a default one"
SECRET = "Zq9-must-not-be-shown"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, and there is no `.env`."""
    for name in os.environ:
        if name.startswith(("APP_", "DATABASE_", "EVENTS_", "AUTH_", "BROKER_", "MAIL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, **variables)
    assert str(refused.value) == "\n".join(refused.value.lines)
    return refused.value.lines


def test_development_needs_nothing_to_be_set() -> None:
    settings = Settings.load()

    assert settings.is_development
    assert settings.deployment.public_url == "http://127.0.0.1:8000"


def test_production_starts_when_everything_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **SAFE)

    assert settings.environment == "production"
    assert not settings.is_development


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("APP_PUBLIC_URL", "http://api.example.com", "APP_PUBLIC_URL is not https"),
        ("APP_FRONTEND_URL", "http://www.example.com", "APP_FRONTEND_URL is not https"),
        ("APP_DEBUG", "true", "APP_DEBUG is on"),
        ("AUTH_ACCESS_LIFETIME", "3601", "AUTH_ACCESS_LIFETIME is longer than an hour"),
        ("APP_TRUSTED_HOSTS", "api.example.com,*", "APP_TRUSTED_HOSTS is any host"),
        (
            "APP_CORS_ORIGINS",
            "https://a.example.com,http://b.example.com",
            "APP_CORS_ORIGINS has an origin without https",
        ),
        ("MAIL_URL", "", "MAIL_URL is not set: mail would go nowhere"),
        ("MAIL_URL", "smtp+plain://mail.example.com", "MAIL_URL is without TLS"),
        ("FAILPOINT", "purge", "FAILPOINT is set: the process would kill itself"),
        (
            "DATABASE_URL",
            "postgresql://app@db/app",
            "DATABASE_URL has no password or a default one",
        ),
        (
            "DATABASE_URL",
            "postgresql://app:postgres@db/app",
            "DATABASE_URL has no password or a default one",
        ),
        (
            "DATABASE_URL",
            "postgresql://shop:shop@db/app",
            "DATABASE_URL has no password or a default one",
        ),
        (
            "DATABASE_URL",
            "postgresql://app:changethis@db/app",
            "DATABASE_URL has no password or a default one",
        ),
        (
            "AUTH_KEYS_DIR",
            "",
            "AUTH_KEYS_DIR is not set: mount the keys, which outlive this machine",
        ),
    ],
)
def test_production_refuses_what_is_unsafe_by_its_name(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = refusal(monkeypatch, **SAFE | {variable: value})

    assert lines == [named]


def test_production_names_every_problem_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = refusal(monkeypatch, APP_ENVIRONMENT="production", APP_DEBUG="1")

    assert [line.split(" ", 1)[0] for line in lines] == [
        "APP_PUBLIC_URL",
        "APP_DEBUG",
        "DATABASE_URL",
        "MAIL_URL",
        "AUTH_KEYS_DIR",
    ]


def test_staging_is_not_held_to_the_rules_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, APP_ENVIRONMENT="staging")

    assert not settings.is_development


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"APP_ENVIRONMENT": SECRET}, "APP_ENVIRONMENT"),
        ({"APP_MAX_BODY_BYTES": SECRET}, "APP_MAX_BODY_BYTES"),
        ({"APP_PUBLIC_URL": SECRET}, "APP_PUBLIC_URL"),
        ({"APP_PUBLIC_URL": f"https://{SECRET}/"}, "APP_PUBLIC_URL"),
        ({"APP_PUBLIC_URL": f"https://[{SECRET}"}, "APP_PUBLIC_URL"),
        ({"APP_PUBLIC_URL": f"https://app:{SECRET}@example.com"}, "APP_PUBLIC_URL"),
        ({"APP_PUBLIC_URL": f"https://example.com?key={SECRET}"}, "APP_PUBLIC_URL"),
        ({"APP_PUBLIC_URL": f"https://{SECRET} .example.com"}, "APP_PUBLIC_URL"),
        ({"APP_FRONTEND_URL": f"https://{SECRET}/"}, "APP_FRONTEND_URL"),
        ({"APP_TRUSTED_HOSTS": f"https://{SECRET}"}, "APP_TRUSTED_HOSTS"),
        ({"APP_TRUSTED_HOSTS": f"{SECRET}:8000"}, "APP_TRUSTED_HOSTS"),
        ({"APP_TRUSTED_HOSTS": f"{SECRET}.*"}, "APP_TRUSTED_HOSTS"),
        ({"APP_TRUSTED_PROXY_HOPS": SECRET}, "APP_TRUSTED_PROXY_HOPS"),
        ({"APP_TRUSTED_PROXY_HOPS": "-1"}, "APP_TRUSTED_PROXY_HOPS"),
        ({"APP_CORS_ORIGINS": SECRET}, "APP_CORS_ORIGINS"),
        ({"APP_CORS_ORIGINS": f"https://{SECRET}/"}, "APP_CORS_ORIGINS"),
        ({"APP_CORS_ORIGINS": f"https://*.{SECRET}"}, "APP_CORS_ORIGINS"),
        ({"APP_CORS_ORIGINS": "null"}, "APP_CORS_ORIGINS"),
        ({"APP_CORS_ORIGINS": f"*,https://{SECRET}"}, "APP_CORS_ORIGINS"),
        ({"APP_DATABASE": SECRET}, "APP_*"),
        ({"APP_REQUEST_TIMEOUT": SECRET}, "APP_REQUEST_TIMEOUT"),
        ({"DATABASE_URL": SECRET}, "DATABASE_URL"),
        ({"DATABASE_URL": f"mysql://app:{SECRET}@db/app"}, "DATABASE_URL"),
        ({"DATABASE_URL": f"postgresql://app:1@db:{SECRET}/app"}, "DATABASE_URL"),
        ({"DATABASE_POOL_SIZE": "2"}, "DATABASE_POOL_SIZE"),
        ({"EVENTS_POLL": "0"}, "EVENTS_POLL"),
        ({"EVENTS_POLL": "5.1"}, "EVENTS_POLL"),
        ({"BROKER_URL": SECRET}, "BROKER_URL"),
        ({"BROKER_URL": f"http://app:{SECRET}@broker"}, "BROKER_URL"),
        ({"BROKER_URL": f"nats://app:1@broker:{SECRET}"}, "BROKER_URL"),
        ({"BROKER_URL": f"nats://[{SECRET}"}, "BROKER_URL"),
        ({"BROKER_URL": f"nats://one,{SECRET}"}, "BROKER_URL"),
        ({"BROKER_RELAYS": SECRET, "BROKER_URL": "nats://broker"}, "BROKER_RELAYS"),
        ({"BROKER_STREAM": f"a.{SECRET}"}, "BROKER_STREAM"),
        ({"AUTH_REFRESH_GRACE": SECRET}, "AUTH_REFRESH_GRACE"),
        ({"AUTH_IDLE_LIFETIME": "inf"}, "AUTH_IDLE_LIFETIME"),
        ({"AUTH_IDLE_LIFETIME": "1e30"}, "AUTH_IDLE_LIFETIME"),
        ({"AUTH_PASSWORD_MIN_LENGTH": "7"}, "AUTH_PASSWORD_MIN_LENGTH"),
        ({"AUTH_EMAIL_VERIFICATION": SECRET}, "AUTH_EMAIL_VERIFICATION"),
        ({"AUTH_MAIL_TOKEN_LIFETIME": "3601"}, "AUTH_MAIL_TOKEN_LIFETIME"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(
    variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = refusal(monkeypatch, **variables)

    assert line.startswith(named)
    assert SECRET not in line


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("AUTH_EMAIL_VERIFICATON", "AUTH_EMAIL_VERIFICATION"),
        ("auth_refresh_garce", "AUTH_REFRESH_GRACE"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("APP_ENV", "APP_ENVIRONMENT"),
        ("MAIL_SENDERS", "MAIL_SENDER"),
    ],
)
@pytest.mark.parametrize("where", ["the environment", ".env"])
def test_a_name_that_is_nearly_a_settings_is_refused(
    given: str, meant: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == ".env":
        Path(".env").write_text(f"{given}={SECRET}", encoding="utf-8")
    else:
        monkeypatch.setenv(given, SECRET)

    lines = refusal(monkeypatch)

    assert lines == [f"{given.upper()} is no setting: {meant} is"]


@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_PORT",
        "DATABASE_SERVICE_HOST",
        "AUTH_PORT_8000_TCP_ADDR",
        "MAIL_HOST",
        "APP_HOME",
        "PATH_URL",
        "AUTH_REFRESH_GRACE_FILE",
        "app_log_level",
    ],
)
def test_a_name_of_somebody_elses_or_in_other_letters_is_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = tmp_path / "value"
    value.write_text("20", encoding="utf-8")
    given = {"app_log_level": "info", "AUTH_REFRESH_GRACE_FILE": str(value)}

    settings = load(monkeypatch, **{name: given.get(name, "tcp://10.0.0.1:5432")})

    assert settings.is_development


def test_mistakes_in_several_groups_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = refusal(monkeypatch, DATABASE_URL="mysql://db", EVENTS_POLL="-1")

    assert [line.split(" ", 1)[0].rstrip(":") for line in lines] == ["DATABASE_URL", "EVENTS_POLL"]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (
            {"AUTH_REFRESH_GRACE": "61"},
            "AUTH_REFRESH_GRACE is longer than a tenth of AUTH_ACCESS_LIFETIME",
        ),
        (
            {"AUTH_IDLE_LIFETIME": "600"},
            "AUTH_ACCESS_LIFETIME is not shorter than AUTH_IDLE_LIFETIME",
        ),
        (
            {"AUTH_ABSOLUTE_LIFETIME": "1209599"},
            "AUTH_IDLE_LIFETIME is longer than AUTH_ABSOLUTE_LIFETIME",
        ),
        (
            {"APP_REQUEST_TIMEOUT": "30"},
            "APP_REQUEST_TIMEOUT is not shorter than AUTH_REFRESH_GRACE",
        ),
        (
            {"APP_CORS_ORIGINS": "*", "APP_CORS_CREDENTIALS": "true"},
            "APP_CORS_CREDENTIALS is on, and APP_CORS_ORIGINS is any origin",
        ),
        (
            {"EVENTS_CONCURRENCY": "9"},
            "DATABASE_POOL_SIZE, 10, is less than EVENTS_CONCURRENCY plus 2, 11",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(monkeypatch, **variables) == [named]


@pytest.mark.parametrize(
    "variables",
    [
        {"AUTH_REFRESH_GRACE": "60"},
        {"AUTH_IDLE_LIFETIME": "601"},
        {"AUTH_ABSOLUTE_LIFETIME": "1209600"},
        {"APP_REQUEST_TIMEOUT": "29.9"},
        {"EVENTS_CONCURRENCY": "8"},
        {"AUTH_REFRESH_GRACE": "0", "APP_REQUEST_TIMEOUT": "60"},
    ],
)
def test_the_last_value_before_a_contradiction_is_accepted(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(monkeypatch, **variables)


@pytest.mark.parametrize(("written", "seconds"), [("7", 7), ("2.5", 2.5), ("1e1", 10)])
def test_a_duration_is_a_number_of_seconds(
    written: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(monkeypatch, DATABASE_POOL_TIMEOUT=written)

    assert settings.database.pool_timeout == timedelta(seconds=seconds)


def test_a_setting_can_be_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://app:from-file@db/app\n")

    settings = load(monkeypatch, DATABASE_URL_FILE=str(file))

    assert settings.database.url.get_secret_value() == "postgresql://app:from-file@db/app"


@pytest.mark.parametrize("name", ["DATABASE_URL_FILE", "database_url_file"])
def test_a_file_may_be_named_in_dotenv(name: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://app:from-file@db/app\n")
    (tmp_path / ".env").write_text(f"{name}={file}")

    settings = Settings.load()

    assert settings.database.url.get_secret_value() == "postgresql://app:from-file@db/app"


def test_in_dotenv_too_the_variable_wins_over_its_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("file")
    (tmp_path / ".env").write_text(f"AUTH_AUDIENCE_FILE={tmp_path / 'file'}\nAUTH_AUDIENCE=dotenv")

    assert Settings.load().auth.audience == "dotenv"


def test_every_group_reads_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {"audience": "shop", "level": "error", "poll": "3"}.items():
        (tmp_path / name).write_text(content)

    settings = load(
        monkeypatch,
        AUTH_AUDIENCE_FILE=str(tmp_path / "audience"),
        APP_LOG_LEVEL_FILE=str(tmp_path / "level"),
        EVENTS_POLL_FILE=str(tmp_path / "poll"),
    )

    assert settings.auth.audience == "shop"
    assert settings.log_level == "error"
    assert settings.events.poll == timedelta(seconds=3)


def test_the_variable_wins_over_its_file_and_the_file_over_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "AUTH_AUDIENCE=dotenv\nAUTH_ISSUER=dotenv\nAUTH_CLIENT_ID=dotenv"
    )
    (tmp_path / "file").write_text("file")

    settings = load(
        monkeypatch,
        AUTH_AUDIENCE="variable",
        AUTH_AUDIENCE_FILE=str(tmp_path / "file"),
        AUTH_ISSUER_FILE=str(tmp_path / "file"),
    )

    assert settings.auth.audience == "variable"
    assert settings.auth.issuer == "file"
    assert settings.auth.client_id == "dotenv"


def test_a_file_that_cannot_be_read_is_told_without_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (line,) = refusal(monkeypatch, DATABASE_URL_FILE=f"/nowhere/{SECRET}")

    assert line == "a DATABASE_*_FILE setting cannot be read: No such file or directory"


def test_a_file_that_is_no_text_is_told_without_its_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_bytes(b"postgresql://app:\xff@db/app")

    (line,) = refusal(monkeypatch, DATABASE_URL_FILE=str(file))

    assert line == "a DATABASE_*_FILE setting, or .env, is not text in UTF-8"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, AUTH_KEYS_DIR="", AUTH_STRICT_REVOCATION="", APP_LOG_FORMAT="")

    assert settings.auth.keys_dir is None
    assert not settings.auth.strict_revocation


@pytest.mark.parametrize(
    "url",
    [
        "postgres://app:secret@db/app",
        "postgresql://app:secret@db/app",
        "postgresql+psycopg://app:secret@db/app",
        "postgresql+asyncpg://app:secret@db/app",
    ],
)
def test_every_spelling_of_a_postgresql_url_means_our_driver(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(monkeypatch, DATABASE_URL=url)

    assert asyncpg_dsn(settings.database.url.get_secret_value()) == (
        "postgresql://app:secret@db/app"
    )


def test_no_setting_shows_the_password_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, DATABASE_URL=f"postgresql://app:{SECRET}@db/app")

    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


def test_settings_do_not_change_once_they_are_read() -> None:
    settings = Settings.load()

    with pytest.raises(ValidationError, match="frozen"):
        settings.debug = True


def test_tokens_are_issued_under_the_public_url_unless_chosen_otherwise() -> None:
    deployment = Deployment(public_url="https://api.example.com")

    assert AuthSettings().issuer_of(deployment) == "https://api.example.com"
    assert AuthSettings(issuer="https://id.example.com").issuer_of(deployment) == (
        "https://id.example.com"
    )


BROKER = {"BROKER_URL": f"nats://app:{SECRET}@one:4222,tls://two", "BROKER_CONSUMER": "b"}


def test_the_types_of_events_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    types = "auth.account_registered, auth.session_compromised"

    settings = load(monkeypatch, **BROKER, BROKER_RELAYS=types, BROKER_CONSUMES="shop.paid")

    assert settings.broker.relays == ("auth.account_registered", "auth.session_compromised")
    assert settings.broker.consumes == ("shop.paid",)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("setting", ["BROKER_RELAYS", "BROKER_CONSUMES"])
def test_whatever_an_event_may_be_named_can_go_out_and_come_in(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True, slots=True)
    class MessageReceived(Event):
        name: ClassVar[str] = "iso20022.message_received"

    EventCodec([MessageReceived])
    settings = load(monkeypatch, **BROKER, **{setting: MessageReceived.name})

    assert MessageReceived.name in (*settings.broker.relays, *settings.broker.consumes)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {**BROKER, "BROKER_RELAYS": "a.b,a.c", "BROKER_CONSUMES": "a.c"},
            "BROKER_RELAYS and BROKER_CONSUMES share a type, which would go in circles",
        ),
        (
            {"BROKER_URL": "nats://one", "BROKER_CONSUMES": "a.b"},
            "BROKER_CONSUMER is not set: BROKER_CONSUMES needs it",
        ),
        (
            {"BROKER_RELAYS": "a.b"},
            "BROKER_URL is not set: BROKER_RELAYS and BROKER_CONSUMES need it",
        ),
    ],
)
def test_a_broker_that_could_not_do_its_work_stops_the_start(
    variables: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(monkeypatch, **variables) == [line]


def test_a_broker_without_its_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)

    assert refusal(monkeypatch, BROKER_URL="nats://one") == [
        "BROKER_URL is without its client: install the extra `nats`"
    ]


@pytest.mark.parametrize(
    ("variables", "hosts"),
    [
        ({}, ("*",)),
        ({"APP_ENVIRONMENT": "staging", "APP_PUBLIC_URL": "https://Api.example.com:8443/v"}, None),
        ({"APP_ENVIRONMENT": "staging", "APP_PUBLIC_URL": "http://[::1]:8000"}, ("[::1]",)),
        (
            {"APP_TRUSTED_HOSTS": "A.example.com, *.b.example.com"},
            ("a.example.com", "*.b.example.com"),
        ),
    ],
)
def test_outside_development_only_the_public_name_is_answered_unless_others_are_listed(
    variables: dict[str, str], hosts: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(monkeypatch, **variables)

    assert settings.deployment.trusted_hosts == (hosts or ("api.example.com",))


def test_origins_are_kept_as_browsers_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = "https://App.example.com,http://localhost:3000"

    settings = load(monkeypatch, APP_CORS_ORIGINS=origins, APP_CORS_CREDENTIALS="1")

    assert settings.deployment.cors_origins == ("https://app.example.com", "http://localhost:3000")
    assert settings.deployment.cors_credentials
