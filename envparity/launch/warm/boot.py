"""One warm boot, as a `Stack` (see launch.port) as far as that goes: what would disturb other boots is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from envparity.errors import LaunchError
from envparity.launch.agent.client import AgentBoot
from envparity.launch.agent.made import told_apart
from envparity.launch.local.parts import direct_endpoint
from envparity.launch.local.stack import LocalStack
from envparity.launch.log_text import plain_text
from envparity.launch.port import Endpoint, LogMark
from envparity.launch.resolve import ResolvedSetting, named_secrets
from envparity.launch.server_log import LOG_LINES
from envparity.launch.warm.forked_replica import ForkedReplica
from envparity.launch.warm.isolation import Lane
from envparity.launch.warm.lane_dependencies import LaneDependencies
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.observe.record import Replica, SettingFingerprint
from envparity.support.redaction import Redaction

__all__ = ["WarmBoot"]


class WarmBoot:
    """The one replica of a warm boot. Clients reach it directly. Its dependencies can be cut off for it alone."""

    replica_count = 1

    def __init__(
        self,
        *,
        stack: LocalStack,
        boot: Boot,
        lane: Lane,
        resolved: tuple[ResolvedSetting, ...],
        dependencies: LaneDependencies,
        keys: Mapping[str, str],
        says_so: bool,
        fork: Callable[[], Awaitable[AgentBoot]],
    ) -> None:
        self._stack, self._lane, self._resolved = stack, lane, resolved
        self._dependencies, self._keys = dependencies, keys
        self.case = Case(stack.case.environment, stack.case.backend, boot)
        self.endpoint: Endpoint = direct_endpoint(lane.published_port, stack.environment.ingress)
        self._probe = lane.probe
        self._replica = ForkedReplica(fork, lane.probe, stack.backend.phases.boot_s, says_so=says_so)
        self.timings = self._replica.timings

    @property
    def settings(self) -> Mapping[str, str]:
        return {**self._keys, **{setting.name: setting.value for setting in self._resolved}}

    @property
    def fingerprints(self) -> tuple[SettingFingerprint, ...]:
        """As in the environment: what only keeps this boot apart from others (its databases, its port) is not told."""
        return self._stack.given.fingerprints_of(self._stack.given.resolve(self.case.boot, {}))

    @property
    def backend(self) -> Backend:
        """What is booted."""
        return self._stack.backend

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """What became known as a secret only while this ran (`HidesSecrets`): the environment's others hide it too."""
        self._stack.hide(secrets)

    @property
    def process(self) -> AgentBoot:
        """The forked process. Raises `LaunchError` where there is none yet."""
        return self._replica.process

    async def start(self) -> None:
        """Fork it. Raises `AgentRefused`."""
        await self._replica.start()

    async def until_listening(self) -> None:
        """Wait until it accepts connections, or has ended."""
        await self.process.until_listening(self._replica.boot_s)

    async def until_decided(self) -> bool:
        """Wait until its startup has passed or failed. False where it ended first, or took too long, which is noted."""
        return await self._replica.until_decided(self._whole_log)

    async def log(self) -> tuple[str, ...]:
        """The end of its log, without secrets: of hundreds of boots nobody reads more."""
        return (await self._whole_log())[-LOG_LINES:]

    async def log_mark(self) -> LogMark:
        return LogMark((len(await self._whole_log()),))

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        lines = await self._whole_log()
        ends = (len(lines),) if last is None else last.positions
        return (lines[int(first.positions[0]) : int(ends[0])],)

    async def _whole_log(self) -> tuple[str, ...]:
        lines, _ = told_apart(await self.process.log())
        return tuple(self.redaction.text(plain_text("\n".join(lines))).splitlines())

    async def observe_replica(self, index: int) -> Replica:
        self._only(index)
        health = self._stack.backend.health
        live, ready, startup = await asyncio.gather(
            self._probe.ask(health.live), self._probe.ask(health.ready), self._probe.startup()
        )
        end = self.process.end
        _, made = told_apart(await self.process.log())
        return Replica(
            index=0,
            live=live,
            ready=ready,
            startup=startup,
            exit_code=None if end is None else end.code,
            oom_killed=end is not None and end.signal == 9 and end.killed is None,
            log=await self.log(),
            undecided_after_s=self._replica.undecided_after_s,
            made=made,
        )

    async def until_ready(self, index: int | None = None) -> None:
        self._only(index or 0)
        await self._probe.until_ready("the warm boot", self._replica.boot_s, self._replica.has_ended)

    async def stop_replica(self, index: int) -> None:
        self._only(index)
        await self.process.stop(self._stack.environment.platform.stop_grace_s)

    async def start_replica(self, index: int) -> None:
        """Fork another one in its place, with the same settings, databases and port."""
        self._only(index)
        await self.start()
        await self.until_listening()
        await self.until_ready(index)

    def replica_index(self, upstream: str | None) -> int:  # noqa: ARG002  nothing stands in front that could say so
        return 0

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        """Nothing: what they log is not this boot's alone."""
        del first
        return {}

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return await self._stack.infrastructure_logs()

    async def restart_dependency(self, name: str) -> None:
        raise LaunchError(f"{name} serves other warm boots too and is not restarted for one: boot this case cold")

    async def cut_dependency(self, name: str) -> None:
        await self._dependencies.proxy(name).down()

    async def restore_dependency(self, name: str) -> None:
        await self._dependencies.proxy(name).up()

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        """One command in this boot's own place in that server, and its answer."""
        return await self._dependencies.command(name, command, self.redaction)

    async def close(self) -> None:
        """Kill what still runs."""
        await self._replica.kill()

    @property
    def redaction(self) -> Redaction:
        """What of this boot is a secret."""
        return self._stack.redaction.and_of(named_secrets(self._resolved))

    def _only(self, index: int) -> None:
        if index != 0:
            raise LaunchError(f"a warm boot has one replica, and replica {index} was asked for")
