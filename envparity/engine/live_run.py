"""The synchronous face of a run, for plain test functions."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Self, TypeVar

from envparity.engine.held_environment import HeldEnvironment
from envparity.engine.plan import PlannedCase
from envparity.engine.run import Run
from envparity.errors import ConfigurationError, EnvparityError, Interrupted
from envparity.judge.finding import Judgement, Verdict
from envparity.model.case import Boot, Case
from envparity.observe.record import Observation

__all__ = ["LiveRun", "WarmEnvironment"]

T = TypeVar("T")
_CLOSE_S = 30.0
_HEEDS_SIGNALS_S = 0.1


class WarmEnvironment:
    """One environment that stands, and boots beside it in whatever way is asked for. Made by `LiveRun.warm`."""

    def __init__(self, live: LiveRun, standing: HeldEnvironment) -> None:
        self._live = live
        self._standing = standing
        self.name = standing.case.environment

    def observe(self, boot: Boot) -> Observation:
        """What that boot shows: a fork where there can be one, else a fresh container."""
        return self._live.ask(self._standing.observe(boot))

    def observe_cold(self, boot: Boot) -> Observation:
        """The same in fresh containers: what a fork showed counts once this shows it too."""
        return self._live.ask(self._standing.observe_cold(boot))


class LiveRun:
    """The synchronous face of a `Run`: its event loop lives in a thread, so that plain test functions can ask it."""

    def __init__(self, make_run: Callable[[], Run]) -> None:
        self._make_run = make_run
        self._run: Run | None = None
        self._left: Run | None = None

    def __enter__(self) -> Self:
        self._run = self._make_run()  # here, and not in the thread: it may take its time, and a signal must end it
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="envparity-run", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        run, self._run = self.run, None
        self._left = run
        try:
            asyncio.run_coroutine_threadsafe(run.close(), self._loop).result(_CLOSE_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CLOSE_S)
            if not self._thread.is_alive():
                self._loop.close()

    def break_off(self, error: BaseException) -> str:
        """Tell what was seen until that made somebody leave the run, as its verdict; how much it is, "" for nothing."""
        if self._left is None or isinstance(error, ConfigurationError):
            return ""
        if isinstance(error, KeyboardInterrupt):
            error = Interrupted(signal.SIGINT)
        return self._left.break_off(error if isinstance(error, Exception) else EnvparityError(str(error)))

    @property
    def run(self) -> Run:
        if self._run is None:
            raise RuntimeError("the run has not been entered")
        return self._run

    @property
    def cases(self) -> tuple[PlannedCase, ...]:
        return self.run.cases

    def observe(self, case: Case) -> Observation:
        return self.ask(self.run.observe(case))

    def observe_all(self) -> tuple[Observation, ...]:
        return self.ask(self.run.observe_all())

    def judgement(self) -> Judgement:
        return self.ask(self.run.judgement())

    def verdict(self) -> Verdict:
        return self.ask(self.run.verdict())

    @contextmanager
    def warm(self, environment: str) -> Iterator[WarmEnvironment]:
        """That environment as long as this lasts, for boots that nobody planned.

        Closing the run takes it down too. Raises `ConfigurationError` where there is none of that name, `LaunchError`
        or `DeadlineExceeded` where it cannot be stood up, and `RuntimeError` where this run has it standing already.
        """
        standing = self.ask(self.run.stand(environment))
        try:
            yield WarmEnvironment(self, standing)
        finally:
            if self._run is not None:  # else it was closed meanwhile, and this went with it
                self.ask(standing.end())

    def ask(self, question: Coroutine[object, object, T]) -> T:
        """The answer, from the run's own event loop. Whoever stops waiting for it cancels the question."""
        answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            while not answer.done():
                # The kernel may give a signal to any thread, and then nothing wakes the one whose handler it is.
                wait([answer], _HEEDS_SIGNALS_S)
            return answer.result()
        finally:
            answer.cancel()  # only where it was interrupted: an answer that is there stays
