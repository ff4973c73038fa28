"""Access tokens: what is minted is accepted, and of everything else nothing."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from app.modules.auth.application.ports import AccessClaims
from app.modules.auth.domain.errors import TokenError, TokenExpiredError, TokenInvalidError
from app.modules.auth.infrastructure.access_claims import AccessTokenPolicy
from app.modules.auth.infrastructure.access_tokens import JwtAccessTokens
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.testing.clock import FixedClock
from tests.forging import FORGED, Forge, part

POLICY = AccessTokenPolicy(
    issuer="https://api.example.com", audience="bulkhead-api", client_id="bulkhead"
)
ACCOUNT = UUID("01980000-0000-7000-8000-00000000000a")
SESSION = UUID("01980000-0000-7000-8000-00000000000b")


@pytest.fixture
def tokens(key_ring: KeyRing, clock: FixedClock) -> JwtAccessTokens:
    return JwtAccessTokens(key_ring, clock, POLICY)


@pytest.fixture
def claims(clock: FixedClock) -> AccessClaims:
    return AccessClaims(
        account_id=ACCOUNT,
        session_id=SESSION,
        generation=3,
        epoch=1,
        roles=frozenset({"admin", "member"}),
        authenticated_at=clock.now() - timedelta(hours=1),
        session_ends_at=clock.now() + timedelta(days=30),
    )


@pytest.fixture
def forge(key_ring: KeyRing, tokens: JwtAccessTokens, claims: AccessClaims) -> Forge:
    key, secret = key_ring.signing_key(), key_ring.refresh_secret()
    return Forge(key, secret.value, tokens.mint(claims).value)


def test_a_minted_token_is_accepted_and_says_what_it_was_told(
    tokens: JwtAccessTokens, claims: AccessClaims, clock: FixedClock
) -> None:
    token = tokens.mint(claims)

    found = tokens.verify(token.value)

    expires_at = clock.now() + timedelta(seconds=token.expires_in)
    assert found == replace(claims, session_ends_at=expires_at)
    assert 540 <= token.expires_in <= 600
    assert token.value not in repr(token)


def test_a_minted_token_has_every_claim_of_rfc_9068_and_is_small(
    tokens: JwtAccessTokens, claims: AccessClaims, key_ring: KeyRing
) -> None:
    token = tokens.mint(claims).value

    assert len(token) <= 1024
    assert part(token, 0) == {
        "alg": "ES256",
        "kid": key_ring.signing_key().kid,
        "typ": "at+jwt",
    }
    assert part(token, 1).keys() == {
        *("iss", "aud", "sub", "client_id", "sid", "gen", "epoch", "roles"),
        *("auth_time", "iat", "nbf", "exp", "jti"),
    }


def test_a_stranger_with_the_public_key_alone_can_verify(
    tokens: JwtAccessTokens, claims: AccessClaims, key_ring: KeyRing
) -> None:
    token = tokens.mint(claims).value

    payload = jwt.PyJWS().decode(token, jwt.PyJWK(key_ring.jwks()["keys"][0]), algorithms=["ES256"])

    assert json.loads(payload)["sub"] == str(ACCOUNT)


def test_lifetimes_vary_and_identifiers_never_repeat(
    tokens: JwtAccessTokens, claims: AccessClaims
) -> None:
    minted = [tokens.mint(claims) for _ in range(60)]

    assert len({token.expires_in for token in minted}) > 10
    assert len({part(token.value, 1)["jti"] for token in minted}) == 60


def test_no_token_outlives_its_session(
    tokens: JwtAccessTokens, claims: AccessClaims, clock: FixedClock
) -> None:
    ending = replace(claims, session_ends_at=clock.now() + timedelta(seconds=42.9))

    assert tokens.mint(ending).expires_in == 42


def test_roles_that_make_the_token_too_long_are_refused(
    tokens: JwtAccessTokens, claims: AccessClaims
) -> None:
    with pytest.raises(ValueError, match="1 KiB"):
        tokens.mint(replace(claims, roles=frozenset(f"role-{n:040}" for n in range(20))))


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_token_expires_after_the_leeway(
    tokens: JwtAccessTokens, claims: AccessClaims, clock: FixedClock, seen_before: bool
) -> None:
    token = tokens.mint(claims)
    clock.advance(token.expires_in + 9)
    if seen_before:
        tokens.verify(token.value)

    clock.advance(1)

    with pytest.raises(TokenExpiredError):
        tokens.verify(token.value)
    assert tokens.verify_signature(token.value).session_id == SESSION


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_token_from_the_future_is_refused(
    key_ring: KeyRing, claims: AccessClaims, clock: FixedClock, seen_before: bool
) -> None:
    tokens = JwtAccessTokens(key_ring, clock, POLICY)
    token = tokens.mint(claims).value
    if seen_before:
        tokens.verify(token)
    clock.advance(-10)
    tokens.verify(token)

    clock.advance(-1)

    with pytest.raises(TokenInvalidError):
        tokens.verify(token)


def test_a_removed_key_takes_its_tokens_along_remembered_or_not(
    tokens: JwtAccessTokens,
    claims: AccessClaims,
    clock: FixedClock,
    key_ring: KeyRing,
    keys_dir: Path,
) -> None:
    token = tokens.mint(claims).value
    kid = key_ring.signing_key().kid
    clock.advance(1)
    key_ring.rotate("signing")
    tokens.verify(token)

    (keys_dir / f"{kid}.pem").unlink()
    key_ring.refresh()

    with pytest.raises(TokenInvalidError):
        tokens.verify(token)


def test_a_rotation_logs_nobody_out(
    tokens: JwtAccessTokens, claims: AccessClaims, clock: FixedClock, key_ring: KeyRing
) -> None:
    before = tokens.mint(claims).value
    clock.advance(60)
    key_ring.rotate("signing", algorithm="EdDSA")
    clock.advance(300)
    after = tokens.mint(claims).value

    assert part(after, 0)["alg"] == "EdDSA"
    assert tokens.verify(before).account_id == ACCOUNT
    assert tokens.verify(after).account_id == ACCOUNT


def test_the_memory_of_verified_tokens_is_bounded(
    key_ring: KeyRing, claims: AccessClaims, clock: FixedClock
) -> None:
    tokens = JwtAccessTokens(key_ring, clock, POLICY, remembered=3)
    minted = [tokens.mint(claims).value for _ in range(5)]

    for token in [*minted, *minted]:
        tokens.verify(token)

    assert len(tokens._remembered) == 3


def test_a_remembered_token_spares_the_signature_and_a_refused_one_is_not_remembered(
    tokens: JwtAccessTokens, claims: AccessClaims
) -> None:
    token = tokens.mint(claims).value
    first = tokens.verify(token)

    assert tokens.verify(token) is first
    with pytest.raises(TokenInvalidError):
        tokens.verify(token[:-4] + "AAAA")
    assert len(tokens._remembered) == 1


@pytest.mark.parametrize("case", FORGED, ids=[case["id"] for case in FORGED])
def test_a_forged_token_is_refused(
    tokens: JwtAccessTokens, forge: Forge, case: dict[str, Any]
) -> None:
    token = forge.make(case)

    with pytest.raises(TokenError):
        tokens.verify(token)
    assert not tokens._remembered


def test_the_forge_makes_good_tokens_when_it_changes_nothing(
    tokens: JwtAccessTokens, forge: Forge
) -> None:
    assert tokens.verify(forge.sign(forge.header, forge.payload)).account_id == ACCOUNT


@pytest.mark.parametrize(
    "name",
    [
        *("iss", "aud", "sub", "client_id", "sid", "gen", "epoch", "roles"),
        *("auth_time", "iat", "nbf", "exp", "jti"),
    ],
)
@pytest.mark.parametrize("value", ["absent", None, True, -1, 1.5, "", "x", [1], {}, 10**30])
def test_every_claim_is_required_and_typed(
    tokens: JwtAccessTokens, forge: Forge, name: str, value: object
) -> None:
    payload = {**forge.payload, name: value}
    if value == "absent":
        del payload[name]

    with pytest.raises(TokenInvalidError):
        tokens.verify(forge.sign(forge.header, payload))


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"ES256","typ":"at+jwt","kid":"KID","kid":"KID"}',
        '{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"KID"}',
        '{"alg":"ES256","typ":"at+jwt","kid":"KID","b64":true}',
        '{"alg":"ES256","typ":"at+jwt","kid":"KID","zip":null}',
        '{"alg":"EdDSA","typ":"at+jwt","kid":"KID"}',
        '{"alg":["ES256"],"typ":"at+jwt","kid":"KID"}',
        '{"alg":"ES256","typ":"AT+JWT","kid":"KID"}',
        '{"alg":"ES256","typ":"at+jwt"}',
        '["alg"]',
        "null",
        "\ufeff{}",
        "[" * 1_300,
        "\ud800",
    ],
)
def test_a_header_other_than_ours_is_refused(
    tokens: JwtAccessTokens, forge: Forge, header: str
) -> None:
    named = header.replace("KID", forge.header["kid"])

    with pytest.raises(TokenInvalidError):
        tokens.verify(forge.sign(named, forge.payload if len(named) < 1_000 else {}))


def test_a_payload_as_deep_as_it_may_be_long_is_refused(
    tokens: JwtAccessTokens, forge: Forge
) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(forge.sign(forge.header, "[" * 1_300))


@pytest.mark.parametrize(
    "raw",
    [
        *("", ".", "..", "...", "h.p", "h.p.s.s", "h.e.i.c.t", "a.b.c", "\ud800.b.c", "é.b.c"),
        '{"payload":"..","signatures":[".."]}',
        "A" * 2049,
        "A." * 1024,
        "." * 100_000,
    ],
)
def test_what_has_not_the_form_of_a_token_is_refused(tokens: JwtAccessTokens, raw: str) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(raw)
    with pytest.raises(TokenInvalidError):
        tokens.verify_signature(raw)


def test_there_is_one_spelling_of_each_token(tokens: JwtAccessTokens, claims: AccessClaims) -> None:
    token = tokens.mint(claims).value
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bits = alphabet[alphabet.index(token[-1]) ^ 1]
    spellings = [token + "=", token[:-1] + same_bits, token + "\n", f" {token}"]
    if token.translate(str.maketrans("-_", "+/")) != token:
        spellings.append(token.translate(str.maketrans("-_", "+/")))

    for spelling in spellings:
        with pytest.raises(TokenInvalidError):
            tokens.verify_signature(spelling)


def test_no_single_bit_of_a_token_can_be_flipped(
    tokens: JwtAccessTokens, claims: AccessClaims
) -> None:
    token = tokens.mint(claims).value
    tokens.verify(token)
    draw = random.Random(2026)  # noqa: S311  # the same tokens in every run

    for _ in range(256):
        position, bit = draw.randrange(len(token)), 1 << draw.randrange(7)
        flipped = token[:position] + chr(ord(token[position]) ^ bit) + token[position + 1 :]
        with pytest.raises(TokenInvalidError):
            tokens.verify(flipped)
