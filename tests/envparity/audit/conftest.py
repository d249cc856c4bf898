"""Packages written for one test: sources in which each line that a rule must find ends in `# !`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from envparity.audit.audit import audit
from envparity.audit.finding import AuditReport
from envparity.audit.source import read_package
from envparity.audit.static.reading import Check, PackageReading
from envparity.audit.target import AuditTarget
from envparity.model.backend import Audit

MARK = "# !"
NAME = "app"

Places = list[tuple[str, int]]
Write = Callable[[Mapping[str, str]], Path]
Holds = Callable[..., None]
Audited = Callable[..., AuditReport]


def marked(sources: Mapping[str, str]) -> Places:
    """The lines that are marked, as module and line."""
    return [
        (module_of(path), number)
        for path, source in sources.items()
        for number, row in enumerate(dedent(source).splitlines(), 1)
        if row.rstrip().endswith(MARK)
    ]


def module_of(path: str) -> str:
    """`app/core/x.py` as a module's name."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write these files below a folder, an empty `__init__.py` in each package of theirs; gives the folder."""

    def write_files(sources: Mapping[str, str]) -> Path:
        for path, source in sources.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            for folder in file.relative_to(tmp_path).parents:
                if folder != Path():
                    (tmp_path / folder / "__init__.py").touch()
            file.write_text(dedent(source), encoding="utf-8")
        return tmp_path

    return write_files


@pytest.fixture
def holds(write: Write) -> Holds:
    """Hold a static check to the marks in these sources: it finds those lines, and no other."""

    def hold(check: Check, sources: Mapping[str, str], *, code: str = "", **said: frozenset[str]) -> None:
        root = write(sources)
        files = {module_of(path.relative_to(root).as_posix()): path for path in root.rglob("*.py")}
        found = list(check(PackageReading(read_package(NAME, files), **said)))  # type: ignore[arg-type]  # tests pass sets only
        assert sorted({(raised.module, raised.line) for raised in found}) == sorted(marked(sources)), found
        assert {raised.code for raised in found} <= {code or raised.code for raised in found}

    return hold


@pytest.fixture
def audited(write: Write) -> Audited:
    """Audit these sources with this very interpreter."""

    def run(sources: Mapping[str, str], said: Audit | None = None, *, examples: int = 0, only: str = "") -> AuditReport:
        target = AuditTarget(NAME, write(sources), said or Audit(NAME))
        return audit(target, only=[only] if only else (), examples=examples)

    return run
