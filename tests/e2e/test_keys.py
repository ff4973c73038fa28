"""GET /.well-known/jwks.json, and what others can verify with it."""

from __future__ import annotations

from pathlib import Path

import httpx
import jwt

from app.main import create_app
from app.modules.auth.infrastructure.key_files import Algorithm
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.new_keys import new_content
from tests.e2e.conftest import MakeSettings, Serve, client_of, running
from tests.e2e.visitor import PUBLIC_URL, Pair, Visitor

PATH = "/.well-known/jwks.json"


async def test_the_published_keys_have_no_private_part(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


async def test_a_stranger_verifies_an_access_token_with_them(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    pair = await visitor.newcomer()

    keys = jwt.PyJWKSet.from_dict((await client.get(PATH)).json())
    header = jwt.get_unverified_header(pair.access_token)
    claims = jwt.decode(
        pair.access_token,
        keys[header["kid"]],
        algorithms=["ES256"],
        issuer=PUBLIC_URL,
        audience="app",
    )

    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": header["kid"]}
    assert claims.keys() == {
        *("iss", "aud", "sub", "client_id", "sid", "gen", "epoch", "roles"),
        *("auth_time", "iat", "nbf", "exp", "jti"),
    }
    assert claims["sid"] == str(pair.session_id)
    assert (claims["gen"], claims["epoch"], claims["roles"]) == (1, 0, ["user"])
    assert 540 <= claims["exp"] - claims["iat"] <= 600


async def test_new_keys_log_nobody_out(make_settings: MakeSettings, tmp_path: Path) -> None:
    _add_keys(tmp_path / "keys", "20260101T000000-old", algorithm="ES256")
    app = create_app(make_settings())
    async with running(app), client_of(app) as client:
        visitor = Visitor(client)
        old = await visitor.newcomer()
        _add_keys(tmp_path / "keys", "20260102T000000-new", algorithm="EdDSA")
        await app.state.provided[KeyRing].reread()

        new = Pair.of(await visitor.log_in())
        rotated = await visitor.rotated(old.refresh_token)

        assert jwt.get_unverified_header(old.access_token)["alg"] == "ES256"
        assert jwt.get_unverified_header(new.access_token)["alg"] == "EdDSA"
        assert old.kid == "20260101T000000-old"
        assert new.kid == rotated.kid == "20260102T000000-new"
        for pair in (old, new, rotated):
            assert (await visitor.account(pair.access_token)).status_code == 200
        assert (await visitor.rotated(old.refresh_token)).refresh_token == rotated.refresh_token
        assert len((await client.get(PATH)).json()["keys"]) == 2


async def test_an_application_that_starts_anew_takes_the_old_tokens(serve: Serve) -> None:
    async with serve() as visitor:
        pair = await visitor.newcomer()

    async with serve() as visitor:
        assert (await visitor.account(pair.access_token)).status_code == 200
        assert (await visitor.rotated(pair.refresh_token)).generation == 2


async def test_the_tokens_of_another_installation_are_refused(serve: Serve, tmp_path: Path) -> None:
    async with serve() as visitor:
        pair = await visitor.newcomer()

    async with serve(auth={"keys_dir": tmp_path / "other keys"}) as visitor:
        assert (await visitor.account(pair.access_token)).status_code == 401
        assert (await visitor.refresh(pair.refresh_token)).status_code == 401


def _add_keys(folder: Path, kid: str, *, algorithm: Algorithm) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{kid}.pem").write_bytes(new_content("signing", algorithm))
    (folder / f"{kid}.secret").write_bytes(new_content("refresh", algorithm))
