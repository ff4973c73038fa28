"""The ceiling: the main job's bare minimum in FastAPI and asyncpg, a bound to measure against.

It has no errors worth the name, no events, no revocation, no key rotation and no layers.
Whatever the product costs beyond this program is the price of being a product.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any

import argon2
import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel
from uuid_utils.compat import uuid7

SCHEMA = """
DROP SCHEMA IF EXISTS bench_ceiling CASCADE;
CREATE SCHEMA bench_ceiling;
CREATE TABLE bench_ceiling.account (
    id uuid PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text NOT NULL);
CREATE TABLE bench_ceiling.profile (
    account_id uuid PRIMARY KEY, display_name text NOT NULL, version integer NOT NULL DEFAULT 1);
CREATE TABLE bench_ceiling.session (
    id uuid PRIMARY KEY, account_id uuid NOT NULL REFERENCES bench_ceiling.account,
    generation integer NOT NULL DEFAULT 0, rotated_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 days', revoked_at timestamptz);
"""
REGISTER = """
WITH born AS (INSERT INTO bench_ceiling.account VALUES ($1, $2, $3) RETURNING id)
INSERT INTO bench_ceiling.profile (account_id, display_name) SELECT id, $2 FROM born
"""
FIND = "SELECT id, password_hash FROM bench_ceiling.account WHERE email = $1"
OPEN = "INSERT INTO bench_ceiling.session (id, account_id) VALUES ($1, $2)"
ROTATE = """
UPDATE bench_ceiling.session SET generation = generation + 1, rotated_at = clock_timestamp()
WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > clock_timestamp()
RETURNING account_id
"""
PROFILE = "SELECT display_name, version FROM bench_ceiling.profile WHERE account_id = $1"

CORES = len(os.sched_getaffinity(0))
SIGNING_KEY = ec.generate_private_key(ec.SECP256R1())
VERIFYING_KEY = SIGNING_KEY.public_key()
REFRESH_SECRET = os.urandom(32)
ACCESS_SECONDS = 600
HASHER = argon2.PasswordHasher(
    time_cost=int(os.environ.get("AUTH_PASSWORD_TIME_COST", "2")),
    memory_cost=int(os.environ.get("AUTH_PASSWORD_MEMORY_KIB", "19456")),
    parallelism=1,
)
hashing = ThreadPoolExecutor(
    CORES, initializer=lambda: os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
)
verified: dict[str, dict[str, Any]] = {}


class Credentials(BaseModel):
    email: str
    password: str


class RefreshBody(BaseModel):
    refresh_token: str


class Accepted(BaseModel):
    status: str


class Pair(BaseModel):
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class Me(BaseModel):
    display_name: str
    version: int


class Claims(BaseModel):
    account_id: str
    session_id: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["DATABASE_URL"].replace("+asyncpg", "")
    async with asyncpg.create_pool(url, min_size=8, max_size=8) as app.state.pool:
        await app.state.pool.execute(SCHEMA)
        yield


app = FastAPI(lifespan=lifespan)


def mac(head: str) -> str:
    digest = hmac.digest(REFRESH_SECRET, head.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def pair(account: uuid.UUID, session: uuid.UUID, generation: int) -> Pair:
    now = int(time.time())
    claims = {
        "iss": "ceiling", "aud": "ceiling", "sub": str(account), "sid": str(session),
        "gen": generation, "epoch": 0, "roles": [], "auth_time": now, "iat": now, "nbf": now,
        "exp": now + ACCESS_SECONDS, "jti": uuid.uuid4().hex,
    }  # fmt: skip
    access = jwt.encode(claims, SIGNING_KEY, "ES256", {"typ": "at+jwt", "kid": "1"})
    head = f"rt1.1.{session}.{generation}"
    return Pair(
        access_token=access,
        token_type="Bearer",
        expires_in=ACCESS_SECONDS,
        refresh_token=f"{head}.{mac(head)}",
    )


async def bearer(authorization: Annotated[str, Header()]) -> dict[str, Any]:
    claims = verified.get(authorization)
    if claims is None:
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(token, VERIFYING_KEY, ["ES256"], audience="ceiling")
        if len(verified) >= 10_000:
            verified.clear()
        verified[authorization] = claims
    if claims["exp"] < time.time():
        raise HTTPException(401)
    return claims


Bearer = Annotated[dict[str, Any], Depends(bearer)]


@app.post("/api/v1/auth/register", status_code=202)
async def register(body: Credentials, request: Request) -> Accepted:
    loop = asyncio.get_running_loop()
    hashed = await loop.run_in_executor(hashing, HASHER.hash, body.password)
    await request.app.state.pool.execute(REGISTER, uuid7(), body.email, hashed)
    return Accepted(status="accepted")


@app.post("/api/v1/auth/login")
async def login(body: Credentials, request: Request) -> Pair:
    pool = request.app.state.pool
    account = await pool.fetchrow(FIND, body.email)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(hashing, HASHER.verify, account["password_hash"], body.password)
    session = uuid7()
    await pool.execute(OPEN, session, account["id"])
    return pair(account["id"], session, 0)


@app.post("/api/v1/auth/refresh")
async def refresh(body: RefreshBody, request: Request, response: Response) -> Pair:
    head, _, signature = body.refresh_token.rpartition(".")
    if not hmac.compare_digest(signature, mac(head)):
        raise HTTPException(401)
    _, _, session, generation = head.split(".")
    row = await request.app.state.pool.fetchrow(ROTATE, uuid.UUID(session), int(generation))
    if row is None:
        raise HTTPException(401)
    response.headers["cache-control"] = "no-store"
    return pair(row["account_id"], uuid.UUID(session), int(generation) + 1)


@app.get("/api/v1/users/me")
async def me(caller: Bearer, request: Request) -> Me:
    row = await request.app.state.pool.fetchrow(PROFILE, uuid.UUID(caller["sub"]))
    return Me(display_name=row["display_name"], version=row["version"])


@app.get("/claims")
async def claims(caller: Bearer) -> Claims:
    return Claims(account_id=caller["sub"], session_id=caller["sid"])


@app.get("/empty")
async def empty() -> Accepted:
    return Accepted(status="ok")
