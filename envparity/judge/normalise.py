"""An observation as a flat table of dotted paths and values, without what differs in every run.

- `report.…` the startup report as served, its lists of named objects keyed by the name
- `fingerprints.<NAME>.source` and `.value` the settings as given; a secret shows only that it is there
- `conversation.<scenario>.<i>` what happened, entry by entry, one connection after the other (see `canonical`)

Values are JSON text, so that `1` and `"1"` stay two things.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from envparity.judge.canonical import connections
from envparity.judge.volatile import steady
from envparity.model.backend import Backend
from envparity.model.environment import Composed, Environment, FromSource, SecretOf
from envparity.model.project import Project
from envparity.observe.record import Observation, StartupReport
from envparity.observe.setting_source import OF_THE_PLATFORM
from envparity.support.zones import TIMEZONE_VARIABLE

__all__ = [
    "ABSENT",
    "fingerprint_paths",
    "is_incidental",
    "normalise",
    "report_paths",
    "served_paths",
    "setting_of",
    "values_below",
]

ABSENT = "absent"

# Settings are written in capitals, so none of these can be one.
_INCIDENTAL = re.compile(
    r"(started|finished|ended|time|timestamp|date|\w+_at|duration\w*|elapsed\w*|uptime\w*|latency\w*|took\w*"
    r"|attempts|waited\w*|pid|hostname|port|\w+_port|id|componentId|instanceId|fingerprint|hash|digest)$"
)
_IN_A_FILE = frozenset({"environment file", "backend file"})
_TOOK = re.compile(r"\b\d+(?:\.\d+)? ?(?:milliseconds?|seconds?|minutes?|ms|s|min)\b")
_RUN_ID = re.compile(r"(run|request|connection|trace|container|instance|process)_id$")
_KEYS: tuple[tuple[str, ...], ...] = (
    ("name",),
    ("key",),
    ("component", "name"),
    ("component", "code"),
    ("component",),
    ("code",),
)


def normalise(project: Project, observation: Observation, replica: int = 0) -> dict[str, str]:
    """Everything of an observation that is compared, by path; the report is that replica's."""
    environment = project.environments.get(observation.case.environment)
    report = observation.replicas[replica].startup if replica < len(observation.replicas) else None
    table = report_paths(report, project.backend, environment) if report is not None else {}
    table |= fingerprint_paths(observation, environment)
    for transcript in observation.transcripts:
        by_connection = connections(project.backend, transcript)
        items = [item for name in sorted(by_connection) for item in by_connection[name]]
        table |= {f"conversation.{transcript.scenario}.{index}": str(item) for index, item in enumerate(items)}
    return table


def report_paths(report: StartupReport, backend: Backend, environment: Environment | None = None) -> dict[str, str]:
    """The report as served, flat. Settings whose value the launcher makes show where it came from instead."""
    table = dict(_flat(report.document, "report", frozenset(backend.volatile)))
    for name, made in _made(environment).items():
        for path in (f"report.{backend.report.settings}.{name}", f"report.{backend.report.settings}.{name}.value"):
            if table.get(path, "null") != "null":
                table[path] = made
    return table


def served_paths(report: StartupReport, backend: Backend, environment: Environment | None = None) -> dict[str, str]:
    """The report as served, flat, with what differs in every run, but for settings that only a launcher knows."""
    made = _made(environment)
    return {
        path: value for path, value in values_below("report", report.document) if setting_of(path, backend) not in made
    }


def values_below(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Every leaf of a JSON value as it is, with its path below that one."""
    return _flat(value, path, None)


def fingerprint_paths(observation: Observation, environment: Environment | None = None) -> dict[str, str]:
    """The settings as given: `source`, and `value` where it may be shown and is not made anew for every run."""
    made = _made(environment)
    table = {}
    for setting in observation.settings:
        if (setting.name, setting.source) == (TIMEZONE_VARIABLE, OF_THE_PLATFORM):
            continue  # a trait of the environment, as its limits are
        path = f"fingerprints.{_segment(setting.name)}"
        table[f"{path}.source"] = _json(setting.source)
        if setting.value is not None:
            table[f"{path}.value"] = made.get(setting.name, _json(setting.value))
        elif setting.source in _IN_A_FILE:
            table[f"{path}.value"] = _json(f"<secret {setting.fingerprint}>")  # whether two are the same, no more
    return table


def setting_of(path: str, backend: Backend) -> str | None:
    """The name of the setting that a path is about, or None where it is about none."""
    for prefix in ("fingerprints.", f"report.{backend.report.settings}."):
        if path.startswith(prefix):
            return path.removeprefix(prefix).partition(".")[0]
    return None


def _made(environment: Environment | None) -> dict[str, str]:
    """What stands for the values that only a launcher knows: they differ in every run."""
    if environment is None:
        return {}
    made = {environment.platform.port_setting: "<port>"}
    for name, setting in environment.settings.items():
        if isinstance(setting, SecretOf):
            made[name] = "<secret>"
        elif isinstance(setting, FromSource):
            made[name] = f"<{setting.source}>"
        elif isinstance(setting, Composed):
            made[name] = f"<{setting.template}>"
    return made


def _flat(value: object, path: str, volatile: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """The leaves, without what differs in every run and what is `volatile`; None: all of them, as they are."""
    if isinstance(value, Mapping) and value:
        secret = value.get("secret") is True
        for key, under in value.items():
            if volatile is not None and (is_incidental(key, under) or key in volatile):
                continue
            hidden = secret and key == "value" and under is not None
            yield from _flat("<secret>" if hidden else under, f"{path}.{_segment(key)}", volatile)
    elif isinstance(value, list) and value:
        for key, under in zip(_names(value), value, strict=True):
            yield from _flat(under, f"{path}.{_segment(key)}", volatile)
    else:
        yield path, _json(_steady(value) if isinstance(value, str) and volatile is not None else value)


def _steady(text: str) -> str:
    """The text without what differs in every run; in a sentence that is also how long something took."""
    text = steady(text, hex_ids=False)
    return _TOOK.sub("<duration>", text) if " " in text else text


def is_incidental(key: str, value: object) -> bool:
    """Whether the name says that it is a time, a duration, a count of attempts, an id or a port, and it is a leaf."""
    if isinstance(value, Mapping | list):
        return False
    return _INCIDENTAL.match(key) is not None or _RUN_ID.search(key) is not None


def _names(items: Sequence[object]) -> list[str]:
    """What tells the elements of a list apart: the first of `_KEYS` that all have and no two share, or their place."""
    for keys in _KEYS:
        names = [_name(item, keys) for item in items]
        if all(names) and len(set(names)) == len(names):
            return [str(name) for name in names]
    return [str(index) for index in range(len(items))]


def _name(item: object, keys: tuple[str, ...]) -> str | None:
    parts = [item.get(key) for key in keys] if isinstance(item, Mapping) else []
    named = [part for part in parts if isinstance(part, str) and part]
    return ":".join(named) if len(named) == len(keys) else None


def _segment(key: str) -> str:
    """A key as one segment of a path: quoted where a dot in it would read as two."""
    return _json(key) if "." in key else key


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
