"""The committed schemas and samples of the events: `python -m tools.event_schemas` writes them.

An event is stored for years, so the schema of a version is kept as it was, and a sample of it
shows that it is still read. Nothing here overwrites a schema by one that breaks it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from app.container import compose
from app.settings import Settings
from app.shared.application.composition import CompositionError
from app.shared.infrastructure.messaging.codec import EventCodec, UnreadableEventError
from tools.postgres import ROOT
from tools.schema_changes import breaking_changes
from tools.schema_sample import sample_of
from tools.steps import fail

FOLDER = ROOT / "tests/data/events"
COMMAND = "make event-schemas"

UNWRITTEN = """\
{event} has no committed {missing}.
Run `{command}`, look over the sample that it drafts, and commit both files."""

ADDED = """\
{event} was added to, which its version allows, but its committed schema does not say so yet.
Run `{command}` and commit the schema. The sample stays as it is: so were events stored before.
{difference}"""

BROKEN = """\
{event} is not what is committed under this version: {changes}.
Events of it are stored, and other processes read them. Take the change back, or
- raise the `version` of {kind} to {next},
- give its `upcasters` a function under {version}, which makes a payload of version {version} into \
one of version {next},
- run `{command}` and commit what it writes. The files of version {version} stay.
{difference}"""

LOST = """\
{event} has no committed {missing}, and events of it may be stored.
Restore the file from the history of the repository. A version is raised by one at a time."""

LOWERED = """\
{event} is committed, and {kind} is at version {version}: events of the later one may be stored.
A version never falls: give it back, with a new version after it where something must change."""

RETIRED = """\
{event} is committed, and no module has an event of this name.
Events of it may be stored, and owed to a subscriber that nobody could deliver them to. Give the \
class back until nothing is owed and the log holds none of them; then delete its files with it."""

MISFIT = "{file} does not fit its schema: {fault}."

UNREADABLE = """\
{file} is not read any more: {fault}.
So would be the events that were stored like it. Mend the class or its upcasters, never the sample \
of a version that was deployed."""

STRANGE = "{file} is neither `<name>.v<version>.schema.json` nor `.sample.json`."

_FILE = re.compile(r"(?P<name>.+)\.v(?P<version>[1-9]\d*)\.(schema|sample)\.json")


def write(codec: EventCodec, folder: Path = FOLDER) -> list[Path]:
    """Write what is new and what was only added to; what breaks is left for `objections`."""
    written = []
    for event, schema in codec.schemas().items():
        file, sample = _files(folder, event)
        if file.exists() and breaking_changes(_read(file), schema):
            continue
        text = canonical(schema)
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
            written.append(file)
        if not sample.exists():
            sample.write_text(canonical(sample_of(schema)), "utf-8")
            written.append(sample)
    return written


def objections(codec: EventCodec, folder: Path = FOLDER) -> list[str]:
    """What is wrong with the committed files, each with the way to put it right."""
    found = (*_to_present(codec, folder), *_to_past(codec, folder), *_to_files(codec, folder))
    return list(dict.fromkeys(found))


def canonical(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _to_present(codec: EventCodec, folder: Path) -> Iterator[str]:
    for (event, schema), kind in zip(
        codec.schemas().items(), codec.event_types.values(), strict=True
    ):
        if missing := _missing(folder, event):
            yield UNWRITTEN.format(event=event, missing=missing, command=COMMAND)
            continue
        file, _ = _files(folder, event)
        committed, present = file.read_text("utf-8"), canonical(schema)
        if committed == present:
            continue
        changes = breaking_changes(json.loads(committed), schema)
        lines = committed.splitlines(), present.splitlines()
        yield (BROKEN if changes else ADDED).format(
            event=event,
            changes=", ".join(changes),
            kind=kind.__qualname__,
            version=kind.version,
            next=kind.version + 1,
            command=COMMAND,
            difference="\n".join(unified_diff(*lines, "committed", "code", lineterm="")),
        )


def _to_past(codec: EventCodec, folder: Path) -> Iterator[str]:
    for kind in codec.event_types.values():
        for version in range(1, kind.version):
            event = f"{kind.name}.v{version}"
            if missing := _missing(folder, event):
                yield LOST.format(event=event, missing=missing)


def _to_files(codec: EventCodec, folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        found = _FILE.fullmatch(file.name)
        if found is None:
            yield STRANGE.format(file=file.name)
            continue
        name, version = found["name"], int(found["version"])
        event, kind = f"{name}.v{version}", codec.event_types.get(name)
        if kind is None:
            yield RETIRED.format(event=event)
        elif version > kind.version:
            yield LOWERED.format(event=event, kind=kind.__qualname__, version=kind.version)
        elif file.name.endswith(".sample.json"):
            yield from _to_sample(codec, file, name, version)


def _to_sample(codec: EventCodec, sample: Path, name: str, version: int) -> Iterator[str]:
    schema, _ = _files(sample.parent, f"{name}.v{version}")
    if schema.exists():
        checked = Draft202012Validator(
            _read(schema), format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        for error in checked.iter_errors(_read(sample)):
            yield MISFIT.format(file=sample.name, fault=f"{error.message} at {error.json_path}")
    try:
        codec.decode(name, version, sample.read_text("utf-8"))
    except UnreadableEventError as error:
        yield UNREADABLE.format(file=sample.name, fault=error)


def _files(folder: Path, event: str) -> tuple[Path, Path]:
    return folder / f"{event}.schema.json", folder / f"{event}.sample.json"


def _missing(folder: Path, event: str) -> str:
    kinds = ("schema", "sample")
    return " and no ".join(
        kind for kind, file in zip(kinds, _files(folder, event), strict=True) if not file.exists()
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def main() -> int:
    try:
        codec = compose(Settings.load()).codec
    except CompositionError as error:
        fail(error)
        return 1
    for file in write(codec):
        print(f"wrote {file.relative_to(ROOT)}")
    left = objections(codec)
    for objection in left:
        fail(objection)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
