"""An identity provider in a container."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
import pytest

from envparity.launch.container.engine import Engine
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.container.stack import ContainerStack
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.model.case import Boot
from tests.envparity.launch.identity_stack import SLEEPING, WITH_PROVIDER, serves_its_clients

ASKS = """
import json, os, time, urllib.request
url = os.environ["JWKS"].replace("/jwks.json", "/.well-known/openid-configuration")
found = json.load(urllib.request.urlopen(url, timeout=5))
print("asked", url, found["jwks_uri"] == os.environ["JWKS"], flush=True)
time.sleep(100)
"""

pytestmark = [pytest.mark.docker, pytest.mark.asyncio]


async def test_it_serves_its_clients() -> None:
    """All that `serves_its_clients` asks, under the limits of every server; a backend reaches it by its name."""
    engine = Engine()
    images = ImageBuilder(engine.client, default_docker_folder(), lambda _: None).ensure(["identity-provider"])
    images["backend"] = images["identity-provider"]  # an image with a shell that is there in any case
    backend = msgspec.structs.replace(SLEEPING, command=("python3", "-c", ASKS))
    launcher = ContainerLauncher(engine, backend, images, secrets.token_hex(4))
    try:
        async with asyncio.timeout(120), launcher.boot(WITH_PROVIDER, Boot(), lambda _: None) as stack:
            assert isinstance(stack, ContainerStack)
            said = await asked(stack)
            assert said.startswith("asked http://idp:")
            assert said.endswith(" True")
            await serves_its_clients(stack)
    finally:
        await launcher.close()


async def asked(stack: ContainerStack) -> str:
    """What the backend said of its question; its caller has a deadline for it."""
    while True:
        for line in (await stack.observe_replica(0)).log:
            if "asked" in line:
                return line
        await asyncio.sleep(0.05)
