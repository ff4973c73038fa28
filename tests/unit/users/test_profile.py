"""What a profile accepts from its owner."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.users.domain.errors import (
    AvatarUrlInvalidError,
    BioInvalidError,
    DisplayNameInvalidError,
    HandleInvalidError,
    LocaleInvalidError,
    TimeZoneUnknownError,
)
from app.modules.users.domain.profile import Profile, ProfileChanges
from app.shared.domain.errors import InvalidError
from app.shared.domain.ids import new_id
from tests.factories import START, ProfileFactory

LATER = START + timedelta(hours=1)


def test_a_new_profile_says_nothing_of_its_owner() -> None:
    account_id = new_id()

    profile = Profile.create(account_id=account_id, now=START)

    assert profile.account_id == account_id
    assert (profile.display_name, profile.bio, profile.handle, profile.avatar_url) == (
        *("", ""),
        *(None, None),
    )
    assert (profile.locale, profile.time_zone, profile.version) == ("en", "UTC", 1)
    assert profile.created_at == profile.updated_at == START


@pytest.mark.parametrize(
    "changes",
    [
        ProfileChanges(display_name="Ada Lovelace"),
        ProfileChanges(display_name="x" * 100),
        ProfileChanges(display_name="Åse 👩‍🔬"),
        ProfileChanges(handle="abc"),
        ProfileChanges(handle="Ada_1815"),
        ProfileChanges(handle="a" * 30),
        ProfileChanges(handle=None),
        ProfileChanges(locale="de"),
        ProfileChanges(locale="pt-BR"),
        ProfileChanges(time_zone="Europe/Lisbon"),
        ProfileChanges(bio="first line\nsecond line"),
        ProfileChanges(bio="x" * 500),
        ProfileChanges(avatar_url="https://example.com/ada.png"),
        ProfileChanges(avatar_url=None),
    ],
    ids=str,
)
def test_a_good_value_is_taken_as_it_is(changes: ProfileChanges) -> None:
    profile = ProfileFactory.build(handle="before", avatar_url="https://example.com/before")

    profile.edit(changes, now=LATER)

    assert {name: getattr(profile, name) for name in changes} == changes
    assert profile.updated_at == LATER


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (ProfileChanges(display_name="x" * 101), DisplayNameInvalidError),
        (ProfileChanges(display_name="two\nlines"), DisplayNameInvalidError),
        (ProfileChanges(display_name="nul\0"), DisplayNameInvalidError),
        (ProfileChanges(display_name="\ud800"), DisplayNameInvalidError),
        (ProfileChanges(handle=""), HandleInvalidError),
        (ProfileChanges(handle="ab"), HandleInvalidError),
        (ProfileChanges(handle="a" * 31), HandleInvalidError),
        (ProfileChanges(handle="1ada"), HandleInvalidError),
        (ProfileChanges(handle="ada-l"), HandleInvalidError),
        (ProfileChanges(handle="ada\n"), HandleInvalidError),
        (ProfileChanges(handle="ädä"), HandleInvalidError),
        (ProfileChanges(locale="EN"), LocaleInvalidError),
        (ProfileChanges(locale="en_GB"), LocaleInvalidError),
        (ProfileChanges(locale=""), LocaleInvalidError),
        (ProfileChanges(time_zone="Mars/Olympus"), TimeZoneUnknownError),
        (ProfileChanges(time_zone="../../etc/passwd"), TimeZoneUnknownError),
        (ProfileChanges(bio="x" * 501), BioInvalidError),
        (ProfileChanges(bio="tab\t"), BioInvalidError),
        (ProfileChanges(bio="\udfff"), BioInvalidError),
        (ProfileChanges(avatar_url=""), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url="http://example.com/a.png"), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url="javascript:alert(1)"), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url="https:///a.png"), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url="https://ada@example.com/a.png"), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url="https://example.com/ä.png"), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url="https://[::1/a.png"), AvatarUrlInvalidError),
        (ProfileChanges(avatar_url=f"https://example.com/{'a' * 500}"), AvatarUrlInvalidError),
    ],
    ids=ascii,
)
def test_a_bad_value_is_refused_and_changes_nothing(
    changes: ProfileChanges, refusal: type[InvalidError]
) -> None:
    profile = ProfileFactory.build()
    before = dict(vars(profile))

    with pytest.raises(refusal):
        profile.edit(changes, now=LATER)

    assert vars(profile) == before


def test_what_is_absent_stays_as_it_is() -> None:
    profile = ProfileFactory.build(display_name="Ada", handle="ada", bio="numbers")

    profile.edit(ProfileChanges(bio="engines"), now=LATER)

    assert (profile.display_name, profile.handle, profile.bio) == ("Ada", "ada", "engines")


def test_no_change_is_no_edit() -> None:
    profile = ProfileFactory.build()

    profile.edit(ProfileChanges(), now=LATER)

    assert profile.updated_at == START
