"""Attempts of containers at a dependency that refuses, told apart by the replica that made them."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.launch.container.stack import ContainerStack
from envparity.model.step import Refuse
from tests.envparity.dependencies.booting import booted, environment
from tests.envparity.launch.test_refused import needs_sight

pytestmark = pytest.mark.docker

ENVIRONMENT = """
[settings]
REDIS_URL = { from = "redis.url" }
[platform]
replicas = 2
[ingress]
kind = "nginx"
[dependencies.redis]
kind = "redis"
"""
TRIES = "for n in 1 2 3; do (exec 3<>/dev/tcp/{host}/{port}) 2>/dev/null && exit 1; done; exit 0"


@needs_sight
async def test_who_is_refused_is_known_by_its_address(tmp_path: Path) -> None:
    """Each attempt once, though it comes by more than one device of this machine."""
    async with booted("container", environment(tmp_path, ENVIRONMENT), tmp_path) as stack:
        assert isinstance(stack, ContainerStack)
        await stack.note_addresses()
        host, port = stack.given.place.proxy_host, stack.dependencies["redis"].proxy.port
        await stack.disturb_dependency(Refuse("redis"))
        done = stack.replicas[1].container.exec_run(["bash", "-c", TRIES.format(host=host, port=port)])
        assert done.exit_code == 0
        await stack.restore_dependency("redis")
        (outage,) = stack.outages("redis")
        assert [attempt.replica for attempt in outage.attempts] == [1, 1, 1]
