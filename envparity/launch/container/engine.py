"""The container engine, from asyncio: every call runs in a thread and has a name and a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from contextlib import closing, contextmanager
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException
from testcontainers.core.config import testcontainers_config

from envparity.errors import DeadlineExceeded, EngineFailed, EngineSilent, EngineUnavailable, LaunchError
from envparity.support.shielded import shielded
from envparity.support.stalls import within

__all__ = ["Engine", "engine_failures"]

T = TypeVar("T")
_CALL_S = 60.0
_MOMENT_S = 3.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_THREADS = 8


class Engine:
    """One connection to the engine and the threads that use it. Raises `EngineUnavailable` where none answers."""

    def __init__(self) -> None:
        # There is no Ryuk here: the run sweeps after itself, and the next one after a killed run.
        testcontainers_config.ryuk_disabled = True
        self.client = _client()
        self._threads = _Threads(_THREADS)
        self._under_way: set[Future[Any]] = set()
        self.silent = False

    async def call(self, what: str, function: Callable[[], T], timeout_s: float | None = None) -> T:
        """Run that blocking call in a thread. `what` names the wait.

        Raises `DeadlineExceeded` after `timeout_s` seconds, `EngineSilent` where it was given as long as anything may
        take, `LaunchError` where the engine refuses, and `EngineFailed`
        where that is its own trouble.
        """
        future = self._threads.submit(function)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        try:
            with engine_failures(what):
                async with within(_CALL_S if timeout_s is None else timeout_s):
                    return await shielded(asyncio.wrap_future(future))
        except TimeoutError as error:
            if timeout_s is None:
                raise EngineSilent(f"the container engine: {what}", _CALL_S) from error
            raise DeadlineExceeded(what, timeout_s) from error

    async def clean(self, what: str, function: Callable[[], T]) -> None:
        """Run what removes something, as `call` does; whoever was told to end waits for no engine that is silent.

        What is left is then the guard's, who is more patient.
        """
        task = asyncio.current_task()
        hurried = task is not None and task.cancelling() > 0

        async def removed() -> None:
            if not hurried or await self.answers():
                await self.call(what, function)

        await shielded(removed())

    async def answers(self) -> bool:
        """Whether it answers at all, within moments. Once it has not, it is not asked again."""
        if not self.silent:
            try:
                await self.call("the engine to answer", self.client.ping, _MOMENT_S)
            except (LaunchError, DeadlineExceeded):
                self.silent = True
        return not self.silent

    def settle(self, timeout_s: float) -> None:
        """Block until no call is under way: what a cancelled task began to create exists then, and can be removed."""
        wait_for_futures(list(self._under_way), timeout=timeout_s)

    def close(self) -> None:
        self._threads.end()
        if self.silent:  # else whoever still waits for it would hold what it waits at
            return
        wait_for_futures(list(self._under_way))
        self.client.close()


class _Threads:
    """A few threads for calls that block. None of them keeps this process alive: an engine may never answer."""

    def __init__(self, most: int) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        for number in range(most):
            threading.Thread(target=self._work, name=f"envparity-engine_{number}", daemon=True).start()
        self._most = most

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Have it called; what it gives, or raises, is the future's."""
        future: Future[T] = Future()
        self._calls.put((future, function))
        return future

    def end(self) -> None:
        """Call nothing more, once what was submitted is called; what nobody has begun with is cancelled."""
        with contextlib.suppress(Empty):
            while True:
                asked = self._calls.get_nowait()
                if asked is not None:
                    asked[0].cancel()
        for _ in range(self._most):
            self._calls.put(None)

    def _work(self) -> None:
        while (asked := self._calls.get()) is not None:
            future, function = asked
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  it is raised where the future is asked
                    future.set_exception(error)


@contextmanager
def engine_failures(what: str) -> Iterator[None]:
    """Turn what the engine's client raises into a `LaunchError` of one sentence.

    That something is gone or in the way which this run has made itself, and that the engine does not answer, is
    nobody's doing but the engine's: `EngineFailed`.
    """
    try:
        yield
    except requests.Timeout as error:
        raise EngineSilent(f"the container engine: {what}", _CALL_S) from error
    except (APIError, requests.RequestException) as error:
        own = not isinstance(error, APIError) or error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}
        raise (EngineFailed if own else LaunchError)(f"{what}: the container engine says: {_said(error)}") from error
    except DockerException as error:
        # The client asks for the engine's version when it is made.
        own = isinstance(error.__cause__, (requests.RequestException, OSError))
        raise (EngineFailed if own else LaunchError)(f"{what}: {_said(error)}") from error


def _said(error: Exception) -> str:
    explained = error.explanation if isinstance(error, APIError) else None
    return " ".join(str(explained or error).split())


def _client() -> docker.DockerClient:
    """A client of the engine that answers. Raises `EngineUnavailable`, and leaves no socket open then."""
    where = os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
    try:
        _knock(where)
        client = docker.from_env(timeout=int(_CALL_S), max_pool_size=_THREADS * 2)
    except (DockerException, OSError, ValueError) as error:  # ValueError: what is no address
        raise EngineUnavailable(f"no container engine answers at {where}: {error}") from error
    return client


def _knock(where: str) -> None:
    """Raise OSError where nothing listens at a Unix socket: the client leaves its own socket open then."""
    if where.startswith("unix://"):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as knocking:
            knocking.settimeout(_CALL_S)
            knocking.connect(where.removeprefix("unix://"))
