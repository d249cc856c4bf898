"""The container engine, from asyncio: every call runs in a thread and has a name and a deadline."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException
from testcontainers.core.config import testcontainers_config

from envparity.errors import DeadlineExceeded, EngineFailed, EngineUnavailable, LaunchError
from envparity.support.stalls import within

__all__ = ["Engine", "engine_failures"]

T = TypeVar("T")
_CALL_S = 60.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_THREADS = 8


class Engine:
    """One connection to the engine and the threads that use it. Raises `EngineUnavailable` where none answers."""

    def __init__(self) -> None:
        # There is no Ryuk here: the run sweeps after itself, and the next one after a killed run.
        testcontainers_config.ryuk_disabled = True
        self.client = _client()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="envparity-engine")
        self._under_way: set[Future[Any]] = set()

    async def call(self, what: str, function: Callable[[], T], timeout_s: float = _CALL_S) -> T:
        """Run that blocking call in a thread. `what` names the wait.

        Raises `DeadlineExceeded` after `timeout_s` seconds, `LaunchError` where the engine refuses, and `EngineFailed`
        where that is its own trouble.
        """
        future = self._threads.submit(function)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        asking = asyncio.wrap_future(future)
        # Whoever was cancelled meanwhile does not want to know how it ended, and asyncio shall not complain of that.
        asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        try:
            with engine_failures(what):
                async with within(timeout_s):
                    return await asyncio.shield(asking)
        except TimeoutError as error:
            raise DeadlineExceeded(what, timeout_s) from error

    def settle(self, timeout_s: float) -> None:
        """Block until no call is under way: what a cancelled task began to create exists then, and can be removed."""
        wait_for_futures(list(self._under_way), timeout=timeout_s)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.client.close()


@contextmanager
def engine_failures(what: str) -> Iterator[None]:
    """Turn what the engine's client raises into a `LaunchError` of one sentence.

    That something is gone or in the way which this run has made itself, and that the engine does not answer, is
    nobody's doing but the engine's: `EngineFailed`.
    """
    try:
        yield
    except (APIError, requests.RequestException) as error:
        own = not isinstance(error, APIError) or error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}
        raise (EngineFailed if own else LaunchError)(f"{what}: the container engine says: {_said(error)}") from error
    except DockerException as error:
        raise LaunchError(f"{what}: {error}") from error


def _said(error: Exception) -> str:
    explained = error.explanation if isinstance(error, APIError) else None
    return " ".join(str(explained or error).split())


def _client() -> docker.DockerClient:
    """A client of the engine that answers. Raises `EngineUnavailable`, and leaves no socket open then."""
    where = os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
    try:
        _knock(where)
        client = docker.from_env(timeout=int(_CALL_S), max_pool_size=_THREADS * 2)
    except (DockerException, OSError) as error:
        raise EngineUnavailable(f"no container engine answers at {where}: {error}") from error
    return client


def _knock(where: str) -> None:
    """Raise OSError where nothing listens at a Unix socket: the client leaves its own socket open then."""
    if where.startswith("unix://"):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as knocking:
            knocking.settimeout(_CALL_S)
            knocking.connect(where.removeprefix("unix://"))
