"""What a deployment asks of a verdict: parsed from the command line, and held against what the verdict claims."""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from envparity.errors import Mistake
from envparity.report.attestation.predicate import PREDICATE_TYPE, SCHEMA, STATEMENT_TYPE, Claimed, Statement
from envparity.report.attestation.refusal import Refusal, VerdictRefused

__all__ = ["Wanted", "age_of", "parse_age", "parse_commit", "parse_image", "parse_requirements", "refusals", "stated"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"([1-9]\d{0,5})([smhd])")
_DIGEST = re.compile(r"(?:.*@)?(?:sha256:)?([0-9a-f]{64})")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LAUNCHERS: Final = ("attached", "process", "container")  # each checks more than the one before it
_AHEAD_S: Final = 300  # how far the clock of who judged may be ahead of ours
_FEWEST: Final = ("orders", "repeat", "scenarios", "cases")
_MOST: Final = ("exemptions", "by_chance", "unsteady")
KEYS: Final = ("launcher", "environments", *_FEWEST, *_MOST)


@dataclass(frozen=True)
class Wanted:
    """What is to be deployed, and what must have been judged. `image` is 64 hexadecimal digits, `commit` 7 to 64."""

    max_age_s: int
    image: str = ""
    commit: str = ""
    required: Mapping[str, str] = field(default_factory=dict)
    files: bool = False


def parse_age(text: str) -> int | Mistake:
    """`24h`, `90m`, `7d` in seconds."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        return Mistake("--max-age", 0, "age", "a number and s, m, h or d", repr(text), "such as 24h")
    return int(found[1]) * _UNITS[found[2]]


def parse_image(text: str) -> str | Mistake:
    """The digits of `sha256:…`, of `NAME@sha256:…`, or as they are."""
    found = _DIGEST.fullmatch(text.strip().lower())
    if found is None:
        return Mistake("--image", 0, "digest", "sha256: and 64 hexadecimal digits", repr(text), "a tag names no image")
    return found[1]


def parse_commit(text: str) -> str | Mistake:
    """A commit by its hash, whole or its beginning."""
    if _COMMIT.fullmatch(text.strip().lower()) is None:
        return Mistake("--commit", 0, "commit", "at least 7 hexadecimal digits", repr(text), "such as $GITHUB_SHA")
    return text.strip().lower()


def parse_requirements(texts: Sequence[str]) -> tuple[dict[str, str], list[Mistake]]:
    """`launcher=container,orders=3` by key, and all that is wrong with it."""
    required: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        wrong = _problem(key, value) if equals else ("KEY=VALUE", repr(part))
        if key in required:
            wrong = ("each key once", f"{key} a second time")
        if wrong:
            mistakes.append(Mistake("--require", 0, key or "KEY", *wrong))
        else:
            required[key] = value
    return required, mistakes


def _problem(key: str, value: str) -> tuple[str, str] | None:
    if key not in KEYS:
        return f"one of {', '.join(KEYS)}", repr(key)
    if key == "launcher":
        return None if value in _LAUNCHERS else (" or ".join(_LAUNCHERS), repr(value))
    if key == "environments":
        return None if all(value.split("+")) else ("names, with + between two", repr(value))
    return None if value.isdecimal() and len(value) < 7 else ("a number", repr(value))


def stated(payload: bytes) -> Claimed:
    """The verdict of a statement that was signed. Raises `VerdictRefused` where it is none that can be read."""
    try:
        statement = msgspec.json.decode(payload, type=Statement)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise VerdictRefused([Refusal("unreadable", f"a statement of {SCHEMA}", str(error)[:200])]) from error
    for expected, got in (
        (STATEMENT_TYPE, statement.type_),
        (PREDICATE_TYPE, statement.predicate_type),
        (SCHEMA, statement.predicate.schema),
    ):
        if got != expected:
            raise VerdictRefused([Refusal("unreadable", expected, repr(got)[:80])])
    return statement.predicate


def age_of(claimed: Claimed, now: dt.datetime) -> float:
    """How long ago its run began, in seconds: what came after that, it has not seen."""
    return (now - dt.datetime.fromisoformat(claimed.began)).total_seconds()


def refusals(claimed: Claimed, wanted: Wanted, now: dt.datetime, root: Path) -> Iterator[Refusal]:
    """Every reason for which that verdict is not enough; `root` is where its files' paths begin."""
    yield from _aged(claimed, wanted, now)
    if claimed.verdict != "clean" or claimed.findings:
        found = ", ".join(finding.id for finding in claimed.findings)
        yield Refusal("red", "a clean verdict", f"{claimed.verdict}: {found}" if found else claimed.verdict)
    if claimed.only:
        yield Refusal("partial", "every scenario", f"only {', '.join(claimed.only)}")
    if wanted.image:
        yield from _foreign_images(claimed, wanted.image)
    if wanted.commit:
        yield from _foreign_commit(claimed, wanted.commit)
    if wanted.files:
        yield from _foreign_files(claimed, root)
    for key, value in wanted.required.items():
        yield from _weaker(claimed, key, value)


