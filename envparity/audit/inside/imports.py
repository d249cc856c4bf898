"""Importing modules in some order in this process, and saying what came of it."""

from __future__ import annotations

import gc
import importlib
import sys
import zlib
from collections.abc import Iterator

from ..guard import Watch
from .survey import PackageSurvey
from .watch import OPTIMIZED, Effects

Line = dict[str, object]


def import_in_order(survey: PackageSurvey, watch: Watch, order: list[str]) -> Iterator[Line]:
    """Import them one after the other. Yields {"begin"} and {"outcome"} lines for each, and at the end {"effects"}."""
    effects = Effects({path: module for module, path in survey.files.items()})
    watch.open()
    effects.start()
    for name in order:
        yield {"begin": name}
        yield {"outcome": name, **_outcome(effects, name)}
    gc.collect()  # a coroutine that nobody awaited warns when it is collected
    effects.stop()
    contents = {name: _contents(survey, name) for name in order if name in sys.modules}
    made = [{key: table[key] for key in ("type", "module", "line", "chain")} for table in watch.made]
    yield {"effects": effects.seen, "apart": effects.apart, "made": made, "contents": contents}


def _outcome(effects: Effects, name: str) -> Line:
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001  an import may raise what it likes, SystemExit too: that is its outcome
        return {"error": f"{type(error).__name__}: {str(error)[:300]}", **_raised(effects, error)}
    return {"error": None}


def _raised(effects: Effects, error: BaseException) -> Line:
    chain = []
    trace = error.__traceback__
    while trace is not None:
        module = effects.own.get(trace.tb_frame.f_code.co_filename)
        if module is not None:
            code = trace.tb_frame.f_code
            at_import = not code.co_flags & OPTIMIZED
            chain.append({"module": module, "line": trace.tb_lineno, "function": code.co_name, "at_import": at_import})
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename in effects.own:
        chain.append({"module": effects.own[error.filename], "line": error.lineno or 1, "function": "<module>"})
    refused, missing = False, None
    raised: BaseException | None = error
    while raised is not None:
        refused = refused or getattr(raised, "envparity_refused", False)
        if isinstance(raised, ModuleNotFoundError) and isinstance(error, ImportError):
            missing = raised.name
        raised = raised.__cause__ or raised.__context__
    return {"chain": chain, "refused": refused, "missing": missing}


def _contents(survey: PackageSurvey, name: str) -> int:
    """A checksum of the names that a module's own top level defines, and of their values' types.

    Submodules come and go with what else was imported, and so do names that a lazy `__getattr__` keeps: both are left
    out.
    """
    namespace = vars(sys.modules[name])
    held = []
    for key in sorted(survey.names_at_top(name)):
        value = namespace.get(key, survey)
        if value is survey:
            held.append(f"{key}: absent")
        elif not key.startswith("__") and not _is_own_module(survey, value):
            held.append(f"{key}: {type(value).__name__}")
    return zlib.crc32("\n".join(held).encode())


def _is_own_module(survey: PackageSurvey, value: object) -> bool:
    return isinstance(value, type(sys)) and survey.own(value.__name__)
