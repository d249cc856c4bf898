"""The environments side by side: what ran, how it started, on what, with which settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from envparity.judge import conduct
from envparity.model.environment import Dependency
from envparity.observe.record import Observation, Replica, SettingFingerprint
from envparity.report.html.markup import Html, breakable, tag
from envparity.report.saved import SavedEnvironment, SavedRun
from envparity.report.verdict import counted

__all__ = ["environments_table", "state_of"]


def state_of(run: SavedRun, name: str) -> tuple[str, str]:
    """How an environment did in this run, in a word for the look ("bad", "good") and in a few for people."""
    count = sum(name in finding.environments for finding in run.verdict.findings)
    observation = _usual(run, name)
    started = "" if observation is None else _startup(observation)
    if count:
        return "bad", f"{counted(count, 'finding')}; {started}" if started else counted(count, "finding")
    return "good", f"as promised; {started}" if started else "as promised"


def environments_table(run: SavedRun) -> Html:
    """One column for each environment, one row for each thing that can differ; what differs is said to."""
    names = run.verdict.environments
    head = tag("tr", tag("td", role="cell"), [tag("th", name, scope="col") for name in names], role="row")
    facts: Sequence[tuple[str, Callable[[str], str | Html]]] = (
        ("what it is", lambda name: _saved(run, name).description if run.project.environment(name) else ""),
        ("observed", lambda name: _observed(run, name)),
        ("startup", lambda name: _startup_cell(run, name)),
        ("replicas", lambda name: _replicas(_usual(run, name))),
        ("what ran", lambda name: _ran(run, name)),
        ("ingress", lambda name: _ingress(run.project.environment(name))),
        ("platform", lambda name: _platform(run.project.environment(name))),
        ("starts first", lambda name: _first(run.project.environment(name))),
    )
    rows = [_row(names, title, [of(name) for name in names]) for title, of in facts]
    rows += [_row(names, title, cells) for title, cells in _dependencies(run)]
    settings = _settings(run)
    wide = len(names) + 1
    undeclared = {finding.where for finding in run.verdict.findings if conduct(finding).family == "settings"}
    body = [
        tag("tbody", rows, role="rowgroup"),
        tag(
            "tbody",
            _group(f"settings that differ: {len(settings.differing)}", wide),
            [_row(names, name, cells, code=True, bad=name in undeclared) for name, cells in settings.differing],
            role="rowgroup",
        ),
        tag(
            "tbody",
            _group(f"secrets, made anew for every run: {len(settings.secret)}", wide) if settings.secret else None,
            [_row(names, name, cells, code=True) for name, cells in settings.secret],
            role="rowgroup",
        ),
    ]
    table = tag(
        "table",
        tag("caption", "What each environment is, and how it did", class_="unseen"),
        tag("thead", head, role="rowgroup"),
        body,
        class_="sides stacked",
        role="table",
    )
    region = tag("div", table, class_="wide", tabindex="0", role="region", aria_label="Environments side by side")
    if not settings.same:
        return region
    items = [tag("li", tag("code", name), " ", value) for name, value in settings.same]
    listed = tag("ul", items, class_="plain columns")
    title = f"{counted(len(settings.same), 'setting')} with the same value everywhere"
    return Html(region + tag("details", tag("summary", title), listed))


def _row(
    names: Sequence[str], title: str, cells: Sequence[str | Html], *, code: bool = False, bad: bool = False
) -> Html:
    words = tag("code", breakable(title)) if code else title
    note = tag("span", " not declared", class_="bad") if bad else None
    header = tag("th", words, note, scope="row", role="rowheader")
    drawn = [tag("td", tag("span", cell), role="cell", data_of=name) for name, cell in zip(names, cells, strict=True)]
    return tag("tr", header, drawn, role="row")


def _saved(run: SavedRun, name: str) -> SavedEnvironment:
    found = run.project.environment(name)
    assert found is not None  # noqa: S101  asked for only where there is one
    return found


def _usual(run: SavedRun, name: str) -> Observation | None:
    return next(
        (
            observation
            for observation in run.observations
            if observation.case.environment == name and observation.case.boot.steady
        ),
        None,
    )


def _observed(run: SavedRun, name: str) -> str:
    """Booted, or where it was attached to and what was seen of that."""
    observation = _usual(run, name)
    attached = observation.attached if observation is not None else None
    if attached is None:
        return "booted"
    return "; ".join(text for text in (f"where it runs: {attached.url}", attached.certificate, *attached.notes) if text)


def _startup(observation: Observation) -> str:
    if observation.launch_failure is not None:
        return "could not be stood up"
    reports = [replica.startup for replica in observation.replicas if replica.startup is not None]
    failed = next((report for report in reports if report.status != "pass" or report.failures), None)
    if failed is not None:
        named = ", ".join(dict.fromkeys(failure.component for failure in failed.failures))
        return f"startup failed: {named}" if named else f"startup: {failed.status}"
    return "startup passed" if reports else "no startup report"


def _startup_cell(run: SavedRun, name: str) -> str | Html:
    observation = _usual(run, name)
    if observation is None:
        return "not booted as it is"
    words = _startup(observation)
    if observation.launch_failure is not None:
        return tag("span", f"{words}: {observation.launch_failure}", class_="bad")
    reports = [replica.startup for replica in observation.replicas if replica.startup is not None]
    if words != "startup passed":
        codes = ", ".join(
            dict.fromkeys(f"{failure.component}: {failure.code}" for report in reports for failure in report.failures)
        )
        return tag("span", f"failed: {codes}" if codes else words, class_="bad")
    steps = len(reports[0].steps)
    took = observation.timings.get("startup")
    text = f"passed, {counted(steps, 'step')}" if steps else "passed"
    return f"{text}, {took:.1f} s" if took is not None else text


def _replicas(observation: Observation | None) -> str | Html:
    if observation is None:
        return ""
    words = [_health(replica) for replica in observation.replicas]
    if len(set(words)) == 1:
        return f"{len(words)}: {words[0]}"
    return tag("ul", [tag("li", word) for word in words], class_="plain")


def _health(replica: Replica) -> str:
    asked = (("live", replica.live), ("ready", replica.ready))
    words = [f"{name} {answer.status or 'no answer'}" for name, answer in asked if answer is not None]
    if replica.exit_code is not None:
        words.append(f"ended with {replica.exit_code}" + (", out of memory" if replica.oom_killed else ""))
    return ", ".join(words) or "never asked"


def _ran(run: SavedRun, name: str) -> str | Html:
    boots = [observation for observation in run.observations if observation.case.environment == name]
    scripts = [script for boot in boots for script in boot.transcripts]
    left = sum(script.departure is not None for script in scripts)
    text = f"{counted(len(boots), 'boot')}, {counted(len(scripts), 'conversation')}"
    if not left:
        return text
    return tag("span", f"{text}, ", tag("span", f"{left} left the script", class_="bad"))


def _ingress(environment: SavedEnvironment | None) -> str:
    if environment is None:
        return ""
    ingress = environment.ingress
    if ingress.kind == "none":
        return "none: reached directly"
    tls = "TLS" if ingress.tls else "no TLS"
    if ingress.config is not None:
        return f"{ingress.kind}, {tls}, {ingress.host}, as {ingress.config} says"
    parts = [
        ingress.kind,
        tls,
        f"{ingress.host}{ingress.prefix}",
        f"drops after {ingress.idle_timeout_s:g} s of silence",
    ]
    if ingress.max_lifetime_s is not None:
        parts.append(f"cuts at {ingress.max_lifetime_s:g} s")
    if ingress.affinity != "none":
        parts.append(f"affinity by {ingress.affinity}")
    return ", ".join(parts)


def _platform(environment: SavedEnvironment | None) -> str:
    if environment is None:
        return ""
    platform = environment.platform
    parts = [
        f"{platform.cpus:g} CPU" if platform.cpus is not None else "all CPUs",
        f"{platform.memory_mib} MiB" if platform.memory_mib is not None else "all memory",
        f"user {platform.user}" if platform.user is not None else "the image's user",
        "read-only root" if platform.read_only_root else "writable root",
        f"{platform.stop_grace_s:g} s to stop",
        *([f"at {platform.timezone}"] if platform.timezone is not None else []),
    ]
    return ", ".join(parts)


def _first(environment: SavedEnvironment | None) -> str:
    if environment is None:
        return ""
    return "the dependencies" if environment.dependencies_first else "nobody: the backend may come before them"


def _dependencies(run: SavedRun) -> Iterator[tuple[str, list[str | Html]]]:
    environments = [run.project.environment(name) for name in run.verdict.environments]
    names = dict.fromkeys(
        name for environment in environments if environment is not None for name in environment.dependencies
    )
    for name in names:
        yield (
            name,
            [
                _dependency(environment.dependencies.get(name)) if environment is not None else ""
                for environment in environments
            ],
        )


def _dependency(dependency: Dependency | None) -> str:
    if dependency is None:
        return "none"
    parts = [dependency.kind, "no TLS" if dependency.tls == "off" else f"TLS {dependency.tls}"]
    parts += [] if dependency.password else ["no password"]
    parts += [f"{dependency.latency_ms:g} ms away"] if dependency.latency_ms else []
    parts += [f"{dependency.max_connections} connections"] if dependency.max_connections is not None else []
    return ", ".join(parts)


@dataclass(frozen=True)
class _Settings:
    """The settings that differ and those that are secret, a cell for each environment; the others by their value."""

    differing: list[tuple[str, list[str | Html]]]
    secret: list[tuple[str, list[str | Html]]]
    same: list[tuple[str, str]]


def _settings(run: SavedRun) -> _Settings:
    given = [_given(_usual(run, name)) for name in run.verdict.environments]
    found = _Settings([], [], [])
    for name in sorted({name for table in given for name in table}):
        sides = [table.get(name) for table in given]
        cells = [_setting_cell(side) for side in sides]
        if any(side is not None and side.value is None for side in sides):
            found.secret.append((name, cells))
        elif len({_value(side) for side in sides}) > 1:
            found.differing.append((name, cells))
        else:
            found.same.append((name, _value(sides[0])))
    return found


def _group(title: str, width: int) -> Html:
    header = tag("th", title, colspan=width, scope="colgroup", role="columnheader")
    return tag("tr", header, class_="group", role="row")


def _given(observation: Observation | None) -> dict[str, SettingFingerprint]:
    return {setting.name: setting for setting in observation.settings} if observation is not None else {}


def _value(setting: SettingFingerprint | None) -> str:
    if setting is None:
        return "not set"
    return setting.value or ""


def _setting_cell(setting: SettingFingerprint | None) -> str | Html:
    if setting is None:
        return tag("span", "not set", class_="none")
    if setting.value is None:
        return tag("span", tag("code", setting.fingerprint), " as fingerprint", class_="none")
    return tag("code", setting.value or "(empty)")
