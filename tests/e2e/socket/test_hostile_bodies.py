"""Bodies that break JSON readers, against every endpoint that reads JSON."""

from __future__ import annotations

import httpx

from app.shared.infrastructure.statements import Statements
from tests.e2e.hostile import JSON_ENDPOINTS, hostile_bodies
from tests.e2e.visitor import Visitor, bearer


async def test_every_hostile_body_is_answered_as_it_deserves(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    bodies = hostile_bodies()
    wrong: list[tuple[str, str, int]] = []

    for method, path in JSON_ENDPOINTS:
        guarded = bearer(pair.access_token) | {"If-Match": "*"} if method == "PATCH" else {}
        for body in bodies:
            answer = await visitor.client.request(
                method, path, content=body.content, headers=body.headers | guarded
            )
            if not (body.may_be_answered(answer.status_code) and _is_ours(answer)):
                wrong.append((body.id, path, answer.status_code))

    assert len(bodies) == 46
    assert wrong == []
    assert (await visitor.me(pair.access_token)).json()["version"] == 1
    assert await statements.value("select count(*) from auth.account") == 1
    assert await statements.value("select count(*) from auth.session") == 1


async def test_text_and_forms_have_no_effect(visitor: Visitor, statements: Statements) -> None:
    body = '{"email": "ada@example.com", "password": "seven quiet otters juggle"}'

    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
        "application/json, text/plain",
    ):
        answer = await visitor.client.post(
            "/api/v1/auth/register", content=body, headers={"Content-Type": content_type}
        )
        assert answer.status_code == 415

    assert await statements.value("select count(*) from auth.account") == 0


def _is_ours(answer: httpx.Response) -> bool:
    """Every refusal is a problem document, whoever refused."""
    refusal = answer.status_code >= 400
    return not refusal or answer.headers["content-type"] == "application/problem+json"
