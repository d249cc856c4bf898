"""Booting a finding's cases again: which they are, read from the run that showed it."""

from __future__ import annotations

from collections.abc import Iterable

from envparity.engine.recorded import RecordedRun
from envparity.isolate.rates import boots_to_see
from envparity.judge import conduct
from envparity.judge.cause import Chance
from envparity.judge.finding import Finding
from envparity.model.case import Boot

__all__ = ["needed_boots", "needed_environments", "needed_scenarios", "ordered", "unplayed"]


def ordered(finding: Finding, run: RecordedRun) -> bool:
    """Whether boots that nobody asked for by a scenario are to be made again: those of orders."""
    # An environment booted as it is has its name for an id, observed or not.
    unplanned = [case for case in finding.cases if run.observed(case) is None and case not in run.verdict.environments]
    return bool(unplanned) and conduct(finding).replay == "cases"


def needed_environments(finding: Finding, run: RecordedRun) -> tuple[str, ...]:
    """The environments that show it, with the one that they are compared with, in the order of the run."""
    if conduct(finding).replay == "run":
        return run.verdict.environments
    seen = {observation.case.environment for observation in run.observations if observation.case.id in finding.cases}
    seen |= set(finding.environments)
    return tuple(name for name in run.verdict.environments if name in seen)


def needed_boots(finding: Finding) -> int:
    """How many boots say that it is no longer there: one, or more where it shows by chance."""
    match finding.cause:
        case Chance(shown=shown, of=of) if of:
            return boots_to_see(shown, of)
        case _:
            return 1


def needed_scenarios(finding: Finding, run: RecordedRun) -> tuple[str, ...]:
    """What must be played: all that was played beside it, for it may need that; of a startup one scenario is enough.

    Where it has none, and does not show in what all of them leave behind, one that makes environments boot that way.
    """
    if conduct(finding).replay == "run":
        return ()
    conducted = conduct(finding)
    if finding.scenario is not None or conducted.of_all_played:
        seen = [observation for observation in run.observations if observation.case.id in finding.cases]
        beside = (
            []
            if conducted.family == "startup"
            else [script.scenario for observation in seen for script in observation.transcripts]
        )
        return tuple(dict.fromkeys((*filter(None, (finding.scenario,)), *beside)))
    boots = dict.fromkeys(
        observation.case.boot for observation in run.observations if observation.case.id in finding.cases
    )
    return tuple(dict.fromkeys(name for boot in boots for name in _one_scenario(run, boot)))


def unplayed(finding: Finding, run: RecordedRun) -> tuple[str, ...]:
    """The cases that showed it, where a thorough run alone makes such boots, or does that beside no scenario."""
    cases = [observation.case for observation in run.observations if observation.case.id in finding.cases]
    beside_none = conduct(finding).also in {"kills", "endures"}
    unasked = cases and (beside_none or all(case.boot.unasked for case in cases))
    return tuple(case.id for case in cases) if unasked else ()


def _one_scenario(run: RecordedRun, boot: Boot) -> Iterable[str]:
    """The first scenario that was played on such a boot."""
    played = [observation for observation in run.observations if observation.case.boot == boot]
    return [script.scenario for observation in played for script in observation.transcripts][:1]
