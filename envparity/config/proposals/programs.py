"""How a backend is started, as a project's files say: a Procfile, a package file, a Dockerfile, an application."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envparity.config.proposals.code import Code, read_code
from envparity.config.proposals.proposal import Proposal, at_line
from envparity.support.toml.bounds import bounded_text

__all__ = ["commands", "dockerfiles", "has_program", "names"]

_PORT = re.compile(r"\$\{?PORT(?::-\d+)?\}?")
_SHELL = re.compile(r"[|&;<>`*?()]|\$(?!\{?PORT\b)")
_STARTED = re.compile(r"^(?P<key>CMD|ENTRYPOINT)\s+(?P<words>(?:\\\n|.)+)$", re.MULTILINE)
_STAGE = re.compile(r"^FROM\s", re.MULTILINE | re.IGNORECASE)
_PORTLESS = {
    "uvicorn": ("--port", "{port}"), "granian": ("--port", "{port}"), "daphne": ("-p", "{port}"),
    "hypercorn": ("--bind", "127.0.0.1:{port}"),
}  # fmt: skip
"""Servers that look for no `PORT` themselves, with what tells them."""
_REAPERS = frozenset({"tini", "dumb-init", "catatonit"})
_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_MODULE = re.compile(r"^module\s+\"?(?:\S*/)?(?!v\d+\"?\s*$)(?P<name>[^\s/\"]+)(?:/v\d+)?\"?\s*$", re.MULTILINE)
_VIRTUAL = (".venv", "venv", "env")


def names(folder: Path) -> Iterator[Proposal[str]]:
    """What the project is called: by its package file or its module, else by its folder."""
    package = _json(folder / "package.json")
    if isinstance(called := package.get("name"), str):
        yield Proposal(called.rpartition("/")[2], "package.json")
    project = _toml(folder / "pyproject.toml").get("project")
    if isinstance(project, dict) and isinstance(project.get("name"), str):
        yield Proposal(project["name"], "pyproject.toml")
    if (module := _MODULE.search(_text(folder / "go.mod"))) is not None:
        yield Proposal(module["name"], "go.mod")
    yield Proposal(folder.resolve().name, "the folder's name")


def dockerfiles(folder: Path) -> Iterator[Proposal[Path]]:
    """The Dockerfiles of the folder and of its folders, the nearest first."""
    for pattern in ("Dockerfile", "*/Dockerfile", "*/*/Dockerfile"):
        for path in sorted(folder.glob(pattern)):
            if not any(part.startswith(".") or part == "node_modules" for part in path.relative_to(folder).parts):
                yield Proposal(path.relative_to(folder), at_line(path, folder))


def has_program(home: Path) -> bool:
    """Whether a program begins in that folder: a file that says so is there, or one with an application."""
    begins = ("Procfile", "package.json", "manage.py", "go.mod")
    if any((home / name).is_file() for name in begins):
        return True
    return home.is_dir() and read_code(home).application is not None


def commands(root: Path, home: Path, code: Code, dockerfile: Path | None) -> Iterator[Proposal[tuple[str, ...]]]:
    """Programs with their arguments, in which `{port}` stands for the port; what needs a shell is no proposal.

    They run in `home`, a folder of the project's `root`, of which `code` was read; the Dockerfile is relative to that.
    A program that a virtual environment of that folder has is the one there.
    """
    for proposal in _commands(root, home, code, dockerfile):
        program, *words = proposal.value
        own = (f"{name}/bin/{program}" for name in _VIRTUAL if "/" not in program)
        yield replace(proposal, value=(next((path for path in own if (root / home / path).exists()), program), *words))


def _commands(root: Path, home: Path, code: Code, dockerfile: Path | None) -> Iterator[Proposal[tuple[str, ...]]]:
    folder = root / home
    within = "" if home == Path() else f"{home.as_posix()}/"
    procfile = folder / "Procfile"
    for number, line in enumerate(_text(procfile).splitlines(), start=1):
        kind, found, command = line.partition(":")
        if found and kind.strip() == "web" and (argv := _argv(command)):
            yield Proposal(argv, f"{within}Procfile:{number}")
    start = _json(folder / "package.json").get("scripts", {})
    if isinstance(start, dict) and isinstance(start.get("start"), str) and (argv := _argv(start["start"])):
        yield Proposal(argv, f"{within}package.json: scripts.start")
    if code.application is not None:
        modules = () if code.modules == Path() else ("--app-dir", code.modules.as_posix())
        argv = ("python3", "-m", "uvicorn", code.application.value, *modules, "--host", "127.0.0.1", "--port", "{port}")
        yield Proposal(argv, f"{within}{code.application.found_in}")
    settings = sorted(folder.glob("*/asgi.py"))
    if settings and (folder / "manage.py").is_file():
        module = f"{settings[0].parent.name}.asgi:application"
        argv = ("python3", "-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", module)
        yield Proposal(argv, at_line(settings[0], root))
    if (folder / "go.mod").is_file() and (program := _go_program(folder)):
        yield Proposal(("go", "run", program), f"{within}go.mod")
    if dockerfile is not None and (started := _started(_text(root / dockerfile))) is not None:
        argv, text, position = started
        yield Proposal(argv, at_line(root / dockerfile, root, text, position))


def _go_program(folder: Path) -> str:
    """The package that is a program: the module's own, or the first of `cmd`; "" where there is none."""
    for place in (folder, *sorted((folder / "cmd").glob("*/"))):
        if any(_MAIN.search(_text(path)) for path in sorted(place.glob("*.go"))):
            return "." if place == folder else f"./cmd/{place.name}"
    return ""


