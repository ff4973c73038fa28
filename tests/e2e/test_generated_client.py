"""The description is good enough for a typed client that nobody wrote."""

from __future__ import annotations

import asyncio
import compileall
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.visitor import ADDRESS, PASSWORD, Visitor, bearer

GENERATOR = str(Path(sys.executable).with_name("openapi-python-client"))
PACKAGE = "generated_client"

Module = Callable[[str], Any]


@pytest.fixture
async def package(client: httpx.AsyncClient, tmp_path: Path) -> Path:
    """What the generator makes of /openapi.json, without a single warning."""
    (tmp_path / "openapi.json").write_text((await client.get("/openapi.json")).text)
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    ended = await asyncio.to_thread(
        subprocess.run,
        [
            *(GENERATOR, "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", "openapi.json", "--config", "config.yaml", "--output-path", PACKAGE),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return tmp_path / PACKAGE


@pytest.fixture
def module(package: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    """`module("api.auth.login")` of the generated client."""
    monkeypatch.syspath_prepend(package.parent)
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def as_nobody(client: httpx.AsyncClient, module: Module) -> Any:
    """The generated client, which asks the application of this test."""
    nobody = module("client").Client(base_url=str(client.base_url))
    return nobody.set_async_httpx_client(client)


def test_every_operation_can_be_compiled_and_imported(package: Path, module: Module) -> None:
    files = sorted(package.rglob("*.py"))

    assert compileall.compile_dir(package, quiet=1, force=True)
    assert len(files) >= 40
    for file in files:
        name = ".".join(file.relative_to(package).with_suffix("").parts)
        assert module(name.removesuffix(".__init__")) if name != "__init__" else True


async def test_the_generated_client_does_the_main_job(
    as_nobody: Any, client: httpx.AsyncClient, module: Module
) -> None:
    models, auth, users = module("models"), "api.auth", "api.users"

    registered = await module(f"{auth}.register").asyncio(
        client=as_nobody, body=models.Registration(email=ADDRESS, password=PASSWORD)
    )
    pair = await module(f"{auth}.login").asyncio(
        client=as_nobody, body=models.Login(email=ADDRESS, password=PASSWORD)
    )
    pair = await module(f"{auth}.refresh").asyncio(
        client=as_nobody, body=models.Refresh(refresh_token=pair.refresh_token)
    )
    await Visitor(client).me(pair.access_token)  # waits until there is a profile
    client.headers.update(bearer(pair.access_token))
    get_my_profile, update_my_profile = (
        module(f"{users}.{name}") for name in ("get_my_profile", "update_my_profile")
    )
    edited = []
    for changes in ({"time_zone": "Europe/London"}, {"display_name": "Ada"}):
        read = await get_my_profile.asyncio_detailed(client=as_nobody)
        body, shown = models.ProfilePatch(**changes), read.headers["etag"]
        edited.append(await update_my_profile.asyncio(client=as_nobody, body=body, if_match=shown))
    ended = await module(f"{auth}.logout").asyncio_detailed(
        client=as_nobody, body=models.Logout(refresh_token=pair.refresh_token)
    )
    refused = await get_my_profile.asyncio(client=as_nobody)

    assert registered.status == "accepted"
    assert [one.version for one in edited] == [2, 3]
    assert (edited[-1].display_name, edited[-1].time_zone) == ("Ada", "Europe/London")
    assert ended.status_code == 204
    assert isinstance(refused, models.Problem)
    assert (refused.code, refused.terminal) == ("session_revoked", True)


async def test_the_generated_client_understands_a_refusal(as_nobody: Any, module: Module) -> None:
    login = module("api.auth.login")
    body = module("models").Login(email=ADDRESS, password="not the right passphrase")

    refused = await login.asyncio_detailed(client=as_nobody, body=body)

    assert refused.status_code == 401
    assert refused.parsed.code == "invalid_credentials"
