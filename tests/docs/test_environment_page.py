"""The examples of docs/environment-file.md do what the page says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from tests.envparity.dependencies.booting import booted, environment, reached
from tests.envparity.dependencies.clients import nats, with_another_password

PAGE = "docs/environment-file.md"


def example(kind: str) -> str:
    """The block that has a dependency of that kind."""
    (text,) = [block.text for block in blocks(PAGE, "toml") if f'kind = "{kind}"' in block.text]
    return text


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("nats-server") is None, reason="needs Debian's package nats-server")
async def test_a_server_of_any_image_as_a_process(tmp_path: Path) -> None:
    """Ready by its log, also when it is started again; it asks for the password of the run."""
    async with booted("process", environment(tmp_path, example("image")), tmp_path) as stack:
        server = reached(stack, "queue")
        assert stack.settings["BROKER_URL"] == f"nats://app:{server.password}@127.0.0.1:{server.port}"
        await stack.restart_dependency("queue")
        assert await nats(server)
        assert not await nats(with_another_password(server))
