"""When two e-mail addresses are the same account, and what is no address at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.modules.auth.domain.email_address import EmailAddress, email_key
from app.modules.auth.domain.errors import EmailInvalidError

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "identity_vectors.json").read_text()
)
SAME = [
    (group["canonical"], other)
    for group in VECTORS["same_identity_groups"]
    for other in group["must_be_same_account"]
]
DIFFERENT = [
    (group["canonical"], other)
    for group in VECTORS["same_identity_groups"]
    for other in group["must_not_match_or_reject"]
]
REJECTED = [vector["value"] for vector in VECTORS["must_reject"]]


@pytest.mark.parametrize(("canonical", "typed"), SAME)
def test_letter_case_and_surrounding_blanks_make_no_other_account(
    canonical: str, typed: str
) -> None:
    address = EmailAddress.parse(typed)

    assert address == EmailAddress.parse(canonical)
    assert hash(address) == hash(EmailAddress.parse(canonical))
    assert email_key(typed) == address.key == canonical


@pytest.mark.parametrize(("canonical", "typed"), DIFFERENT)
def test_a_look_alike_is_another_address_or_none(canonical: str, typed: str) -> None:
    key = email_key(typed)

    assert key != canonical


@pytest.mark.parametrize("typed", REJECTED)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(EmailInvalidError):
        EmailAddress.parse(typed)

    assert email_key(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "mike@ex\u00adample.com",
        "mike@example\u3002com",
        "mike@\u212aate.com",
        "mike@example.com\n",
        "mike@xn--0.com",
        "mike@example.123",
        "=?utf-8?q?mike?=@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 61}.com",
        f"{'ä' * 300}@example.com",
        f"mike@{'ä' * 240}.com",
        f"{'a' * 64}@{'ä.' * 25}com",
    ],
)
def test_a_disguised_or_overlong_address_is_refused(typed: str) -> None:
    assert email_key(typed) is None


def test_the_longest_address_is_254_characters() -> None:
    domain = f"{'b' * 63}.{'c' * 63}.{'d' * 57}.com"
    longest = f"{'a' * 64}@{domain}"

    address = EmailAddress.parse(longest)

    assert len(address.key) == 254
    assert email_key(f"{longest}m") is None


def test_the_address_is_shown_as_it_was_typed() -> None:
    address = EmailAddress.parse(" Mike@Example.COM ")

    assert address.display == "Mike@Example.COM"
    assert address.key == "mike@example.com"


def test_a_domain_that_can_receive_no_mail_is_refused() -> None:
    with pytest.raises(EmailInvalidError):
        EmailAddress.parse("mike@service.local")


ADDRESSES = st.builds(
    "{}{}@{}.{}{}".format,
    st.sampled_from(["", " ", "\t"]),
    st.text("aAzZ09.+_-'\u0131\u212aä", min_size=1, max_size=12),
    st.text("aAzZ09-.\u00e4\u00c4\u00df\u0130\uff45\u00ad\u0308\u3002", min_size=1, max_size=16),
    st.sampled_from(["com", "COM", "xn--p1ai", "рф", "test", "1"]),
    st.sampled_from(["", " ", "."]),
)


@given(st.one_of(ADDRESSES, st.text(max_size=40), st.emails()))
def test_the_cheap_key_agrees_with_the_parsed_address(raw: str) -> None:
    key = email_key(raw)

    try:
        parsed = EmailAddress.parse(raw)
    except EmailInvalidError:
        return
    assert key == parsed.key
    assert email_key(parsed.key) == parsed.key
    assert email_key(parsed.display) == parsed.key


@given(ADDRESSES)
def test_no_key_leaves_ascii_or_lower_case(raw: str) -> None:
    key = email_key(raw)

    assert key is None or (key.isascii() and key == key.lower())
