"""What a build is given: the files, chosen and hashed, and the same bytes for the same content wherever they lie."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["ContextFile", "archive", "choose_files", "content_hash", "ignore_patterns", "names_a_file"]

_GLOB_CHARACTERS = frozenset("*?[")
_NOT_UNASKED = (
    "**/.env", "**/.env.*", "!**/.env.example", "!**/.env.sample", "!**/.env.template", "**/*.pem", "**/*.key",
    "**/*.p12", "**/*.pfx", "**/*.jks", "**/*.keystore", "**/id_rsa", "**/id_ecdsa", "**/id_ed25519", "**/.netrc",
    "**/.pgpass", "**/.npmrc", "**/.pypirc", "**/.aws", "**/.ssh", "**/.gnupg", "**/.docker", "**/.kube",
    "**/.envparity",
)  # fmt: skip
"""What may hold secrets: no image has it, and no copy, unless it is included by its own path or taken back by `!`."""


@dataclass(frozen=True, order=True)
class ContextFile:
    """One file of a build context: its path there (POSIX, relative) and where it lies on the host."""

    name: str
    source: Path

    @property
    def mode(self) -> int:
        """0o755 or 0o644: only the host's "executable" counts, so that a umask does not change an image."""
        return 0o755 if self.source.stat().st_mode & 0o100 else 0o644


def choose_files(context: Path, include: Sequence[str], ignore: Sequence[str] = ()) -> list[ContextFile]:
    """The files below `context` that a glob of `include` names and no pattern of `ignore` takes away, sorted by name.

    Both are read as Docker reads a .dockerignore (`**` crosses folders, a folder stands for all in it, `!` takes back).
    Symbolic links are followed where they lead to a file below `context`. What commonly holds secrets is left out:
    .env, keys, credentials of tools, saved runs.
    """
    wanted = [_Pattern.parse(text) for text in include]
    unwanted = [_Pattern.parse(text) for text in (*_NOT_UNASKED, *ignore)]
    by_path = {PurePosixPath(pattern).as_posix() for pattern in include if not _GLOB_CHARACTERS & set(pattern)}
    asked = [_Pattern.parse(text) for text in ignore]
    inside = context.resolve()
    chosen: dict[str, ContextFile] = {}
    for start in sorted({_fixed_prefix(pattern) for pattern in include}):
        for path in _files_below(context / start):
            name = path.relative_to(context).as_posix()
            left_out = _matches(asked if name in by_path else unwanted, name)
            if _matches(wanted, name) and not left_out and path.resolve().is_relative_to(inside):
                chosen[name] = ContextFile(name, path)
    return [chosen[name] for name in sorted(chosen)]


def names_a_file(context: Path, glob: str) -> bool:
    """Whether a glob of `include` names any file below that folder."""
    wanted = [_Pattern.parse(glob)]
    found = _files_below(context / _fixed_prefix(glob))
    return any(_matches(wanted, path.relative_to(context).as_posix()) for path in found)


def ignore_patterns(dockerfile: Path, context: Path) -> list[str]:
    """What to leave out, as `<Dockerfile>.dockerignore` has it, else `.dockerignore` of the context, else nothing."""
    for candidate in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore"):
        if candidate.is_file():
            lines = (line.strip() for line in candidate.read_text(encoding="utf-8").splitlines())
            return [line for line in lines if line and not line.startswith("#")]
    return []


def content_hash(files: Iterable[ContextFile], *facts: str) -> str:
    """Twelve hex digits that change with any file's path, content or executable bit, and with any of `facts`."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"{len(fact)}:{fact}\n".encode())
    for file in sorted(files):
        inner = hashlib.sha256(file.source.read_bytes()).hexdigest()
        digest.update(f"{len(file.name)}:{file.name}:{file.mode:o}:{inner}\n".encode())
    return digest.hexdigest()[:12]


def archive(files: Iterable[ContextFile], texts: Mapping[str, str]) -> io.BytesIO:
    """A tar of the files, and of `texts` by name, at its beginning, ready to be read: no times, no owners, sorted."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(files):
            member = tarfile.TarInfo(file.name)
            member.mode = file.mode
            with file.source.open("rb") as content:
                member.size = os.fstat(content.fileno()).st_size
                tar.addfile(member, content)
        for name, text in sorted(texts.items()):
            content_of_text = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content_of_text)
            tar.addfile(member, io.BytesIO(content_of_text))
    buffer.seek(0)
    return buffer


@dataclass(frozen=True)
class _Pattern:
    """One line of a .dockerignore."""

    regex: re.Pattern[str]
    takes_back: bool

    @classmethod
    def parse(cls, line: str) -> _Pattern:
        glob = line.strip()
        bare = PurePosixPath("/", glob.removeprefix("!").strip()).as_posix().lstrip("/")
        from docker.utils.fnmatch import translate

        return cls(re.compile(translate(bare)), glob.startswith("!"))


def _matches(patterns: Sequence[_Pattern], name: str) -> bool:
    """Whether the last pattern that matches the path, or a folder above it, takes it.

    The engine's rule; docker.utils.build looks only at as many folders as the pattern has, and ignores case.
    """
    parts = name.split("/")
    paths = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    taken = False
    for pattern in patterns:
        if pattern.takes_back == taken and any(pattern.regex.match(path) for path in paths):
            taken = not taken
    return taken


def _fixed_prefix(pattern: str) -> str:
    """The leading folders of a glob that hold no wildcard, so that only what can match is walked."""
    parts: list[str] = []
    for part in PurePosixPath(pattern.removeprefix("!")).parts:
        if _GLOB_CHARACTERS & set(part):
            break
        parts.append(part)
    return "/".join(parts)


def _files_below(start: Path) -> Iterator[Path]:
    try:
        alone = start.is_file()
    except OSError:  # longer than any path
        return
    if alone:
        yield start
        return
    for folder, folders, names in os.walk(start):
        # Never part of an image, and by far the most files of a working tree.
        folders[:] = sorted(name for name in folders if name not in {".git", "__pycache__"})
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield path
