"""One audit: the source read here while an interpreter imports it there, and one report of both."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from envparity.audit import orders
from envparity.audit.effects import broken_imports, effects_of, not_installed, others_effects
from envparity.audit.exemptions import apply
from envparity.audit.finding import AuditFinding, AuditReport, Raised, by_place
from envparity.audit.imported import Imported, Survey
from envparity.audit.interpreter import Interpreter, PackageUnknown, Start, Tell, local_interpreter, open_interpreter
from envparity.audit.naming import check_names
from envparity.audit.rules import BY_CODE, RULES, STATIC
from envparity.audit.source import Package, read_package
from envparity.audit.static import (
    awaited,
    blocking,
    environment_branch,
    request_scoped,
    settings_reads,
    startup_failures,
    unawaited,
    unread_settings,
)
from envparity.audit.static.reading import Check, PackageReading
from envparity.audit.target import AuditTarget
from envparity.errors import ConfigurationError, Mistake
from envparity.support.toml.document import did_you_mean, shown_path

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
    "EP609": awaited.check_awaits,
    "EP610": awaited.check_tasks,
    "EP611": unread_settings.check,
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
    starved: tuple[str, ...] = ()


_NO_IMPORTS = _Imports([], {}, [], 0, 0, "")

Progress = Callable[[str, int, int], None]
"""Hears what is done, how much of it is, and of how much (0: nobody knows yet)."""


def audit(
    target: AuditTarget,
    *,
    start: Start | None = None,
    elsewhere: bool = False,
    only: Sequence[str] = (),
    examples: int = ORDERS,
    progress: Progress = lambda _what, _done, _of: None,
) -> AuditReport:
    """Audit that package with the interpreter that `start` starts (this very one, unless said).

    `elsewhere` says that this interpreter has its own copy of the package, and finds it itself. `only` are codes,
    `examples` how many random orders are drawn, and `progress` hears how far it has come. Raises `ConfigurationError`
    where there is no such package, module or name, `LaunchError` or `DeadlineExceeded` where the interpreter fails.
    """
    began = time.monotonic()
    wanted = _wanted(only)
    imports = bool(wanted - _STATIC)
    if start is None:
        start = partial(local_interpreter, sys.executable)
    root = str(target.root) if target.root is not None and not elsewhere else None
    progress("the source read", 0, 0)
    try:
        with open_interpreter(start, target.package, root, target.audit.request_scoped) as (whole, ready):
            survey = _part_of(target, whole)
            package = read_package(target.package, _local_files(target, whole))
            check_names(target, package)
            # While the interpreter imports, this one has nothing to do but to read.
            with ThreadPoolExecutor(1, thread_name_prefix="envparity-audit") as beside:
                reading = beside.submit(_static, target, package, wanted)
                if imports:
                    progress("third parties imported", 0, 0)
                seen = _import(ready(), target, survey, examples, progress) if imports else _NO_IMPORTS
                found = [raised for raised in reading.result() if target.holds(raised.module)]
    except PackageUnknown as error:
        raise ConfigurationError(
            [Mistake("audit", 0, target.package, "a package that the interpreter finds", "none of that name")]
        ) from error
    known = {(raised.module, raised.line) for raised in found if raised.code == "EP602"}
    # What the source shows to be made is made when it is imported: that is one finding.
    found += [
        raised
        for raised in seen.found
        if raised.code in wanted
        and target.holds(raised.module)
        and not (raised.code == "EP663" and (raised.module, raised.line) in known)
    ]
    sources = {name: module.source for name, module in package.modules.items() if target.holds(name)}
    remaining, exempted = apply(found, sources, wanted)
    files = _local_files(target, survey)
    return AuditReport(
        package=target.part or target.package,
        interpreter=seen.python,
        modules=len(survey.files),
        imports=seen.imports,
        orders=seen.orders,
        rules=len(wanted),
        findings=tuple(by_place([_finished(raised, files) for raised in remaining])),
        exempted=tuple((_finished(item, files), reason) for item, reason in exempted),
        apart=seen.apart,
        notes=tuple(seen.notes),
        starved=seen.starved,
        duration_s=round(time.monotonic() - began, 3),
    )


def _wanted(only: Sequence[str]) -> frozenset[str]:
    codes = [text.strip().upper() for given in only for text in given.split(",") if text.strip()]
    unknown = [code for code in codes if code not in BY_CODE]
    if unknown:
        known = f"{RULES[0].code} to {RULES[-1].code}"
        action = did_you_mean(unknown[0], BY_CODE) or "`envparity rules` lists them"
        raise ConfigurationError([Mistake("--only", 0, "CODE", f"a rule of the audit ({known})", unknown[0], action)])
    return frozenset(codes or BY_CODE)


def _part_of(target: AuditTarget, survey: Survey) -> Survey:
    """The survey of what is reported. Raises `ConfigurationError` where the interpreter has no such part."""
    found = msgspec.structs.replace(
        survey,
        files={name: path for name, path in survey.files.items() if target.holds(name)},
        modules=tuple(name for name in survey.modules if target.holds(name)),
        programs=tuple(name for name in survey.programs if target.holds(name)),
        unreadable=tuple(item for item in survey.unreadable if target.holds(str(item["module"]))),
        warned=tuple(item for item in survey.warned if target.holds(str(item["module"]))),
    )
    if target.part is not None and not found.files:
        raise ConfigurationError(
            [Mistake("audit", 0, target.part, f"a module or package below {target.package}", "none of that name")]
        )
    return found


def _local_files(target: AuditTarget, survey: Survey) -> dict[str, Path]:
    """The modules' files on this machine, wherever the interpreter runs."""
    files = {}
    for module, path in survey.files.items():
        local = Path(path)
        if target.root is not None:
            local = target.root / Path(path).relative_to(survey.root)
        files[module] = local
    return files


