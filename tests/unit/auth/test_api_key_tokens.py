"""API keys as text: derived, recognised by their form, compared by a hash."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest

from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.infrastructure.hmac_api_key_tokens import HmacApiKeyTokens
from app.modules.auth.infrastructure.hmac_fingerprints import HmacFingerprints
from app.modules.auth.infrastructure.hmac_mailed_tokens import HmacMailedTokens
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.shared.testing.clock import FixedClock
from tests.unit.auth.conftest import PUBLISH_AHEAD

KEY = UUID("01980000-aaaa-7bbb-8ccc-0123456789ab")
ISSUER = "https://api.example.com"


@pytest.fixture
def tokens(key_ring: KeyRing) -> HmacApiKeyTokens:
    return HmacApiKeyTokens(key_ring, issuer=ISSUER)


@pytest.fixture
def token(tokens: HmacApiKeyTokens) -> str:
    return tokens.mint(KEY, tokens.current_kid)


def test_an_api_key_names_itself_and_carries_256_bits(tokens: HmacApiKeyTokens, token: str) -> None:
    assert re.fullmatch(rf"ak1\.{KEY}\.[A-Za-z0-9_-]{{43}}", token)
    assert tokens.parse(token).id == KEY
    assert len(tokens.parse(token).secret_hash) == 32


def test_the_same_api_key_comes_out_of_any_process(key_ring: KeyRing, token: str) -> None:
    elsewhere = HmacApiKeyTokens(key_ring, issuer=ISSUER)

    assert elsewhere.mint(KEY, elsewhere.current_kid) == token


def test_another_key_another_issuer_and_another_secret_make_another_api_key(
    tokens: HmacApiKeyTokens, token: str, key_ring: KeyRing, clock: FixedClock
) -> None:
    kid = tokens.current_kid
    clock.advance(1)
    key_ring.rotate("refresh")
    clock.advance(PUBLISH_AHEAD)

    assert tokens.current_kid != kid
    assert tokens.mint(KEY, kid) == token
    assert tokens.mint(KEY, tokens.current_kid) != token
    assert tokens.mint(UUID(int=KEY.int + 1), kid)[-43:] != token[-43:]
    assert HmacApiKeyTokens(key_ring, issuer="https://other.example").mint(KEY, kid) != token


def test_no_other_token_of_the_ring_shares_its_secret(key_ring: KeyRing, token: str) -> None:
    kid, claim = key_ring.refresh_secret().kid, token.rpartition(".")[0]
    purposes = [
        HmacRefreshTokens(key_ring, issuer=ISSUER)._keys,
        HmacMailedTokens(key_ring, issuer=ISSUER)._keys,
        HmacFingerprints(key_ring, issuer=ISSUER)._keys,
    ]

    assert token[-43:] not in {keys.mac(claim, kid) for keys in purposes}


def test_an_api_key_is_still_recognised_when_its_secret_is_gone(
    tokens: HmacApiKeyTokens, token: str, key_ring: KeyRing, clock: FixedClock, keys_dir: Path
) -> None:
    kid, before = tokens.current_kid, tokens.parse(token)
    clock.advance(1)
    key_ring.rotate("refresh")
    (keys_dir / f"{kid}.secret").unlink()
    key_ring.refresh()

    assert tokens.parse(token) == before
    with pytest.raises(TokenInvalidError):
        tokens.mint(KEY, kid)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.replace("ak1.", "ak2."),
        lambda token: token.replace("ak1.", "AK1."),
        lambda token: token.replace(str(KEY), str(KEY).upper()),
        lambda token: token.replace(str(KEY), KEY.hex),
        lambda token: token.replace(str(KEY), "{" + str(KEY) + "}"),
        lambda token: token[:-1] + "+",
        lambda token: token[:-1] + "\u0661",
        lambda token: token + ".more",
        lambda token: "ak1." + "9" * 100_000,
    ],
)
def test_whatever_has_another_form_is_no_api_key(
    tokens: HmacApiKeyTokens, token: str, spoil: object
) -> None:
    assert callable(spoil)
    with pytest.raises(TokenInvalidError):
        tokens.parse(spoil(token))


def test_each_secret_has_one_spelling(tokens: HmacApiKeyTokens, token: str) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    spellings = {tokens.parse(token[:-1] + last).secret_hash for last in alphabet}

    assert len(spellings) == len(alphabet)


def test_a_fingerprint_is_known_again_after_a_rotation(
    key_ring: KeyRing, clock: FixedClock
) -> None:
    fingerprints = HmacFingerprints(key_ring, issuer=ISSUER)
    (before,) = fingerprints.of(b"content")
    clock.advance(1)
    key_ring.rotate("refresh")
    clock.advance(PUBLISH_AHEAD)

    current, former = fingerprints.of(b"content")

    assert former == before
    assert current != before
    assert before not in fingerprints.of(b"another content")


def test_a_fingerprint_needs_the_secret(key_ring: KeyRing, tmp_path: Path) -> None:
    elsewhere = KeyRing.ensure(tmp_path / "other", FixedClock(), publish_ahead=PUBLISH_AHEAD)

    ours = HmacFingerprints(key_ring, issuer=ISSUER).of(b"content")
    theirs = HmacFingerprints(elsewhere, issuer=ISSUER).of(b"content")

    assert not {*ours} & {*theirs}
