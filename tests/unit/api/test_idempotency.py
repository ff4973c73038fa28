"""The Idempotency-Key header, from the request to what a use case is given."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from app.shared.api.body import RequestBody
from app.shared.api.idempotency import Idempotency
from app.shared.api.strict_json import module_router
from app.shared.application.idempotency import Fingerprints
from app.shared.testing import PlainFingerprints
from tests.unit.api.small_app import ask, small_app

PATH = "/api/v1/things"


class Thing(RequestBody):
    name: str = "thing"
    colour: str = "red"


def _app() -> FastAPI:
    router = module_router("/things", ["things"])

    @router.post("")
    async def create(body: Thing, idempotency: Idempotency) -> list[str] | None:
        if idempotency is None:
            return None
        return [idempotency.operation, idempotency.value, *idempotency.fingerprints]

    @router.post("/{name}/polish")
    async def polish(name: str, idempotency: Idempotency) -> list[str]:
        assert idempotency
        return [idempotency.operation, *idempotency.fingerprints]

    app = small_app(router)
    app.state.provided[Fingerprints] = PlainFingerprints()
    return app


async def understood(path: str = PATH, *, key: str = "k", **request: Any) -> list[str]:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    answer = await ask(_app(), "POST", path, headers=headers, **request)
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json()
    return found


async def test_a_use_case_gets_the_key_and_what_it_was_sent_with() -> None:
    operation, value, fingerprint = await understood(key="one", json={"name": "box"})

    assert (operation, value) == (f"POST {PATH}", "one")
    assert len(fingerprint) == 64


async def test_without_the_header_there_is_no_key() -> None:
    answer = await ask(_app(), "POST", PATH, json={})

    assert (answer.status_code, answer.json()) == (200, None)


@pytest.mark.parametrize("key", ["!", "~" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a,b"])
async def test_a_key_is_1_to_255_visible_characters_of_ascii(key: str) -> None:
    assert (await understood(key=key, json={}))[1] == key


@pytest.mark.parametrize("key", [b"", b"a b", b"a" * 256, b"\xc3\xa4", b"a\tb", b"\x7f"])
async def test_whatever_else_is_sent_as_a_key_is_refused(key: bytes) -> None:
    headers = [(b"Idempotency-Key", key)]

    answer = await ask(_app(), "POST", PATH, headers=headers, json={})

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")


async def test_two_keys_are_one_too_many() -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]

    answer = await ask(_app(), "POST", PATH, headers=headers, json={})

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")


async def test_the_same_members_in_another_order_are_the_same_request() -> None:
    one = await understood(content=b'{"name": "box", "colour": "blue"}')
    other = await understood(content=b'{"colour":"blue","name":"box"}')

    assert one == other


@pytest.mark.parametrize(
    "another",
    [
        {"json": {"name": "chest"}},
        {"json": {"name": "box", "colour": "red"}},
        {"json": {"name": "box"}, "params": {"q": "1"}},
    ],
)
async def test_anything_else_is_another_request(another: dict[str, Any]) -> None:
    assert await understood(json={"name": "box"}) != await understood(**another)


async def test_the_operation_names_what_it_is_done_to() -> None:
    one, other = await understood(f"{PATH}/a/polish"), await understood(f"{PATH}/b/polish")

    assert one[0] == f"POST {PATH}/a/polish"
    assert other[0] == f"POST {PATH}/b/polish"