def _static(target: AuditTarget, package: Package, wanted: frozenset[str]) -> list[Raised]:
    said = target.audit
    reading = PackageReading(
        package,
        frozenset(said.request_scoped),
        frozenset(said.settings_modules),
        frozenset(said.startup_modules),
        said.environment_name,
        frozenset(said.settings_readers),
        frozenset(said.settings_tellers),
    )
    found = [raised for code, check in CHECKS.items() if code in wanted for raised in check(reading)]
    return list({(raised.code, raised.module, raised.line): raised for raised in reversed(found)}.values())


def _import(
    interpreter: Interpreter, target: AuditTarget, survey: Survey, examples: int, progress: Progress
) -> _Imports:
    def telling(what: str) -> Tell:
        return lambda done, of: progress(what, done, of)

    modules = list(survey.modules)
    runs = interpreter.run([[module] for module in modules], telling("modules imported"))
    missing = not_installed(target.package, runs)
    starved = {run.order[0]: run for run in runs if run.starved is not None}
    whole = [module for module in modules if module not in missing and module not in starved]
    tried, found = 0, effects_of(survey, runs)
    if whole:
        by_order, tried, cut = orders.search(interpreter, whole, runs, examples, telling("import orders tried"))
        broken = broken_imports(survey, target.package, runs, [*found, *by_order])
        found = [*found, *by_order, *broken]
        starved |= {f"an order of {len(run.order)} imports": run for run in cut}
    notes = [f"{name} was not audited: it needs {what}, which is not installed" for name, what in missing.items()]
    notes += [f"{name} was not imported: it is a program, and runs when it is" for name in survey.programs]
    notes += [_starving(name, run) for name, run in starved.items()]
    apart = others_effects(target.package, runs)
    return _Imports(found, apart, notes, len(runs), tried, interpreter.python, tuple(starved))


def _starving(name: str, run: Imported) -> str:
    at = "" if run.starved == name else f" at {run.starved}"
    return f"{name} was not judged: no end{at} in {run.starved_s:g} s, and no processor time either on this machine"


def _finished(raised: Raised, files: Mapping[str, Path]) -> AuditFinding:
    rule = BY_CODE[raised.code]
    path = shown_path(files[raised.module]) if raised.module in files else raised.module
    return AuditFinding(
        raised.code, rule.title, path, raised.line, raised.module, raised.got, raised.evidence, rule.action
    )
