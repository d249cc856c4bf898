"""A git history as `envparity blame` needs it: the commits of a range, and the tree of each in a folder of its own."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envparity.errors import ConfigurationError, Mistake

__all__ = ["History"]

_GIT_S = 60.0
_NONE = "no commit of that name"


class History:
    """The repository that holds a folder. Nothing in it is changed: no checkout, no worktree, no ref.

    Raises `ConfigurationError` where there is no git, or no repository.
    """

    def __init__(self, folder: Path) -> None:
        git = shutil.which("git")
        if git is None:
            raise ConfigurationError([Mistake("blame", 0, "git", "the program git", "none on the PATH", "install it")])
        self._git = git
        self._folder = folder
        top = self._ask("rev-parse", "--show-toplevel")
        if top is None:
            raise ConfigurationError([Mistake("blame", 0, str(folder), "a git repository", "none")])
        self.root = Path(top)

    def between(self, span: str) -> tuple[str, tuple[str, ...]]:
        """Of `GOOD..BAD` the commit GOOD, and those after it up to BAD, oldest first; of merges only the merge itself.

        Raises `ConfigurationError` where the range is none, or GOOD does not come before BAD.
        """
        good_name, dots, bad_name = span.partition("..")
        if not (good_name and dots and bad_name) or bad_name.startswith("."):
            raise ConfigurationError(
                [Mistake("blame", 0, span, "GOOD..BAD, two commits", "no such range", "such as v1.2..HEAD")]
            )
        found = {
            name: self._ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in (good_name, bad_name)
        }
        mistakes = [Mistake("blame", 0, name, "a commit", _NONE) for name, commit in found.items() if commit is None]
        if mistakes:
            raise ConfigurationError(mistakes)
        good, bad = str(found[good_name]), str(found[bad_name])
        listed = self._ask("rev-list", "--reverse", "--first-parent", f"{good}..{bad}") or ""
        if not listed or self._ask("merge-base", "--is-ancestor", good, bad) is None:
            got = "the same commit" if good == bad else f"{good_name} does not come before {bad_name}"
            raise ConfigurationError([Mistake("blame", 0, span, "GOOD before BAD", got)])
        return good, tuple(listed.split())

    def title(self, commit: str) -> str:
        """`1a2b3c4 the subject of its message`."""
        return self._ask("log", "-1", "--format=%h %s", commit) or commit

    def inside(self, path: Path) -> Path:
        """A path of the working tree, relative to the repository's root. Raises `ConfigurationError` for another."""
        whole = path.resolve()
        if not whole.is_relative_to(self.root.resolve()):
            raise ConfigurationError(
                [Mistake("blame", 0, str(path), f"a path in the repository {self.root}", "one outside of it")]
            )
        return whole.relative_to(self.root.resolve())

    @contextmanager
    def tree(self, commit: str) -> Iterator[Path]:
        """A folder with the tree of that commit, as long as this lasts."""
        with tempfile.TemporaryDirectory(prefix="envparity-blame-") as folder:
            packed = subprocess.run(
                [self._git, "archive", "--format=tar", commit],
                cwd=self.root, capture_output=True, timeout=_GIT_S, check=True,
            ).stdout  # fmt: skip
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(folder, filter="data")
            yield Path(folder)

    def _ask(self, *arguments: str) -> str | None:
        """What git says; None where it says no."""
        done = subprocess.run(
            [self._git, *arguments],
            cwd=self._folder, capture_output=True, text=True, timeout=_GIT_S, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else None
