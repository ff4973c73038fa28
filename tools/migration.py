"""`make migration`: writes the next revision of a module's branch from its changed tables."""

import sys

from alembic import command

from app.shared.infrastructure.migrating import alembic_config
from tools.database import development_database
from tools.postgres import ROOT
from tools.steps import StepError, fail

VERSIONS = ROOT / "migrations" / "versions"
MODULES = ROOT / "src" / "app" / "modules"
KERNEL = ("http", "messaging", "schedule")
"""Schemas of the kernel, each with a branch of its own."""


def write(module: str, message: str) -> None:
    """Compare the module's tables with the development database; a new module gets a branch."""
    folder = VERSIONS / module
    written = len(list(folder.glob(f"{module}_*.py")))
    folder.mkdir(exist_ok=True)
    with development_database(share=True) as url:
        config = alembic_config(url)
        command.upgrade(config, "heads")
        # Alembic writes only below a place that it was told of, and recursion is not telling.
        places = sorted(str(place) for place in VERSIONS.iterdir() if place.is_dir())
        config.set_main_option("version_locations", "\n".join(places))
        config.attributes["schema"] = module
        command.revision(
            config,
            message,
            autogenerate=True,
            head=f"{module}@head" if written else "base",
            branch_label=None if written else module,
            version_path=str(folder),
            rev_id=f"{module}_{written + 1:04}",
        )


def main() -> int:
    module, message = (*sys.argv[1:], "", "")[:2]
    known = module in KERNEL or (MODULES / module / "__init__.py").is_file()
    if not (known and module and message):
        fail('say which module and what for: make migration module=users name="add phone"')
        return 2
    try:
        write(module, message)
    except StepError as error:
        fail(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
