"""Tokens in mails: derived, recognised for their one purpose, and nothing else recognised."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.modules.auth.domain.errors import LinkInvalidError, TokenInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.infrastructure.hmac_mailed_tokens import HmacMailedTokens
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens

MAIL = UUID("6b0d3f9e-35c1-4c0e-9b3e-7f6f1f2d5a10")
ISSUER = "https://api.example.com"
KINDS = [MailKind.VERIFY_EMAIL, MailKind.RESET_PASSWORD, MailKind.CONFIRM_EMAIL]


@pytest.fixture
def tokens(key_ring: KeyRing) -> HmacMailedTokens:
    return HmacMailedTokens(key_ring, issuer=ISSUER)


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_names_its_mail_and_is_the_same_each_time(
    tokens: HmacMailedTokens, kind: MailKind
) -> None:
    kid = tokens.current_kid

    token = tokens.mint(kind, MAIL, kid)

    assert re.fullmatch(rf"[a-z]+1\.{kid}\.{MAIL.hex}\.[A-Za-z0-9_-]{{43}}", token)
    assert token == tokens.mint(kind, MAIL, kid)
    assert tokens.parse(kind, token) == MAIL


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_token_is_good_for_its_purpose_alone(
    tokens: HmacMailedTokens, kind: MailKind, other: MailKind
) -> None:
    token = tokens.mint(kind, MAIL, tokens.current_kid)

    if kind is other:
        assert tokens.parse(other, token) == MAIL
        return
    with pytest.raises(LinkInvalidError):
        tokens.parse(other, token)


def test_another_issuers_token_and_a_refresh_token_are_refused(
    tokens: HmacMailedTokens, key_ring: KeyRing
) -> None:
    elsewhere = HmacMailedTokens(key_ring, issuer="https://other.example.com")
    refresh = HmacRefreshTokens(key_ring, issuer=ISSUER)

    for foreign in (
        elsewhere.mint(MailKind.RESET_PASSWORD, MAIL, tokens.current_kid),
        refresh.mint(MAIL, 1, tokens.current_kid),
    ):
        with pytest.raises(LinkInvalidError):
            tokens.parse(MailKind.RESET_PASSWORD, foreign)


def test_a_mailed_token_is_no_refresh_token(tokens: HmacMailedTokens, key_ring: KeyRing) -> None:
    refresh = HmacRefreshTokens(key_ring, issuer=ISSUER)

    with pytest.raises(TokenInvalidError):
        refresh.parse(tokens.mint(MailKind.RESET_PASSWORD, MAIL, tokens.current_kid))


def test_a_token_whose_secret_is_gone_is_refused(tokens: HmacMailedTokens) -> None:
    with pytest.raises(LinkInvalidError):
        tokens.mint(MailKind.RESET_PASSWORD, MAIL, "long-gone")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_changed_character_makes_it_nothing(
    tokens: HmacMailedTokens, data: st.DataObject
) -> None:
    token = tokens.mint(MailKind.VERIFY_EMAIL, MAIL, tokens.current_kid)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda c: c != token[place]))

    with pytest.raises(LinkInvalidError):
        tokens.parse(MailKind.VERIFY_EMAIL, token[:place] + other + token[place + 1 :])
