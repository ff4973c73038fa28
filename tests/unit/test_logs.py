"""Logs: one form for all, and nothing secret in them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

from app.shared.infrastructure.logs import redact

SECRET = "Zq9-must-not-be-shown"

PROGRAM = """
import logging, sys
import asyncpg, structlog
from app.shared.infrastructure.logs import configure_logs

server_requests = logging.getLogger("uvicorn.access")
server_requests.propagate = False  # as `access_log=False` leaves it before our logs are configured
configure_logs(level="info", style=sys.argv[1])
server_requests.info("a request that the boundary has told of already")
ours, theirs = structlog.get_logger("app.test"), logging.getLogger("uvicorn.error")

def fail(password):
    copied = password[:]
    refusal = asyncpg.NotNullViolationError("a missing value")
    refusal.detail = f"Failing row contains ({password})."
    try:
        raise refusal
    except asyncpg.PostgresError as error:
        raise ValueError("a defect") from error

structlog.contextvars.bind_contextvars(request_id="r-1", refresh_token=sys.argv[2])
ours.info("ours", new_password=sys.argv[2], status=200)
theirs.warning("theirs %d", 7)
ours.debug("too little")
logging.getLogger("library").debug("too little")
for log in (ours, theirs):
    try:
        fail(sys.argv[2])
    except ValueError:
        log.exception("failed")
"""


QUOTING = """
import sys
from datetime import date
import structlog
from pydantic import TypeAdapter, ValidationError
from app.shared.infrastructure.logs import configure_logs

configure_logs(level="info", style=sys.argv[1])
log, dates = structlog.get_logger("app.test"), TypeAdapter(dict[str, date])
try:
    try:
        dates.validate_python({"born": sys.argv[2]})
    except ValidationError as error:
        log.error("at once", exc_info=error)
        raise ExceptionGroup("many", [error, RuntimeError("a defect")]) from error
except ExceptionGroup as error:
    log.error("as a part", exc_info=error)
    try:
        raise RuntimeError("a missing value") from error
    except RuntimeError:
        log.exception("as a cause")
"""


def printed(style: str, program: str = PROGRAM) -> str:
    """What a process prints, since logs are configured for a process as a whole."""
    ran = subprocess.run(
        [sys.executable, "-c", program, style, SECRET],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "PASSWORD_HASH",
        "client_secret",
        "refresh_token",
        "Authorization",
        "set-cookie",
        "x_api_key",
    ],
)
def test_a_member_with_a_telling_name_never_shows_its_value(name: str) -> None:
    assert redact(None, "info", {"event": "done", name: SECRET}) == {
        "event": "done",
        name: "[redacted]",
    }


def test_a_member_is_found_at_any_depth() -> None:
    headers = {"authorization": SECRET, "accept": "*/*"}

    redacted = redact(None, "info", {"event": "done", "request": {"headers": headers}})

    assert redacted["request"] == {"headers": {"authorization": "[redacted]", "accept": "*/*"}}
    assert headers["authorization"] == SECRET


def test_other_members_stay_as_they_are() -> None:
    event: dict[str, Any] = {"event": "request", "status": 200, "route": "/api/v1/auth/login"}

    assert redact(None, "info", dict(event)) == event


def test_for_machines_every_line_is_an_object_whoever_wrote_it() -> None:
    lines = [json.loads(line) for line in printed("json").splitlines()]

    assert [line["event"] for line in lines] == ["ours", "theirs 7", "failed", "failed"]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "error"]
    assert {line["request_id"] for line in lines} == {"r-1"}
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert [line["exception"][0]["exc_type"] for line in lines[2:]] == ["ValueError"] * 2


@pytest.mark.parametrize("style", ["json", "console"])
def test_neither_a_member_nor_a_traceback_shows_a_secret(style: str) -> None:
    text = printed(style)

    assert "a defect" in text
    assert "a missing value" in text
    assert SECRET not in text


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_is_no_terminal_gets_no_colours(style: str) -> None:
    assert "\x1b" not in printed(style)


def test_a_terminal_gets_colours_unless_it_wants_none() -> None:
    assert "\x1b[" in shown_on_a_terminal({})
    assert "\x1b[3" not in shown_on_a_terminal({"NO_COLOR": "1"})


def shown_on_a_terminal(environment: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "console", SECRET],
        env=os.environ | {"TERM": "xterm"} | environment,
        stdout=theirs,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError), os.fdopen(ours, "rb", buffering=0) as terminal:
        while part := terminal.read(4096):
            shown += part
    assert process.wait() == 0
    return shown.decode()


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_error_that_quotes_its_input_is_logged_without_it(style: str) -> None:
    text = printed(style, QUOTING)

    assert "born: date" in text
    assert "a defect" in text
    assert "a missing value" in text
    assert SECRET not in text
