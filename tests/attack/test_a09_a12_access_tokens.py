"""A09 to A12: access tokens that somebody made up, and tokens shown where they do not belong."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from jwt.utils import base64url_decode, base64url_encode, der_to_raw_signature, raw_to_der_signature

from app.modules.auth.infrastructure.key_files import (
    key_files,
    read_refresh_secret,
    read_signing_key,
)
from tests.attack.attacker import Attacker, new_address
from tests.attack.target import Target
from tests.attack.targets import Targets
from tests.e2e.resigning import resigned
from tests.e2e.visitor import PASSWORD, Pair, bearer, refused
from tests.forging import CASES, FORGED, Forge

ME = "/api/v1/users/me"
ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

CLAIMS = ("exp", "nbf", "iat", "iss", "aud", "sub", "jti", "dup-claim", "payload-")
HEADERS = ("hdr-", "kid-", "crit-", "typ-", "cty-", "deep-header", "payload-gzip")
"""The families of the file: what is in neither is about algorithms, keys and form (A09)."""


@pytest.fixture
async def forge(target: Target) -> Forge:
    pair = await target.attacker().joined()
    files = {path.suffix: path for path in key_files(target.keys_dir)}
    key, secret = read_signing_key(files[".pem"]), read_refresh_secret(files[".secret"])
    return Forge(key, secret.value, pair.access_token)


class Canary:
    """A socket that a reader of `jku` or `x5u` would connect to."""

    def __init__(self) -> None:
        self.visits = 0
        self.port = 0

    def met(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    canary = Canary()
    server = await asyncio.start_server(canary.met, "127.0.0.1", 0)
    canary.port = server.sockets[0].getsockname()[1]
    yield canary
    server.close()


def family(*prefixes: str) -> list[dict[str, Any]]:
    return [case for case in FORGED if case["id"].startswith(prefixes)]


def refused_as_invalid(answer: httpx.Response) -> bool:
    """A token that does not fit into the headers is refused before anybody looks at it."""
    if answer.status_code == 431:
        return len(answer.request.headers["authorization"]) > 32_768
    return (
        answer.status_code == 401
        and answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    )


async def accepted(target: Target, tokens: dict[str, str]) -> list[tuple[str, int]]:
    """The cases that were answered otherwise than they deserve."""
    client = target.client()
    return [
        (case, answer.status_code)
        for case, token in tokens.items()
        for answer in [await client.get(ME, headers=bearer(token))]
        if not refused_as_invalid(answer)
    ]


async def test_the_forge_makes_a_good_token_when_it_changes_nothing(
    target: Target, forge: Forge
) -> None:
    """Or all the refusals below would say nothing."""
    answer = await target.attacker().me(forge.sign(forge.header, forge.payload))

    assert answer.status_code == 200


async def test_a09_no_algorithm_key_or_form_but_ours_is_accepted(
    target: Target, forge: Forge
) -> None:
    others = {case["id"] for case in family(*CLAIMS, *HEADERS)}
    forged = {
        f"{n} {case['id']}": forge.make(case)
        for n, case in enumerate(FORGED)
        if case["id"] not in others
    }
    raw = {case["id"]: case["raw"] for case in CASES if "raw" in case}

    wrong = await accepted(target, forged | raw)

    assert len(forged) + len(raw) >= 32
    assert wrong == []


async def test_a09_no_other_spelling_of_a_revoked_token_is_accepted(target: Target) -> None:
    attacker = target.attacker()
    pair = await attacker.joined()
    await attacker.log_out(refresh_token=pair.refresh_token)
    token, last = pair.access_token, pair.access_token[-1]
    head, _, signature = token.rpartition(".")
    r, s = decode_dss_signature(raw_to_der_signature(base64url_decode(signature), _P256))
    other = der_to_raw_signature(encode_dss_signature(r, ORDER_OF_P256 - s), _P256)

    wrong = await accepted(
        target,
        {
            "as it is": token,
            "b64-padding": token + "=",
            "b64-unused-bits": token[:-1] + ALPHABET[ALPHABET.index(last) ^ 1],
            "b64-std-alphabet": token.translate(str.maketrans("-_", "+/")),
            "ecdsa-malleable": f"{head}.{base64url_encode(other).decode()}",
        },
    )

    assert wrong == []


async def test_a10_no_header_of_a_token_leads_anywhere(
    target: Target, forge: Forge, canary: Canary
) -> None:
    cases = family(*HEADERS)
    to_canary = json.loads(json.dumps(cases).replace("127.0.0.1:9/", f"127.0.0.1:{canary.port}/"))

    wrong = await accepted(
        target, {f"{n} {case['id']}": forge.make(case) for n, case in enumerate(to_canary)}
    )

    assert len(cases) >= 28
    assert wrong == []
    assert canary.visits == 0


async def test_a11_every_kind_of_token_is_accepted_at_its_own_place_alone(target: Target) -> None:
    tokens, victim = await _one_of_each_kind(target)
    accepted_at = Counter[tuple[str, str]]()
    for kind, token in tokens.items():
        for place, present in _places(target.attacker(), victim).items():
            if (kind, place) not in DIAGONAL and (await present(token)).is_success:
                accepted_at[kind, place] += 1

    assert accepted_at == Counter()
    for kind, place in DIAGONAL:
        fresh, owner = await _one_of_each_kind(target)
        answer = await _places(target.attacker(), owner)[place](fresh[kind])
        assert answer.is_success, (kind, place, answer.text)


async def test_a12_every_claim_is_required_and_checked(target: Target, forge: Forge) -> None:
    cases = family(*CLAIMS)

    wrong = await accepted(
        target, {f"{n} {case['id']}": forge.make(case) for n, case in enumerate(cases)}
    )

    assert len(cases) >= 52
    assert wrong == []


async def test_a12_the_leeway_is_at_most_a_minute(target: Target) -> None:
    attacker = target.attacker()
    pair = await attacker.joined()
    claims = pair.claims

    def moved(seconds: int) -> str:
        times = {name: claims[name] + seconds for name in ("iat", "nbf", "exp")}
        return resigned(pair.access_token, target.keys_dir, **times)

    lifetime = claims["exp"] - claims["iat"]
    assert (await attacker.me(moved(30 - lifetime))).status_code == 200
    refused(await attacker.me(moved(-lifetime - 60)), 401, "token_expired")
    refused(await attacker.me(moved(60)), 401, "token_invalid")


async def test_a12_a_token_of_before_a_revocation_is_refused(target: Target) -> None:
    attacker = target.attacker()
    before_logout = await attacker.joined()
    await attacker.log_out(access_token=before_logout.access_token)
    before_change = Pair.of(await attacker.log_in(attacker.email))
    changed = await attacker.change_password(
        before_change.access_token, PASSWORD, f"{PASSWORD} again"
    )
    assert changed.status_code == 200, changed.text
    before_all = Pair.of(changed)
    ended = await attacker.delete("/auth/sessions?scope=all", before_all.access_token)
    assert ended.status_code == 204, ended.text

    wrong = await accepted(
        target,
        {
            "jti-3": before_logout.access_token,
            "iat-2": before_change.access_token,
            "iat-3": before_all.access_token,
        },
    )

    assert wrong == []


async def test_a12_a_token_of_an_unknown_session_is_refused_where_revocation_is_strict(
    targets: Targets,
) -> None:
    """Only the owner of the signing key can make one; without strictness nobody asks for it."""
    target = await targets.shared(AUTH_STRICT_REVOCATION="true")
    pair = await target.attacker().joined()

    unknown = resigned(pair.access_token, target.keys_dir, sid=str(uuid4()))

    assert await accepted(target, {"jti-4": unknown}) == []


Present = Callable[[str], Awaitable[httpx.Response]]
DIAGONAL = {
    ("access", "me"),
    ("access", "session-revoke"),
    ("access", "logout (bearer)"),
    ("refresh", "refresh"),
    ("refresh", "logout"),
    ("email-verify", "verify"),
    ("password-reset", "reset-confirm"),
    ("email-change", "email-change-confirm"),
    ("api-key", "me"),
}
"""A logout answers 204 to whatever it is shown: what counts there is that nothing ends."""


class _P256Curve:
    key_size = 256


_P256: Any = _P256Curve()


def _places(attacker: Attacker, victim: str) -> dict[str, Present]:
    async def revoke(token: str) -> httpx.Response:
        return await attacker.delete("/auth/sessions?scope=others", token)

    async def log_out(token: str) -> httpx.Response:
        return await _told_by_its_effect(attacker, victim, {"refresh_token": token}, {})

    async def log_out_by_bearer(token: str) -> httpx.Response:
        return await _told_by_its_effect(attacker, victim, None, bearer(token))

    async def reset(token: str) -> httpx.Response:
        return await attacker.reset(token, "eleven calm herons whistle")

    return {
        "me": attacker.me,
        "refresh": attacker.refresh,
        "verify": attacker.verify,
        "reset-confirm": reset,
        "email-change-confirm": attacker.confirm_email,
        "logout": log_out,
        "logout (bearer)": log_out_by_bearer,
        "session-revoke": revoke,
    }


async def _told_by_its_effect(
    attacker: Attacker, victim: str, body: dict[str, str] | None, headers: dict[str, str]
) -> httpx.Response:
    """A logout, as a success only if the victim's session has ended."""
    answer = await attacker.client.post("/api/v1/auth/logout", json=body, headers=headers)
    alive = (await attacker.account(victim)).status_code == 200
    return httpx.Response(401 if alive else answer.status_code, request=answer.request)


async def _one_of_each_kind(target: Target) -> tuple[dict[str, str], str]:
    """Tokens of one account, all of them good; and the access token of the same session."""
    owner, new_email = target.attacker(), new_address()
    pair = await owner.joined()
    [verification] = await target.sink.to(owner.email)
    await owner.forgot(owner.email)
    changing = await owner.change_email(pair.access_token, new_email)
    assert changing.status_code == 202, changing.text
    made = await owner.new_api_key(pair.access_token, "profile:read")
    assert made.status_code == 201, made.text
    mails = await target.sink.to(owner.email, 3)
    [confirmation] = await target.sink.to(new_email)
    [reset] = [mail.token for mail in mails if "/reset-password#" in mail.text]
    tokens = {
        "access": pair.access_token,
        "refresh": pair.refresh_token,
        "email-verify": verification.token,
        "password-reset": reset,
        "email-change": confirmation.token,
        "api-key": made.json()["api_key"],
    }
    return tokens, pair.access_token
