"""Where a face of envparity looks for its files when it is not told."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from envparity.doors import entries_of
from envparity.engine.session.attaching import Attaching
from envparity.errors import ConfigurationError, Mistake
from envparity.model.scenario import MOST_REPEATED
from envparity.support.toml.document import shown_path

__all__ = ["BACKEND_FILES", "ENVIRONMENTS", "ORDERS", "Inputs", "launcher_names", "split_names"]

ORDERS = {"none": 0, "2": 2, "3": 3, "4": 4}
"""What may be asked of the orders: the strength of the covering set that is booted."""
BACKEND_FILES = (Path("netra_backend/backend.toml"), Path("backend.toml"))
ENVIRONMENTS = Path("environments")
_DIGEST = re.compile(r"([^@\s]+@)?sha256:[0-9a-f]{64}")
EXAMPLES = "examples"
"""The folder in which frames that were answered otherwise are remembered, for the next exploration."""
MOST_EXPLORED = 100_000
_MOST_SEED = 2**64


@dataclass(frozen=True)
class Exploration:
    """How many sequences of frames are made of the contract, by which seed, and where they are remembered."""

    examples: int
    seed: int
    folder: Path | None = None

    @classmethod
    def find(cls, examples: str | int | None, seed: str | int | None, runs: Path) -> Exploration | None:
        """What was said, None where nothing is explored; without a seed, one that nobody chose.

        What is found is remembered beside the folder `runs` of saved runs.

        Raises `ConfigurationError` with all mistakes.
        """
        mistakes = [
            Mistake(option, 0, option.removeprefix("--"), f"a number from {least} to {most}", repr(said))
            for option, said, least, most in (
                ("--explore", examples, 0, MOST_EXPLORED),
                ("--explore-seed", seed, 0, _MOST_SEED),
            )
            if said not in {None, ""} and not (str(said).isdecimal() and least <= int(str(said)) <= most)
        ]
        if mistakes:
            raise ConfigurationError(mistakes)
        if not int(examples or 0):
            if seed not in {None, ""}:
                expected = "--explore N beside it"
                raise ConfigurationError([Mistake("--explore-seed", 0, "explore-seed", expected, "a seed alone")])
            return None
        chosen = secrets.randbelow(10**6) if seed in {None, ""} else int(seed or 0)
        return cls(int(examples or 0), chosen, runs.parent / EXAMPLES)


@dataclass(frozen=True)
class Inputs:
    """What a run is asked to do: two paths, the names of environments (none: all), a launcher's name, and how far the
    orders go: the strength of the covering set, 0 for none. `attaching` says what is looked at where it runs, `repeat`
    how often each case is booted, `thorough` that also what takes long is played. `image` is what the backend is booted
    from in every environment, whatever its files say ("": what they say).
    """

    backend: Path
    environments: Path
    names: tuple[str, ...] = ()
    launcher: str = "auto"
    orders: int = 0
    attaching: Attaching = Attaching()  # noqa: RUF009  frozen
    repeat: int = 1
    thorough: bool = False
    image: str = ""

    @property
    def asked(self) -> tuple[str, ...]:
        """The options that lead to the same files, launcher and number of boots, where they are not the usual ones."""
        usual = next((path for path in BACKEND_FILES if path.is_file()), None)
        options: list[str] = []
        if usual is None or self.backend.resolve() != usual.resolve():
            options += ["--backend", shown_path(self.backend)]
        if self.environments.resolve() != ENVIRONMENTS.resolve():
            options += ["--environments", shown_path(self.environments)]
        options += ["--launcher", self.launcher] if self.launcher != "auto" and not self.image else []
        options += ["--thorough"] if self.thorough else []
        options += ["--image", self.image] if self.image else []
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
        thorough: bool | None = None,
        image: str | None = None,
        root: Path | None = None,
    ) -> Inputs:
        """Fill in what was not said: from ENVPARITY_BACKEND, _LAUNCHER, _ORDERS and _THOROUGH; then from `root`.

        Paths that were said are taken as they are; whether they can be read is the loader's to say. Raises
        `ConfigurationError` with all mistakes.
        """
        root = Path() if root is None else root
        mistakes: list[Mistake] = []
        said = backend or os.environ.get("ENVPARITY_BACKEND")
        found = Path(said) if said else next((root / path for path in BACKEND_FILES if (root / path).is_file()), None)
        if found is None:
            tried = " or ".join(str(root / path) for path in BACKEND_FILES)
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
        if name not in (known := launcher_names()):
            mistakes.append(Mistake("ENVPARITY_LAUNCHER", 0, "launcher", " or ".join(known), repr(name)))
        strength = orders or os.environ.get("ENVPARITY_ORDERS") or "none"
        if strength not in ORDERS:
            mistakes.append(Mistake("ENVPARITY_ORDERS", 0, "orders", ", ".join(ORDERS), repr(strength)))
        times = "1" if repeat in {None, ""} else str(repeat)
        if not times.isdecimal() or not 1 <= int(times) <= MOST_REPEATED:
            mistakes.append(Mistake("--repeat", 0, "repeat", f"a number from 1 to {MOST_REPEATED}", repr(repeat)))
        wished = os.environ.get("ENVPARITY_THOROUGH", "")
        if wished not in {"", "0", "1"}:
            mistakes.append(Mistake("ENVPARITY_THOROUGH", 0, "thorough", "0 or 1", repr(wished)))
        if image is not None and (wrong := _image_problem(image, name)):
            mistakes.append(Mistake("--image", 0, "image", *wrong))
        if mistakes or found is None:
            raise ConfigurationError(mistakes)
        deep = wished == "1" if thorough is None else thorough
        booted_by = "container" if image else name
        return cls(
            found, folder, split_names(names), booted_by, ORDERS[strength], attaching, int(times), deep, image or ""
        )


def launcher_names() -> tuple[str, ...]:
    """What may be asked for: the machine's choice, and each launcher that is installed. Raises `DoorFailed`."""
    return ("auto", *entries_of("envparity.launchers"))


def _image_problem(image: str, launcher: str) -> tuple[str, str, str] | None:
    """What is wrong with the image that was asked for, if anything is."""
    if not _DIGEST.fullmatch(image):
        return "NAME@sha256:… or sha256:…, the whole digest", repr(image), "a tag may mean another image tomorrow"
    if launcher not in {"auto", "container"}:
        return "the launcher container", launcher, "an image is booted in containers"
    return None


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """`["a,b", "c"]` as `("a", "b", "c")`, each once."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
