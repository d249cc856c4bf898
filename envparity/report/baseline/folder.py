"""The files of a baseline: one for each environment, and one for the contract."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from envparity.errors import ConfigurationError, Mistake
from envparity.report.baseline.promises import Change, changes
from envparity.support.reading import opened
from envparity.support.toml.document import shown_path

__all__ = ["Changes", "compare", "read_lines", "write"]

_LONGEST = 16 << 20
_CONTRACT = "contract.txt"
_HEAD = "# Written by `envparity baseline save`; what changes here is accepted by a commit."


class Changes(msgspec.Struct, frozen=True):
    """What has changed since a baseline: in the contract, and in each environment as lines of a diff."""

    contract: tuple[Change, ...]
    environments: dict[str, tuple[str, ...]]

    @property
    def none(self) -> bool:
        return not self.contract and not self.environments


def write(folder: Path, contract: Mapping[str, str], environments: Mapping[str, Sequence[str]]) -> list[Path]:
    """Write all of it, and remove what is of environments that are no more. Raises `ConfigurationError`."""
    files = {f"environments/{name}.txt": lines for name, lines in environments.items()}
    files[_CONTRACT] = [f"{path}: {said}" for path, said in sorted(contract.items())]
    try:
        (folder / "environments").mkdir(parents=True, exist_ok=True)
        for old in (folder / "environments").glob("*.txt"):
            if f"environments/{old.name}" not in files:
                old.unlink()
        for name, lines in files.items():
            (folder / name).write_text("\n".join([_HEAD, *lines]) + "\n", encoding="utf-8")
    except OSError as error:
        got = error.strerror or "an error"
        raise ConfigurationError([Mistake("--baseline", 0, shown_path(folder), "a folder to write to", got)]) from error
    return [folder / name for name in sorted(files)]


def compare(folder: Path, contract: Mapping[str, str], environments: Mapping[str, Sequence[str]]) -> Changes:
    """What differs from what is kept there. Raises `ConfigurationError` where there is no baseline."""
    kept = dict(line.partition(": {")[::2] for line in read_lines(folder / _CONTRACT))
    before = {path: "{" + said for path, said in kept.items()}
    found: dict[str, tuple[str, ...]] = {}
    known = {each_path.stem for each_path in (folder / "environments").glob("*.txt")}
    for name in sorted({*environments, *known}):
        old = read_lines(folder / "environments" / f"{name}.txt") if name in known else []
        lines = tuple(_changed(old, environments.get(name, ())))
        if lines:
            found[name] = lines
    return Changes(tuple(changes(before, contract)), found)


def _changed(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The lines that differ, below the name of their boot: `- ` as it was, `+ ` as it is."""
    lines: list[str] = []
    for line in difflib.unified_diff(before, after, lineterm="", n=max(len(before), len(after))):
        if line.startswith(("---", "+++", "@@")) or not line[1:]:
            continue
        if line[1:].startswith("["):
            lines.append(line[1:])
        elif line[0] in "-+":
            lines.append(f"  {line[0]} {line[1:]}")
    following = [*lines, "["][1:]
    return [
        each_line
        for each_line, after in zip(lines, following, strict=False)
        if _is_change(each_line) or _is_change(after)
    ]


def _is_change(line: str) -> bool:
    return line.startswith("  ")


def read_lines(file: Path) -> list[str]:
    """The lines of a file of a baseline, without its head. Raises `ConfigurationError` where it cannot be read."""
    try:
        with opened(file) as reading:
            text = reading.whole(_LONGEST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = "none" if isinstance(error, FileNotFoundError) else "one that cannot be read"
        action = "`envparity baseline save` writes one"
        mistake = Mistake("--baseline", 0, shown_path(file), "a baseline's file", got, action)
        raise ConfigurationError([mistake]) from error
    return [line for line in text.splitlines() if not line.startswith("# ")]
