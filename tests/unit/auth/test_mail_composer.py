"""What `auth` writes: in every language the same mails, with literal values and nothing fetched."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest

from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.infrastructure import jinja_mail_composer
from app.modules.auth.infrastructure.jinja_mail_composer import JinjaMailComposer
from app.shared.application.mailer import Mail

FOLDER = Path(jinja_mail_composer.__file__).parent / "mails"
LANGUAGES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
TOKEN = "verify1.kid.id.mac"
WITH_LINK = {
    MailKind.VERIFY_EMAIL: "/verify-email",
    MailKind.RESET_PASSWORD: "/reset-password",
    MailKind.CONFIRM_EMAIL: "/confirm-email",
}


def composer(**different: str) -> JinjaMailComposer:
    facts = {"service": "Bulkhead", "frontend_url": "https://www.example", **different}
    return JinjaMailComposer(**facts, token_lifetime=timedelta(minutes=10))


def composed(
    kind: MailKind,
    *,
    by: JinjaMailComposer | None = None,
    to: str = "ada@example.com",
    locale: str | None = "en",
) -> Mail:
    token = TOKEN if kind in WITH_LINK else None
    return (by or composer()).compose(kind, to=EmailAddress.parse(to), locale=locale, token=token)


def words_of(page: str) -> str:
    """What a reader sees of HTML."""
    body = re.sub(r"<(head|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_english_and_german_are_there() -> None:
    assert {"en", "de"} <= set(LANGUAGES)
    assert set(composer().languages) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_words_of_every_mail_and_no_others(language: str) -> None:
    files = {file.name for file in (FOLDER / language).iterdir()}

    assert files == {"common.txt", *(f"{kind}.txt" for kind in MailKind)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_every_mail_of_every_language_is_complete(kind: MailKind, language: str) -> None:
    mail = composed(kind, locale=language)

    shown = words_of(mail.html)
    assert mail.subject
    assert f'<html lang="{language}">' in mail.html
    for paragraph in mail.text.replace("\n-- \n", "\n").split("\n\n"):
        if TOKEN not in paragraph:
            assert " ".join(paragraph.split()).rstrip(":") in shown
    for part in (mail.text, mail.html):
        assert "Bulkhead" in part
        assert "ada@example.com" in part
        assert "{" not in re.sub(r"<style>.*</style>", "", part, flags=re.DOTALL)
    assert max(map(len, mail.text.splitlines())) <= 100


@pytest.mark.parametrize("kind", MailKind)
def test_no_two_languages_say_it_in_the_same_words(kind: MailKind) -> None:
    subjects = [composed(kind, locale=language).subject for language in LANGUAGES]

    assert len(set(subjects)) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", WITH_LINK)
def test_a_link_starts_with_the_configured_url_and_has_the_token_in_its_fragment(
    kind: MailKind, language: str
) -> None:
    mail = composed(kind, locale=language)

    link = f"https://www.example{WITH_LINK[kind]}#token={TOKEN}"
    assert link in mail.text.splitlines()
    assert f'href="{link}"' in mail.html
    assert set(re.findall(r"https?://[^\s\"<]+", mail.text + mail.html)) == {link}
    assert re.search(r"\b10\b", mail.text)


@pytest.mark.parametrize("kind", sorted(set(MailKind) - set(WITH_LINK)))
def test_a_notice_has_no_link(kind: MailKind) -> None:
    mail = composed(kind)

    assert "http" not in mail.text
    assert "href" not in mail.html


@pytest.mark.parametrize("kind", MailKind)
def test_a_mail_fetches_nothing(kind: MailKind) -> None:
    page = composed(kind).html

    assert not re.search(r"<(img|script|link|iframe|object)\b|\bsrc=|url\(|@import", page)


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize(
    "service", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "{% raw %}", "\"'&amp;", "${7*7}%s"]
)
def test_values_are_literal_text(kind: MailKind, service: str) -> None:
    mail = composed(kind, by=composer(service=service), to="{{7*7}}&amp@example.com")

    assert "<script" not in mail.html
    for shown in (" ".join(mail.text.split()), words_of(mail.html)):
        assert service in shown
        assert "{{7*7}}&amp@example.com" in shown


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
        ("../de", "en"),
        ("de/../en", "en"),
        ("layout.html", "en"),
        ("*", "en"),
    ],
)
def test_the_nearest_language_is_taken(locale: str | None, language: str) -> None:
    assert f'lang="{language}"' in composed(MailKind.PASSWORD_CHANGED, locale=locale).html


def test_a_mail_with_a_link_needs_a_token_and_no_other_has_one() -> None:
    to = EmailAddress.parse("ada@example.com")

    with pytest.raises(ValueError, match="token"):
        composer().compose(MailKind.VERIFY_EMAIL, to=to, locale="en")
    with pytest.raises(ValueError, match="token"):
        composer().compose(MailKind.PASSWORD_CHANGED, to=to, locale="en", token=TOKEN)


def test_a_mail_goes_to_the_address_as_it_was_typed_with_its_domain_in_ascii() -> None:
    mail = composed(MailKind.PASSWORD_CHANGED, to="Ada.Lovelace@Bücher.Example")

    assert mail.to == "Ada.Lovelace@xn--bcher-kva.example"
    assert "Ada.Lovelace@Bücher.Example" in mail.text


def test_there_is_a_preview_of_every_mail_in_every_language() -> None:
    previews = composer().previews()

    assert {(one.name, one.language) for one in previews} == {
        (f"auth.{kind}", language) for kind in MailKind for language in LANGUAGES
    }
