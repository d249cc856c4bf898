"""`envparity diff`: what two environments' files make different, without booting anything."""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from envparity.backend import Backend
from envparity.cli.options import backend_option, environments_option, one_message
from envparity.environment import Dependency, Environment, FromSource, SecretOf
from envparity.errors import ConfigurationError, Mistake
from envparity.judge.compare import covers
from envparity.launch.secrets import redact
from envparity.report.layout import printable
from envparity.report.terminal import verdict_width, wants_live
from envparity.report.verdict import counted
from envparity.session import engine
from envparity.session.inputs import Inputs
from envparity.subject import Subject

__all__ = ["Section", "diff_command", "sections"]

_SECRETIVE = re.compile(r"(?:^|_)(SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIALS?|PRIVATE|API_?KEY|SIGNING_?KEY)(?:_|$)")
_WIDEST = 140


class Row(NamedTuple):
    """One thing that differs: what it is called, how it is here, how it is there, and who says that it may."""

    name: str
    here: str
    there: str
    why: str = ""


@dataclass(frozen=True)
class Section:
    """The rows of one kind, and how many of that kind are the same."""

    title: str
    rows: tuple[Row, ...]
    same: int = 0


@click.command("diff", short_help="Say how two environments differ; boot nothing.")
@click.argument("here", metavar="ENVIRONMENT")
@click.argument("there", metavar="ENVIRONMENT")
@backend_option
@environments_option
def diff_command(here: str, there: str, backend: Path | None, environments: Path | None) -> None:
    """Say how two environments differ by their files: settings, platform, ingress, dependencies. Boots nothing.

    Beside every setting that differs stands the reason that a [[differences]] table gives for it, or that none does: a
    run would report that one. A secret is only called a secret.
    """
    with one_message():
        if here == there:
            got = f"{here} twice"
            raise ConfigurationError([Mistake("diff", 0, "ENVIRONMENT", "two environments", got, "name another")])
        subject = engine.load(Inputs.find(backend=backend, environments=environments, names=(here, there)))
        found = sections(subject)
    width = min(verdict_width() if wants_live(sys.stdout) else _WIDEST, _WIDEST)
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False, soft_wrap=False)
    for section in found:
        _print(console, section, (here, there))


def sections(subject: Subject) -> tuple[Section, ...]:
    """How the two environments of a subject differ, kind by kind."""
    here, there = subject.environments.values()
    return (
        _settings(subject.backend, here, there),
        _fields("platform", here.platform, there.platform),
        _fields("ingress", here.ingress, there.ingress),
        *_dependencies(here, there),
        _order(here, there),
        _declared(here, there),
    )


def _settings(backend: Backend, here: Environment, there: Environment) -> Section:
    salt = secrets.token_bytes(16)
    sides = [_shown_settings(backend, one, salt) for one in (here, there)]
    names = sorted({name for side in sides for name in side})
    rows = []
    for name in names:
        one, other = (side.get(name, "not set") for side in sides)
        if one != other:
            rows.append(Row(name, one, other, _reason(backend, name, (here, there))))
    return Section("settings", tuple(rows), len(names) - len(rows))


def _shown_settings(backend: Backend, environment: Environment, salt: bytes) -> dict[str, str]:
    """Every setting by name as it may be shown: its value, where it comes from, or that it is a secret."""
    shown: dict[str, str] = {name: _literal(name, value, salt) for name, value in backend.settings.items()}
    for name, setting in environment.settings.items():
        if isinstance(setting, SecretOf):
            shown[name] = f"secret, made for every run ({setting.secret} bytes)"
        elif isinstance(setting, FromSource):
            shown[name] = f"from {setting.source}"
        else:
            shown[name] = _literal(name, setting, salt)
    return shown | {environment.platform.port_setting: str(environment.platform.port)}


def _literal(name: str, value: str, salt: bytes) -> str:
    """A value as it stands in the file; of what is a secret by its name a salted fingerprint, which tells two apart."""
    if _SECRETIVE.search(name.upper()):
        return f"secret {hashlib.sha256(salt + value.encode()).hexdigest()[:8]}"
    return redact(value, ()) or "(empty)"


def _reason(backend: Backend, name: str, environments: Iterable[Environment]) -> str:
    """What a run would make of it: the declared reason, or that there is none, or that nobody compares it."""
    environments = tuple(environments)
    made = [one.settings.get(name) for one in environments]
    if all(isinstance(one, SecretOf) for one in made):
        return "made anew for every run: not compared"
    if any(one.platform.port_setting == name for one in environments):
        return "the platform's: not compared"
    paths = [
        f"{root}.{name}.{leaf}"
        for root in ("fingerprints", f"report.{backend.report.settings}")
        for leaf in ("value", "source")
    ]
    for environment in environments:
        for declared in environment.differences:
            if any(covers(declared, path) for path in paths):
                return declared.reason
    return "not declared"


def _fields(title: str, here: msgspec.Struct, there: msgspec.Struct) -> Section:
    one, other = (msgspec.to_builtins(side) for side in (here, there))
    rows = [Row(key, _value(one[key]), _value(other[key])) for key in one if one[key] != other[key]]
    return Section(title, tuple(rows), len(one) - len(rows))


def _dependencies(here: Environment, there: Environment) -> Iterator[Section]:
    for name in dict.fromkeys([*here.dependencies, *there.dependencies]):
        one, other = here.dependencies.get(name), there.dependencies.get(name)
        if one is not None and other is not None:
            yield _fields(name, one, other)
        else:
            yield Section(name, (Row("kind", _kind(one), _kind(other)),))


def _kind(dependency: Dependency | None) -> str:
    return "none" if dependency is None else dependency.kind


def _order(here: Environment, there: Environment) -> Section:
    words = ["dependencies" if one.dependencies_first else "nobody in particular" for one in (here, there)]
    same = words[0] == words[1]
    return Section("who starts first", () if same else (Row("first", *words),), int(same))


def _declared(here: Environment, there: Environment) -> Section:
    by_path: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for place, environment in enumerate((here, there)):
        for one in environment.differences:
            by_path.setdefault(one.path, ["", ""])[place] = "declared" + (
                f" until {one.expires}" if one.expires else ""
            )
            reasons.setdefault(one.path, one.reason)
    rows = tuple(Row(path, one, other, reasons[path]) for path, (one, other) in by_path.items())
    return Section("declared differences", rows)


def _value(value: Any) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _print(console: Console, section: Section, names: tuple[str, str]) -> None:
    extent = f"{len(section.rows)} differ, {section.same} the same" if section.rows else "the same"
    if section.title == "declared differences":
        extent = counted(len(section.rows), "path") if section.rows else "none"
    console.print(Text(f"{section.title}: {extent}", "bold"))
    if not section.rows:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("  ", overflow="fold")
    for name in names:
        table.add_column(printable(name), overflow="fold", ratio=2)
    why = any(row.why for row in section.rows)
    if why:
        table.add_column("because", overflow="fold", ratio=3)
    for row in section.rows:
        cells: Mapping[str, str] = {"name": f"  {row.name}", "here": row.here, "there": row.there}
        texts = [Text(printable(one)) for one in cells.values()]
        if why:
            texts.append(Text(printable(row.why), "red" if row.why == "not declared" else ""))
        table.add_row(*texts)
    console.print(table)
