"""The main job from start to end, and how requests travel, over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx

from tests.e2e.hostile import JSON_ENDPOINTS
from tests.e2e.socket.server import Server
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, bearer, refused


async def test_the_main_job_is_done_from_start_to_end(visitor: Visitor) -> None:
    assert (await visitor.register()).status_code == 202
    first = Pair.of(await visitor.log_in(label="laptop"))

    me = await visitor.me(first.access_token)
    assert me.status_code == 200
    edited = await visitor.edit(
        first.access_token, {"display_name": "Ada"}, if_match=me.headers["etag"]
    )
    assert edited.json()["display_name"] == "Ada"

    second = await visitor.rotated(first.refresh_token)
    assert (await visitor.rotated(first.refresh_token)).refresh_token == second.refresh_token
    assert (await visitor.account(second.access_token)).json()["email"] == ADDRESS

    assert (await visitor.log_out(refresh_token=second.refresh_token)).status_code == 204
    refused(await visitor.me(second.access_token), 401, "session_revoked")
    refused(await visitor.refresh(second.refresh_token), 401, "session_revoked")
    assert (await visitor.log_in()).status_code == 200


async def test_requests_share_a_connection(server: Server) -> None:
    visitor = Visitor(server.client(idle=60))
    pair = await visitor.newcomer()

    answers = [
        await visitor.me(pair.access_token),
        await visitor.account("nonsense"),
        await visitor.client.get("/nowhere"),
        await visitor.log_out(access_token=pair.access_token),
        await visitor.me(pair.access_token),
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 404, 204, 401]
    assert len({_own_port(answer) for answer in answers}) == 1


async def test_a_chunked_body_is_read(visitor: Visitor) -> None:
    await visitor.register()

    answer = await visitor.client.post(
        "/api/v1/auth/login",
        content=_in_chunks(json.dumps({"email": ADDRESS, "password": PASSWORD}).encode(), 7),
        headers={"Content-Type": "application/json"},
    )

    assert "content-length" not in answer.request.headers
    assert answer.status_code == 200


async def test_a_longer_body_than_64_kib_is_refused_with_and_without_its_length(
    visitor: Visitor,
) -> None:
    pair = await visitor.newcomer()
    headers = bearer(pair.access_token) | {"Content-Type": "application/json", "If-Match": "*"}
    for method, path in JSON_ENDPOINTS:
        for size in (65_537, 1_100_000):
            body = b'{"refresh_token": "' + b"x" * size + b'"}'

            announced = await visitor.client.request(method, path, content=body, headers=headers)
            chunked = await visitor.client.request(
                method, path, content=_in_chunks(body, 16_384), headers=headers
            )

            refused(announced, 413, "body_too_large")
            refused(chunked, 413, "body_too_large")


async def test_a_body_of_exactly_64_kib_is_read(visitor: Visitor) -> None:
    body = json.dumps({"email": ADDRESS, "password": "x"}).encode()

    answer = await visitor.client.post(
        "/api/v1/auth/login",
        content=body + b" " * (65_536 - len(body)),
        headers={"Content-Type": "application/json"},
    )

    refused(answer, 401, "invalid_credentials")


async def test_no_answer_names_the_server(server: Server) -> None:
    answer = await server.client().get("/health/live")

    assert "server" not in answer.headers


def _own_port(answer: httpx.Response) -> int:
    stream = answer.extensions["network_stream"]
    port: int = stream.get_extra_info("client_addr")[1]
    return port


async def _in_chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
