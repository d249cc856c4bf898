"""What a run says of itself: that it starts, how busy the machine was, and its verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from envparity.engine.case_stage import CaseStage, CaseStageOptions
from envparity.engine.events import Emit, RunFinished, RunStarted
from envparity.engine.explored import Explored
from envparity.engine.outside import not_seen, urls, without_orders
from envparity.errors import ConfigurationError, as_ours
from envparity.judge import every_rule
from envparity.judge.cause import Chance
from envparity.judge.finding import Finding, Judgement, Verdict
from envparity.judge.name_notes import undeclared
from envparity.judge.unmatched import unmatched
from envparity.launch.port import Launcher
from envparity.model.deployment import Deployed
from envparity.observe.record import Observation, most_connections
from envparity.support.counting import counted
from envparity.support.redaction import without_shapes
from envparity.support.stalls import STALLS, Granted, StallMark, Stalls

__all__ = ["RunTelling"]


class RunTelling:
    """Tells of one run, which begins now."""

    def __init__(
        self, launcher: Launcher, emit: Emit, options: CaseStageOptions, attached: Mapping[str, Deployed]
    ) -> None:
        self._launcher, self._emit, self._options = launcher, emit, options
        self._urls = urls(attached)
        self._without_orders = without_orders(attached) if options.orders is not None else ()
        self._mark: StallMark | None = None
        self._began = time.monotonic()
        self._started = self._finished = False

    def start(self, stage: CaseStage) -> None:
        """Say once what is going to be booted, and watch from now on how busy the machine is."""
        if self._started:
            return
        self._started = True
        STALLS.start()
        self._mark = STALLS.mark()
        self._emit(
            RunStarted(
                run_id=self._launcher.run_id,
                launcher=self._launcher.name,
                cannot_check=self._launcher.cannot_check,
                reason=self._launcher.reason,
                backend=stage.project.backend.name,
                environments=tuple(stage.project.environments),
                cases=len(stage.cases),
                scenarios=sum(len(case.scenarios) for case in stage.cases),
                rules=len(every_rule()),
                images=self._launcher.images,
                attached=self._urls,
            )
        )

    async def stop(self) -> None:
        """Watch the machine no longer."""
        if self._started:
            self._started = False
            await STALLS.stop()

    def finish(
        self,
        stage: CaseStage,
        explored: Explored,
        observations: Sequence[Observation],
        judgement: Judgement,
        observed_s: float,
        *,
        broken_off: str = "",
    ) -> Verdict:
        """The verdict, told as the last event, once it is judged; `observed_s` is when it was observed, monotonic.

        `broken_off` says what ended the run before all of its cases were observed.
        """
        judged_s = time.monotonic()
        seen_in = {observation.case.environment for observation in observations}
        verdict = Verdict(
            run_id=self._launcher.run_id,
            launcher=self._launcher.name,
            cannot_check=self._launcher.cannot_check + stage.not_changed + not_seen(observations),
            reason=self._launcher.reason,
            images=self._launcher.images,
            stalls=self._how_busy(observations),
            unsteady=stage.unsteady,
            environments=tuple(name for name in stage.project.environments if not broken_off or name in seen_in),
            cases=len(observations) if broken_off else len(stage.cases) + len(stage.orders.observations),
            scenarios=sum(len(observation.transcripts) for observation in observations),
            rules=judgement.rules,
            findings=tuple(finding for finding in judgement.findings if not _is_by_chance(finding)),
            by_chance=tuple(finding for finding in judgement.findings if _is_by_chance(finding)),
            exemptions=judgement.exemptions,
            coverage=stage.orders.coverage + self._without_orders,
            exploration=explored.said,
            explored=explored.scenarios,
            duration_s=round(time.monotonic() - self._began, 1),
            seconds={
                "boots": round(observed_s - self._began, 1),
                "judging and looking for causes": round(judged_s - observed_s, 1),
            },
            attached=self._urls,
            connections=most_connections(observations),
            left_out=stage.left_out,
            notes=() if self._options.only or broken_off else unmatched(stage.project.backend, observations),
            varying=() if self._options.only else tuple(undeclared(stage.project.backend, observations)),
            broken_off=broken_off,
            planned=max(len(stage.cases), len(observations)) if broken_off else 0,
        )
        self._finished = True
        self._emit(RunFinished(verdict))
        return verdict

    def given_up(self, stage: CaseStage, explored: Explored, error: Exception) -> Exception:
        """What ends the run for that error: where it is the machine's doing, with what was seen until then."""
        if isinstance(error, ConfigurationError):
            return error
        known = as_ours(error)
        seen = self.break_off(stage, explored, known or error)
        if known is None:
            return error
        known.seen = seen
        known.__cause__ = None if known is error else error
        return known

    def break_off(self, stage: CaseStage, explored: Explored, error: Exception) -> str:
        """Tell what was seen and found until now as the verdict; how much it is, "" where it is nothing, or is told."""
        if self._finished or not stage.boots.seen:
            return ""
        seen, judged = stage.so_far()
        why = next(iter(without_shapes(str(error)).splitlines()), "") or type(error).__name__
        verdict = self.finish(stage, explored, seen, judged, time.monotonic(), broken_off=why)
        return f"{counted(len(verdict.findings), 'finding')} in {verdict.cases} of {counted(verdict.planned, 'case')}"

    def _how_busy(self, observations: Sequence[Observation]) -> str:
        """What the machines and the platforms' limits kept back, in words."""
        if self._mark is None:
            return ""
        stalls = STALLS.since(self._mark)
        if self._options.elsewhere is not None:
            stalls = Stalls.of_all(observation.stalls for observation in observations if observation.stalls is not None)
        granted = [observation.granted for observation in observations if observation.granted is not None]
        return f"{stalls}; {sum(granted, Granted())}" if granted else str(stalls)


def _is_by_chance(finding: Finding) -> bool:
    """Whether it shows by chance, in the environments that were compared alike, and not in one boot more."""
    return isinstance(finding.cause, Chance) and finding.cause.alike and not finding.cause.again
