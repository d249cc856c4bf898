"""`envparity probe`: one conversation with what is deployed, again and again."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from envparity.engine.session import engine
from envparity.engine.session.exits import CLEAN, FINDINGS
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message
from envparity.faces.cli.options import backend_option, environments_option
from envparity.model.deployed.target import Target, parse_target, url_problems
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.reach import known_settings
from envparity.support.toml.document import in_words

if TYPE_CHECKING:
    from envparity.probe.log import LogFormat
    from envparity.probe.probing import ProbePlan

__all__ = ["probe_command"]

_FLOOR_S: Final = 1.0
_CEILING_S: Final = 366 * 86400.0
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_EXITS = """\b
Exit codes:
  0    the backend was healthy: with --once this run; with --for the last one, and no alert stands
  1    it was not
  2    an input is wrong; nothing was connected to
  130  ended by Ctrl-C, 143 by SIGTERM; whom it talked to was told goodbye
"""


@click.command("probe", short_help="Hold a conversation with what is deployed, again and again.", epilog=_EXITS)
@backend_option
@environments_option
@click.option(
    "--environment", "name", metavar="NAME", required=True,
    help="The environment: its file says in [deployed] where it runs and where the credentials come from.",
)  # fmt: skip
@click.option("--every", metavar="DURATION", default="30s", show_default=True, help="How far runs are apart: 30s, 5m.")
@click.option("--once", is_flag=True, help="One run, for cron: its line, and the exit code.")
@click.option("--for", "duration", metavar="DURATION", help="End after that time. Default: never.")
@click.option(
    "--scenario", metavar="NAME",
    help="The scenario to play. Default: the first of the backend file that only does what users do.",
)  # fmt: skip
@click.option("--url", metavar="URL", help="Connect there instead; another host must be confirmed.")
@click.option("--confirm-target", metavar="HOST", help="Yes: the host of --url may be sent the credentials.")
@click.option("--metrics", metavar="HOST:PORT", help="Serve Prometheus metrics there, such as 127.0.0.1:9464.")
@click.option(
    "--alert-after", metavar="N", type=click.IntRange(1, 1000), default=3, show_default=True,
    help="So many failures in a row are an alert.",
)  # fmt: skip
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="Lines for people, or one JSON object a line.",
)  # fmt: skip
def probe_command(  # noqa: PLR0917  click passes options by name
    backend: Path | None,
    environments: Path | None,
    name: str,
    every: str,
    once: bool,  # noqa: FBT001
    duration: str | None,
    scenario: str | None,
    url: str | None,
    confirm_target: str | None,
    metrics: str | None,
    alert_after: int,
    log_format: LogFormat,
) -> None:
    """Hold one conversation with what is deployed, again and again, and say how it went.

    It connects, authenticates, says what the scenario says and closes, as one user who is always the same. It restarts,
    breaks and orders nothing. Every phase has the deadline that the backend file gives it.
    """
    with one_message():
        project = engine.load(Inputs.find(backend=backend, environments=environments, names=[name]))
        wishes = _Wishes(project, project.environments[name])
        plan = wishes.plan(
            every=every, once=once, duration=duration, scenario=scenario, url=url, confirmed=confirm_target,
            metrics=metrics, alert_after=alert_after,
        )  # fmt: skip
        code = asyncio.run(_probe(plan, wishes.address, log_format, once=once))
    sys.exit(code)


async def _probe(plan: ProbePlan, address: tuple[str, int] | None, log_format: LogFormat, *, once: bool) -> int:
    """Probe, and give the exit code."""
    from envparity.model.deployed.credentials import CredentialUnavailable
    from envparity.probe.log import open_log
    from envparity.probe.metrics import Metrics, served
    from envparity.probe.probing import Probe

    name = plan.environment.name
    measured, log = Metrics(name), open_log(log_format, name, time.time)
    probe = Probe(plan, measured, log)
    try:
        await probe.check()
    except CredentialUnavailable as error:
        mistake = Mistake(f"environment {name}", 0, "deployed", "credentials", str(error))
        raise ConfigurationError([mistake]) from error
    with served(measured, address):
        log.started(str(plan.target), plan.scenario.name, 0.0 if once else plan.every_s)
        ending = await probe.run(once=once)
    if ending.by:
        return 128 + ending.by
    return CLEAN if ending.healthy else FINDINGS


class _Wishes:
    """What was asked for on the command line, held against the files: every mistake at once."""

    def __init__(self, project: Project, environment: Environment) -> None:
        self._project, self._environment = project, environment
        self._mistakes: list[Mistake] = []
        self.address: tuple[str, int] | None = None

    def plan(
        self,
        *,
        every: str,
        once: bool,
        duration: str | None,
        scenario: str | None,
        url: str | None,
        confirmed: str | None,
        metrics: str | None,
        alert_after: int,
    ) -> ProbePlan:
        """Raises `ConfigurationError` with every mistake."""
        from envparity.probe.choice import choose_scenario
        from envparity.probe.probing import ProbePlan, tls_of

        environment, backend = self._environment, self._project.backend
        settings = known_settings(backend, environment)
        chosen, wrong = choose_scenario(backend, scenario, settings)
        self._mistakes += wrong
        every_s = self._every(every)
        for_s = None if duration is None else self._duration("--for", duration)
        if once and duration is not None:
            self._mistake("--for", "no time, for --once is one run", duration)
        self.address = self._address(metrics, once=once)
        target = self._target(url, confirmed)
        tls = None
        if target is not None:
            try:
                tls = tls_of(target, environment.deployed)
            except OSError as error:
                key, expected = "deployed.ca", "a PEM bundle that can be read"
                if environment.deployed is not None and environment.deployed.client_certificate is not None:
                    key, expected = "deployed", "ca, client_certificate and client_key in PEM, without a passphrase"
                self._mistake(key, expected, error.strerror or str(error))
        if self._mistakes or chosen is None or target is None:
            raise ConfigurationError(self._mistakes)
        if target.path:
            backend = msgspec.structs.replace(backend, websocket_path=target.path)
        return ProbePlan(environment, backend, chosen, target, settings, tls, every_s, for_s, alert_after)

    def _mistake(self, key: str, expected: str, got: str, action: str = "") -> None:
        source = "(command line)" if key.startswith("--") else f"environment {self._environment.name}"
        self._mistakes.append(Mistake(source, 0, key, expected, got, action))

    def _duration(self, key: str, text: str) -> float:
        found = _DURATION.fullmatch(text)
        seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
        if not 0 < seconds <= _CEILING_S:
            self._mistake(key, "a duration such as 30s, 10m or 1.5h, of a year at most", in_words(text))
        return seconds

    def _every(self, text: str) -> float:
        before = len(self._mistakes)
        seconds = self._duration("--every", text)
        deployed = self._environment.deployed
        floor = max(_FLOOR_S, 60 / deployed.max_connections_per_minute) if deployed else _FLOOR_S
        if len(self._mistakes) == before and seconds < floor:
            why = "" if floor == _FLOOR_S else ", for it allows no more connections a minute"
            self._mistake("--every", f"at least {floor:g}s{why}", text)
        return seconds

    def _address(self, text: str | None, *, once: bool) -> tuple[str, int] | None:
        if text is None:
            return None
        host, _, port = text.rpartition(":")
        if once:
            self._mistake("--metrics", "no address, for nobody could ask in time during --once", text)
        elif not host or not port.isdecimal() or int(port) > 65535:
            self._mistake("--metrics", "HOST:PORT, such as 127.0.0.1:9464", in_words(text))
        else:
            return host.strip("[]"), int(port)
        return None

    def _target(self, url: str | None, confirmed: str | None) -> Target | None:
        """Where to connect: where the file says, or where somebody said and meant it."""
        deployed = self._environment.deployed
        if deployed is None:
            action = "say there where it runs, and where the credentials come from"
            self._mistake("deployed", "a table [deployed]", "none", action)
            return None
        if self._project.backend.tokens is not None and deployed.secret is None and not deployed.gives_token:
            self._mistake("deployed.secret", "secret or token, to authenticate with", "neither")
        target = parse_target(deployed.url)
        if url is not None:
            problems = list(url_problems(url, ("ws", "wss")))
            for expected, got in problems:
                self._mistake("--url", expected, got)
            if problems:
                return None
            target = parse_target(url)
        if target != parse_target(deployed.url) and confirmed not in {target.host, target.authority}:
            expected = f"{deployed.url}, as the environment's file says"
            self._mistake("--url", expected, str(target), f"or confirm it with --confirm-target {target.authority}")
        if url is None and confirmed is not None:
            self._mistake("--confirm-target", "--url as well, for the file's own needs no confirmation", confirmed)
        return target
