"""Startup reports, flat and normalised, each once: a baseline is compared with all the others."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.judge.normalise import report_paths
from envparity.model.project import Project
from envparity.observe.record import Observation, Replica

__all__ = ["ReportTables"]


class ReportTables:
    """The tables of the observations of one run."""

    def __init__(self, project: Project) -> None:
        self.backend = project.backend
        self._environments = project.environments
        self._made: dict[int, tuple[Replica, Mapping[str, str]]] = {}

    def of(self, observation: Observation) -> list[Mapping[str, str]]:
        """One table for each replica that has a report."""
        reported = [replica for replica in observation.replicas if replica.startup is not None]
        return [self.of_replica(observation, replica) for replica in reported]

    def of_replica(self, observation: Observation, replica: Replica) -> Mapping[str, str]:
        """The table of that replica; empty where it has no report."""
        if replica.startup is None:
            return {}
        if id(replica) not in self._made:
            environment = self._environments.get(observation.case.environment)
            table = report_paths(replica.startup, self.backend, environment)
            self._made[id(replica)] = (replica, table)  # what is kept keeps its id
        return self._made[id(replica)][1]
