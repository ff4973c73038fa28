"""The README's first ten minutes, pasted into a shell beside a real server."""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import eventually

ADDRESS = "http://127.0.0.1:8000"
README = (Path(__file__).resolve().parents[3] / "README.md").read_text("utf-8")
TRANSCRIPT = README[README.index("## The first ten minutes") : README.index("## The picture")]
STEP = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize("shell", [name for name in ("bash", "dash", "zsh") if shutil.which(name)])
async def test_the_transcript_works_when_it_is_pasted(
    shell: str, start_server: StartServer, statements: Statements
) -> None:
    server = await start_server(APP_PUBLIC_URL=ADDRESS)
    [(_, start), *steps] = STEP.findall(TRANSCRIPT)
    commands = [
        code.replace(ADDRESS, server.url).encode() for language, code in steps if language == "sh"
    ]
    shown = "".join(text for language, text in steps if language == "text")

    process = await asyncio.create_subprocess_exec(shell, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert process.stdin
    [names, registration, *rest] = commands
    process.stdin.write(names + registration)

    async def has_a_profile() -> bool:
        return bool(await statements.value("SELECT count(*) FROM users.profile"))

    # Who pastes takes longer than the service waits for the profile, whatever the machine does.
    await eventually(has_a_profile)
    stdout, stderr = await process.communicate(b"".join(rest))

    assert start == "make up\n"
    assert stderr == b""
    for said, expected in zip(stdout.decode().splitlines(), shown.splitlines(), strict=True):
        assert re.fullmatch(pattern_of(expected), ID.sub("<id>", said)), said


def pattern_of(shown: str) -> str:
    """What the README leaves out is anything, and an id is any id."""
    parts = ID.sub("<id>", shown).split("…")
    return ".*".join(re.escape(part) for part in parts).replace(r"\ .*", ".*")
