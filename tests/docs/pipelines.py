"""Pipelines as data: the scripts of their steps in order, and a machine on which nothing but the network is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tests.docs.pages import TREE

DIGEST = "c" * 64
IMAGE = f"registry.test/acme/chat@sha256:{DIGEST}"
_PROGRAM = Path(__file__).with_name("gate_program.py")
_EXPRESSION = re.compile(r"\$\{\{\s*([^}]+?)\s*\}\}")
_RECORD = """#!/bin/bash
printf '%s\\n' "${0##*/} $*" >> "$COMMANDS"
"""
# `docker run … bash -ceu SCRIPT` is the script; what is asked of an image is its digest.
_DOCKER = (
    _RECORD
    + f"""case "$1" in
  image) echo "$NAME@sha256:{DIGEST}" ;;
  run) exec bash -ceu "${{@: -1}}" ;;
  login) cat > /dev/null ;;
esac
"""
)


@dataclass(frozen=True)
class Step:
    """A step of a pipeline: its script, and the variables that it is given, still with expressions in them."""

    job: str
    name: str
    script: str
    variables: Mapping[str, str]


def read(path: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((TREE / path).read_text(encoding="utf-8"))
    return loaded


def github_steps(path: str) -> list[Step]:
    """The steps with a script of a workflow's jobs, or of a composite action."""
    document = read(path)
    jobs = document.get("jobs") or {"action": document.get("runs", {})}
    return [
        Step(job, step.get("name", ""), step["run"], step.get("env", {}))
        for job, body in jobs.items()
        for step in body.get("steps", [])
        if "run" in step
    ]


def gitlab_steps(path: str) -> list[Step]:
    return [
        Step(job, job, "\n".join(body["script"]), body.get("variables", {}))
        for job, body in read(path).items()
        if isinstance(body, dict) and "script" in body
    ]


def cloudbuild_steps(path: str) -> list[Step]:
    steps = []
    for step in read(path)["steps"]:
        given = dict(entry.split("=", 1) for entry in step.get("env", []))
        own = step["args"][-1] if step.get("entrypoint") == "bash" else " ".join(("docker", *step["args"]))
        steps.append(Step(step["id"], step["id"], own.replace("$$", "$").replace("$_IMAGE", IMAGE), given))
    return steps


@dataclass(frozen=True)
class Machine:
    """A folder with a project in a repository, programs that stand for what the network would give, and a record."""

    folder: Path
    outcome: str = "clean"

    @property
    def commands(self) -> list[str]:
        """What the programs were asked for."""
        record = self.folder.parent / "commands"
        return record.read_text(encoding="utf-8").splitlines() if record.exists() else []

    @property
    def commit(self) -> str:
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        command = [shutil.which("git") or "git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=True, timeout=300
        ).stdout.strip()

    def install(self) -> None:
        """Put the programs in place; `envparity` is the real one but for what boots."""
        programs = self.folder.parent / "bin"
        programs.mkdir()
        envparity = f'{_RECORD}exec {sys.executable} {_PROGRAM} "$@"\n'
        venv = _RECORD + 'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$BIN/pip" "$BIN/envparity" "$3/bin/"; fi\n'
        texts = {"docker": _DOCKER, "pip": _RECORD, "python": _RECORD, "python3": venv, "envparity": envparity}
        for name, text in texts.items():
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)

    def run(self, step: Step, known: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """The step's script as a runner has bash do it, each expression filled in; KeyError for one that is unknown."""
        programs = self.folder.parent / "bin"
        base = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(self.folder.parent),
            "BIN": str(programs),
            "COMMANDS": str(self.folder.parent / "commands"),
            "OUTCOME": self.outcome,
            "PYTHONPATH": str(TREE),
            "GITHUB_ACTOR": "somebody",
            "GITHUB_REF_NAME": "v1.0",
            "GITHUB_OUTPUT": str(self.folder.parent / "output"),
            "GITHUB_ACTION_PATH": str(TREE),
        }
        base |= {key: value for key, value in known.items() if key.isidentifier()}
        variables = {
            name: Template(_EXPRESSION.sub(lambda found: known[found[1]], str(value))).substitute(base)
            for name, value in step.variables.items()
        }
        script = _EXPRESSION.sub(lambda found: known[found[1]], step.script)
        return subprocess.run(
            ["/bin/bash", "-eo", "pipefail", "-c", script],
            cwd=self.folder, env=base | variables, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip

    def go_through(self, steps: list[Step], known: Mapping[str, str]) -> Step | None:
        """Every step until one fails, which is given; what a step says to GitHub is an output of its job."""
        for step in steps:
            done = self.run(step, known)
            assert "Traceback" not in done.stderr, done.stderr
            if done.returncode:
                return step
        return None


def machine(folder: Path, outcome: str = "clean") -> Machine:
    """A machine with a small project: three environments, a file that deploys."""
    place = folder / "project"
    (place / "environments").mkdir(parents=True)
    (place / "backend.toml").write_text(
        'name = "chat"\n[image]\nname = "chat:1"\n[[scenario]]\nname = "greeting"\n'
        'steps = [{ connect = "none" }, { close = 1000 }]\n',
        encoding="utf-8",
    )
    for name in ("local", "staging", "production"):
        deployed = '[deployed]\nurl = "ws://127.0.0.1:1/ws"\n' if name == "staging" else ""
        (place / f"environments/{name}.toml").write_text(f'name = "{name}"\n{deployed}', encoding="utf-8")
    (place / "deploy").write_text('#!/bin/bash\necho "deploy $*" >> "$COMMANDS"\n', encoding="utf-8")
    (place / "deploy").chmod(0o755)
    made = Machine(place, outcome)
    made.git("init", "--quiet")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "A project")
    made.install()
    return made
