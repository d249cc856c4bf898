"""Booting a finding's cases again: which they are, read from the saved run, and what they show now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envparity.case import Boot
from envparity.cli.replay_answer import Answer
from envparity.cli.replay_orders import orders_again
from envparity.events import Emit
from envparity.judge.finding import Finding
from envparity.report.saved import SavedRun
from envparity.session import engine
from envparity.session.inputs import Inputs

__all__ = ["Answer", "boot_again", "needed_environments", "needed_scenarios"]

_OF_THE_WHOLE_RUN = frozenset({"EP204", "EP205"})  # a declaration is only unused where everything was seen


def boot_again(finding: Finding, run: SavedRun, inputs: Inputs, emit: Emit) -> Answer:
    """Boot the cases that showed that finding, and judge them. Raises what a run raises."""
    names = needed_environments(finding, run)
    asked = inputs.attaching
    again = replace(asked, values=tuple(one for one in asked.values if one.partition("=")[0] in names))
    inputs = Inputs(inputs.backend, inputs.environments, names, inputs.launcher, attaching=again)
    # An environment booted as it is has its name for an id, observed or not.
    ordered = [one for one in finding.cases if run.observed(one) is None and one not in run.verdict.environments]
    if ordered and finding.code not in _OF_THE_WHOLE_RUN:
        return orders_again(finding, names, run, engine.load(inputs), inputs.launcher, emit=emit)
    only = needed_scenarios(finding, run)
    subject = engine.load(inputs, only)
    verdict = engine.to_verdict(subject, inputs.launcher, emit, only)
    return Answer(verdict.findings, verdict.environments, verdict.cases, verdict.scenarios)


def needed_environments(finding: Finding, run: SavedRun) -> tuple[str, ...]:
    """The environments that show it, with the one that they are compared with, in the order of the run."""
    if finding.code in _OF_THE_WHOLE_RUN:
        return run.verdict.environments
    seen = {one.case.environment for one in run.observations if one.case.id in finding.cases}
    seen |= set(finding.environments)
    return tuple(name for name in run.verdict.environments if name in seen)


def needed_scenarios(finding: Finding, run: SavedRun) -> tuple[str, ...]:
    """What must be played: its own scenario; where it has none, one that makes the environments boot that way."""
    if finding.code in _OF_THE_WHOLE_RUN:
        return ()
    if finding.scenario is not None:
        return (finding.scenario,)
    boots = dict.fromkeys(one.case.boot for one in run.observations if one.case.id in finding.cases)
    return tuple(dict.fromkeys(name for boot in boots for name in _one_scenario(run, boot)))


def _one_scenario(run: SavedRun, boot: Boot) -> Iterable[str]:
    """The first scenario that was played on such a boot."""
    played = [one for one in run.observations if one.case.boot == boot]
    return [script.scenario for one in played for script in one.transcripts][:1]
