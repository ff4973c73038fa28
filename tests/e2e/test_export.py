"""The export of what is kept of oneself."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from app.database import metadata
from app.shared.infrastructure.statements import Statements
from tests.e2e.mailbox import Mailbox
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, bearer, refused

PATH = "/api/v1/auth/account/export"
NEW_ADDRESS = "ada@example.org"

LEFT_OUT = {
    # Made of the address, or numbers that only mean something to the service.
    "auth.account": {
        *("email_key", "password_hash", "auth_epoch", "epoch_raised_at", "locale_version")
    },
    # What the next refresh could be guessed from, and what follows from the rest.
    "auth.session": {
        *("account_id", "epoch", "kid", "generation", "parent", "confirmed_generation"),
        *("recoveries", "rotated_at", "parent_rotated_at", "idle_expires_at"),
        "absolute_expires_at",
    },
    "auth.api_key": {"account_id", "kid", "secret_hash"},
    "auth.activity": {"id", "account_id"},
    # What the link is derived from, and a hash that may be a stranger's.
    "auth.outgoing_mail": {"id", "account_id", "kid", "epoch", "password_hash"},
    "users.profile": {"id", "account_id", "version", "erased_at"},
}
"""What is not exported, by its table."""

NOBODYS = {"auth.revocation", "auth.throttle"}
"""Tables that name nobody: ids of what ended lately, and counts under a MAC."""


async def export(visitor: Visitor, pair: Pair) -> httpx.Response:
    return await visitor.client.get(PATH, headers=bearer(pair.access_token))


async def move(visitor: Visitor, pair: Pair, address: str) -> None:
    """Ask for another address."""
    answer = await visitor.client.post(
        "/api/v1/auth/email/change",
        json={"new_email": address, "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    assert answer.status_code == 202


async def test_an_export_holds_everything_and_comes_as_a_file(visitor: Visitor) -> None:
    pair = await visitor.member()
    await visitor.member("bob@example.com")
    made = await visitor.client.post(
        "/api/v1/auth/api-keys",
        json={"name": "report", "scopes": ["profile:read"], "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    await visitor.rotated(pair.refresh_token)

    answer = await export(visitor, pair)

    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="personal-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    assert datetime.fromisoformat(document["exported_at"]).tzinfo
    kept = document["sections"]["auth"]
    assert (kept["account"]["id"], kept["account"]["email"]) == (pair.claims["sub"], ADDRESS)
    assert [session["id"] for session in kept["sessions"]] == [str(pair.session_id)]
    assert [key["id"] for key in kept["api_keys"]] == [made.json()["id"]]
    assert {one["what"] for one in kept["activity"]} == {"login", "api_key_created"}
    assert document["sections"]["users"]["profile"]["locale"]
    assert "bob@example.com" not in answer.text


async def test_every_time_in_an_export_is_in_utc_with_a_z(visitor: Visitor) -> None:
    pair = await visitor.member()

    answer = await export(visitor, pair)

    times = re.findall(r'"\d{4}-\d\d-\d\dT[^"]+"', answer.text)
    assert len(times) >= 8
    assert [time for time in times if not time.endswith('Z"')] == []


async def test_an_export_tells_no_secret_and_no_time_of_a_refresh(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    made = await visitor.client.post(
        "/api/v1/auth/api-keys",
        json={"name": "report", "scopes": ["profile:read"], "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    await visitor.rotated(pair.refresh_token)

    answer = await export(visitor, pair)

    (session,) = answer.json()["sections"]["auth"]["sessions"]
    last_used = datetime.fromisoformat(session["last_used_at"])
    assert (last_used.minute, last_used.second, last_used.microsecond) == (0, 0, 0)
    assert "generation" not in answer.text
    stored = await statements.row(
        "select password_hash, encode(secret_hash, 'hex') as secret_hash"
        " from auth.account, auth.api_key"
    )
    assert stored
    secrets = (stored["password_hash"], stored["secret_hash"], made.json()["api_key"])
    assert [secret for secret in secrets if secret in answer.text] == []


async def test_every_column_is_exported_or_left_out_on_purpose(visitor: Visitor) -> None:
    pair = await visitor.member()
    await visitor.client.post(
        "/api/v1/auth/api-keys",
        json={"name": "report", "scopes": ["profile:read"], "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    await move(visitor, pair, NEW_ADDRESS)

    auth, users = (await export(visitor, pair)).json()["sections"].values()

    exported = {
        "auth.account": auth["account"],
        "auth.session": auth["sessions"][0],
        "auth.api_key": auth["api_keys"][0],
        "auth.activity": auth["activity"][0],
        "auth.outgoing_mail": auth["mails"][0],
        "users.profile": users["profile"],
    }
    kept = {
        name: set(table.c.keys())
        for name, table in metadata.tables.items()
        if table.schema in ("auth", "users")
    }
    assert kept.keys() == exported.keys() | NOBODYS
    assert {name: kept[name] - shown.keys() for name, shown in exported.items()} == LEFT_OUT


async def test_mails_are_exported_without_what_their_links_are_made_of(
    visitor: Visitor, statements: Statements, tmp_path: Path
) -> None:
    pair = await visitor.member()
    await Mailbox(tmp_path).newest(ADDRESS)
    await move(visitor, pair, NEW_ADDRESS)

    answer = await export(visitor, pair)

    mails = answer.json()["sections"]["auth"]["mails"]
    assert {(mail["kind"], mail["address"]) for mail in mails} == {
        ("verify_email", ADDRESS),
        ("email_change_requested", ADDRESS),
        ("confirm_email", NEW_ADDRESS),
    }
    rows = await statements.rows("select id from auth.outgoing_mail")
    assert len(rows) == 3
    assert [row["id"] for row in rows if str(row["id"]) in answer.text] == []


async def test_an_export_does_not_tell_whether_another_address_has_an_account(
    visitor: Visitor, tmp_path: Path
) -> None:
    pair = await visitor.member()
    await visitor.member("bob@example.com")
    await move(visitor, pair, "bob@example.com")
    await move(visitor, pair, NEW_ADDRESS)
    await Mailbox(tmp_path).newest(NEW_ADDRESS)

    mails = (await export(visitor, pair)).json()["sections"]["auth"]["mails"]

    asked = [mail for mail in mails if mail["kind"] == "confirm_email"]
    assert [mail["address"] for mail in asked] == [NEW_ADDRESS, "bob@example.com"]
    assert [mail for mail in asked if mail["expires_at"] is None] == []


async def test_an_export_is_seen_by_its_owner(visitor: Visitor) -> None:
    visitor.client.headers["user-agent"] = "phone/1.0"
    pair = await visitor.member()
    await export(visitor, pair)

    answer = await visitor.client.get("/api/v1/auth/activity", headers=bearer(pair.access_token))

    exported, *_ = answer.json()["items"]
    assert exported.pop("at")
    assert exported == {
        "what": "data_exported",
        "session_id": str(pair.session_id),
        "ip": "127.0.0.1",
        "user_agent": "phone/1.0",
    }


async def test_an_export_that_cannot_be_noted_is_not_handed_out(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    await statements.rows("alter table auth.activity add constraint broken check (false) not valid")
    try:
        answer = await export(visitor, pair)
    finally:
        await statements.rows("alter table auth.activity drop constraint broken")

    refused(answer, 500, "internal")
    assert ADDRESS not in answer.text


async def test_an_export_without_a_part_is_not_made(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    await statements.rows("alter table users.profile rename to gone")
    try:
        answer = await export(visitor, pair)
    finally:
        await statements.rows("alter table users.gone rename to profile")

    refused(answer, 503, "export_incomplete")
    assert ADDRESS not in answer.text


async def test_the_export_of_a_session_that_ended_is_refused(visitor: Visitor) -> None:
    pair = await visitor.member()
    await visitor.log_out(refresh_token=pair.refresh_token)

    refused(await export(visitor, pair), 401, "session_revoked")
