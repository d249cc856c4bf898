"""From a startup report as served, or from a log, to one `StartupReport`. Pure: no I/O, no opinion.

What cannot be read does not raise: it becomes a line of `StartupReport.problems`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from envparity.model.backend import ReportMapping
from envparity.observe.record import LOGGED, CheckResult, StartupFailure, StartupReport, StartupStep
from envparity.observe.report_formats import in_our_shape
from envparity.support.patterns import LONGEST_S, Pattern

__all__ = ["read_log", "read_report"]

_MISSING = object()
_LARGEST = 1e15


def read_report(served: object, mapping: ReportMapping, *, http_status: int | None = None) -> StartupReport:
    """The report in a decoded body. `http_status` is the code it was served with, None where that is not known.

    Never raises. A body that is no JSON object, or has no status, gives status "unreadable" and says why.
    """
    if mapping.format is not None:
        served, mapping = in_our_shape(served, mapping.format), ReportMapping()
    if not isinstance(served, dict):
        problem = f"the startup report is no JSON object but {_shown(served)}"
        return StartupReport("unreadable", problems=(problem,), http_status=http_status)
    reading = _Reading(served, mapping)
    return StartupReport(
        status=reading.status(),
        order=reading.order(),
        steps=tuple(reading.steps()),
        checks=tuple(reading.checks()),
        failures=tuple(reading.failures()),
        document=served,
        problems=tuple(reading.problems),
        http_status=http_status,
    )


def read_log(lines: Sequence[str], mapping: ReportMapping, *, listening: bool = False) -> StartupReport | None:
    """What a log says of the startup, by `log_passed` and `log_failed`; None where the mapping has neither.

    Without `log_passed`, `listening` decides: a port that listens, and no failure in the log, is a startup that passed.

    A failure anywhere is a failure, whatever follows: logging it and going on does not make it pass. The groups
    component, code and description of `log_failed` fill in the failure; without them the whole line describes it.
    """
    if mapping.log_passed is None and mapping.log_failed is None:
        return None
    looked_for = {
        key: Pattern(word) for key in ("log_passed", "log_failed") if (word := getattr(mapping, key)) is not None
    }
    failures = tuple(_logged_failures(lines, looked_for.get("log_failed")))
    word = looked_for.get("log_passed")
    passed = listening if word is None else any(word.search(line) for line in lines)
    status: Literal["pass", "fail", "starting"] = "fail" if failures else "pass" if passed else "starting"
    named = [
        {"component": failure.component, "code": failure.code, "description": failure.description}
        for failure in failures
    ]
    problems = tuple(
        f"{key} takes more than {LONGEST_S:g} s of the processor on this log: what follows was not searched"
        for key, pattern in looked_for.items()
        if pattern.spent
    )
    return StartupReport(status, failures=failures, document={"status": status, "failures": named}, problems=problems)


def _logged_failures(lines: Sequence[str], pattern: Pattern[str] | None) -> Iterator[StartupFailure]:
    seen = set()
    for line in lines if pattern is not None else ():
        match = None if pattern is None else pattern.search(line)
        if match is None:
            continue
        groups = {name: value.strip() for name, value in match.groupdict().items() if value}
        failure = StartupFailure(
            code=groups.get("code", LOGGED),
            component=groups.get("component", "startup"),
            description=groups.get("description", line.strip()),
        )
        if failure not in seen:
            seen.add(failure)
            yield failure


class _Reading:
    """One document being read; notes what is wrong with it in `problems`."""

    def __init__(self, document: Mapping[str, object], mapping: ReportMapping) -> None:
        self.document, self.mapping = document, mapping
        self.problems: list[str] = []

    def status(self) -> Literal["pass", "fail", "starting", "unreadable"]:
        value = _at(self.document, self.mapping.status)
        if isinstance(value, bool):
            return "pass" if value else "fail"
        if not isinstance(value, str) or not value:
            found = "nothing" if value is _MISSING else _shown(value)
            self.problems.append(f"no status at {self.mapping.status!r}: {found} stands there")
            return "unreadable"
        word = value.lower()
        if word in self.mapping.starting:
            return "starting"
        return "pass" if word in self.mapping.passed else "fail"

    def order(self) -> tuple[str, ...]:
        value = _at(self.document, self.mapping.order)
        if value is _MISSING or value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.problems.append(f"{self.mapping.order} is no list of names but {_shown(value)}")
            return ()
        return tuple(value)

    def steps(self) -> Iterator[StartupStep]:
        for where, name, item in self._objects(self.mapping.steps):
            called = _text(item.get("name")) or name
            if not called:
                self.problems.append(f"{where} has no name")
                continue
            requires = item.get("requires") or []
            if not isinstance(requires, list) or not all(isinstance(require, str) for require in requires):
                self.problems.append(f"{where}.requires is no list of names but {_shown(requires)}")
                requires = []
            yield StartupStep(
                name=called,
                requires=tuple(requires),
                outcome=_text(item.get("outcome")) or "passed",
                started=_text(item.get("started")) or None,
                duration_ms=_number(item.get("duration_ms"), 0.0),
                attempts=int(_number(item.get("attempts"), 1)),
                waited_for=_text(item.get("waited_for")) or None,
            )

    def checks(self) -> Iterator[CheckResult]:
        for where, name, item in self._objects(self.mapping.checks):
            component = _text(item.get("component")) or name.partition(":")[0]
            called = name or _text(item.get("name")) or _text(item.get("key")) or component
            status = item.get("status")
            if not called:
                self.problems.append(f"{where} has neither name nor component")
            elif status is None:
                self.problems.append(f"check {called} has no status")
            else:
                yield CheckResult(
                    name=called,
                    component=component or called,
                    critical=item.get("critical") is not False,
                    status=self._verdict(status),
                    observed=item.get("observed", item.get("observedValue")),
                    expected=item.get("expected"),
                )

    def failures(self) -> Iterator[StartupFailure]:
        for where, name, item in self._objects(self.mapping.failures):
            code = _text(item.get("code"))
            component = _text(item.get("component")) or name
            missing = [key for key, value in (("code", code), ("component", component)) if not value]
            if missing:
                self.problems.append(f"{where} has no {' and no '.join(missing)}")
            described = next(filter(None, (_text(item.get(key)) for key in ("description", "message", "detail"))), "")
            yield StartupFailure(code, component, described, _text(item.get("action")))

    def _verdict(self, status: object) -> str:
        word = ("pass" if status else "fail") if isinstance(status, bool) else str(status).lower()
        if word in self.mapping.passed:
            return "pass"
        return {"warning": "warn", "warn": "warn", "skipped": "skipped"}.get(word, "fail")

    def _objects(self, path: str) -> Iterator[tuple[str, str, Mapping[str, object]]]:
        """Every object of a list, or of an object that holds them by name: (where, its name or "", the object)."""
        value = _at(self.document, path)
        if value is _MISSING or value is None:
            return
        if isinstance(value, list):
            named: Iterable[tuple[str, str, object]] = (
                (f"{path}[{index}]", "", each_value) for index, each_value in enumerate(value)
            )
        elif isinstance(value, Mapping):
            named = _named(path, value)
        else:
            self.problems.append(f"{path} is neither a list nor an object but {_shown(value)}")
            return
        for where, name, item in named:
            if isinstance(item, Mapping):
                yield where, name, item
            else:
                self.problems.append(f"{where} is no object but {_shown(item)}")


def _named(path: str, value: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    """`application/health+json` has a list of objects under each name; others have the object itself."""
    for name, under in value.items():
        for item in under if isinstance(under, list) else [under]:
            yield f"{path}.{name}", name, item


def _at(document: Mapping[str, object], path: str) -> object:
    """The value at a dotted path, or an object that is none of JSON's kinds where there is nothing."""
    value: object = document
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _MISSING
        value = value[part]
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: object, otherwise: float) -> float:
    """A finite number of a size that a float holds; Python's JSON reader also lets NaN and Infinity pass."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    return float(value) if abs(value) < _LARGEST else otherwise


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
