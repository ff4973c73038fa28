"""The installation refuses early, in one line, and its pins agree with what else names them."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tools import install

ROOT = install.ROOT


@pytest.mark.parametrize("name", ["__init__", "steps", "install"])
def test_an_old_python_can_read_what_refuses_it(name: str) -> None:
    source = (ROOT / "tools" / f"{name}.py").read_text("utf-8")

    ast.parse(source, feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 15, 0)])
def test_another_python_is_refused_in_one_line(
    version: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "version_info", version)

    code = install.main()

    said = capsys.readouterr().err
    assert code == 1
    assert said.count("\n") == 1
    assert "Python 3.11 to 3.14 is needed" in said


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_refused_in_one_line(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find_spec = importlib.util.find_spec

    def find_spec_without(name: str) -> ModuleSpec | None:
        return None if name == missing else find_spec(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec_without)

    code = install.main()

    said = capsys.readouterr().err
    assert code == 1
    assert said.count("\n") == 1
    assert "apt install python3-venv" in said


def test_the_supported_pythons_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (oldest, newest) = install.OLDEST, install.NEWEST

    said = f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"

    assert project["requires-python"] == said


def test_the_image_is_built_with_the_same_poetry() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")

    assert re.findall(r"poetry\S*==\S+", dockerfile) == list(install.POETRY)


def test_an_installation_that_is_done_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("poetry.lock", "pyproject.toml"):
        (tmp_path / name).write_text("x", "utf-8")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    stamp = tmp_path / ".venv" / "installed.json"
    locked = install._digest(f"{sys.version} {tmp_path}", "x", "x")
    stamp.write_text(json.dumps({"locked": locked}), "utf-8")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "STAMP", stamp)

    code = install.main()

    assert code == 0
    assert capsys.readouterr().out == ""


def test_bare_make_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]

    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make (\S+)", said, re.MULTILINE) == targets
