"""Which passwords may be chosen, and how one is read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import (
    InvalidCredentialsError,
    PasswordGuessableError,
    PasswordInvalidError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
)
from app.modules.auth.domain.password import NewPassword, PasswordPolicy, normalize_password
from app.modules.auth.infrastructure.common_passwords import BundledCommonPasswords

COMMON = BundledCommonPasswords()
EMAIL = EmailAddress.parse("Mike.Smith@acme-mail.com")
UNGUESSABLE = "Vq7 zRw-Lk2 hTx"


def chosen(raw: str, policy: PasswordPolicy | None = None) -> str:
    password = NewPassword.choose(raw, policy=policy or PasswordPolicy(common=COMMON), email=EMAIL)
    return password.value


@pytest.mark.parametrize(
    "raw",
    [
        "correct horse battery staple",
        "purple elephant password",
        "my password is a blue giraffe",
        "all lower case and long enough",
        "  blanks inside  and around  ",
        "пароль который я люблю",
        "😀🐘🌵🚲🎻🧊🛶🪁🧶🥝🪐🦔🧭🎈🪴",
        "831749205718364",
        "8#2$9!47@1*5%30&",
        "tab\tand\x00NUL are letters",
        "bulkhead keeps the water out",
        "mike.smith rides a zebra home",
    ],
)
def test_a_passphrase_is_accepted_as_it_is(raw: str) -> None:
    assert chosen(raw) == unicodedata.normalize("NFC", raw)


@pytest.mark.parametrize(
    "raw",
    [
        "passwordpassword",
        "Password123456789",
        "P@ssw0rd2026!!!!!",
        "aaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaab",
        "abcabcabcabcabcabc",
        "xK9#xK9#xK9#xK9#xK9#",
        "123456789012345",
        "1234567890qwerty",
        "qwertyuiopasdfgh",
        "1q2w3e4r5t6y7u8i",
        "1qaz2wsx3edc4rfv",
        "abcdefghijklmnopqrstuvwxyz",
        "zyxwvutsrqponml",
        "monkey1monkey2monkey3",
        "iloveyou forever!",
        "dragon-sunshine-2024",
        "\uff50\uff41ssword\uff50\uff41ssword",
        "ttttttttvvvvvvvvnnnnnnnnn",
        "bcdefghi stuvwxyz mnopqrs",
        "cftgyhbvfgtrdesw",
        "correcthorsebatterystaple",
        "thisismypassword",
    ],
)
def test_nothing_but_common_words_and_patterns_is_refused(raw: str) -> None:
    with pytest.raises(PasswordTooCommonError):
        chosen(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "bulkhead2026!!!!",
        "BulkheadBulkhead",
        "Bu1khead-password",
        "mike.smithmike.smith",
        "mike_smith_123456",
        "smithsmithsmith",
        "Mike.Smith@acme-mail.com",
        "acme-mail.com2026",
        "bulkhead mike 2026",
        "bulkhead 1987 1994 2003 2026",
    ],
)
def test_nothing_but_what_is_known_of_account_and_service_is_refused(raw: str) -> None:
    with pytest.raises(PasswordGuessableError):
        chosen(raw)


def test_lengths_are_counted_in_code_points_after_composition() -> None:
    fifteen = "é" * 7 + "ñandúçøß"
    decomposed = unicodedata.normalize("NFD", fifteen)

    assert len(fifteen) == 15
    assert len(decomposed) > 15
    assert chosen(decomposed) == fifteen
    with pytest.raises(PasswordTooShortError, match="at least"):
        chosen(unicodedata.normalize("NFD", fifteen[1:]))


@pytest.mark.parametrize(
    ("length", "error"),
    [
        (14, PasswordTooShortError),
        (15, None),
        (64, None),
        (128, None),
        (129, PasswordTooLongError),
        (1_048_576, PasswordTooLongError),
    ],
)
def test_the_limits_of_length_are_exact(length: int, error: type[Exception] | None) -> None:
    raw = (UNGUESSABLE + " 0Yb!fGd9 " + "jNs5~Pmc8 uEo4^" * length)[:length]

    if error is None:
        assert chosen(raw) == raw
    else:
        with pytest.raises(error):
            chosen(raw)


def test_the_longest_decomposed_password_is_within_the_byte_cap() -> None:
    hangul = "".join(chr(0xAC01 + 587 * position % 11172) for position in range(128))

    assert chosen(unicodedata.normalize("NFD", hangul)) == hangul


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(PasswordInvalidError):
        chosen("a passphrase with \ud800 in it")


def test_the_byte_cap_comes_before_anything_else_looks_at_the_text() -> None:
    with pytest.raises(PasswordTooLongError):
        chosen("\ud800" * 4097)


@pytest.mark.parametrize("raw", ["a passphrase with \ud800 in it", "x" * 4097, "\U0001f600" * 1025])
def test_what_can_be_nobodys_password_fails_a_login_like_a_wrong_one(raw: str) -> None:
    with pytest.raises(InvalidCredentialsError):
        normalize_password(raw)


def test_a_login_reads_passwords_that_the_policy_would_refuse_today() -> None:
    assert normalize_password("short") == "short"
    assert normalize_password("cafe\u0301") == "café"


def test_a_password_is_never_printed() -> None:
    password = NewPassword(UNGUESSABLE)

    assert UNGUESSABLE not in repr(password)


@pytest.mark.parametrize(("shortest", "longest"), [(7, 128), (15, 63), (15, 257), (100, 64)])
def test_a_policy_that_is_too_weak_is_refused(shortest: int, longest: int) -> None:
    with pytest.raises(ValueError, match=r"password|AUTH_PASSWORD_MIN_LENGTH"):
        PasswordPolicy(min_length=shortest, max_length=longest)


@given(st.text(min_size=1, max_size=128))
def test_a_choice_is_normalised_or_refused_and_never_cut(raw: str) -> None:
    try:
        value = chosen(raw)
    except (
        PasswordTooShortError,
        PasswordTooLongError,
        PasswordTooCommonError,
        PasswordGuessableError,
        PasswordInvalidError,
    ):
        return

    assert value == unicodedata.normalize("NFC", raw) == normalize_password(raw)


def test_the_bundled_list_is_long_and_small_in_memory() -> None:
    hashes = COMMON._hashes

    assert len(hashes) > 50_000
    assert len(hashes) * hashes.itemsize < 500_000
    assert "password" in COMMON
    assert "staple" not in COMMON