def _aged(claimed: Claimed, wanted: Wanted, now: dt.datetime) -> Iterator[Refusal]:
    age = age_of(claimed, now)
    if age > wanted.max_age_s:
        yield Refusal("stale", f"one of the last {_lasting(wanted.max_age_s)}", f"one from {_lasting(age)} ago")
    if age < -_AHEAD_S:
        yield Refusal("future", "a run that has been", f"one that begins in {_lasting(-age)}")


def _lasting(seconds: float) -> str:
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{seconds:.0f} s"


def _foreign_images(claimed: Claimed, digest: str) -> Iterator[Refusal]:
    """Every image that the backend was booted from must be the one: no environment has another."""
    images = claimed.backend_images
    if not images:
        yield Refusal("image", f"the image sha256:{digest}", f"no image: judged by the {claimed.launcher} launcher")
    for image in images:
        if f"sha256:{digest}" not in image.all_digests:
            yield Refusal("image", f"the image sha256:{digest}", f"{image.name}: {', '.join(image.all_digests)}")


def _foreign_commit(claimed: Claimed, commit: str) -> Iterator[Refusal]:
    revision = claimed.revision
    if revision is None:
        yield Refusal("commit", f"the commit {commit}", "none: judged outside of a repository")
    elif not revision.commit.startswith(commit):
        yield Refusal("commit", f"the commit {commit}", revision.commit)
    elif not revision.clean:
        yield Refusal("commit", f"the files of the commit {commit}", "files that were changed and not committed")


def _digest(path: Path) -> str:
    """The SHA-256 of a plain file; what is none, as a pipe or a device, is an `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    finally:
        os.close(descriptor)


def _foreign_files(claimed: Claimed, root: Path) -> Iterator[Refusal]:
    if not claimed.files:
        yield Refusal("files", "the digests of the files", "none")
    for path, digest in claimed.files.items():
        try:
            found = _digest(root / path)
        except (OSError, ValueError):
            yield Refusal("files", f"{path} as it is here", "another: here is none that can be read")
            continue
        if found != digest:
            yield Refusal("files", f"{path} as it is here", "another")


def _weaker(claimed: Claimed, key: str, value: str) -> Iterator[Refusal]:
    got: int
    if key == "launcher":
        known = [_LAUNCHERS.index(claimed.launcher)] if claimed.launcher in _LAUNCHERS else [-1]
        known += [0] if claimed.attached else []
        if min(known) < _LAUNCHERS.index(value):
            attached = f", and attached to {', '.join(claimed.attached)}" if claimed.attached else ""
            yield Refusal("weaker", f"the launcher {value}", f"{claimed.launcher}{attached}")
        return
    if key == "environments":
        missing = [name for name in value.split("+") if name not in claimed.environments]
        if missing:
            yield Refusal("weaker", f"the environments {value}", f"none of {', '.join(missing)}")
        return
    counted: Mapping[str, Callable[[], int]] = {
        "orders": lambda: claimed.orders.strength if claimed.orders.coverage else 0,
        "repeat": lambda: claimed.repeat,
        "scenarios": lambda: claimed.scenarios,
        "cases": lambda: claimed.cases,
        "exemptions": lambda: len(claimed.exemptions),
        "by_chance": lambda: len(claimed.by_chance),
        "unsteady": lambda: len(claimed.unsteady),
    }
    got = counted[key]()
    if key in _FEWEST and got < int(value):
        yield Refusal("weaker", f"{key} of at least {value}", str(got))
    if key in _MOST and got > int(value):
        yield Refusal("weaker", f"{key} of at most {value}", str(got))
