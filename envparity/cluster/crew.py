"""The workers of a cluster as those who boot for a run: cases, and whatever turns out to be needed meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import msgspec
from distributed import Future, KilledWorker

from envparity.cluster.address import ClusterAddress
from envparity.cluster.connection import ClusterConnection
from envparity.cluster.facts import LauncherFacts
from envparity.cluster.wire import Asked, Assignment, Cold, Once, OnceMore, SearchHybrids, WorkerAnswer, secrets_of
from envparity.engine.case_result import CaseResult
from envparity.engine.elsewhere import AskedSearch, Found
from envparity.engine.events import Emit, Waiting
from envparity.engine.plan import PlannedCase
from envparity.engine.session.identity import identity_of
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, LaunchError, Mistake, TooBusy
from envparity.launch.port import Stack
from envparity.launch.port import Waiting as Waits
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["BootingCluster"]

_LOOK_S = 1.0
_ALONE_S = 60.0
"""How long there may be no worker at all, or no answer of the scheduler, before a run is given up."""
_RESULT_S = 60.0


class BootingCluster:
    """A cluster that boots for one run: `source` and `launcher` of it, as a run takes them."""

    def __init__(
        self, address: ClusterAddress, project: Project, inputs: Inputs, only: tuple[str, ...], emit: Emit
    ) -> None:
        def waiting(waited_for: str) -> None:
            emit(Waiting("", waited_for))

        run = secrets.token_hex(4)
        assignment = Assignment(
            run=run,
            backend=_below_here(inputs.backend),
            environments=_below_here(inputs.environments),
            names=tuple(project.environments),
            identity=identity_of(project),
            secrets=secrets_of(project),
            salt=secrets.token_hex(16),
            launcher=inputs.launcher,
            image=inputs.image,
            orders=inputs.orders,
            thorough=inputs.thorough,
            only=only,
        )
        connection = ClusterConnection(address, waiting)
        try:
            facts = connection.prepare(assignment, waiting)
            workers = _Workers(connection, run, emit)
        except BaseException:
            connection.close()
            raise
        self.source = workers
        self.launcher = _Nobody(facts, run, workers)


class _Nobody:
    """Who boots on this machine: nobody. Closing it ends what the cluster holds for this run."""

    def __init__(self, facts: LauncherFacts, run_id: str, workers: _Workers) -> None:
        self.name, self.reason, self.run_id = facts.name, facts.reason, run_id
        self.cannot_check, self.images = facts.cannot_check, facts.images
        self._workers = workers

    def boot(self, environment: Environment, boot: Boot, waiting: Waits) -> AbstractAsyncContextManager[Stack]:
        del waiting
        raise LaunchError(f"{environment.name} ({boot.label}) is booted by the cluster alone")

    async def close(self) -> None:
        await self._workers.close()


class _Workers:
    """Submits each thing that is asked for, and waits for its answer, or for the end of the cluster."""

    def __init__(self, connection: ClusterConnection, run: str, emit: Emit) -> None:
        self._connection, self._run, self._emit = connection, run, emit
        self._numbers = itertools.count(1)
        self._known = connection.workers()
        self._watching: asyncio.Task[str] | None = None
        self._closed = False

    async def case(self, planned: PlannedCase) -> CaseResult:
        result = (await self._asked(planned.case.id, Once(planned.case))).result
        if result is None:
            raise LaunchError(f"{planned.case}: a worker answered something else")
        return result

    async def again(self, planned: PlannedCase, nth: int) -> Observation:
        return self._observation(await self._asked(f"{planned.case.id}-again-{nth}", OnceMore(planned.case)))

    async def cold(self, case: Case) -> Observation:
        return self._observation(await self._asked(f"{case.id}-cold-{next(self._numbers)}", Cold(case)))

    async def search(self, asked: AskedSearch) -> Mapping[int, Found]:
        found = (await self._asked(f"causes-{next(self._numbers)}", SearchHybrids(asked))).found
        if found is None:
            raise LaunchError("a worker that was to look for causes answered something else")
        return found

    async def close(self) -> None:
        """End all that is under way, and what the workers hold."""
        if self._closed:
            return
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.to_thread(self._connection.close)

    @staticmethod
    def _observation(answer: WorkerAnswer) -> Observation:
        if answer.observation is None:
            raise LaunchError("a worker that was to boot answered something else")
        return answer.observation

    async def _asked(self, key: str, asked: Asked) -> WorkerAnswer:
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="the workers of the cluster")
        try:
            return await self._answered(key, asked)
        except (ConfigurationError, TooBusy):
            raise
        except Exception as error:
            # However it shows first: a call that fails, an answer that is dropped, a client that is closed.
            if await self._has_no_scheduler():
                raise LaunchError(f"the cluster at {self._connection.name} is lost: its scheduler is gone") from error
            raise

    async def _answered(self, key: str, asked: Asked) -> WorkerAnswer:
        future = self._connection.submit(self._run, key, asked)
        try:
            await self._until_done(future)
        except asyncio.CancelledError:
            with suppress(Exception):  # of a cluster that is gone nothing can be cancelled
                future.cancel()
            raise
        return await asyncio.to_thread(_answer_of, key, future)

    async def _has_no_scheduler(self) -> bool:
        """Whether it is gone: the client says so, or does not know it yet and gets no answer."""
        if self._connection.client.status != "running":
            return True
        try:
            await asyncio.to_thread(self._connection.workers)
        except Exception:  # noqa: BLE001  whatever a client says that loses its scheduler at this moment
            return True
        return False

    async def _until_done(self, future: Future[str]) -> None:
        """Wait for it. Raises `LaunchError` where the cluster is gone meanwhile."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def set_done() -> None:
            if not done.done():
                done.set_result(None)

        def over(_future: Future[str]) -> None:
            with suppress(RuntimeError):  # the run has ended, and its loop
                loop.call_soon_threadsafe(set_done)

        future.add_done_callback(over)
        watching = self._watching
        if watching is None:
            raise LaunchError("nobody watches the cluster")
        waited_for: set[asyncio.Future[None] | asyncio.Future[str]] = {done, watching}
        await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and not done.done():
            raise LaunchError(watching.result())

    async def _watch(self) -> str:
        """Tell of workers that are lost; why there is no cluster any more, when there is none."""
        silent_s, why = 0.0, ""
        while silent_s < _ALONE_S:
            try:
                now = await asyncio.to_thread(self._connection.workers)
                why = "it has no worker with an engine any more"
            except (OSError, TimeoutError, RuntimeError) as error:
                now, why = set(), f"its scheduler is gone: {error or type(error).__name__}"
                if self._connection.client.status in {"closed", "closing"}:
                    break
            for lost in sorted(self._known - now) if now else ():
                self._emit(Waiting("", f"another worker: {lost} is gone; what it was at is done again"))
            self._known = now or self._known
            silent_s = 0.0 if now else silent_s + _LOOK_S
            await asyncio.sleep(_LOOK_S)
        return f"the cluster at {self._connection.name} is lost: {why}"


