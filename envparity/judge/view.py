"""A view of a run: what several rules ask of its observations, each worked out once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from envparity.judge.client_outcome import ClientOutcome, what_clients_were_told
from envparity.judge.compare import (
    Compared,
    boot_groups,
    in_order,
    job_differences,
    origin_differences,
    report_differences,
    setting_differences,
)
from envparity.judge.compare_conversations import transcript_differences
from envparity.judge.declarations import Ledger, ledger
from envparity.judge.name_values import NamesShown, is_comparable, shown_by
from envparity.judge.order_boots import OrderBoot, order_boots
from envparity.judge.report_tables import ReportTables
from envparity.judge.startup_facts import ended
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["RunView"]


class RunView:
    """The observations of a run in order (`in_order`), and what follows from them whichever rule asks."""

    def __init__(self, project: Project, observations: Iterable[Observation]) -> None:
        self.project = project
        self.observations = tuple(in_order(project, observations))
        self.tables = ReportTables(project)
        self._told: dict[int, tuple[ClientOutcome, ...]] = {}

    @cached_property
    def order_boots(self) -> tuple[OrderBoot, ...]:
        """Every boot with an order."""
        return tuple(order_boots(self.observations))

    @cached_property
    def order_boot_of(self) -> Mapping[str, OrderBoot]:
        """The same by the ids of their cases."""
        return {boot.observation.case.id: boot for boot in self.order_boots}

    @cached_property
    def groups(self) -> tuple[tuple[Observation, ...], ...]:
        """What may be compared: observations of equal boots."""
        return tuple(map(tuple, boot_groups(self.observations, self.order_boots)))

    @cached_property
    def report_differences(self) -> tuple[Compared, ...]:
        """Every difference of startup reports, declared or not."""
        return tuple(report_differences(self.project, self.groups, self.tables))

    @cached_property
    def setting_differences(self) -> tuple[Compared, ...]:
        """Every difference of settings."""
        return tuple(setting_differences(self.project, self.groups, self.tables))

    @cached_property
    def transcript_differences(self) -> tuple[Compared, ...]:
        """Every difference of conversations that kept to their script."""
        return tuple(transcript_differences(self.project, self.groups))

    @cached_property
    def job_differences(self) -> tuple[Compared, ...]:
        """Every difference of jobs that ran well."""
        return tuple(job_differences(self.project, self.groups))

    @cached_property
    def origin_differences(self) -> tuple[Compared, ...]:
        """Every difference of what browsers are told from each origin."""
        return tuple(origin_differences(self.project, self.groups))

    @cached_property
    def ledger(self) -> Ledger:
        """Which declared differences were used, which cover nothing, which have expired."""
        differences = (
            *self.report_differences,
            *self.setting_differences,
            *self.job_differences,
            *self.origin_differences,
            *self.transcript_differences,
        )
        return ledger(self.project, self.observations, self.groups, differences)

    @cached_property
    def shown(self) -> tuple[tuple[NamesShown, ...], ...]:
        """What the replicas of each boot showed, where names are declared; without boots that say nothing of others."""
        backend, environments = self.project.backend, self.project.environments
        comparable = filter(is_comparable, self.observations if backend.names else ())
        return tuple(
            tuple(shown_by(backend, observation, environments.get(observation.case.environment)))
            for observation in comparable
        )

    @cached_property
    def kept(self) -> Mapping[str, tuple[str, ...]]:
        """By scenario, the environments in which its script was kept to."""
        kept: dict[str, dict[str, None]] = {}
        for observation in self.observations:
            for script in observation.transcripts:
                if script.departure is None:
                    kept.setdefault(script.scenario, {})[observation.case.environment] = None
        return {scenario: tuple(names) for scenario, names in kept.items()}

    @cached_property
    def gone(self) -> frozenset[str]:
        """The ids of the cases of which no replica is there any more, although nobody asked them to go."""
        return frozenset(
            observation.case.id
            for observation in self.observations
            if observation.replicas and len(ended(observation)) == len(observation.replicas)
        )

    def clients_told(self, observation: Observation) -> tuple[ClientOutcome, ...]:
        """What every client was told that connected to that boot once its startup had ended."""
        if id(observation) not in self._told:
            self._told[id(observation)] = what_clients_were_told(self.project.backend, observation)
        return self._told[id(observation)]
