"""`gcloud run deploy` in the workflows of GitHub Actions and in Cloud Build, and the action that runs it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from envparity.sources.building import Building
from envparity.sources.gcloud_action import step_of, with_variables
from envparity.sources.gcloud_flags import flags_of, put_flag, put_usual
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, documents, wrong

__all__ = ["SOURCE", "Gcloud", "deployed_services"]

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_EXPECTED: Final = "gcloud run deploy"


class _Deploy(Protocol):
    """What deploys a service of Cloud Run: its name, and what it is told."""

    @property
    def service(self) -> str: ...

    def said(self) -> Said:
        """What it says of an environment. Raises `ConfigurationError` and `OSError`."""


@dataclass(frozen=True)
class _Command:
    """One command: the name of the service, its flags with their values in their order, and where it stands."""

    service: str
    flags: list[tuple[str, str]]
    place: tuple[Path, int]

    def said(self) -> Said:
        made = Building()
        put_usual(made, self.place)
        for name, value in self.flags:
            put_flag(made, name, value, self.place)
        return made.said()


class Gcloud(Source):
    """`.github/workflows/deploy.yml#api`: what deploys the service `api`; left out: the only one."""

    def reads(self, path: Path) -> bool:
        is_yaml = path.suffix.lower() in {".yaml", ".yml"}
        return is_yaml and (path.parent.name == "workflows" or path.name.lower().startswith("cloudbuild"))

    def read(self, path: Path, part: str) -> Said:
        found = _in_file(path)
        chosen = [deploy for deploy in found if not part or deploy.service == part]
        if len(chosen) != 1:
            known = ", ".join(deploy.service for deploy in found) or "none"
            got = f"{len(chosen)} that are meant"
            raise wrong(Node({}, path, 0), _EXPECTED, f"#SERVICE, one of {known}", got)
        return chosen[0].said()


def deployed_services(path: Path) -> tuple[str, ...]:
    """The names of the services that a workflow deploys. Raises `ConfigurationError` and `OSError`."""
    return tuple(deploy.service for deploy in _in_file(path))


def _in_file(path: Path) -> list[_Deploy]:
    return [deploy for whole in documents(path) for deploy in _deploys(whole, {})]


def _deploys(node: Node, variables: Mapping[str, str]) -> Iterator[_Deploy]:
    """Those of every step of the action, of every script, and of every list of arguments, wherever in the file.

    `variables` are those of `env` around it.
    """
    variables = {**variables, **_variables_of(node)}
    step = step_of(node, variables)
    if step is not None:
        yield step
    for key, at in node.table.items():
        if key in {"run", "script"} and at.text is not None:
            yield from _in_script(at, variables)
        elif key == "args" and isinstance(at.value, list):
            words = [item.text or "" for item in at.items]
            yield from _command(["gcloud", *words] if words[:2] == ["run", "deploy"] else words, at.place)
        else:
            yield from _deploys(at, variables)
    for item in node.value if isinstance(node.value, list) else []:
        yield from _deploys(item, variables)


def _variables_of(node: Node) -> dict[str, str]:
    said = node.at("env")
    return {name: at.text for name, at in said.table.items() if at.text is not None} if said is not None else {}


def _in_script(script: Node, variables: Mapping[str, str]) -> Iterator[_Deploy]:
    text = script.text or ""
    first = script.line + ("\n" in text.rstrip("\n") or text.endswith("\n"))
    text = with_variables(text, variables)
    text = _EXPRESSION.sub(lambda found: "$" + re.sub(r"\W+", "_", found[0]).strip("_"), text)
    lines, begun, number = [""], [first], first
    for line in text.split("\n"):
        if line.endswith("\\"):
            lines[-1] += line[:-1] + " "
        else:
            lines[-1] += line
            lines.append("")
            begun.append(number + 1)
        number += 1
    for line, at in zip(lines, begun, strict=True):
        for command in re.split(r"&&|\|\||;", line):
            try:
                words = shlex.split(command, comments=True)
            except ValueError:
                continue
            yield from _command(words, (script.path, at))


def _command(words: list[str], place: tuple[Path, int]) -> Iterator[_Deploy]:
    words = words[words.index("gcloud") :] if "gcloud" in words else []
    words = [word for word in words if word not in {"alpha", "beta"}]
    if words[1:3] != ["run", "deploy"]:
        return
    told = list(flags_of(words[3:]))
    service = next((value for name, value in told if not name), "")
    yield _Command(service, [(name, value) for name, value in told if name], place)


SOURCE = Gcloud()
