"""The examples of docs/extend.md, each installed as what it is: a distribution of its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.docs.pages import blocks
from tests.installed import install

__all__ = ["EXTEND", "install_example", "project_of"]

EXTEND = "docs/extend.md"


def project_of(name: str) -> dict[str, object]:
    """The table [project] of the example of that name."""
    found = [tomllib.loads(block.text) for block in blocks(EXTEND, "toml")]
    return next(document["project"] for document in found if document.get("project", {}).get("name") == name)


def install_example(site: Path, name: str) -> Path:
    """Install the distribution of that name as the page has it: its modules are those that its entry points name."""
    project = project_of(name)
    points = project["entry-points"]
    assert isinstance(points, dict)
    modules = {value.partition(":")[0] for named in points.values() for value in named.values()}
    sources = {
        match[1]: block.text for block in blocks(EXTEND, "python") if (match := re.match(r"# (\w+)\.py\n", block.text))
    }
    return install(site, name, points, {module: sources[module] for module in modules}, str(project["version"]))
