"""What the schemas for editors say of kinds is made from their structs: `python -m tests.editor_schemas`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import envparity
from envparity.auth.table import tokens_schema
from envparity.dependency.kind import dependency_schema
from envparity.frames.table import frames_schema

__all__ = ["FOLDER", "MADE", "made", "rewrite"]

FOLDER = Path(envparity.__file__).parent / "schemas"
MADE = {"backend.schema.json": ("frames", "tokens"), "environment.schema.json": ("dependency",)}


def made(part: str) -> dict[str, Any]:
    """The definition of that name, with every kind that is built in."""
    makers: Mapping[str, Any] = {"dependency": dependency_schema, "frames": frames_schema, "tokens": tokens_schema}
    schema: dict[str, Any] = makers[part]()
    return schema


def rewrite() -> None:
    """Write the definitions into the files."""
    for name, parts in MADE.items():
        text = (FOLDER / name).read_text(encoding="utf-8")
        for part in parts:
            written = json.dumps(made(part), indent=2, ensure_ascii=False).replace("\n", "\n    ")
            pattern = rf'^    "{part}": \{{\n.*?^    \}}'
            text = re.sub(pattern, lambda _: f'    "{part}": {written}', text, flags=re.MULTILINE | re.DOTALL)  # noqa: B023
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
