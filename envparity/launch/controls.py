"""What can be done to a booted stack, and seen of it, beyond what every stack has: each is a protocol of its own.

Who needs something of it asks for it by `isinstance`, or by a function that says in one sentence that it cannot be had.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from envparity.errors import LaunchError
from envparity.launch.port import Stack
from envparity.model.case import Boot
from envparity.model.step import DisturbsDependency
from envparity.observe.certificate import PresentedCertificate
from envparity.observe.disturbed import OutageSeen
from envparity.observe.record import Attached, JobRun, ProcessRun
from envparity.support.stalls import Granted

__all__ = [
    "AnswersHealth",
    "BootsWarm",
    "CountsConnections",
    "CountsProcessors",
    "DependencyControls",
    "Disturbable",
    "HidesSecrets",
    "LookedAt",
    "NetworkControls",
    "PresentsCertificates",
    "RanJobs",
    "ReplacesRelease",
    "ReplicaControls",
    "RunsPrograms",
    "SaysHoldings",
    "ShowsMetrics",
    "WarmBoots",
    "WarmUnavailable",
    "dependency_controls",
    "network_controls",
    "replica_controls",
    "warm_boots",
]


@runtime_checkable
class ReplicaControls(Protocol):
    """A stack whose replicas can be stopped and started."""

    async def until_ready(self, index: int | None = None) -> None:
        """Wait until the replica (or all) says that it is ready."""
        ...

    async def stop_replica(self, index: int) -> None:
        """SIGTERM, and SIGKILL when the grace period is over. Returns when it has ended."""
        ...

    async def start_replica(self, index: int) -> None:
        """Start a stopped replica again, and wait until it is ready."""
        ...


@runtime_checkable
class KillsReplicas(Protocol):
    """A stack whose replicas can be killed without having been told to stop."""

    async def kill_replica(self, index: int) -> None:
        """SIGKILL. Returns when it has ended."""
        ...


@runtime_checkable
class AnswersHealth(Protocol):
    """A stack whose replicas can be asked how they are, each by itself."""

    async def liveness(self, index: int) -> int | None:
        """The status that its liveness answers now; None where it has none, or does not answer."""
        ...

    async def ready_status(self, index: int) -> int | None:
        """The status that its readiness answers now; None where it does not answer, or says nothing of draining."""
        ...


@runtime_checkable
class DependencyControls(Protocol):
    """A stack whose dependencies can be restarted, and told something."""

    async def restart_dependency(self, name: str) -> None:
        """Stop the dependency and start it again with its data; returns when it accepts connections."""
        ...

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        """Have a dependency of a kind that takes commands do one (to revoke a token), and give its answer."""
        ...


@runtime_checkable
class NetworkControls(Protocol):
    """A stack in which the way from the backend to its dependencies can be cut."""

    async def cut_dependency(self, name: str) -> None:
        """Nothing reaches the dependency any more: open connections are reset, new ones refused."""
        ...

    async def restore_dependency(self, name: str) -> None:
        """Undo `cut_dependency`."""
        ...


def replica_controls(stack: Stack) -> ReplicaControls:
    """The stack, whose replicas can be stopped. Raises `LaunchError` where they cannot."""
    if not isinstance(stack, ReplicaControls):
        raise LaunchError(f"nothing can be done to the replicas of {stack.case}")
    return stack


def dependency_controls(stack: Stack) -> DependencyControls:
    """The stack, whose dependencies can be restarted. Raises `LaunchError` where they cannot."""
    if not isinstance(stack, DependencyControls):
        raise LaunchError(f"nothing can be done to the dependencies of {stack.case}")
    return stack


def network_controls(stack: Stack) -> NetworkControls:
    """The stack, whose network can be cut. Raises `LaunchError` where it cannot."""
    if not isinstance(stack, NetworkControls):
        raise LaunchError(f"nothing of the network of {stack.case} can be cut")
    return stack


@runtime_checkable
class CountsConnections(Protocol):
    """A stack of which is counted how many connections its replicas have to each dependency."""

    def connections_to(self) -> dict[str, int]:
        """Those that are open now, by the dependency's name."""
        ...

    def most_connections_to(self) -> dict[str, int]:
        """How many were open at the same time at most, since it was booted."""
        ...


@runtime_checkable
class CountsProcessors(Protocol):
    """A stack of which is counted what its replicas have of the processors."""

    async def granted(self) -> Granted | None:
        """What they have had since each was last started; None where it could not be asked."""
        ...


