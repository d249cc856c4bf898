"""Where a face of envparity looks for its files when it is not told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from envparity.errors import ConfigurationError, Mistake
from envparity.model.scenario import MOST_REPEATED
from envparity.session.attaching import Attaching
from envparity.toml.document import shown_path

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
    orders go: the strength of the covering set, 0 for none. `attaching` says what is looked at where it runs, `repeat`
    how often each case is booted.
    """

    backend: Path
    environments: Path
    names: tuple[str, ...] = ()
    launcher: LauncherName = "auto"
    orders: int = 0
    attaching: Attaching = Attaching()  # noqa: RUF009  frozen
    repeat: int = 1

    @property
    def asked(self) -> tuple[str, ...]:
        """The options that lead to the same files, launcher and number of boots, where they are not the usual ones."""
        usual = next((one for one in BACKEND_FILES if one.is_file()), None)
        options: list[str] = []
        if usual is None or self.backend.resolve() != usual.resolve():
            options += ["--backend", shown_path(self.backend)]
        if self.environments.resolve() != ENVIRONMENTS.resolve():
            options += ["--environments", shown_path(self.environments)]
        options += ["--launcher", self.launcher] if self.launcher != "auto" else []
        return (*options, *(["--repeat", str(self.repeat)] if self.repeat > 1 else []))

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
        repeat: str | int | None = None,
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
        times = "1" if repeat in {None, ""} else str(repeat)
        if not times.isdecimal() or not 1 <= int(times) <= MOST_REPEATED:
            mistakes.append(Mistake("--repeat", 0, "repeat", f"a number from 1 to {MOST_REPEATED}", repr(repeat)))
        if mistakes or found is None:
            raise ConfigurationError(mistakes)
        chosen = cast("LauncherName", name)
        return cls(found, folder, split_names(names), chosen, ORDERS[strength], attaching, int(times))


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """`["a,b", "c"]` as `("a", "b", "c")`, each once."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
