"""Credentials for a deployed backend: asked for when they are needed, held in memory, and never shown."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from typing import Final

from envparity.errors import EnvparityError
from envparity.model.deployment import Credential
from envparity.support.child import start_child

__all__ = ["DEADLINE_S", "CredentialUnavailable", "resolve_credential", "shown_credential"]

DEADLINE_S: Final = 10.0
"""How long a command may take to give a credential, in seconds."""

_MAX_BYTES = 64 * 1024
_READ = 8192


class CredentialUnavailable(EnvparityError):
    """A credential could not be had. Says where it should have come from, and nothing that came."""


async def resolve_credential(
    credential: Credential, environ: Mapping[str, str] | None = None, deadline_s: float = DEADLINE_S
) -> str:
    """The credential: the variable's value, or what the command prints, without the one newline at its end.

    The command is run without a shell and without input; what it says on stderr is not kept, for it may be the secret.
    When it takes longer than `deadline_s` seconds, or its caller is cancelled, it is killed with all that it started.
    Raises `CredentialUnavailable`.
    """
    environ = os.environ if environ is None else environ
    if credential.variable is not None:
        value = environ.get(credential.variable)
        if value is None:
            raise CredentialUnavailable(f"{shown_credential(credential)} is not set")
    else:
        value = await _printed(credential, environ, deadline_s)
    if not value.strip():
        raise CredentialUnavailable(f"{shown_credential(credential)} is empty")
    return value


def shown_credential(credential: Credential) -> str:
    """Where it comes from, in words: the variable's name, or the program's, without its arguments."""
    if credential.variable is not None:
        return f"the environment variable {credential.variable}"
    return f"the output of the command {credential.command[0]}"


async def _printed(credential: Credential, environ: Mapping[str, str], deadline_s: float) -> str:
    what = shown_credential(credential)
    options = {
        "stdin": asyncio.subprocess.DEVNULL,
        "stderr": asyncio.subprocess.DEVNULL,
        "env": dict(environ),
        "start_new_session": True,  # so that what it starts can be ended with it
    }
    try:
        async with start_child(*credential.command, **options) as (process, output):
            try:
                async with asyncio.timeout(deadline_s):
                    printed = await _read(output, what)
                    status = await process.wait()
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
    except TimeoutError:
        raise CredentialUnavailable(f"{what}: not there within {deadline_s:g} s") from None
    except OSError as error:
        raise CredentialUnavailable(f"{what}: it could not be started: {error.strerror}") from None
    if status != 0:
        raise CredentialUnavailable(f"{what}: it ended with status {status}")
    try:
        return printed.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CredentialUnavailable(f"{what}: it is no UTF-8 text") from None


async def _read(output: asyncio.StreamReader, what: str) -> bytes:
    printed = b""
    while part := await output.read(_READ):
        printed += part
        if len(printed) > _MAX_BYTES:
            raise CredentialUnavailable(f"{what}: longer than {_MAX_BYTES} bytes")
    return printed
