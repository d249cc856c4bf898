"""Connections to the container engine that carry a stream: opened for a while, and closed whole."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

import docker
from docker.errors import APIError

__all__ = ["archive_of", "raw_socket"]

_CHUNK: Final = 1 << 16


@contextmanager
def raw_socket(attached: Any) -> Iterator[socket.socket]:
    """The socket below what the engine's client gives for `socket=True`, to read and to write; closed whole at the end.

    The client wraps it for reading only, and keeps the HTTP answer that it came with: each of the three holds the
    descriptor open for itself.
    """
    connection: socket.socket = getattr(attached, "_sock", attached)
    with ExitStack() as held:
        # Closed in the order opposite to this: an answer whose socket is closed cannot be.
        for layer in (connection, attached, getattr(attached, "_response", None)):
            if layer is not None:
                held.enter_context(closing(layer))
        try:
            yield connection
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def archive_of(client: docker.DockerClient, container: str, path: str, at_most: int) -> bytes | None:
    """What is at that path of a container, as a tar; None where nothing is, b"" where it has more than `at_most` bytes.

    The client's own call gives an iterator that closes nothing when it is left before its end. Blocks. Raises
    `docker.errors.APIError`.
    """
    api = client.api
    url = f"{api.base_url}/v{api.api_version}/containers/{container}/archive"
    with closing(api.get(url, params={"path": path}, stream=True, timeout=api.timeout)) as answer:
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not answer.ok:
            raise APIError(f"{answer.status_code} for {path}", response=answer)
        held = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            held += chunk
            if len(held) > at_most:
                return b""
        return bytes(held)
