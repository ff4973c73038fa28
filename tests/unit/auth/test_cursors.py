"""Cursors: what we sealed comes back to us alone, and only where it belongs."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from app.modules.auth.infrastructure.aes_gcm_cursors import AesGcmCursors
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.application.paging import CursorInvalidError, Cursors
from app.shared.testing import FixedClock, InMemoryCursors

PLACE = ["Ada Łovelace 👩‍🔬", "0198f1a2-0000-7000-8000-000000000000"]
HERE = ("users", "ada", "handle")


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.ensure(tmp_path, FixedClock(), publish_ahead=timedelta(0))


@pytest.fixture
def sealed(ring: KeyRing) -> AesGcmCursors:
    return AesGcmCursors(DerivedKeys(ring, b"cursor|https://bulkhead.example"))


@pytest.fixture(params=["memory", "sealed"])
def cursors(request: pytest.FixtureRequest) -> Cursors:
    if request.param == "memory":
        return InMemoryCursors()
    cursors: Cursors = request.getfixturevalue("sealed")
    return cursors


@pytest.mark.parametrize("place", [PLACE, [], ["", ""]])
def test_a_place_comes_back_as_it_was(cursors: Cursors, place: list[str]) -> None:
    assert cursors.open(cursors.seal(place, of=HERE), of=HERE) == place


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("accounts", "ada", "handle"),
        ("users", "", "handle"),
        ("users", "ada", "-handle"),
        ("users", "ada"),
        ("users", "adahandle"),
        ("users,ada", "handle"),
        (),
    ],
    ids=str,
)
def test_a_cursor_of_another_question_is_refused(
    cursors: Cursors, elsewhere: tuple[str, ...]
) -> None:
    cursor = cursors.seal(PLACE, of=HERE)

    with pytest.raises(CursorInvalidError):
        cursors.open(cursor, of=elsewhere)


@pytest.mark.parametrize(
    "cursor", ["", "x", "null", "1", "{}", "[]", "pc1..", "pc1.kid.", "ä", "\0", "x" * 3000]
)
def test_what_is_no_cursor_is_refused(cursors: Cursors, cursor: str) -> None:
    with pytest.raises(CursorInvalidError):
        cursors.open(cursor, of=HERE)


def test_no_character_of_a_cursor_may_change(sealed: AesGcmCursors) -> None:
    cursor = sealed.seal(PLACE, of=HERE)

    for position, character in enumerate(cursor):
        for other in "AB.=":
            forged = cursor[:position] + other + cursor[position + 1 :]
            if other == character:
                continue
            with pytest.raises(CursorInvalidError):
                sealed.open(forged, of=HERE)
    for forged in (cursor[:-1], f"{cursor}A", f"{cursor}=", f" {cursor}", f"{cursor}\n"):
        with pytest.raises(CursorInvalidError):
            sealed.open(forged, of=HERE)


def test_every_last_character_but_one_is_refused(sealed: AesGcmCursors) -> None:
    """Base64 leaves bits of it unused, which would give one cursor many spellings."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for length in range(3):
        cursor = sealed.seal(["x" * length], of=HERE)
        for last in set(alphabet) - {cursor[-1]}:
            with pytest.raises(CursorInvalidError):
                sealed.open(cursor[:-1] + last, of=HERE)


def test_a_cursor_shows_nothing_and_is_safe_in_a_url(sealed: AesGcmCursors) -> None:
    cursor = sealed.seal(PLACE, of=HERE)

    assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)
    assert cursor != sealed.seal(PLACE, of=HERE)


def test_a_cursor_of_the_longest_place_fits(sealed: AesGcmCursors) -> None:
    assert len(sealed.seal(["👩" * 100, PLACE[1]], of=HERE)) < 2048


def test_another_purpose_of_the_same_secret_has_another_key(
    ring: KeyRing, sealed: AesGcmCursors
) -> None:
    other = AesGcmCursors(DerivedKeys(ring, b"cursor|https://elsewhere.example"))

    with pytest.raises(CursorInvalidError):
        other.open(sealed.seal(PLACE, of=HERE), of=HERE)


def test_a_cursor_outlives_a_new_key_and_not_the_loss_of_its_own(
    ring: KeyRing, sealed: AesGcmCursors, tmp_path: Path
) -> None:
    cursor = sealed.seal(PLACE, of=HERE)
    [first] = tmp_path.glob("*.secret")

    ring.rotate("refresh")
    outlived = sealed.open(cursor, of=HERE)
    first.unlink()
    ring.refresh()

    assert outlived == PLACE
    with pytest.raises(CursorInvalidError):
        sealed.open(cursor, of=HERE)
