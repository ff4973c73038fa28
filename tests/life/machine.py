"""People, strangers and an administrator live with the service, one after the other and at once.

What two of them do at the same moment may count in either order, so the machine keeps every life
that agrees with all that was seen so far; there always has to be one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations
from typing import Any, TypeVar

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from app.modules.auth.domain.mail_kind import MailKind
from tests.life.model import Life, Sent
from tests.life.service import Service

T = TypeVar("T")

PASSWORDS = ["seven quiet otters juggle", "eleven loud badgers argue", "a stranger was here first"]
_PASSWORD = st.sampled_from(PASSWORDS)
_PLACES = 2
_PLACE = st.integers(0, _PLACES - 1)
_SHOWN_AT_THE_END = 8
_BACK = st.integers(0, 5)
_PERSON = st.integers(1, 4)
_BY_SOMEBODY = ["change_password", "change_address", "log_out", "delete", "refresh"]
_KIND = st.sampled_from(
    ["register", "register", "log_in", "log_in", "resend", "forget", "forget"]
    + ["disable", "enable"]
    + ["show"] * 5
    + _BY_SOMEBODY
)


@dataclass(frozen=True)
class Deed:
    """What somebody does, and what the documents say comes of it."""

    name: str
    doing: Callable[[Service], Coroutine[Any, Any, int]]
    expected: Callable[[Life], int]


class LifeMachine(RuleBasedStateMachine):
    """Subclasses say where the service is, and how a coroutine is run."""

    verification_required = False

    def __init__(self) -> None:
        super().__init__()
        self.service = self.make_service()
        self.lives = [Life(self.verification_required)]
        self.logins = 0

    @abstractmethod
    def make_service(self) -> Service: ...

    @abstractmethod
    def run(self, doing: Coroutine[Any, Any, T]) -> T: ...

    @rule(data=st.data())
    def somebody_does_something(self, data: st.DataObject) -> None:
        self.do(self.any_deed(data))

    @rule(place=_PLACE, password=_PASSWORD)
    def somebody_comes_in(self, place: int, password: str) -> None:
        address = self.service.address(place)
        self.do(
            Deed(
                "register",
                lambda s: s.register(address, password),
                lambda m: m.register(address, password),
            )
        )
        self.show_the_newest(password)
        self.do(self.logging_in(address, password))

    @rule(place=_PLACE, password=_PASSWORD)
    def somebody_has_forgotten(self, place: int, password: str) -> None:
        address = self.service.address(place)
        self.do(Deed("forget", lambda s: s.forget(address), lambda m: m.forget(address)))
        self.show_the_newest(password)
        self.everybody_is_asked()

    @rule(data=st.data(), place=_PLACE, password=_PASSWORD)
    def somebody_moves(self, data: st.DataObject, place: int, password: str) -> None:
        address, login = self.service.address(place), self.any_login(data)
        if login is not None:
            self.do(
                Deed(
                    "change address",
                    lambda s: s.change_address(login, password, address),
                    lambda m: m.change_address(login, password, address),
                )
            )
            self.show_the_newest(password)

    @rule(data=st.data())
    def two_do_something_at_once(self, data: st.DataObject) -> None:
        deeds = [self.any_deed(data), self.any_deed(data)]

        statuses, sent = self.run(self.service.do_at_once([deed.doing for deed in deeds]))

        self.observe(deeds, statuses, sent)

    @rule(data=st.data(), times=st.integers(2, 4))
    def a_token_is_shown_several_times_at_once(self, data: st.DataObject, times: int) -> None:
        shown = self.any_token(data)
        if shown is None:
            return
        deeds = [self.showing(shown, PASSWORDS[n % len(PASSWORDS)]) for n in range(times)]

        statuses, sent = self.run(self.service.do_at_once([deed.doing for deed in deeds]))

        assert sum(status == 204 for status in statuses) <= 1
        self.observe(deeds, statuses, sent)

    def teardown(self) -> None:
        """The last examination: who is in, what each token still does, which password opens."""
        self.everybody_is_asked()
        # The first that is good voids others: sometimes it is the oldest, sometimes the newest.
        one_way = 1 if len(self.service.tokens) % 2 else -1
        for shown in self.service.tokens[::one_way][:_SHOWN_AT_THE_END]:
            self.do(self.showing(shown, PASSWORDS[0]))
        for place in range(_PLACES):
            for password in PASSWORDS:
                self.do(self.logging_in(self.service.address(place), password))
        self.everybody_is_asked()

    @rule()
    def everybody_is_asked(self) -> None:
        for login in list(self.service.pairs):
            self.do(Deed("use", *using(login)))

    def show_the_newest(self, password: str) -> None:
        if self.service.tokens:
            self.do(self.showing(self.service.tokens[-1], password))

    def do(self, deed: Deed) -> None:
        status, sent = self.run(self.service.do(deed.doing))
        self.observe([deed], [status], sent)

    def logging_in(self, address: str, password: str) -> Deed:
        self.logins += 1
        login = self.logins
        return Deed(
            "log in",
            lambda s: s.log_in(address, password, login),
            lambda m: m.log_in(address, password, login),
        )

    def observe(self, deeds: list[Deed], statuses: list[int], sent: list[tuple[Sent, str]]) -> None:
        """Keep the lives in which this could happen."""
        possible = []
        for life in self.lives:
            for order in permutations(range(len(deeds))):
                later = deepcopy(life)
                expected = {place: deeds[place].expected(later) for place in order}
                if [expected[place] for place in range(len(deeds))] == statuses:
                    possible += assigned(later, sent)
        names = " with ".join(deed.name for deed in deeds)
        assert possible, f"{names}: {statuses} and {[item for item, _ in sent]} of {self.lives}"
        event(f"{names}: {sorted(statuses)}")
        self.lives = without_doubles(possible)

    def any_deed(self, data: st.DataObject) -> Deed:
        draw = data.draw
        address = self.service.address(draw(_PLACE, label="address"))
        password, other = draw(_PASSWORD, label="password"), draw(_PASSWORD, label="other")
        self.logins += 1
        new = self.logins
        # What is drawn must not depend on what the service did: with two at once, that varies.
        old, shown = self.any_login(data), self.any_token(data)
        number = draw(_PERSON, label="person")
        kind = draw(_KIND, label="deed")
        if (kind == "show" and shown is None) or (kind in _BY_SOMEBODY and old is None):
            kind = "register"
        match kind, old, shown:
            case "register", _, _:
                return Deed(
                    "register",
                    lambda s: s.register(address, password),
                    lambda m: m.register(address, password),
                )
            case "log_in", _, _:
                return self.logging_in(address, password)
            case "resend", _, _:
                return Deed("resend", lambda s: s.resend(address), lambda m: m.resend(address))
            case "forget", _, _:
                return Deed("forget", lambda s: s.forget(address), lambda m: m.forget(address))
            case "disable", _, _:
                return Deed("disable", lambda s: s.disable(number), lambda m: m.disable(number))
            case "enable", _, _:
                return Deed("enable", lambda s: s.enable(number), lambda m: m.enable(number))
            case "change_password", int(login), _:
                return Deed(
                    "change password",
                    lambda s: s.change_password(login, password, other, new),
                    lambda m: m.change_password(login, password, other, new),
                )
            case "change_address", int(login), _:
                return Deed(
                    "change address",
                    lambda s: s.change_address(login, password, address),
                    lambda m: m.change_address(login, password, address),
                )
            case "log_out", int(login), _:
                return Deed("log out", lambda s: s.log_out(login), lambda m: m.log_out(login))
            case "refresh", int(login), _:
                return Deed("refresh", lambda s: s.refresh(login), lambda m: m.use(login))
            case "delete", int(login), _:
                return Deed(
                    "delete",
                    lambda s: s.delete(login, password),
                    lambda m: m.delete(login, password),
                )
            case _, _, (_, _) as known:
                return self.showing(known, password)
            case _:
                raise AssertionError(kind)

    def any_token(self, data: st.DataObject) -> tuple[MailKind, str] | None:
        place = data.draw(_BACK, label="token")
        known = self.service.tokens
        return known[-1 - place % len(known)] if known else None

    def any_login(self, data: st.DataObject) -> int | None:
        place = data.draw(_BACK, label="session")
        known = list(self.service.pairs)
        return known[-1 - place % len(known)] if known else None

    def showing(self, shown: tuple[MailKind, str], password: str) -> Deed:
        kind, token = shown
        if kind is MailKind.VERIFY_EMAIL:
            return Deed("verify", lambda s: s.verify(token), lambda m: m.verify(token))
        if kind is MailKind.CONFIRM_EMAIL:
            return Deed("confirm", lambda s: s.confirm(token), lambda m: m.confirm_address(token))
        return Deed("reset", lambda s: s.reset(token, password), lambda m: m.reset(token, password))


def using(
    login: int,
) -> tuple[Callable[[Service], Coroutine[Any, Any, int]], Callable[[Life], int]]:
    return lambda service: service.use(login), lambda life: life.use(login)


def assigned(life: Life, sent: list[tuple[Sent, str]]) -> list[Life]:
    """The lives in which the mails that were sent are those that were owed: one for each way in
    which the tokens in them can belong to the letters."""
    owed = life.collected()
    letters = [item for item in owed if isinstance(item, int)]
    notices = [item for item in owed if not isinstance(item, int)]
    with_token = [(item, token) for item, token in sent if token]
    if sorted(notices) != sorted(item for item, token in sent if not token):
        return []
    found = []
    for order in permutations(letters):
        written = [(life.letters[n].to, life.letters[n].kind) for n in order]
        if written == [item for item, _ in with_token]:
            later = deepcopy(life)
            later.tokens |= {token: n for n, (_, token) in zip(order, with_token, strict=True)}
            found.append(later)
    return found


def without_doubles(lives: list[Life]) -> list[Life]:
    kept: list[Life] = []
    for life in lives:
        if life not in kept:
            kept.append(life)
    return kept