@runtime_checkable
class Disturbable(Protocol):
    """A stack whose dependencies can be slow, silent or broken, and whose replicas can be starved.

    `Stack.restore_dependency` ends what is done to a dependency. Each raises `DeadlineExceeded` or `LaunchError`.
    """

    async def disturb_dependency(self, step: DisturbsDependency) -> None:
        """Begin it, in place of what is done to that dependency already."""
        ...

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        """Every time that dependency was away, with who tried to connect to it."""
        ...

    async def readiness(self) -> tuple[int | None, ...]:
        """The status that the readiness of each replica answers now; None where it has none, or does not answer."""
        ...

    async def throttle_replica(self, index: int, share: float, for_s: float) -> None:
        """Give it that share of its processors for so many seconds. Returns when they are over."""
        ...

    async def jump_clock(self, index: int, by_s: float) -> None:
        """Put its clock forward, or back."""
        ...

    async def restart_all(self, *, dependencies: bool) -> None:
        """Stop every replica and start all in the same moment, with `dependencies` every server at the same time.

        Returns when every replica is ready.
        """
        ...


@runtime_checkable
class ReplacesRelease(Protocol):
    """A stack that began with the previous release, where its boot asks for a change of it."""

    async def change_release(self) -> None:
        """Do what the boot says, on the data that there are. Returns when every startup has passed, failed or ended."""
        ...


@runtime_checkable
class HidesSecrets(Protocol):
    """A stack that takes out of what it tells what became known as a secret only while it ran."""

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """Pairs of a secret and what is shown in its place."""
        ...


@runtime_checkable
class PresentsCertificates(Protocol):
    """A stack whose dependencies present the certificates that its boot asks for."""

    @property
    def presented(self) -> tuple[PresentedCertificate, ...]:
        """Those that are not for the host which the backend asks for."""
        ...


@runtime_checkable
class RanJobs(Protocol):
    """A stack of an environment that has jobs, which ran before the backend started."""

    jobs: list[JobRun]


@runtime_checkable
class ShowsMetrics(Protocol):
    """A stack whose replicas can be asked for their metrics, each by itself."""

    async def metrics(self, index: int) -> str:
        """The page as it is now; "" where there is none."""
        ...


@runtime_checkable
class SaysHoldings(Protocol):
    """A stack whose dependencies can be asked what they hold."""

    async def holdings(self) -> dict[str, dict[str, int]]:
        """How much of each sort that does not end by itself, by dependency; not those that cannot be asked."""
        ...


@runtime_checkable
class RunsPrograms(Protocol):
    """A stack of an environment whose backend has further programs beside its replicas."""

    async def observe_programs(self) -> tuple[ProcessRun, ...]:
        """How they are now."""
        ...


class WarmUnavailable(LaunchError):
    """This cannot be booted warm, for the reason that is said; it can be booted cold."""


class WarmBoots(Protocol):
    """Boots beside one booted environment, as forks of a process that has its third-party packages loaded."""

    def boot(self, boot: Boot) -> AbstractAsyncContextManager[Stack]:
        """Boot that way as soon as there is room. Startup goes on when this returns; `until_decided` waits for it.

        Raises `WarmUnavailable` where a fork cannot do what a new process would.
        """
        ...


@runtime_checkable
class BootsWarm(Protocol):
    """A stack beside which there can be warm boots."""

    def warm(self, lanes: int) -> AbstractAsyncContextManager[WarmBoots]:
        """Warm boots beside this stack, `lanes` at a time. Raises `WarmUnavailable` where there can be none."""
        ...


def warm_boots(stack: Stack, lanes: int) -> AbstractAsyncContextManager[WarmBoots]:
    """Warm boots beside that stack, `lanes` at a time. Raises `WarmUnavailable` where there can be none."""
    if not isinstance(stack, BootsWarm):
        raise WarmUnavailable(f"there are none beside {stack.case} by this launcher")
    return stack.warm(lanes)


@runtime_checkable
class LookedAt(Protocol):
    """A stack that others use, who must not notice: it is observed where it runs, and its credentials may expire."""

    async def renew(self) -> None:
        """Have the key or a token that is still good. Raises `LaunchError` where there is none."""
        ...

    async def unreachable(self) -> str:
        """Why it cannot be reached now; empty where it can."""
        ...

    def seen(self, lost: str, unplayed: int) -> Attached:
        """What it is and what was seen of it; `lost` is why it could not be reached any more, if so."""
        ...
