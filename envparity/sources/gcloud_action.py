"""The action `google-github-actions/deploy-cloudrun`: what its inputs say of the service that it deploys."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from envparity.errors import ConfigurationError
from envparity.model.environment import DeploymentNote
from envparity.sources.building import Building
from envparity.sources.gcloud_flags import (
    flags_of,
    put_flag,
    put_secret,
    put_usual,
    put_variable,
    put_variables_file,
    root_of,
)
from envparity.sources.kubernetes import Kubernetes
from envparity.sources.kubernetes_objects import name_of
from envparity.sources.source import Said
from envparity.sources.yaml_nodes import Node, documents, wrong
from envparity.support.toml.bounds import bounded_text
from envparity.support.toml.document import shown_path

__all__ = ["WorkflowStep", "step_of", "with_variables"]

_ACTION: Final = "google-github-actions/deploy-cloudrun"
_OPENED: Final = "${{"
_OF_ENV: Final = re.compile(r"\$\{\{\s*env\.(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_PAIR: Final = re.compile(r"(?:\\.|[^\\,\n\r\u2028\u2029])+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_VARIABLES_OF_LINES: Final = re.compile(r"[^\n{\[].*=")
_AS_FLAGS: Final = frozenset({"image", "source", "timeout"})
_READ: Final = frozenset({*_AS_FLAGS, "service", "metadata", "env_vars", "env_vars_file", "secrets", "flags"})
_OF_THE_ACTION: Final = frozenset(
    {"credentials", "env_vars_update_strategy", "gcloud_component", "gcloud_version", "project_id"}
    | {"secrets_update_strategy", "skip_default_labels", "update_traffic_flags", "wait"}
)
"""Inputs that say how it deploys, and nothing of what it deploys."""


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """The text with the values of `${{ env.NAME }}` that the workflow itself says."""
    return _OF_ENV.sub(lambda found: variables.get(found["name"], found[0]), text)


def step_of(node: Node, variables: Mapping[str, str]) -> WorkflowStep | None:
    """The step that deploys a service by the action; None for any other. `variables` are those of `env` there."""
    uses, inputs = node.text_at("uses"), node.at("with")
    if uses is None or inputs is None or uses.partition("@")[0].lower() != _ACTION or inputs.at("job") is not None:
        return None
    said = {
        name.lower(): replace(at, value=with_variables(at.text or "", variables)) for name, at in inputs.table.items()
    }
    return WorkflowStep({name: at for name, at in said.items() if (at.text or "").strip()}, node.place)


@dataclass(frozen=True)
class WorkflowStep:
    """A step of a workflow: its inputs, none of them empty, and where it stands."""

    inputs: Mapping[str, Node]
    place: tuple[Path, int]

    @property
    def service(self) -> str:
        """The name of the service: as it says, or as the file does that describes it."""
        described = self._description()
        return (self._text("service") or (_name_in(described) if described else "")).rpartition("/")[2]

    def _description(self) -> Path | None:
        """The file of objects that describes the service; None where there is none."""
        named = self.inputs.get("metadata")
        return root_of(named.path) / self._text("metadata") if named is not None else None

    def _text(self, name: str) -> str:
        found = self.inputs.get(name)
        return (found.text or "").strip() if found is not None else ""

    def said(self) -> Said:
        """What it says of an environment. Raises `ConfigurationError` and `OSError`."""
        described = self._description()
        if described is not None:
            return self._described(described)
        made = Building()
        put_usual(made, self.place)
        for name, at in self.inputs.items():
            if name in _AS_FLAGS:
                put_flag(made, name, self._text(name), at.place, _OPENED)
        if "env_vars_file" in self.inputs:
            self._file(made, self.inputs["env_vars_file"])
        for variable, value, place in self._pairs("env_vars"):
            put_variable(made, variable, value, place, _OPENED)
        for variable, value, place in self._pairs("secrets"):
            put_secret(made, variable, value, place)
        for name, value, place in self._flags():
            put_flag(made, name, value, place, _OPENED)
        for name, at in self.inputs.items():
            if name not in _READ | _OF_THE_ACTION:
                made.not_taken(name.replace("_", "-"), self._text(name), at.place)
        return made.said()

    def _described(self, path: Path) -> Said:
        """The service as a file of objects describes it: that alone is deployed, whatever else is said."""
        named = self.inputs["metadata"]
        if not path.is_file():
            made = Building()
            put_usual(made, self.place)
            made.unknown(f"metadata {self._text('metadata')}", "not here", named.place)
            return made.said()
        said = Kubernetes().read(path, self._text("service"))
        left = [
            DeploymentNote(name.replace("_", "-"), "beside metadata, which alone is deployed", _shown(at), known=True)
            for name, at in self.inputs.items()
            if name not in {"metadata", "service", *_OF_THE_ACTION}
        ]
        return replace(said, notes=(*said.notes, *left))

    def _file(self, made: Building, named: Node) -> None:
        """Variables of a file of lines `NAME=value`, or of YAML and JSON."""
        path = root_of(named.path) / self._text("env_vars_file")
        content = bounded_text(path) if path.is_file() else ""
        if not _VARIABLES_OF_LINES.match(content):
            put_variables_file(made, self._text("env_vars_file"), named.place)
            return
        for variable, value, at in _pairs(content):
            put_variable(made, variable, value, (path, at), _OPENED)

    def _pairs(self, name: str) -> Iterator[tuple[str, str, tuple[Path, int]]]:
        node = self.inputs.get(name)
        if node is None or (node.text or "").strip() == "{}":
            return
        first = _first_line(node)
        for variable, value, at in _pairs(node.text or ""):
            yield variable, value, (node.path, first + at - 1)

    def _flags(self) -> Iterator[tuple[str, str, tuple[Path, int]]]:
        node = self.inputs.get("flags")
        if node is None:
            return
        for at, line in enumerate((node.text or "").split("\n"), start=_first_line(node)):
            try:
                words = shlex.split(line)
            except ValueError:
                raise wrong(node, "flags", "words as a shell has them", "a quotation mark that is not closed") from None
            yield from ((name, value, (node.path, at)) for name, value in flags_of(words) if name)


def _pairs(text: str) -> Iterator[tuple[str, str, int]]:
    """`NAME=value`, between commas or on lines of their own, each with its line; a backslash takes the next letter."""
    for found in _PAIR.finditer(text):
        name, given, value = found[0].partition("=")
        if given and not name.lstrip().startswith("#"):
            line = text.count("\n", 0, found.start()) + 1
            yield _ESCAPED.sub(r"\1", name).strip(), _ESCAPED.sub(r"\1", value).strip(), line


def _name_in(path: Path) -> str:
    """What the first object of a file is called; "" where there is none."""
    try:
        return next((name_of(each) for each in documents(path)), "") if path.is_file() else ""
    except (ConfigurationError, OSError):
        return ""


def _first_line(node: Node) -> int:
    """The line at which its text begins: a text of several lines stands below its key."""
    return node.line + ("\n" in (node.text or ""))


def _shown(node: Node) -> str:
    return f"{shown_path(node.path)}:{node.line}"
