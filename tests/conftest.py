"""The Hypothesis profile by which the properties are tried every night; before a landing it is Hypothesis's own `ci`.

That one derives its examples from the test, so that the same tree has the same answer: what is new is looked for at
night, with many more examples, and each that is found becomes a test of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

_SUITES = ("docker", "processes", "browser", "monitoring")
"""Markers of tests that tox has environments for, beside that of all others."""

settings.register_profile("thorough", max_examples=3000, deadline=None, print_blob=True)
settings.register_profile(
    "ci", settings.get_profile("ci"), deadline=None, print_blob=True
)  # a busy machine is no failure
settings.register_profile("default", settings.get_profile("default"), deadline=None)
settings.load_profile(settings.get_current_profile_name())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what has no test of the one marker that is asked for: to read all takes each worker many seconds."""
    asked = config.option.markexpr
    if asked not in _SUITES or not collection_path.name.startswith("test_"):
        return None
    return None if _names(collection_path, asked) else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See to it that nothing is left out so that has tests of that marker: its file says the marker's name."""
    marked = {(item.path, name) for item in items for name in _SUITES if item.get_closest_marker(name) is not None}
    unsaid = sorted(f"{path}: mark.{name}" for path, name in marked if not _names(path, name))
    if unsaid:
        raise pytest.UsageError(f"expected the marker of a test to be named in the test's file: {', '.join(unsaid)}")


def _names(file: Path, marker: str) -> bool:
    """Whether that file says it, or the fixtures of its folder, by whose parameters a test may have it."""
    sources = (file, file.with_name("conftest.py"))
    return any(f"mark.{marker}" in source.read_text(encoding="utf-8") for source in sources if source.is_file())
