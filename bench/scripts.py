"""What a client of each scenario does, request by request."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from bench.wire import Script

PASSWORD = "plover-quartz-lantern-31"


@dataclass(kw_only=True)
class Holder:
    """An account with the pair that it holds now: each client of a chain follows its own."""

    access: str = ""
    refresh: str = ""

    def keep(self, body: bytes) -> None:
        pair = json.loads(body)
        self.access, self.refresh = pair["access_token"], pair["refresh_token"]


@dataclass
class Crowd:
    """Everybody this load has made: holders keep a session alive, the registered only log in.

    Logins go round the registered, so that no account collects more sessions than it may have
    and no holder loses its own.
    """

    holders: list[Holder] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    turn: Iterator[int] = field(default_factory=count)

    def whose_turn(self) -> str:
        return self.registered[next(self.turn) % len(self.registered)]


def new_email() -> str:
    return f"{secrets.token_hex(8)}@bench.example.com"


def post(path: str, content: dict[str, str]) -> bytes:
    body = json.dumps(content).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str, access: str = "") -> bytes:
    bearer = f"authorization: Bearer {access}\r\n" if access else ""
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{bearer}\r\n".encode()


def credentials(email: str) -> dict[str, str]:
    return {"email": email, "password": PASSWORD}


def enrol(crowd: Crowd, _: int) -> Script:
    """Become a holder: refresh, me and claims start from here."""
    email = new_email()
    yield post("/api/v1/auth/register", credentials(email))
    answer = yield post("/api/v1/auth/login", credentials(email))
    holder = Holder()
    holder.keep(answer.body)
    yield get("/api/v1/users/me", holder.access)
    crowd.holders.append(holder)


def register(crowd: Crowd, _: int) -> Script:
    while True:
        email = new_email()
        answer = yield post("/api/v1/auth/register", credentials(email))
        if answer.status == 202:
            crowd.registered.append(email)


def login(crowd: Crowd, _: int) -> Script:
    while True:
        yield post("/api/v1/auth/login", credentials(crowd.whose_turn()))


def refresh(crowd: Crowd, number: int) -> Script:
    holder = crowd.holders[number]
    while True:
        answer = yield post("/api/v1/auth/refresh", {"refresh_token": holder.refresh})
        if answer.status == 200:
            holder.keep(answer.body)


def me(crowd: Crowd, number: int) -> Script:
    request = get("/api/v1/users/me", crowd.holders[number].access)
    while True:
        yield request


def claims(crowd: Crowd, number: int) -> Script:
    request = get("/claims", crowd.holders[number].access)
    while True:
        yield request


def empty(_: Crowd, __: int) -> Script:
    request = get("/empty")
    while True:
        yield request


SCENARIOS: dict[str, tuple[Callable[[Crowd, int], Script], frozenset[int]]] = {
    "enrol": (enrol, frozenset({200, 202})),
    "register": (register, frozenset({202})),
    "login": (login, frozenset({200})),
    "refresh": (refresh, frozenset({200})),
    "me": (me, frozenset({200})),
    "claims": (claims, frozenset({200})),
    "empty": (empty, frozenset({200})),
}
