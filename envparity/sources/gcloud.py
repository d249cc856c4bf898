"""`gcloud run deploy` in the workflows of GitHub Actions and in Cloud Build: what its flags say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envparity.sources.building import Building
from envparity.sources.images import put_built, put_image_name, put_words
from envparity.sources.quantities import cores, mebibytes, seconds
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, documents, wrong

__all__ = ["SOURCE", "Gcloud"]

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_SWITCHES: Final = frozenset({"allow-unauthenticated", "quiet", "session-affinity", "cpu-boost", "no-traffic"})
_GRACE_S, _PORT, _LIFETIME_S = 10.0, 8080, 300.0


@dataclass(frozen=True)
class _Deploy:
    """One command: the name of the service, its flags with their values in their order, and where it stands."""

    service: str
    flags: list[tuple[str, str]]
    place: tuple[Path, int]


class Gcloud(Source):
    """`.github/workflows/deploy.yml#api`: the command that deploys the service `api`; left out: the only one."""

    def reads(self, path: Path) -> bool:
        is_yaml = path.suffix.lower() in {".yaml", ".yml"}
        return is_yaml and (path.parent.name == "workflows" or path.name.lower().startswith("cloudbuild"))

    def read(self, path: Path, part: str) -> Said:
        found = [deploy for whole in documents(path) for deploy in _deploys(whole)]
        chosen = [each_deploy for each_deploy in found if not part or each_deploy.service == part]
        if len(chosen) != 1:
            known = ", ".join(each_deploy.service for each_deploy in found) or "none"
            got = f"{len(chosen)} that are meant"
            raise wrong(Node({}, path, 0), "gcloud run deploy", f"#SERVICE, one of {known}", got)
        return _said(chosen[0])


def _deploys(node: Node) -> Iterator[_Deploy]:
    """Those of every script, and of every list of arguments, wherever in the file."""
    for key, at in node.table.items():
        if key in {"run", "script"} and at.text is not None:
            yield from _in_script(at)
        elif key == "args" and isinstance(at.value, list):
            words = [item.text or "" for item in at.items]
            yield from _command(["gcloud", *words] if words[:2] == ["run", "deploy"] else words, at.place)
        else:
            yield from _deploys(at)
    for item in node.value if isinstance(node.value, list) else []:
        yield from _deploys(item)


def _in_script(script: Node) -> Iterator[_Deploy]:
    text = script.text or ""
    first = script.line + ("\n" in text.rstrip("\n") or text.endswith("\n"))
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
    service, flags, rest = "", list[tuple[str, str]](), words[3:]
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            service = service or word
            continue
        name, given, value = word[2:].partition("=")
        if not given and name not in _SWITCHES and rest and not rest[0].startswith("--"):
            value = rest.pop(0)
        flags.append((name, value))
    yield _Deploy(service, flags, place)


def _said(deploy: _Deploy) -> Said:
    made, place = Building(), deploy.place
    made.put(("ingress", "kind"), "nginx", place)
    made.put(("ingress", "preset"), "cloud-run", place)
    made.put(("ingress", "tls"), value=True, place=place)
    made.put(("ingress", "max_lifetime_s"), _LIFETIME_S, place)
    made.put(("platform", "port"), _PORT, place)
    made.put(("platform", "stop_grace_s"), _GRACE_S, place)
    made.unknown("ingress host", "the name that Cloud Run gives, or that is mapped to it", place)
    for name, value in deploy.flags:
        if "$" in value and name not in {"set-env-vars", "update-env-vars"}:
            made.unknown(name, f"made of {value}, of who deploys", place)
        else:
            _flag(made, name, value, place)
    return made.said()


def _flag(made: Building, name: str, value: str, place: tuple[Path, int]) -> None:
    if name in _AMOUNTS:
        key, read = _AMOUNTS[name]
        amount = read(value)
        if amount is None:
            raise wrong(Node(value, *place), f"--{name}", "an amount", repr(value))
        made.put(key, amount, place)
    elif name in {"set-env-vars", "update-env-vars"}:
        _variables(made, value, place)
    elif name in {"set-secrets", "update-secrets"}:
        for variable, text in _pairs(value):
            kind = "files" if variable.startswith("/") else "settings"
            made.unknown(f"{kind}.{variable}", f"the secret {text.partition(':')[0]}", place)
    elif name == "env-vars-file":
        _file(made, value, place)
    elif name == "image":
        put_image_name(made, value, place)
    elif name == "source":
        put_built(made, _root(place[0]), place, context=value or ".", dockerfile="Dockerfile", target=None)
    elif name in {"command", "args"}:
        put_words(made, "entrypoint" if name == "command" else "arguments", value.split(","), place)
    elif name == "session-affinity":
        made.put(("ingress", "affinity"), "cookie", place)
    else:
        made.not_taken(name, value or "yes", place)


def _variables(made: Building, value: str, place: tuple[Path, int]) -> None:
    for variable, text in _pairs(value):
        if "$" in text:
            made.unknown(f"settings.{variable}", f"made of {text}, of who deploys", place)
        else:
            made.setting(variable, text, place)


def _file(made: Building, value: str, place: tuple[Path, int]) -> None:
    """The variables of a file of them, each where it stands there."""
    path = _root(place[0]) / value
    if not path.is_file():
        made.unknown(f"env-vars-file {value}", "not here", place)
        return
    for whole in documents(path):
        for variable, at in whole.table.items():
            made.setting(variable, at.text or "", at.place)


def _root(path: Path) -> Path:
    """The folder in which the commands of that file are run: that of the repository."""
    return path.parents[2] if path.parent.name == "workflows" and len(path.parents) > 2 else path.parent


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`A=1,B=2`; with `^;^` before it another letter stands between them."""
    other = re.match(r"\^([^^]+)\^", text)
    between, text = (other[1], text[other.end() :]) if other is not None else (",", text)
    for pair in text.split(between):
        name, given, value = pair.strip().partition("=")
        if given:
            yield name, value


_AMOUNTS: Final[Mapping[str, tuple[tuple[str, str], Callable[[str], float | None]]]] = {
    "memory": (("platform", "memory_mib"), lambda text: mebibytes(text, decimal=True)),
    "cpu": (("platform", "cpus"), cores),
    "timeout": (("ingress", "max_lifetime_s"), seconds),
    "port": (("platform", "port"), _whole),
    "min-instances": (("platform", "replicas"), _whole),
}
"""Flags that are amounts: what each is in an environment's file, and how it is read."""

SOURCE = Gcloud()