def _started(text: str) -> tuple[tuple[str, ...], str, int] | None:
    """What the last stage of a Dockerfile starts: its entry point with its command behind that, or either."""
    start = max((match.start() for match in _STAGE.finditer(text)), default=0)
    last = {match["key"]: match for match in _STARTED.finditer(text, start)}
    last = last or {match["key"]: match for match in _STARTED.finditer(text)}
    entry, command = last.get("ENTRYPOINT"), last.get("CMD")
    found = entry or command
    if found is None:
        return None
    if entry is not None and command is not None and entry["words"].startswith("["):
        words = (*_array(entry["words"]), *_array(command["words"]))
        argv = _with_port(list(words)) if command["words"].startswith("[") else ()
    else:  # an entry point for a shell takes no words
        argv = _array(found["words"]) or _argv(found["words"].replace("\\\n", " ").removeprefix("exec "))
    argv = _without_reaper(argv)
    return (argv, text, found.start()) if argv and not argv[0].startswith("[") else None


def _without_reaper(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The words without a program before them that only waits for others, as process 1 of a container."""
    if not argv or Path(argv[0]).name not in _REAPERS:
        return argv
    start = next((at for at, word in enumerate(argv) if at and not word.startswith("-")), len(argv))
    return argv[start:]


def _argv(command: str) -> tuple[str, ...]:
    """The words of a command; none where only a shell could run it."""
    if _SHELL.search(command):
        return ()
    try:
        words = shlex.split(_PORT.sub("{port}", command))
    except ValueError:
        return ()
    return _with_port(words)


def _array(text: str) -> tuple[str, ...]:
    try:
        words = json.loads(text)
    except ValueError:
        return ()
    return _with_port(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else ()


def _with_port(words: list[str]) -> tuple[str, ...]:
    """The same with `{port}` where an option names the port."""
    if "{port}" in " ".join(words):
        return tuple(words)
    for at, word in enumerate(words[1:], start=1):
        if word.isdecimal() and words[at - 1] in {"-p", "--port", "-port"}:
            return (*words[:at], "{port}", *words[at + 1 :])
        if re.fullmatch(r"--port=\d+", word):
            return (*words[:at], "--port={port}", *words[at + 1 :])
        if found := re.fullmatch(r"((?:--bind=)?[\w.]*:)\d{2,5}", word):
            return (*words[:at], f"{found[1]}{{port}}", *words[at + 1 :])
    return (*words, *_PORTLESS.get(_program(words), ()))


def _program(words: list[str]) -> str:
    """The name of what runs: of a module that Python runs, that."""
    module = len(words) > 2 and words[1] == "-m" and Path(words[0]).name.startswith("python")
    return words[2] if module else Path(words[0]).name if words else ""


def _text(path: Path) -> str:
    return bounded_text(path)


def _json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}
