"""Warm boots in containers, on the reference backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from envparity.config.project import load_project
from envparity.conversation.contract.of_backend import contract_of
from envparity.conversation.driver import play
from envparity.errors import LaunchError
from envparity.launch.choose import choose_launcher
from envparity.launch.container.stack import ContainerStack
from envparity.launch.warm.boot import WarmBoot
from envparity.launch.warm.pool import WarmPool, WarmUnavailable
from envparity.model.case import Boot

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

ROOT = Path(__file__).parents[4]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[ContainerStack]:
    project = load_project(ROOT / "netra_backend" / "backend.toml", ROOT / "environments", ["staging"])
    launcher = choose_launcher("container", project, lambda _: None)
    try:
        async with launcher.boot(project.environments["staging"], Boot(), lambda _: None) as booted:
            assert isinstance(booted, ContainerStack)
            await booted.until_decided()
            yield booted
    finally:
        await launcher.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(stack: ContainerStack) -> AsyncIterator[WarmPool]:
    async with WarmPool.open(stack, lanes=2) as opened:
        yield opened


async def test_two_boots_at_once_share_nothing(pool: WarmPool) -> None:
    """Each has its own database, Redis database and port, passes its startup, and holds the whole conversation."""
    async with pool.boot() as warm_boot, pool.boot() as other:
        await asyncio.gather(warm_boot.until_decided(), other.until_decided())
        for name in ("DATABASE_URL", "REDIS_URL", "PORT"):
            assert warm_boot.settings[name] != other.settings[name]
        assert [await _status(boot) for boot in (warm_boot, other)] == ["pass", "pass"]
        assert {await _departure(boot) for boot in (warm_boot, other)} == {None}


async def test_a_boot_finds_nothing_of_the_one_before(pool: WarmPool) -> None:
    """Its database is empty until its own schema step, and its Redis database until its own first command."""
    keys = []
    for _ in range(pool.size + 1):
        async with pool.boot() as boot:
            await boot.until_decided()
            keys.append(await _redis(boot, "DBSIZE"))
            await boot.command_dependency("redis", ("SET", "left", "behind"))
            assert await _redis(boot, "DBSIZE") == keys[-1] + 1
    assert len(set(keys)) == 1


async def test_an_order_and_settings_are_the_boots_own(pool: WarmPool, stack: ContainerStack) -> None:
    """The report shows the order asked for; a setting of this boot alone takes effect, and is told as such."""
    report = (await stack.observe_replica(0)).startup
    assert report is not None
    order = _another(report.order, {step.name: step.requires for step in report.steps})
    async with pool.boot(Boot(order=order)) as boot:
        await boot.until_decided()
        seen = (await boot.observe_replica(0)).startup
        assert seen is not None
        assert (seen.status, seen.order) == ("pass", order)
    async with pool.boot(Boot(settings=(("JWT_SECRET", "short"),))) as boot:
        await boot.until_decided()
        assert await _status(boot) == "fail"
        fingerprints = {fingerprint.name: fingerprint.source for fingerprint in boot.fingerprints}
        assert fingerprints["JWT_SECRET"] == "this boot"


async def test_a_dependency_is_cut_off_for_one_boot_alone(pool: WarmPool) -> None:
    """One boot loses its database and says so, the other does not notice; restarting a server is refused."""
    async with pool.boot() as warm_boot, pool.boot() as other:
        await asyncio.gather(warm_boot.until_decided(), other.until_decided())
        await warm_boot.cut_dependency("postgres")
        assert await _departure(warm_boot) is not None
        assert await _departure(other) is None
        await warm_boot.restore_dependency("postgres")
        await warm_boot.until_ready()
        assert await _departure(warm_boot) is None
        with pytest.raises(LaunchError, match="boot this case cold"):
            await warm_boot.restart_dependency("postgres")


async def test_stopping_and_starting_again(pool: WarmPool) -> None:
    """SIGTERM ends it with status 0 within the grace period; started again it has its data and its port."""
    async with pool.boot() as boot:
        await boot.until_decided()
        await boot.stop_replica(0)
        assert (await boot.observe_replica(0)).exit_code == 0
        await boot.start_replica(0)
        assert await _status(boot) == "pass"


async def test_what_a_fork_cannot_do_is_refused(pool: WarmPool) -> None:
    """A setting that a third-party package reads when imported needs a new process, and is booted cold."""
    with pytest.raises(WarmUnavailable, match=r"PYDANTIC_DISABLE_PLUGINS is read by .* when imported"):
        async with pool.boot(Boot(settings=(("PYDANTIC_DISABLE_PLUGINS", "1"),))):
            pass
    with pytest.raises(WarmUnavailable, match="there is none before a warm boot"):
        async with pool.boot(Boot(hasten=6)):
            pass


async def test_the_agent_has_the_platforms_limits(pool: WarmPool, stack: ContainerStack) -> None:
    """Processor, user and read-only root are the platform's; memory once for each lane, and once for the agent."""
    prefix = str(stack.replicas[0].container.name).removesuffix("backend-0")
    (container,) = stack.engine.client.containers.list(filters={"name": f"{prefix}warm$"})
    limits, platform = container.attrs["HostConfig"], stack.environment.platform
    assert limits["NanoCpus"] == (platform.cpus or 0) * 1e9
    assert limits["Memory"] == (platform.memory_mib or 0) * (pool.size + 1) << 20
    assert limits["ReadonlyRootfs"]
    assert container.attrs["Config"]["User"] == str(platform.user)
    published = [binding for ports in container.attrs["NetworkSettings"]["Ports"].values() for binding in ports or ()]
    assert {binding["HostIp"] for binding in published} == {"127.0.0.1"}


async def _status(boot: WarmBoot) -> str:
    report = (await boot.observe_replica(0)).startup
    return "silent" if report is None else report.status


async def _departure(boot: WarmBoot) -> object:
    backend = boot.backend
    contract = contract_of(backend)
    scenario = next(scenario for scenario in backend.scenarios if scenario.name.startswith("conversation"))
    return (await play(scenario, boot, backend, contract)).departure


async def _redis(boot: WarmBoot, *command: str) -> int:
    answer = await boot.command_dependency("redis", command)
    assert isinstance(answer, int)
    return answer


def _another(order: Sequence[str], requires: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Another order that the graph allows: two neighbours exchanged of which the second does not require the first."""
    for at in range(len(order) - 1):
        first, second = order[at : at + 2]
        if first not in requires[second]:
            return (*order[:at], second, first, *order[at + 2 :])
    raise AssertionError("the graph allows one order only")
