"""What is different where strangers can reach the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import MakeSettings, Serve
from tests.e2e.visitor import refused


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
async def test_production_has_no_documentation(serve: Serve, keys_dir: Path, path: str) -> None:
    async with serve(environment="production") as visitor:
        answer = await visitor.client.get(path)

    refused(answer, 404, "not_found")


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_revocation_is_strict_by_default(
    serve: Serve, keys_dir: Path, statements: Statements, environment: str
) -> None:
    async with serve(environment=environment) as visitor:
        pair = await visitor.newcomer()
        await statements.rows("update auth.session set revoked_at = now()")

        answer = await visitor.account(pair.access_token)

    refused(answer, 401, "session_revoked")


async def test_the_list_in_memory_may_be_chosen(
    serve: Serve, keys_dir: Path, statements: Statements
) -> None:
    async with serve(environment="production", auth={"strict_revocation": False}) as visitor:
        pair = await visitor.newcomer()
        await statements.rows("update auth.session set revoked_at = now()")

        answer = await visitor.account(pair.access_token)

    assert answer.status_code == 200


async def test_the_main_job_is_done(serve: Serve, keys_dir: Path) -> None:
    async with serve(environment="production") as visitor:
        pair = await visitor.newcomer()
        rotated = await visitor.rotated(pair.refresh_token)

        assert (await visitor.me(rotated.access_token)).status_code == 200


def test_no_environment_but_the_three_is_known(make_settings: MakeSettings) -> None:
    with pytest.raises(ValueError, match="environment"):
        make_settings(environment="prod")
