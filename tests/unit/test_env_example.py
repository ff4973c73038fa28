""".env.example says what the settings are, all of them and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from app.settings import Settings
from app.shared.infrastructure.settings_group import groups_of, variables_of
from tools.env_example import FILE, env_example

NAMES = [name for group in groups_of(Settings) for name in variables_of(group)]


def test_the_committed_file_is_what_the_settings_say() -> None:
    assert FILE.read_text("utf-8") == env_example(), "run `python -m tools.env_example`"


@pytest.mark.parametrize(
    "name", ["APP_PUBLIC_URL", "DATABASE_URL", "EVENTS_POLL", "AUTH_REFRESH_GRACE"]
)
def test_every_group_is_there(name: str) -> None:
    assert name in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_default_and_a_meaning(name: str) -> None:
    assert re.search(rf"^# \S.*\n# {name}=", env_example(), re.MULTILINE)


def test_no_name_stands_for_two_settings() -> None:
    assert len(NAMES) == len(set(NAMES)) > 25


@pytest.mark.parametrize("uncommented", [False, True])
def test_what_the_file_says_is_the_default(
    uncommented: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.removesuffix("_FILE") in NAMES]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    defaults = Settings.load()

    text = env_example()
    if uncommented:
        text = re.sub(r"^# ([A-Z_]+=)", r"\1", text, flags=re.MULTILINE)
    Path(".env").write_text(text, "utf-8")

    assert Settings.load() == defaults
