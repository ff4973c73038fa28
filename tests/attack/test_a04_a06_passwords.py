"""A04 to A06: what may be a password, all of which counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable
from itertools import pairwise
from time import perf_counter

import httpx
import pytest

from tests.attack.conftest import Report
from tests.attack.size import FULL, sized
from tests.attack.target import Target
from tests.e2e.visitor import PASSWORD, Pair, refused

MIN, MAX = 15, 128
LONG = "".join(chr(ord("a") + n * 7 % 26) for n in range(MAX))
FAMILIES = (
    *("password", "qwerty", "123456", "123456789", "111111", "abc123", "letmein", "iloveyou"),
    *("admin", "welcome", "monkey", "dragon", "football", "sunshine", "princess", "master"),
    *("superman", "shadow", "michael", "baseball", "trustno1", "000000", "654321", "666666"),
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "1q2w3e4r", "passw0rd", "starwars", "freedom"),
    *("whatever", "charlie", "secret", "hello", "login", "ashley", "jordan", "hunter", "batman"),
    *("121212", "qazwsx", "jessica", "pokemon", "computer", "internet", "summer", "winter"),
    *(
        "samsung",
        "google",
        "matrix",
        "cookie",
        "mustang",
        "liverpool",
        "chelsea",
        "arsenal",
        "naruto",
        "blink182",
        "test",
    ),
)
COMMON = [
    *((word * MIN)[: max(MIN, 2 * len(word))] for word in FAMILIES),
    *(f"{word}{word}{word}"[: 3 * len(word)].ljust(MIN, "1") for word in FAMILIES),
    *(f"{one}{other}123456789" for one, other in pairwise(FAMILIES)),
    *(digit * MIN for digit in "0123456789"),
    *("123456789012345", "1234567890123456", "012345678901234", "987654321098765"),
    *("qwertyuiopasdfghjkl", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb"),
    *("abcdefghijklmno", "abcdefghijklmnopqrstuvwxyz", "aaaaaaaaaaaaaaaaaaaa"),
]
"""Of the first that anybody tries, those that are as long as a password has to be."""


async def test_a04_a_password_of_a_wrong_length_is_refused_before_it_is_hashed(
    target: Target, report: Report
) -> None:
    attacker = target.attacker()
    known = target.attacker()
    await known.joined()
    before = len(target.hashes())
    took = {}

    for length in (0, 1, MIN - 1, MAX + 1, 4_096, 4_097, 60_000, 1_048_576):
        asked = perf_counter()
        answer = await attacker.register(attacker.email, (LONG * 10_000)[:length])
        took[length] = (perf_counter() - asked) * 1_000
        assert answer.status_code in (413, 422), length
        assert LONG[:10] not in answer.text
    for length in (4_097, 60_000, 1_048_576):
        login = await attacker.log_in(known.email, (LONG * 10_000)[:length])
        assert login.status_code in (401, 413, 422), length

    assert len(target.hashes()) == before
    report(", ".join(f"{length}: {ms:.1f} ms" for length, ms in took.items()))
    if FULL:
        assert max(took.values()) < 50


@pytest.mark.parametrize("length", [MIN, 64, MAX])
async def test_a04_every_character_of_a_password_counts(target: Target, length: int) -> None:
    owner = target.attacker()
    password = LONG[:length]

    await owner.joined(password=password)

    for other in (password[:-1], password + "a", password[:-1] + "!", password.upper()):
        refused(await owner.log_in(owner.email, other), 401, "invalid_credentials")


async def test_a04_passwords_that_differ_late_or_behind_a_nul_are_different(
    target: Target,
) -> None:
    for one, other in (
        (LONG[:72] + "one ending", LONG[:72] + "another end"),
        ("seven quiet\0otters", "seven quiet\0badger"),
        ("seven quiet otters\0", "seven quiet otters"),
    ):
        owner = target.attacker()
        registered = await owner.register(owner.email, one)
        if registered.status_code == 422:
            assert "\0" in one
            continue
        refused(await owner.log_in(owner.email, other), 401, "invalid_credentials")
        assert (await owner.log_in(owner.email, one)).status_code == 200


async def test_a04_the_longest_address_goes_with_the_longest_password(target: Target) -> None:
    owner = target.attacker()
    name = owner.email.partition("@")[0]
    email = f"{name}.{'b' * (63 - len(name))}@{'c' * 61}.{'d' * 61}.{'e' * 57}.example"
    assert len(email) == 254

    pair = await owner.joined(email, LONG)

    assert (await owner.account(pair.access_token)).json()["email"] == email
    refused(await owner.log_in(email, LONG[:-1]), 401, "invalid_credentials")
    refused(await owner.log_in("f" + email[1:], LONG), 401, "invalid_credentials")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "   three blanks   around   it   ",
        "\ttabs and\u00a0odd\u2003spaces\u3000too\t",
        "🦦🦦 otters 🌊 juggle 🪨 quietly 👩‍👩‍👧‍👧",
        "семь тихих выдр жонглируют",
        "siete nutrias tranquilas juegan",
    ],
    ids=["lower case", "blanks", "odd spaces", "emoji", "Cyrillic", "letters alone"],
)
async def test_a05_a_passphrase_needs_no_composition(target: Target, password: str) -> None:
    owner = target.attacker()

    await owner.joined(password=password)

    if password.strip() != password:
        refused(await owner.log_in(owner.email, password.strip()), 401, "invalid_credentials")


async def test_a05_a_password_is_the_same_in_both_normal_forms(target: Target) -> None:
    owner = target.attacker()
    decomposed = unicodedata.normalize("NFD", "sieben stille Ötter jonglieren äußerst früh")
    composed = unicodedata.normalize("NFC", decomposed)
    assert decomposed != composed

    await owner.joined(password=decomposed)

    assert (await owner.log_in(owner.email, composed)).status_code == 200
    refused(
        await owner.log_in(owner.email, unicodedata.normalize("NFKC", composed).lower()),
        401,
        "invalid_credentials",
    )


Choose = Callable[[str], Awaitable[httpx.Response]]


async def test_a06_no_common_or_obvious_password_is_taken_anywhere(target: Target) -> None:
    owner = target.attacker()
    name = owner.email.partition("@")[0]
    weak = [*COMMON, "Bulkhead2026!!!!", "bulkheadbulkhead", name, name * 2, owner.email]
    assert len(weak) >= 200
    pair = await owner.joined()
    await owner.forgot(owner.email)
    mails = await target.sink.to(owner.email, 2)
    token = mails[-1].token
    hashes = len(target.hashes())

    async def register(password: str) -> httpx.Response:
        return await owner.register(owner.email, password)

    async def change(password: str) -> httpx.Response:
        return await owner.change_password(pair.access_token, PASSWORD, password)

    async def reset(password: str) -> httpx.Response:
        return await owner.reset(token, password)

    some = [*weak[:: sized(20, 1)], *weak[-5:]]
    for choose, member, tried in (
        (register, "/password", weak),
        (change, "/new_password", some),
        (reset, "/new_password", some),
    ):
        taken = [password for password in tried if not _is_refused(await choose(password), member)]
        assert taken == []

    # A change asks for the current password first, so that the answer is for its owner alone.
    assert len(target.hashes()) == hashes + len(some)
    assert (await owner.log_in(owner.email)).status_code == 200
    assert (await reset("password is a word in this sentence")).status_code == 204
    assert (await owner.log_in(owner.email, "password is a word in this sentence")).is_success


async def test_a06_a_passphrase_may_contain_a_common_word(target: Target) -> None:
    for password in (
        "my password for otters is long",
        "bulkhead behind the third cabin",
        "qwerty was an odd breakfast choice",
    ):
        owner = target.attacker()
        pair: Pair = await owner.joined(password=password)
        assert (await owner.me(pair.access_token)).status_code == 200


def _is_refused(answer: httpx.Response, member: str) -> bool:
    """With a reason that a person can act on, and under the member that it is about."""
    return (
        answer.status_code == 422
        and answer.json()["code"] in ("password_too_common", "password_guessable")
        and [error["pointer"] for error in answer.json()["errors"]] == [member]
        and bool(answer.json()["errors"][0]["detail"])
    )
