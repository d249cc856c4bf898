"""The interpreter that imports, in a container of the backend's own image: no network, a read-only root."""

from __future__ import annotations

import secrets
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

import docker
from docker.errors import DockerException
from docker.types import LogConfig

from envparity.audit.interpreter import Pipe, Start
from envparity.audit.program import audit_program
from envparity.errors import ConfigurationError, LaunchError, Mistake
from envparity.launch.agent.command import WarmUnavailable, python_command
from envparity.launch.cleanup.labels import labels_for
from envparity.launch.cleanup.run_folder import RunFolder
from envparity.launch.container.engine import Engine
from envparity.launch.container.kind import backend_image
from envparity.launch.engine_stream import raw_socket
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.model.backend import Backend

__all__ = ["image_starter"]

_HEADER = struct.Struct(">BxxxL")  # of the engine's multiplexed stream: 1 is standard output, 2 standard error
_PIDS = 256
_COMPLAINTS = 64 * 1024


@contextmanager
def image_starter(backend: Backend) -> Iterator[Start]:
    """What starts an interpreter in that backend's image, which is built first where it must be.

    Raises `EngineUnavailable`, `ImageError` where it is not there, or `ConfigurationError` where there is none, or it
    does not build, or does not start Python.
    """
    engine = Engine()
    try:
        builder = ImageBuilder(engine.client, default_docker_folder(), lambda _line: None)
        reference = backend_image(builder, backend)
        yield partial(_interpreter, engine.client, reference, _python_of(engine.client, reference, backend))
    finally:
        engine.close()


def _python_of(client: docker.DockerClient, reference: str, backend: Backend) -> str:
    config = client.images.get(reference).attrs["Config"]
    argv = [*(config.get("Entrypoint") or ()), *(backend.command or config.get("Cmd") or ())]
    try:
        return python_command(argv).interpreter
    except WarmUnavailable as error:
        mistake = Mistake(str(backend.file), 0, "image", "an image that starts Python", str(error))
        raise ConfigurationError([mistake]) from error


@contextmanager
def _interpreter(client: docker.DockerClient, image: str, python: str) -> Iterator[Pipe]:
    run_id = f"audit-{secrets.token_hex(4)}"
    with closing(RunFolder.make(run_id)) as folder:
        labels = labels_for(run_id, "audit", str(folder.owner))
        with _started(client, image, python, labels) as pipe:
            yield pipe


@contextmanager
def _started(client: docker.DockerClient, image: str, python: str, labels: dict[str, str]) -> Iterator[Pipe]:
    try:
        container = client.containers.create(
            image,
            entrypoint=[python, "-c", audit_program()],
            command=[],
            environment={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
            stdin_open=True,
            network_disabled=True,
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108  the container's own
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=_PIDS,
            log_config=LogConfig(type="none"),  # what it says is read as it comes
            labels=labels,
        )
    except DockerException as error:
        raise LaunchError(f"the audit's container: {error}") from error
    try:
        attached = client.api.attach_socket(
            str(container.id), params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        )
        with raw_socket(attached) as connection:
            container.start()
            yield _ContainerPipe(connection)
    except DockerException as error:
        raise LaunchError(f"the audit's container: {error}") from error
    finally:
        container.remove(force=True, v=True)


class _ContainerPipe:
    """The attached container's standard streams, over one socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._raw = b""
        self._complaints = b""

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def read(self, timeout_s: float) -> bytes:
        until = time.monotonic() + timeout_s
        while True:
            output = self._unpacked()
            if output:
                return output
            ready, _, _ = select.select([self._connection], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return b""
            data = self._connection.recv(1 << 16)
            if not data:
                said = self._complaints.decode(errors="replace").strip().splitlines()
                raise LaunchError(
                    "the audit's interpreter in the image has ended: " + (said or ["it said nothing"])[-1]
                )
            self._raw += data

    def _unpacked(self) -> bytes:
        """What standard output has said, of the frames that are whole."""
        output = b""
        while len(self._raw) >= _HEADER.size:
            stream, size = _HEADER.unpack_from(self._raw)
            if len(self._raw) < _HEADER.size + size:
                break
            data = self._raw[_HEADER.size : _HEADER.size + size]
            self._raw = self._raw[_HEADER.size + size :]
            if stream == 1:
                output += data
            else:
                self._complaints = (self._complaints + data)[-_COMPLAINTS:]
        return output
