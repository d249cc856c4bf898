"""What `gcloud run deploy` is told of a service of Cloud Run, flag by flag, and what holds where it says nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from envparity.sources.building import Building
from envparity.sources.images import put_built, put_image_name, put_words
from envparity.sources.quantities import cores, mebibytes, seconds
from envparity.sources.yaml_nodes import Node, documents, wrong

__all__ = ["flags_of", "put_flag", "put_secret", "put_usual", "put_variable", "put_variables_file", "root_of"]

_SWITCHES: Final = frozenset({"allow-unauthenticated", "quiet", "session-affinity", "cpu-boost", "no-traffic"})
_GRACE_S, _PORT, _LIFETIME_S = 10.0, 8080, 300.0


def flags_of(words: list[str]) -> Iterator[tuple[str, str]]:
    """The flags among the words of a command, each with its value; what stands before them has no name."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            yield "", word
            continue
        name, given, value = word[2:].partition("=")
        if not given and name not in _SWITCHES and rest and not rest[0].startswith("--"):
            value = rest.pop(0)
        yield name, value


def put_usual(made: Building, place: tuple[Path, int]) -> None:
    """What Cloud Run has of a service that is told nothing of it, and what only it knows."""
    made.put(("ingress", "kind"), "nginx", place)
    made.put(("ingress", "preset"), "cloud-run", place)
    made.put(("ingress", "tls"), value=True, place=place)
    made.put(("ingress", "max_lifetime_s"), _LIFETIME_S, place)
    made.put(("platform", "port"), _PORT, place)
    made.put(("platform", "stop_grace_s"), _GRACE_S, place)
    made.unknown("ingress host", "the name that Cloud Run gives, or that is mapped to it", place)


def put_flag(made: Building, name: str, value: str, place: tuple[Path, int], opened: str = "$") -> None:
    """The value of a flag, where it says something of an environment; else that it is there. What is `opened` in it is
    filled in by who deploys.
    """
    if name in {"set-env-vars", "update-env-vars"}:
        for variable, text in _pairs(value):
            put_variable(made, variable, text, place, opened)
    elif opened in value:
        made.unknown(name, f"made of {value}, of who deploys", place)
    elif name in _AMOUNTS:
        key, read = _AMOUNTS[name]
        amount = read(value)
        if amount is None:
            raise wrong(Node(value, *place), f"--{name}", "an amount", repr(value))
        made.put(key, amount, place)
    elif name in _OTHERS:
        _OTHERS[name](made, value, place)
    else:
        made.not_taken(name, value or "yes", place)


def put_variable(made: Building, name: str, value: str, place: tuple[Path, int], opened: str = "$") -> None:
    """A setting; where who deploys makes it of something, that it is there."""
    if opened in value:
        made.unknown(f"settings.{name}", f"made of {value}, of who deploys", place)
    else:
        made.setting(name, value, place)


def put_secret(made: Building, variable: str, text: str, place: tuple[Path, int]) -> None:
    """A setting, or a file, whose value a secret has: the name of that, without its version."""
    kind = "files" if variable.startswith("/") else "settings"
    made.unknown(f"{kind}.{variable}", f"the secret {text.partition(':')[0]}", place)


def put_variables_file(made: Building, value: str, place: tuple[Path, int]) -> None:
    """The variables of a file of them, each where it stands there."""
    path = root_of(place[0]) / value
    if not path.is_file():
        made.unknown(f"env-vars-file {value}", "not here", place)
        return
    for whole in documents(path):
        for variable, at in whole.table.items():
            made.setting(variable, at.text or "", at.place)


def root_of(path: Path) -> Path:
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


def _secrets(made: Building, value: str, place: tuple[Path, int]) -> None:
    for variable, text in _pairs(value):
        put_secret(made, variable, text, place)


def _source(made: Building, value: str, place: tuple[Path, int]) -> None:
    put_built(made, root_of(place[0]), place, context=value or ".", dockerfile="Dockerfile", target=None)


_OTHERS: Final[Mapping[str, Callable[[Building, str, tuple[Path, int]], None]]] = {
    "set-secrets": _secrets,
    "update-secrets": _secrets,
    "env-vars-file": put_variables_file,
    "image": put_image_name,
    "source": _source,
    "command": lambda made, value, place: put_words(made, "entrypoint", value.split(","), place),
    "args": lambda made, value, place: put_words(made, "arguments", value.split(","), place),
    "session-affinity": lambda made, _, place: made.put(("ingress", "affinity"), "cookie", place),
}
"""Flags that say something else: what is done with the value of each."""
