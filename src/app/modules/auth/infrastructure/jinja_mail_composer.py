"""Mails from words: a file for each kind in each language, and two layouts around them all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.modules.auth.application.mailing import MailComposer
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.mail_kind import MailKind
from app.shared.application.languages import Languages
from app.shared.application.mailer import Mail, MailPreview

_PATHS = {
    MailKind.VERIFY_EMAIL: "/verify-email",
    MailKind.RESET_PASSWORD: "/reset-password",
    MailKind.CONFIRM_EMAIL: "/confirm-email",
}
"""The kinds with a link, and where it leads below the front end's URL."""

_FALLBACK = "en"
_COMMON = "common"
"""What all mails of a language share."""


class JinjaMailComposer(MailComposer):
    """A folder of templates is a language; each file in it has the words of one kind.

    Words are rendered as plain text. Only then do they go into the two layouts, where the one for
    HTML escapes every one of them: no value in a mail is ever markup.
    """

    def __init__(self, *, service: str, frontend_url: str, token_lifetime: timedelta) -> None:
        loader = PackageLoader("app.modules.auth.infrastructure", "mails")
        self.languages = Languages(
            name.split("/")[0] for name in loader.list_templates() if "/" in name
        )
        self._templates = Environment(
            loader=loader,
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._service = service
        self._frontend_url = frontend_url
        self._minutes = round(token_lifetime / timedelta(minutes=1))

    def compose(
        self, kind: MailKind, *, to: EmailAddress, locale: str | None, token: str | None = None
    ) -> Mail:
        if (kind in _PATHS) != (token is not None):
            raise ValueError(f"a token is for a mail with a link, and {kind} is none or lacks it")
        language = self.languages.nearest((locale or "").replace("_", "-")) or _FALLBACK
        words = {**self._said(language, _COMMON, to), **self._said(language, kind, to)}
        link = f"{self._frontend_url}{_PATHS[kind]}#token={token}" if token else None
        values = {"language": language, "link": link, **words}
        return Mail(
            to=to.mailbox,
            subject=" ".join(words["subject"]),
            text=self._templates.get_template("layout.txt").render(values),
            html=self._templates.get_template("layout.html").render(values),
        )

    def previews(self) -> Sequence[MailPreview]:
        """Every kind in every language, to somebody made up."""
        to = EmailAddress.parse("ada.lovelace@example.com")
        token = "sample1.token.that-proves-nothing"  # noqa: S105  # and does not
        return [
            MailPreview(
                name=f"auth.{kind}",
                language=language,
                mail=self.compose(
                    kind, to=to, locale=language, token=token if kind in _PATHS else None
                ),
            )
            for kind in MailKind
            for language in sorted(self.languages)
        ]

    def _said(self, language: str, name: str, to: EmailAddress) -> dict[str, Sequence[str]]:
        """What a file of words sets, each in paragraphs."""
        facts = {"service": self._service, "address": to.display, "minutes": self._minutes}
        module = self._templates.get_template(f"{language}/{name}.txt").make_module(facts)
        return {
            name: [" ".join(part.split()) for part in re.split(r"\n\s*\n", said.strip())]
            for name, said in vars(module).items()
            if not name.startswith("_")
        }