def _answer_of(key: str, future: Future[str]) -> WorkerAnswer:
    """The answer; raised where there is none: what is wrong with the files, or why nobody could answer."""
    if future.status != "finished":
        error = future.exception(timeout=_RESULT_S) if future.status == "error" else None
        if isinstance(error, KilledWorker):
            raise LaunchError(f"{key}: each worker that was asked has died at it")
        raise LaunchError(f"{key}: {error if error is not None else 'the cluster has dropped it'}")
    answer = msgspec.json.decode(future.result(timeout=_RESULT_S), type=WorkerAnswer)
    if answer.failure is None:
        return answer
    if answer.failure.kind == "TooBusy":
        raise TooBusy(answer.failure.text)
    if answer.failure.kind == "ConfigurationError":
        raise ConfigurationError([Mistake("--cluster", 0, key, "a worker that can answer", answer.failure.text)])
    raise LaunchError(f"{key}: {answer.failure.text}")


def _below_here(path: Path) -> str:
    """The path below this folder, which is the checkout here. Raises `ConfigurationError` for another."""
    whole, here = path.resolve(), Path.cwd().resolve()
    if not whole.is_relative_to(here):
        expected = "a path below this folder, so that it is known below a worker's checkout"
        raise ConfigurationError([Mistake("--cluster", 0, str(path), expected, "one outside of it")])
    return os.fspath(whole.relative_to(here))
