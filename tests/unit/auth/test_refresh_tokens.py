"""Refresh tokens: derived, recognised, and nothing else recognised."""

from __future__ import annotations

import re
import string
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.modules.auth.application.ports import PresentedRefreshToken
from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.shared.testing.clock import FixedClock

SESSION = UUID("01980000-aaaa-7bbb-8ccc-0123456789ab")
ISSUER = "https://api.example.com"
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.fixture
def tokens(key_ring: KeyRing) -> HmacRefreshTokens:
    return HmacRefreshTokens(key_ring, issuer=ISSUER)


@pytest.fixture
def token(tokens: HmacRefreshTokens) -> str:
    return tokens.mint(SESSION, 7, tokens.current_kid)


def test_a_token_says_its_key_its_session_and_its_generation(
    tokens: HmacRefreshTokens, token: str
) -> None:
    kid = tokens.current_kid

    assert re.fullmatch(rf"rt1\.{kid}\.{SESSION}\.7\.[A-Za-z0-9_-]{{43}}", token)
    assert tokens.parse(token) == PresentedRefreshToken(kid, SESSION, 7)


@pytest.mark.parametrize("generation", [0, 1, 9, 10, 2**31 - 1])
def test_every_generation_makes_the_round_trip(tokens: HmacRefreshTokens, generation: int) -> None:
    token = tokens.mint(SESSION, generation, tokens.current_kid)

    assert tokens.parse(token).generation == generation


@pytest.mark.parametrize("generation", [-1, 2**31])
def test_no_generation_beyond_31_bits_is_minted(tokens: HmacRefreshTokens, generation: int) -> None:
    with pytest.raises(ValueError, match="generation"):
        tokens.mint(SESSION, generation, tokens.current_kid)


def test_the_same_token_comes_out_of_any_process(
    tokens: HmacRefreshTokens, token: str, key_ring: KeyRing
) -> None:
    elsewhere = HmacRefreshTokens(key_ring, issuer=ISSUER)

    assert tokens.mint(SESSION, 7, tokens.current_kid) == token
    assert elsewhere.mint(SESSION, 7, tokens.current_kid) == token


def test_a_token_of_another_issuer_is_not_ours(key_ring: KeyRing, token: str) -> None:
    staging = HmacRefreshTokens(key_ring, issuer="https://staging.example.com")

    with pytest.raises(TokenInvalidError):
        staging.parse(token)


def test_the_longest_token_fits_200_bytes(
    keys_dir: Path, key_ring: KeyRing, tokens: HmacRefreshTokens
) -> None:
    kid = "k" * 64
    (keys_dir / f"{kid}.secret").write_text("Xq8ZbVt3yHn5LwJc7RfKd9PmGs2EuAo4TiQx6WvYz1B")
    key_ring.refresh()

    token = tokens.mint(SESSION, 2**31 - 1, kid)

    assert len(token.encode("ascii")) <= 200
    assert tokens.parse(token).kid == kid


def test_there_is_one_spelling_of_each_token(tokens: HmacRefreshTokens, token: str) -> None:
    last = BASE64URL.index(token[-1])
    others = [BASE64URL[last ^ bits] for bits in (1, 2, 3)]

    for other in others:
        with pytest.raises(TokenInvalidError):
            tokens.parse(token[:-1] + other)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "\n",
        lambda token: token + "=",
        lambda token: " " + token,
        lambda token: token.upper(),
        lambda token: token.replace("aaaa-7bbb", "AAAA-7bbb"),
        lambda token: token.replace("-", ""),
        lambda token: token.replace(".7.", ".07."),
        lambda token: token.replace(".7.", ".8."),
        lambda token: token.replace(".7.", ".+7."),
        lambda token: token.replace(".7.", ".\u0667."),
        lambda token: token.replace(".7.", ".99999999999."),
        lambda token: token.replace("rt1.", "rt2."),
        lambda token: token.replace("rt1.", "ak1."),
        lambda token: token.rsplit(".", 1)[0],
        lambda token: token.rsplit(".", 1)[0] + ".",
        lambda token: token.replace("-first.", "-other."),
        lambda token: token.replace("-first.", "-first/../x."),
        lambda token: token + "." + token,
        lambda token: token * 10_000,
        lambda token: "",
        lambda token: "\ud800",
        lambda token: "rt1....",
    ],
)
def test_whatever_was_changed_is_refused(
    tokens: HmacRefreshTokens, token: str, change: object
) -> None:
    assert callable(change)
    changed = change(token)

    assert changed != token
    with pytest.raises(TokenInvalidError):
        tokens.parse(changed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_token_with_one_other_character_is_refused(
    tokens: HmacRefreshTokens, token: str, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[position]))

    with pytest.raises(TokenInvalidError):
        tokens.parse(token[:position] + other + token[position + 1 :])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_no_other_text_is_a_token(tokens: HmacRefreshTokens, text: str) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.parse(text)


def test_a_removed_secret_takes_its_tokens_along(
    keys_dir: Path, clock: FixedClock, tokens: HmacRefreshTokens, token: str, key_ring: KeyRing
) -> None:
    old = tokens.current_kid
    clock.advance(3600)
    key_ring.rotate("refresh")
    still_good = tokens.parse(token)

    (keys_dir / f"{old}.secret").unlink()
    key_ring.refresh()

    assert still_good.kid == old
    with pytest.raises(TokenInvalidError):
        tokens.parse(token)
    with pytest.raises(TokenInvalidError):
        tokens.mint(SESSION, 8, old)
