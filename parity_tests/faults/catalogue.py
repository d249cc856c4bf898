"""Faults as files: a unified diff, and above it what must come of it."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

__all__ = [
    "BENIGN",
    "CATALOGUE",
    "ENVIRONMENTS",
    "ORDER_CATALOGUE",
    "UPGRADE_CATALOGUE",
    "Fault",
    "Twin",
    "apply_to_copy",
    "in_a_haystack",
    "read_fault",
    "read_twin",
]

ENVIRONMENTS = ("local", "staging", "production")


_FOLDER = Path(__file__).parent
_TREE = _FOLDER.parent.parent
_PARTS = ("netra_backend", "environments", "docker")
_APPLY_S = 30


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class of real defect, and the finding that it must raise."""

    id: str
    title: str
    differs: str
    symptom: str
    root: str
    code: str
    shows_in: tuple[str, ...]
    cause: str
    component: str | None = None
    scenario: str | None = None
    environments: tuple[str, ...] = ENVIRONMENTS  # what is booted
    haystack: int = 0  # settings more in the environments that show it, which the backend does not read
    plays: tuple[str, ...] = ()  # scenarios, or globs over them; empty: the whole suite
    container_only: str = ""  # why no process can show it; empty: one can
    process_only: str = ""  # why no container can show it; empty: one can
    needs: Literal["orders", "previous"] | None = None  # "previous": the clean tree is the release before it
    steps: tuple[str, ...] = ()  # with needs = "orders": it shows in the orders in which they come in this sequence
    nightly: bool = False  # it takes long, and is judged where everything is
    thorough: bool = False  # it shows in a thorough run alone
    patch: Path = Path()


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What looks like the fault of that id and is none: the same idea, done rightly. Nothing may be found."""

    id: str
    title: str
    environments: tuple[str, ...] = ENVIRONMENTS
    plays: tuple[str, ...] = ()
    nightly: bool = False
    thorough: bool = False
    patch: Path = Path()


_Patch = TypeVar("_Patch", Fault, Twin)


def read_fault(patch: Path) -> Fault:
    """The fault in that file. Raises `ValueError` with the file's name where its head is not what it should be."""
    return _read(patch, Fault)


def read_twin(patch: Path) -> Twin:
    """The benign twin in that file. Raises `ValueError` likewise."""
    return _read(patch, Twin)


def _read(patch: Path, kind: type[_Patch]) -> _Patch:
    head, found, _ = patch.read_text(encoding="utf-8").partition("\ndiff --git ")
    if not found:
        raise ValueError(f"{patch.name}: expected a unified diff below the head")
    try:
        return msgspec.convert(tomllib.loads(head) | {"patch": patch}, kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{patch.name}: {error}") from error


def in_a_haystack(fault: Fault, root: Path) -> None:
    """Give each environment below `root` that shows the fault as many declared settings more as its head asks for."""
    for name in fault.shows_in:
        file = root / "environments" / f"{name}.toml"
        flags = "".join(f'FEATURE_{number:02} = "on"\n' for number in range(fault.haystack))
        declared = '[[differences]]\npath = "*.FEATURE_*"\nreason = "what is tried out here first"\n'
        text = file.read_text(encoding="utf-8").replace("[settings]\n", f"[settings]\n{flags}", 1)
        file.write_text(f"{text}\n{declared}", encoding="utf-8")


def apply_to_copy(fault: Fault | Twin | None, folder: Path) -> Path:
    """A copy of what is tested below `folder`, with the fault applied (None: the clean tree). Returns its root."""
    for part in _PARTS:
        shutil.copytree(_TREE / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    if fault is not None:
        command = ["git", "apply", "--whitespace=nowarn", str(fault.patch)]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_APPLY_S, check=False)
        if result.returncode != 0:
            raise ValueError(f"{fault.patch.name} does not apply: {result.stderr.strip()}")
        if "[previous]" in (folder / "netra_backend" / "backend.toml").read_text(encoding="utf-8"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_TREE / "netra_backend", folder / "previous" / "netra_backend", ignore=ignored)
    return folder


CATALOGUE = tuple(read_fault(patch) for patch in sorted(_FOLDER.glob("F*.patch")))
"""Faults that show when the backend is booted as each environment boots it."""

ORDER_CATALOGUE = tuple(read_fault(patch) for patch in sorted((_FOLDER / "orders").glob("F*.patch")))
"""Faults that the canonical order hides: they show when `steps` come in that sequence, and in no other order."""

BENIGN = tuple(read_twin(patch) for patch in sorted((_FOLDER / "benign").glob("F*.patch")))
"""What looks like a fault and is none."""

UPGRADE_CATALOGUE = tuple(read_fault(patch) for patch in sorted((_FOLDER / "upgrades").glob("F*.patch")))
"""Faults of a release that follows another: they show on the data that the clean tree has left, and on no other."""
