"""What is different where strangers can reach the service."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import MakeSettings, Serve
from tests.e2e.visitor import Pair, refused

UNVERIFIED = {"email_verification": "optional"}


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
async def test_production_has_no_documentation(serve: Serve, keys_dir: Path, path: str) -> None:
    async with serve(environment="production") as visitor:
        answer = await visitor.client.get(path)

    refused(answer, 404, "not_found")


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_revocation_is_known_without_asking_the_database(
    serve: Serve, keys_dir: Path, statements: Statements, environment: str
) -> None:
    async with serve(environment=environment, auth=UNVERIFIED) as visitor:
        ended, revoked = await visitor.newcomer(), Pair.of(await visitor.log_in())
        await visitor.log_out(refresh_token=revoked.refresh_token)
        await statements.rows("update auth.session set revoked_at = now()")

        answers = [await visitor.account(pair.access_token) for pair in (ended, revoked)]

    # Nothing of ours ends a session without a revocation: only whoever asks could know.
    assert answers[0].status_code == 200
    refused(answers[1], 401, "session_revoked")


async def test_the_main_job_is_done(serve: Serve, keys_dir: Path) -> None:
    async with serve(environment="production", auth=UNVERIFIED) as visitor:
        pair = await visitor.newcomer()
        rotated = await visitor.rotated(pair.refresh_token)

        assert (await visitor.me(rotated.access_token)).status_code == 200


def test_no_environment_but_the_three_is_known(make_settings: MakeSettings) -> None:
    with pytest.raises(ValueError, match="environment"):
        make_settings(environment="prod")


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_an_address_has_to_be_verified_unless_the_operator_says_otherwise(
    serve: Serve, keys_dir: Path, environment: str
) -> None:
    async with serve(environment=environment) as visitor:
        await visitor.register()

        refused(await visitor.log_in(), 401, "invalid_credentials")
