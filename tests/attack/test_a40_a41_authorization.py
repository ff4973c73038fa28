"""A40 and A41: what the API says of itself holds, and nobody reaches what is another's.

A40 is `tests/e2e/socket/test_schemathesis.py`: `make attack` runs it with more examples.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import pytest

from app.shared.domain.ids import new_id
from tests.attack.answers import Told, told
from tests.attack.surface import Operation, surface
from tests.attack.target import Target
from tests.e2e.visitor import Pair, bearer

ADMINISTRATION = re.compile(r"/api/v1/(auth/accounts.*|users)")


@dataclass(frozen=True)
class Victim:
    """Somebody, and the names of everything that is theirs."""

    pair: Pair
    account_id: str
    session_id: str
    key_id: str
    api_key: str

    def id_for(self, path: str) -> str:
        """Which of them the path is about."""
        if "/sessions/{" in path:
            return self.session_id
        return self.key_id if "/api-keys/{" in path else self.account_id


@pytest.fixture
async def victim(target: Target) -> Victim:
    owner = target.attacker()
    pair = await owner.joined()
    await owner.me(pair.access_token)
    made = await owner.new_api_key(pair.access_token, "profile:read")
    assert made.status_code == 201, made.text
    return Victim(
        pair,
        str(pair.claims["sub"]),
        str(pair.session_id),
        made.json()["id"],
        made.json()["api_key"],
    )


@pytest.fixture
async def about_objects(target: Target) -> Sequence[Operation]:
    """Everything that names something by its id."""
    found = [
        operation
        for operation in await surface(target.client())
        if any(place == "path" for place, _ in operation.parameters)
        and operation.path.startswith("/api/")
    ]
    assert len(found) >= 7
    return found


async def _asked(
    target: Target, operation: Operation, object_id: str, token: str
) -> tuple[httpx.Response, Told]:
    names = [name for place, name in operation.parameters if place == "path"]
    headers = bearer(token) if token else {}
    body = {"roles": ["user"]} if operation.method == "PUT" else None
    answer = await target.client().request(
        operation.method,
        operation.url(**dict.fromkeys(names, object_id)),
        headers=headers | ({"If-Match": "*"} if operation.method == "PATCH" else {}),
        json=body,
    )
    return answer, told(answer)


@pytest.mark.parametrize("who", ["another", "nobody", "deleted", "key"])
async def test_a41_what_is_anothers_is_answered_as_what_is_not_there(
    target: Target, victim: Victim, about_objects: Sequence[Operation], who: str
) -> None:
    intruder = target.attacker()
    pair = await intruder.joined()
    await intruder.me(pair.access_token)
    token = pair.access_token
    if who == "nobody":
        token = ""
    elif who == "deleted":
        assert (await intruder.delete_account(token)).is_success
    elif who == "key":
        made = await intruder.new_api_key(token, "profile:read")
        token = made.json()["api_key"]

    for operation in about_objects:
        there, told_there = await _asked(target, operation, victim.id_for(operation.path), token)
        _, told_unknown = await _asked(target, operation, str(new_id()), token)

        assert told_there == told_unknown, str(operation)
        if who in ("nobody", "deleted"):
            assert there.status_code == 401, str(operation)
        else:
            assert there.status_code in (403, 404), str(operation)

    owner = target.attacker()
    assert (await owner.me(victim.pair.access_token)).status_code == 200
    assert (await owner.me(victim.api_key)).status_code == 200
    assert (await owner.account(victim.pair.access_token)).json()["roles"] == ["user"]
    assert (await owner.rotated(victim.pair.refresh_token)).generation == 2


@pytest.mark.parametrize("nonsense", ["0", "-1", "null", "%00", "' OR 1=1--", "x" * 300, "*"])
async def test_a41_what_is_no_id_is_nothing_of_anybodys(
    target: Target, victim: Victim, about_objects: Sequence[Operation], nonsense: str
) -> None:
    for operation in about_objects:
        answer, _ = await _asked(target, operation, nonsense, victim.pair.access_token)

        assert answer.status_code in (403, 404, 405, 422), (str(operation), answer.text)


async def test_a41_only_administrators_administrate(target: Target, victim: Victim) -> None:
    operations = [
        operation
        for operation in await surface(target.client())
        if ADMINISTRATION.fullmatch(operation.path)
    ]
    assert len(operations) >= 6
    token = victim.pair.access_token
    admin = await target.administrator()

    for operation in operations:
        refused, _ = await _asked(target, operation, victim.account_id, token)
        assert refused.status_code in (403, 404), str(operation)
        by_key, _ = await _asked(target, operation, victim.account_id, victim.api_key)
        assert by_key.status_code in (401, 403, 404), str(operation)
        nobody, _ = await _asked(target, operation, victim.account_id, "")
        assert nobody.status_code == 401, str(operation)
    for operation in operations:
        answer, _ = await _asked(target, operation, str(new_id()), admin.access_token)
        assert answer.status_code in (200, 404, 422), (str(operation), answer.text)


async def test_a41_an_api_key_does_what_its_scopes_say_and_manages_nothing(
    target: Target, victim: Victim
) -> None:
    attacker = target.attacker()
    key = victim.api_key

    assert (await attacker.me(key)).status_code == 200
    assert (await attacker.edit(key, {"bio": "x"}, if_match="*")).status_code == 403
    for method, path in (
        ("GET", "/auth/account"),
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions?scope=all"),
        ("GET", "/auth/api-keys"),
        ("GET", "/auth/activity"),
        ("DELETE", f"/auth/api-keys/{victim.key_id}"),
        ("GET", "/users"),
    ):
        answer = await attacker.client.request(method, f"/api/v1{path}", headers=bearer(key))
        assert answer.status_code in (401, 403), (method, path, answer.text)
    changed = await attacker.change_password(key, "seven quiet otters juggle", "another one here")
    assert changed.status_code in (401, 403)
    assert (await attacker.refresh(key)).status_code == 401
