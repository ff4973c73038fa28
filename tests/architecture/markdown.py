"""The documents as data: their files, links, headings, code blocks and code spans."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One markdown file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def prose(self) -> str:
        return BLOCK.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language, in order, without the indent of a list."""
        return [
            re.sub(f"^{indent}", "", code, flags=re.MULTILINE)
            for indent, stated, code in BLOCK.findall(self.text)
            if stated == language
        ]

    def code(self) -> list[str]:
        """Every span of code and every line of a block that could be typed."""
        lines = "\n".join(code for _, _, code in BLOCK.findall(self.text)).splitlines()
        return [*SPAN.findall(self.prose), *(line.strip() for line in lines)]

    def links(self) -> list[str]:
        """Where the prose points to inside of the repository."""
        targets: list[str] = LINK.findall(self.prose)
        return [target for target in targets if not re.match(r"\w+:", target)]

    def anchors(self) -> set[str]:
        """The fragments that a link into this document may have."""
        titles = (re.sub(r"[^\w\- ]", "", title) for title in HEADING.findall(self.prose))
        return {title.strip().lower().replace(" ", "-") for title in titles}


README = Document(ROOT / "README.md")
HOW_TO_ADD_A_USE_CASE = Document(ROOT / "docs/how-to/add-a-use-case.md")
CLIENTS = Document(ROOT / "docs/clients.md")
OPERATIONS = Document(ROOT / "docs/operations.md")
GUARANTEES = Document(ROOT / "docs/guarantees.md")
SECURITY = Document(ROOT / "docs/security.md")
DOCUMENTS = [Document(path) for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])]
DECISIONS = [document for document in DOCUMENTS if document.path.name[:4].isdigit()]
