"""The life of accounts as the documents say it: no hashes, no statements, no time."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.modules.auth.domain.mail_kind import MailKind

Sent = tuple[str, MailKind]
"""The address, and what the mail is about."""


@dataclass(frozen=True)
class Notice:
    """A mail without a token, which is sent as long as there is the account that it is about."""

    person: int | None
    sent: Sent


@dataclass
class Person:
    """An account."""

    address: str
    password: str
    verified: bool = False
    active: bool = True
    epoch: int = 0


@dataclass
class Letter:
    """A mail with a token."""

    kind: MailKind
    person: int
    epoch: int
    to: str
    password: str | None = None
    live: bool = True


@dataclass
class Login:
    """A session."""

    person: int
    epoch: int
    ended: bool = False


@dataclass
class Life:
    """Every account there ever was; each deed answers with its status.

    `post` is what the last deeds owe: numbers of letters, and notices.
    """

    verification_required: bool
    people: dict[int, Person] = field(default_factory=dict)
    letters: dict[int, Letter] = field(default_factory=dict)
    logins: dict[int, Login] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    """What each mailed token turned out to be: the number of its letter."""
    post: list[int | Notice] = field(default_factory=list)
    born: int = 0
    written: int = 0

    def register(self, address: str, password: str) -> int:
        person = self._of(address)
        if person is None:
            self.born += 1
            self.people[self.born] = Person(address, password)
            self._write(MailKind.VERIFY_EMAIL, self.born, address)
        elif self.people[person].active:
            if self.people[person].verified:
                self._tell(person, MailKind.ALREADY_REGISTERED)
            else:
                self._write(MailKind.VERIFY_EMAIL, person, address, password)
        return 202

    def verify(self, token: str) -> int:
        letter = self._good(token, MailKind.VERIFY_EMAIL)
        if letter is None or self.people[letter.person].verified:
            return 422
        person = self.people[letter.person]
        person.verified = True
        if letter.password is None:
            self._void(letter.person, MailKind.VERIFY_EMAIL)
        else:
            person.password = letter.password
            self._void(letter.person)
            person.epoch += 1
        return 204

    def resend(self, address: str) -> int:
        person = self._of(address)
        if person is not None and self.people[person].active and not self.people[person].verified:
            mine = [
                letter
                for letter in self.letters.values()
                if letter.person == person and letter.kind is MailKind.VERIFY_EMAIL
            ]
            latest = mine[-1]
            latest.live = False
            self._write(MailKind.VERIFY_EMAIL, person, address, latest.password)
        return 202

    def log_in(self, address: str, password: str, login: int) -> int:
        number = self._of(address)
        person = self.people[number] if number is not None else None
        if person is None or number is None or person.password != password or not person.active:
            return 401
        if self.verification_required and not person.verified:
            return 401
        self.logins[login] = Login(number, person.epoch)
        return 200

    def is_in(self, login: int) -> bool:
        known = self.logins.get(login)
        person = self.people.get(known.person) if known else None
        return bool(
            known and person and not known.ended and person.active and known.epoch == person.epoch
        )

    def use(self, login: int) -> int:
        return 200 if self.is_in(login) else 401

    def log_out(self, login: int) -> int:
        if login in self.logins:
            self.logins[login].ended = True
        return 204

    def forget(self, address: str) -> int:
        person = self._of(address)
        if person is not None and self.people[person].active:
            self._void(person, MailKind.RESET_PASSWORD)
            self._write(MailKind.RESET_PASSWORD, person, address)
        return 202

    def reset(self, token: str, password: str) -> int:
        letter = self._good(token, MailKind.RESET_PASSWORD)
        if letter is None:
            return 422
        person = self.people[letter.person]
        person.verified = True
        self._change(letter.person, password)
        return 204

    def change_password(self, login: int, current: str, new: str, opened: int) -> int:
        if not self.is_in(login):
            return 401
        number = self.logins[login].person
        if self.people[number].password != current:
            return 422
        self._change(number, new)
        self.logins[opened] = Login(number, self.people[number].epoch)
        return 200

    def change_address(self, login: int, current: str, new: str) -> int:
        if not self.is_in(login):
            return 401
        number = self.logins[login].person
        person = self.people[number]
        if person.password != current:
            return 422
        self._void(number, MailKind.CONFIRM_EMAIL)
        if self._of(new) is None:
            self._write(MailKind.CONFIRM_EMAIL, number, new)
        self._tell(number, MailKind.EMAIL_CHANGE_REQUESTED)
        return 202

    def confirm_address(self, token: str) -> int:
        letter = self._good(token, MailKind.CONFIRM_EMAIL)
        if letter is None or self._of(letter.to) is not None:
            return 422
        person = self.people[letter.person]
        self._tell(letter.person, MailKind.EMAIL_CHANGED)
        person.address = letter.to
        person.verified = True
        self._void(letter.person)
        return 204

    def disable(self, number: int) -> int:
        if number not in self.people:
            return 404
        if self.people[number].active:
            self.people[number].epoch += 1
        self.people[number].active = False
        return 204

    def enable(self, number: int) -> int:
        if number not in self.people:
            return 404
        self.people[number].active = True
        return 204

    def delete(self, login: int, current: str) -> int:
        if not self.is_in(login):
            return 401
        number = self.logins[login].person
        if self.people[number].password != current:
            return 422
        farewell = (self.people.pop(number).address, MailKind.ACCOUNT_DELETED)
        self.post.append(Notice(None, farewell))
        return 202

    def collected(self) -> list[int | Sent]:
        """What is really sent: a letter whose token was voided before is not, nor is a notice to an
        account that was deleted before."""
        post, self.post = self.post, []
        letters = [item for item in post if isinstance(item, int) and self._stands(item)]
        notices = [item for item in post if isinstance(item, Notice)]
        return [*letters, *(one.sent for one in notices if one.person in (None, *self.people))]

    def _change(self, number: int, password: str) -> None:
        person = self.people[number]
        person.password = password
        self._void(number)
        person.epoch += 1
        self._tell(number, MailKind.PASSWORD_CHANGED)

    def _of(self, address: str) -> int | None:
        return next((n for n, person in self.people.items() if person.address == address), None)

    def _write(self, kind: MailKind, person: int, to: str, password: str | None = None) -> None:
        self.written += 1
        epoch = self.people[person].epoch
        self.letters[self.written] = Letter(kind, person, epoch, to, password)
        self.post.append(self.written)

    def _tell(self, person: int, kind: MailKind) -> None:
        self.post.append(Notice(person, (self.people[person].address, kind)))

    def _void(self, person: int, *kinds: MailKind) -> None:
        for letter in self.letters.values():
            if letter.person == person and (not kinds or letter.kind in kinds):
                letter.live = False

    def _stands(self, number: int) -> bool:
        letter = self.letters[number]
        person = self.people.get(letter.person)
        return bool(letter.live and person and person.active and person.epoch == letter.epoch)

    def _good(self, token: str, kind: MailKind) -> Letter | None:
        number = self.tokens.get(token)
        if number is None or not self._stands(number):
            return None
        return self.letters[number] if self.letters[number].kind is kind else None
