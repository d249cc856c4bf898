"""Where a face of envparity looks for its files when it is not told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from envparity.errors import ConfigurationError, Mistake
from envparity.session.attaching import Attaching

__all__ = ["BACKEND_FILES", "ENVIRONMENTS", "LAUNCHERS", "ORDERS", "Inputs", "LauncherName", "split_names"]

LauncherName = Literal["auto", "container", "process"]
LAUNCHERS: tuple[LauncherName, ...] = ("auto", "container", "process")
ORDERS = {"none": 0, "2": 2, "3": 3, "4": 4}
"""What may be asked of the orders: the strength of the covering set that is booted."""
BACKEND_FILES = (Path("netra_backend/backend.toml"), Path("backend.toml"))
ENVIRONMENTS = Path("environments")


@dataclass(frozen=True)
class Inputs:
    """What a run is asked to do: two paths, the names of environments (none: all), a launcher's name, and how far the
    orders go: the strength of the covering set, 0 for none. `attaching` says what is looked at where it runs.
    """

    backend: Path
    environments: Path
    names: tuple[str, ...] = ()
    launcher: LauncherName = "auto"
    orders: int = 0
    attaching: Attaching = Attaching()  # noqa: RUF009  frozen

    @classmethod
    def find(
        cls,
        *,
        backend: str | Path | None = None,
        environments: str | Path | None = None,
        names: Sequence[str] = (),
        launcher: str | None = None,
        orders: str | None = None,
        attaching: Attaching = Attaching(),  # noqa: B008  frozen
        root: Path | None = None,
    ) -> Inputs:
        """Fill in what was not said: from ENVPARITY_BACKEND, _LAUNCHER and _ORDERS, then from the files below `root`.

        Paths that were said are taken as they are; whether they can be read is the loader's to say. Raises
        `ConfigurationError` with all mistakes.
        """
        root = Path() if root is None else root
        mistakes: list[Mistake] = []
        said = backend or os.environ.get("ENVPARITY_BACKEND")
        found = Path(said) if said else next((root / one for one in BACKEND_FILES if (root / one).is_file()), None)
        if found is None:
            tried = " or ".join(str(root / one) for one in BACKEND_FILES)
            mistakes.append(Mistake("--backend", 0, "backend", "a backend file", f"none, and no {tried}", "name one"))
        folder = Path(environments) if environments else root / ENVIRONMENTS
        if not environments and not folder.is_dir():
            mistakes.append(
                Mistake(
                    "--environments",
                    0,
                    "environments",
                    "a folder of environment files",
                    f"none, and no {folder}",
                    "name one",
                )
            )
        name = launcher or os.environ.get("ENVPARITY_LAUNCHER") or "auto"
        if name not in LAUNCHERS:
            mistakes.append(Mistake("ENVPARITY_LAUNCHER", 0, "launcher", " or ".join(LAUNCHERS), repr(name)))
        strength = orders or os.environ.get("ENVPARITY_ORDERS") or "none"
        if strength not in ORDERS:
            mistakes.append(Mistake("ENVPARITY_ORDERS", 0, "orders", ", ".join(ORDERS), repr(strength)))
        if mistakes or found is None:
            raise ConfigurationError(mistakes)
        return cls(found, folder, split_names(names), cast("LauncherName", name), ORDERS[strength], attaching)


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """`["a,b", "c"]` as `("a", "b", "c")`, each once."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
