"""What a run and the workers of a cluster say to each other: JSON, by TLS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from envparity.cluster.facts import LauncherFacts
from envparity.engine.case_result import CaseResult
from envparity.engine.elsewhere import AskedSearch, Found
from envparity.engine.session.identity import Identity
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = [
    "Asked",
    "Assignment",
    "Cold",
    "Failure",
    "Once",
    "OnceMore",
    "Prepared",
    "SearchHybrids",
    "Secrets",
    "secrets_of",
]


class Secrets(msgspec.Struct, frozen=True):
    """The secrets of the files, by name: those of the backend, of each environment, of its process, of its boots."""

    backend: dict[str, str] = {}
    environments: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    boots: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Secrets(…)"

    def put_into(self, project: Project) -> Project:
        """The project as these secrets make it, whatever stands in the files of this machine in their place."""
        backend = project.backend
        process = backend.process
        if process is not None:
            process = msgspec.structs.replace(process, variables=process.variables | self.variables)
        backend = msgspec.structs.replace(
            backend, settings=backend.settings | self.backend, boot_secrets=self.boots, process=process
        )
        environments = {
            name: msgspec.structs.replace(environment, settings=environment.settings | self.environments.get(name, {}))
            for name, environment in project.environments.items()
        }
        return replace(project, backend=backend, environments=environments)


class Assignment(msgspec.Struct, frozen=True):
    """What the workers of one run boot: files below their checkout, what these must be, and what was asked for.

    `salt` is that of fingerprints, in hexadecimal digits. It and the secrets are in the memory of the workers only.
    """

    run: str
    backend: str
    environments: str
    names: tuple[str, ...]
    identity: Identity
    secrets: Secrets
    salt: str
    launcher: str = "auto"
    image: str = ""
    orders: int = 0
    thorough: bool = False
    only: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Assignment({self.run})"


class Prepared(msgspec.Struct, frozen=True):
    """A worker is ready to boot by that launcher; or it is not, and `wrong` says why: what kind of error it was."""

    facts: LauncherFacts
    wrong: str = ""
    kind: str = ""


class Once(msgspec.Struct, frozen=True, tag=True):
    """Boot and observe that planned case."""

    case: Case


class OnceMore(msgspec.Struct, frozen=True, tag=True):
    """One more boot of that planned case."""

    case: Case


class Cold(msgspec.Struct, frozen=True, tag=True):
    """Boot that case, which nobody planned, in fresh containers."""

    case: Case


class SearchHybrids(msgspec.Struct, frozen=True, tag=True):
    """Look for causes with boots of hybrids."""

    search: AskedSearch


Asked = Once | OnceMore | Cold | SearchHybrids


class Failure(msgspec.Struct, frozen=True):
    """No answer, and nobody else would have one: which kind of error it was, and what it says."""

    kind: str
    text: str


class WorkerAnswer(msgspec.Struct, frozen=True):
    """What came of it: one of these."""

    result: CaseResult | None = None
    observation: Observation | None = None
    found: dict[int, Found] | None = None
    failure: Failure | None = None


def secrets_of(project: Project) -> Secrets:
    """Every secret that stands in the files as a setting, a variable of the process or in a boot."""
    backend = project.backend

    def secret(table: Iterable[tuple[str, object]]) -> dict[str, str]:
        return {name: value for name, value in table if isinstance(value, str) and backend.is_secret(name, value)}

    return Secrets(
        backend=secret(backend.settings.items()),
        environments={name: secret(environment.settings.items()) for name, environment in project.environments.items()},
        variables=secret(backend.process.variables.items()) if backend.process is not None else {},
        boots=dict(backend.boot_secrets),
    )
