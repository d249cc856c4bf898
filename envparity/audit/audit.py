"""One audit: the source read here while an interpreter imports it there, and one report of both."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from envparity.audit import orders
from envparity.audit.effects import broken_imports, effects_of, not_installed, others_effects
from envparity.audit.exemptions import apply
from envparity.audit.finding import AuditFinding, AuditReport, Raised, by_place
from envparity.audit.interpreter import Interpreter, Start, Survey, Unknown, local_interpreter, open_interpreter
from envparity.audit.rules import BY_CODE, RULES, STATIC
from envparity.audit.source import Package, read_package
from envparity.audit.static import (
    blocking,
    environment_branch,
    request_scoped,
    settings_reads,
    startup_failures,
    unawaited,
)
from envparity.audit.static.reading import Check, Reading
from envparity.audit.target import Target
from envparity.document import did_you_mean, shown_path
from envparity.errors import ConfigurationError, Mistake

__all__ = ["ORDERS", "audit"]

ORDERS = 6

CHECKS: Mapping[str, Check] = {
    "EP601": environment_branch.check_branches,
    "EP602": request_scoped.check,
    "EP603": blocking.check,
    "EP604": unawaited.check,
    "EP605": startup_failures.check,
    "EP606": settings_reads.check,
    "EP607": environment_branch.check_default,
}
_STATIC = frozenset(rule.code for rule in STATIC)


@dataclass
class _Imports:
    """What the importing half of an audit has found."""

    found: list[Raised]
    apart: dict[str, int]
    notes: list[str]
    imports: int
    orders: int
    python: str


def audit(
    target: Target,
    *,
    start: Start | None = None,
    elsewhere: bool = False,
    only: Sequence[str] = (),
    examples: int = ORDERS,
) -> AuditReport:
    """Audit that package with the interpreter that `start` starts (this very one, unless said).

    `elsewhere` says that this interpreter has its own copy of the package, and finds it itself. `only` are codes,
    `examples` how many random orders are drawn. Raises `ConfigurationError` where there is no such
    package or module, `LaunchError` or `DeadlineExceeded` where the interpreter fails.
    """
    began = time.monotonic()
    wanted = _wanted(only)
    imports = bool(wanted - _STATIC)
    if start is None:
        start = partial(local_interpreter, sys.executable)
    root = str(target.root) if target.root is not None and not elsewhere else None
    try:
        with open_interpreter(start, target.package, root, target.audit.request_scoped) as (survey, ready):
            package = read_package(target.package, _local_files(target, survey))
            _check_names(target, package)
            found = list(_static(target, package, wanted))
            seen = _import(ready(), target, survey, examples) if imports else _Imports([], {}, [], 0, 0, "")
    except Unknown as error:
        raise ConfigurationError(
            [Mistake("audit", 0, target.package, "a package that the interpreter finds", "none of that name")]
        ) from error
    known = {(one.module, one.line) for one in found if one.code == "EP602"}
    # What the source shows to be made is made when it is imported: that is one finding.
    found += [
        one
        for one in seen.found
        if one.code in wanted and not (one.code == "EP663" and (one.module, one.line) in known)
    ]
    sources = {name: module.source for name, module in package.modules.items()}
    remaining, exempted = apply(found, sources, wanted)
    files = _local_files(target, survey)
    return AuditReport(
        package=target.package,
        interpreter=seen.python,
        modules=len(survey.files),
        imports=seen.imports,
        orders=seen.orders,
        rules=len(wanted),
        findings=tuple(by_place([_finished(one, files) for one in remaining])),
        exempted=tuple((_finished(one, files), reason) for one, reason in exempted),
        apart=seen.apart,
        notes=tuple(seen.notes),
        duration_s=round(time.monotonic() - began, 3),
    )


def _wanted(only: Sequence[str]) -> frozenset[str]:
    codes = [one.strip().upper() for given in only for one in given.split(",") if one.strip()]
    unknown = [code for code in codes if code not in BY_CODE]
    if unknown:
        known = f"{RULES[0].code} to {RULES[-1].code}"
        action = did_you_mean(unknown[0], BY_CODE) or "`envparity rules` lists them"
        raise ConfigurationError([Mistake("--only", 0, "CODE", f"a rule of the audit ({known})", unknown[0], action)])
    return frozenset(codes or BY_CODE)


def _local_files(target: Target, survey: Survey) -> dict[str, Path]:
    """The modules' files on this machine, wherever the interpreter runs."""
    files = {}
    for module, path in survey.files.items():
        local = Path(path)
        if target.root is not None:
            local = target.root / Path(path).relative_to(survey.root)
        files[module] = local
    return files


def _check_names(target: Target, package: Package) -> None:
    """That the backend file names modules which are there; all mistakes at once."""
    said = target.audit
    known = {*package.modules, *package.broken}
    source = shown_path(target.backend.file) if target.backend is not None else "audit"
    mistakes = [
        Mistake(source, 0, f"audit.{key}", f"a module of {package.name}", name, did_you_mean(name, known))
        for key, names in (("settings_modules", said.settings_modules), ("startup_modules", said.startup_modules))
        for name in names
        if name not in known
    ]
    classes = {one.dotted for module in package.modules.values() for one in module.classes.values()}
    bare = {name.rpartition(".")[2] for name in classes}
    mistakes += [
        Mistake(
            source, 0, "audit.request_scoped", f"a class of {package.name}", name, did_you_mean(name, classes | bare)
        )
        for name in said.request_scoped
        if name not in classes | bare and not package.broken
    ]
    if mistakes:
        raise ConfigurationError(mistakes)


def _static(target: Target, package: Package, wanted: frozenset[str]) -> list[Raised]:
    said = target.audit
    reading = Reading(
        package,
        frozenset(said.request_scoped),
        frozenset(said.settings_modules),
        frozenset(said.startup_modules),
        said.environment_name,
    )
    found = [one for code, check in CHECKS.items() if code in wanted for one in check(reading)]
    return list({(one.code, one.module, one.line): one for one in reversed(found)}.values())


def _import(interpreter: Interpreter, target: Target, survey: Survey, examples: int) -> _Imports:
    modules = list(survey.modules)
    runs = interpreter.run([[module] for module in modules])
    missing = not_installed(target.package, runs)
    whole = [module for module in modules if module not in missing]
    tried, found = 0, effects_of(survey, runs)
    if whole:
        by_order, tried = orders.search(interpreter, whole, runs, examples)
        broken = broken_imports(survey, target.package, runs, [*found, *by_order])
        found = [*found, *by_order, *broken]
    notes = [f"{name} was not audited: it needs {what}, which is not installed" for name, what in missing.items()]
    notes += [f"{name} was not imported: it is a program, and runs when it is" for name in survey.programs]
    return _Imports(found, others_effects(target.package, runs), notes, len(runs), tried, interpreter.python)


def _finished(one: Raised, files: Mapping[str, Path]) -> AuditFinding:
    rule = BY_CODE[one.code]
    path = shown_path(files[one.module]) if one.module in files else one.module
    return AuditFinding(one.code, rule.title, path, one.line, one.module, one.got, one.evidence, rule.action)
