"""What scenarios take for granted of a backend and its environments: dependencies, and settings that can be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from envparity.config.scenario_polling import polling_problems
from envparity.dependency.kind import HoldsKeys, TakesCommands, kind_of
from envparity.dependency.wording import command_problem, commands_of
from envparity.errors import Mistake
from envparity.model.backend import Backend
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.model.step import (
    PLACEHOLDER,
    SUM,
    Command,
    Connect,
    Cut,
    DisturbsDependency,
    Http,
    Restart,
    Restore,
    Step,
    action_of,
    amount_of,
)
from envparity.model.step.bounds import amount_problems, handshake_problems
from envparity.support.toml.document import did_you_mean, read_document, shown_path

__all__ = ["unmet_by_environments", "with_lines"]

_OF_A_SCENARIO = re.compile(r"scenario (?P<name>[^\s\[]+)(?:\[[^\]]*\])?: (?P<key>.+)")


def unmet_by_environments(backend: Backend, environments: Mapping[str, Environment]) -> Iterator[Mistake]:
    """What the scenarios ask for that these environments do not have, or have not so that it can be used."""
    source = shown_path(backend.file)
    for scenario in backend.scenarios:
        for key, expected, got, action in dict.fromkeys(_problems(scenario, backend, environments)):
            yield Mistake(source, 0, f"scenario {scenario.name}: {key}", expected, got, action)


def with_lines(backend: Backend, mistakes: list[Mistake]) -> list[Mistake]:
    """The same; each that is of the backend's file and has no line is told with the line of its key, or the nearest."""
    sources = {shown_path(backend.file), str(backend.file)}
    if not any(not mistake.line and mistake.source in sources for mistake in mistakes):
        return mistakes
    document, _ = read_document(backend.file)
    if document is None:
        return mistakes
    places = {table.get("name"): place for place, table in enumerate(document.tables("scenario"))}
    located = []
    for mistake in mistakes:
        key, found = mistake.key, _OF_A_SCENARIO.fullmatch(mistake.key)
        if found is not None and found["name"] in places:
            key = f"scenario[{places[found['name']]}].{found['key']}"
        line = mistake.line
        if not line and mistake.source in sources:
            line = document.line_of(key)
        located.append(Mistake(shown_path(backend.file) if mistake.source in sources else mistake.source, line,
                               mistake.key, mistake.expected, mistake.got, mistake.action))  # fmt: skip
    return located


_Problem = tuple[str, str, str, str]


def _problems(scenario: Scenario, backend: Backend, environments: Mapping[str, Environment]) -> Iterator[_Problem]:
    if scenario.boot.order and backend.order_setting is None:
        yield "boot.order", "order_setting, by which an order is asked for", "none", "name it, or ask for no order"
    yield from polling_problems(scenario, backend)
    if scenario.boot.release and backend.previous is None:
        yield "boot.release", "[previous], which says where the previous release is", "none", "add it"
    idle = backend.idle_settings or any(
        each_environment.ingress.kind != "none" for each_environment in environments.values()
    )
    if scenario.boot.hasten > 1 and not idle and environments:
        yield "boot.hasten", "idle_settings, or an ingress: what is idle", "neither", "name what it makes shorter"
    for environment in environments.values():
        literal = {name: value for name, value in (backend.settings | environment.settings).items()
                   if isinstance(value, str)} | dict(scenario.boot.settings)  # fmt: skip
        for index, step in enumerate(scenario.steps):
            key = f"steps[{index}]"
            if (
                isinstance(step, Restart | Cut | Restore | DisturbsDependency)
                and step.dependency not in environment.dependencies
            ):
                action = did_you_mean(step.dependency, environment.dependencies)
                action = action or f"add [dependencies.{step.dependency}] to it"
                expected = f"a dependency of {environment.name}"
                yield f"{key}.{action_of(step)}", expected, repr(step.dependency), action
            if isinstance(step, Command):
                for expected, got, action in _command_problems(step, environment):
                    yield f"{key}.command", expected, got, action
            for name, expected, got, action in _filled_problems(step, literal):
                yield f"{key}.{name}", expected, f"{got} in {environment.name}", action


def _command_problems(step: Command, environment: Environment) -> Iterator[tuple[str, str, str]]:
    """Why that environment's dependency cannot do it; who holds keys of the run is told by `rotate` alone."""
    dependency = environment.dependencies.get(step.dependency)
    expected = f"a dependency of {environment.name} that takes commands of a scenario"
    if dependency is None:
        yield expected, repr(step.dependency), did_you_mean(step.dependency, environment.dependencies)
        return
    kind = kind_of(dependency)
    if isinstance(kind, HoldsKeys):
        yield expected, f"{step.dependency}, whose keys alone a scenario changes", "say { rotate = ... }"
    elif not isinstance(kind, TakesCommands):
        got = f"{step.dependency}, of the kind {dependency.kind}, which has no commands that envparity knows"
        yield expected, got, ""
    else:
        problem = command_problem(commands_of(dependency), step.words)
        if problem:
            yield f"{problem}, as a {dependency.kind} takes it", f"{' '.join(step.words)} in {environment.name}", ""


def _filled_problems(step: Step, literal: Mapping[str, str]) -> Iterator[_Problem]:
    """What is wrong once what is known of the settings is filled in; what only a run makes is passed over."""
    for name in ("within_s", "size", "count"):
        given = getattr(step, name, None)
        if not isinstance(given, str) or not PLACEHOLDER.search(given):
            continue
        filled = _filled(given, literal, unknown="{}")
        if SUM.fullmatch(filled):
            yield from amount_problems(name, amount_of(filled))
        elif "{}" not in filled:
            yield name, "a number or a sum", f"{given} of settings that are none", "it takes numbers"
    if isinstance(step, Connect | Http) and PLACEHOLDER.search(repr(step)):
        fill: Callable[[str], str] = lambda text: _filled(text, literal, unknown="x")  # noqa: E731
        for name, expected, _, action in handshake_problems(step, fill):
            yield name, expected, "a setting that is none", action


def _filled(text: str, literal: Mapping[str, str], *, unknown: str) -> str:
    def value(match: re.Match[str]) -> str:
        known = literal.get(match[2] or "") if match[1] in {"setting", "first"} else None
        if known is None:
            return unknown
        return known.split(",")[0].strip() if match[1] == "first" else known

    return PLACEHOLDER.sub(value, text)
