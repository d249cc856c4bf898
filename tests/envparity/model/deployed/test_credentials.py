"""Credentials: from a variable or a command, within a deadline, and never shown."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from envparity.model.deployed.credentials import CredentialUnavailable, resolve_credential, shown_credential
from envparity.model.deployment import Credential


def printing(code: str) -> Credential:
    return Credential(command=(sys.executable, "-S", "-c", code))


async def test_a_variable_gives_its_value_as_it_is() -> None:
    """Nothing is taken off."""
    assert await resolve_credential(Credential(variable="KEY"), {"KEY": "a b\n"}) == "a b\n"


@pytest.mark.parametrize(("printed", "value"), [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), (" k \n\n", " k \n")])
async def test_a_command_gives_what_it_prints_without_the_one_newline_at_its_end(printed: str, value: str) -> None:
    """And no more is taken off than that."""
    assert await resolve_credential(printing(f"import sys; sys.stdout.write({printed!r})")) == value


WRONG = {
    "variable not set": (Credential(variable="NO_SUCH"), "NO_SUCH is not set"),
    "variable empty": (Credential(variable="EMPTY"), "EMPTY is empty"),
    "no such program": (Credential(command=("/nonexistent/hunter2-tool", "x")), "could not be started"),
    "failing": (printing("import sys; print('hunter2'); sys.exit(3)"), "ended with status 3"),
    "silent": (printing(""), "is empty"),
    "endless": (printing("while True: print('hunter2' * 100)"), "longer than 65536 bytes"),
    "no text": (printing("import os; os.write(1, b'hunter2\\xff')"), "no UTF-8 text"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_said_without_what_came(case: str) -> None:
    """Where it should have come from and why it did not; never the output, the arguments or the variable's value."""
    credential, words = WRONG[case]
    with pytest.raises(CredentialUnavailable, match=words) as caught:
        await resolve_credential(credential, {**os.environ, "EMPTY": ""})
    assert "hunter2" not in str(caught.value).replace("/nonexistent/hunter2-tool", "")


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """At its deadline; the pipe that its child still holds open keeps nobody waiting."""
    held = tmp_path / "held"
    os.mkfifo(held)
    reading = os.fdopen(os.open(held, os.O_RDONLY | os.O_NONBLOCK), "rb")
    code = (
        f"import subprocess; subprocess.run(['sh', '-c', 'echo here >&2; sleep 60'], stderr=open({str(held)!r}, 'w'))"
    )
    began = time.monotonic()
    with pytest.raises(CredentialUnavailable, match="not there within 1 s"):
        await resolve_credential(printing(code), deadline_s=1.0)
    assert time.monotonic() - began < 10
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), reading)
    async with asyncio.timeout(5):
        assert await stream.read() == b"here\n"  # and then its end: nobody holds it any more
    transport.close()


def test_where_a_credential_comes_from_is_said_without_arguments() -> None:
    """An argument may be one itself."""
    assert shown_credential(Credential(variable="KEY")) == "the environment variable KEY"
    assert shown_credential(Credential(command=("vault", "hunter2"))) == "the output of the command vault"
