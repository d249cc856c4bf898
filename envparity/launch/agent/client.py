"""The client of a warm agent: requests with deadlines, answers with types."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.agent.answers import (
    AgentGone,
    AgentHello,
    AgentRefused,
    Booted,
    BootEnd,
    BootLog,
    BootState,
    ModulesReport,
)
from envparity.launch.agent.command import PythonCommand
from envparity.support.stalls import within

__all__ = ["AgentBoot", "WarmAgent"]

T = TypeVar("T")
_ANSWER_S = 10.0
_MARGIN_S = 5.0
_LINE_BYTES = 16 << 20
_RETRY_S = 0.02


class WarmAgent:
    """One connection to an agent, which lives as long as the connection does. Made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: AgentHello) -> None:
        self.hello = hello
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, object]]] = {}
        self._boots: dict[int, AgentBoot] = {}
        self._early: dict[int, list[dict[str, object]]] = {}  # events that overtook the answer that names their boot
        self._gone: AgentGone | None = None
        self._reading = asyncio.create_task(self._read(), name="warm agent")

    @classmethod
    @asynccontextmanager
    async def connect(cls, host: str, port: int, token: str, timeout_s: float = 15.0) -> AsyncIterator[WarmAgent]:
        """Connect, trying until the agent listens; on exit the agent kills its boots and ends.

        Raises `AgentRefused` for a wrong token, `DeadlineExceeded` where no agent answers in time.
        """
        try:
            async with within(timeout_s):
                reader, writer, hello = await _introduced(host, port, token)
        except TimeoutError as error:
            raise DeadlineExceeded("the warm agent to answer", timeout_s) from error
        agent = cls(reader, writer, hello)
        try:
            yield agent
        finally:
            await agent.close()

    async def close(self) -> None:
        """End the connection, and with it the agent and its boots."""
        with contextlib.suppress(LaunchError, DeadlineExceeded):
            await self._ask("shutdown", {}, dict[str, object], 2.0)
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2.0):
                await self._writer.wait_closed()

    async def again(self) -> AgentHello:
        """How the agent is now."""
        return await self._ask("hello", {}, AgentHello, _ANSWER_S)

    async def load(
        self, command: PythonCommand, learn_from: AgentBoot | None = None, timeout_s: float = 60.0
    ) -> ModulesReport:
        """Have the agent import what the backend needs from others.

        That is what its entry imports, or what the boot `learn_from` has imported.
        """
        request = {**command.request, "timeout_s": timeout_s, "learn_from": learn_from.number if learn_from else 0}
        return await self._ask("modules", request, ModulesReport, timeout_s + _MARGIN_S)

    async def boot(
        self,
        command: PythonCommand,
        env: Mapping[str, str],
        *,
        port: int = 0,
        lifetime_s: float = 120.0,
        learn: bool = False,
        watch: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> AgentBoot:
        """Fork a process that runs the backend with `env` laid over the image's own environment.

        It is killed after `lifetime_s` seconds. `port` is where it is expected to listen. `learn` notes its imports;
        `watch` names types of which every object made is told in its log (see `agent.watching`); `words` are regular
        expressions for `AgentBoot.until_said`.
        Raises `AgentRefused` where a fork could not do what a new process would.
        """
        request = {**command.request, "env": dict(env), "port": port, "lifetime_s": lifetime_s, "learn": learn}
        request |= {"watch": list(watch), "words": list(words)}
        booted = await self._ask("boot", request, Booted, _ANSWER_S)
        boot = self._boots[booted.boot] = AgentBoot(self, booted.boot, booted.pid, booted.fork_s, lifetime_s)
        for event in self._early.pop(booted.boot, ()):
            self._happened(event)
        if self._gone is not None:
            boot.lost(self._gone)
        return boot

    async def _ask(self, do: str, request: Mapping[str, object], kind: type[T], timeout_s: float) -> T:
        if self._gone is not None:
            raise self._gone
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            async with within(timeout_s):
                self._writer.write(json.dumps({"id": number, "do": do, **request}).encode() + b"\n")
                with contextlib.suppress(ConnectionError):
                    await self._writer.drain()
                told = await answer
        except TimeoutError as error:
            raise DeadlineExceeded(f"the warm agent to answer {do!r}", timeout_s) from error
        finally:
            del self._answers[number]
        if not told["ok"]:
            raise AgentRefused(f"the warm agent refuses {do!r}: {told['error']}")
        return msgspec.convert(told, kind)

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._heard(json.loads(line))
        except (OSError, ValueError) as error:
            self._lose(f"the connection to the warm agent broke: {error}")
        else:
            self._lose("the warm agent has ended its connection")

    def _heard(self, told: dict[str, Any]) -> None:
        if "event" in told:
            self._happened(told)
        elif (answer := self._answers.get(told["id"])) is not None and not answer.done():
            answer.set_result(told)

    def _happened(self, event: dict[str, Any]) -> None:
        boot = self._boots.get(event["boot"])
        if boot is None:
            self._early.setdefault(event["boot"], []).append(event)
        elif event["event"] == "listening":
            boot.listens(event["after_s"])
        elif event["event"] == "said":
            boot.said(event["after_s"])
        elif event["event"] == "ended":
            boot.ended(msgspec.convert(event["exit"], BootEnd))
            del self._boots[event["boot"]]

    def _lose(self, why: str) -> None:
        self._gone = AgentGone(why)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._gone)
        for boot in self._boots.values():
            boot.lost(self._gone)


class AgentBoot:
    """A boot that the agent has forked. `pid` in the agent's own process namespace; `fork_s` what the fork took."""

    def __init__(self, agent: WarmAgent, number: int, pid: int, fork_s: float, lifetime_s: float) -> None:
        self.number, self.pid, self.fork_s = number, pid, fork_s
        self._agent, self._lifetime_s = agent, lifetime_s
        self._end: asyncio.Future[BootEnd] = asyncio.get_running_loop().create_future()
        self._listening: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._said: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    @property
    def end(self) -> BootEnd | None:
        """How it ended, or None while it runs. Raises `AgentGone` where nobody knows."""
        return self._end.result() if self._end.done() else None

    async def until_ended(self, timeout_s: float) -> BootEnd:
        """Wait until it has ended. Raises `DeadlineExceeded`, `AgentGone`."""
        return await _within(self._end, f"boot {self.number} to end", timeout_s)

    async def until_listening(self, timeout_s: float) -> float | None:
        """Wait until it listens on its port; the seconds from its fork to then, or None where it ended before.

        Raises `DeadlineExceeded`, `AgentGone`.
        """
        return await _within(self._listening, f"boot {self.number} to listen", timeout_s) or None

    async def until_said(self, timeout_s: float) -> float | None:
        """Wait until one of the `words` that it was booted with was found in a whole line of its log.

        Returns the seconds from its fork to then, None where it ended before. Raises `DeadlineExceeded`, `AgentGone`.
        """
        return await _within(self._said, f"boot {self.number} to say what is waited for", timeout_s) or None

    async def log(self) -> tuple[str, ...]:
        """The end of what it has written, by lines; the first line says how much is missing before, if any."""
        log = await self._agent._ask("log", {"boot": self.number}, BootLog, _ANSWER_S)  # noqa: SLF001  one client in two classes
        missing = (f"[{log.dropped} bytes before this are gone]",) if log.dropped else ()
        return (*missing, *log.text.splitlines())

    async def stop(self, grace_s: float = 0.0) -> BootEnd:
        """SIGTERM, and SIGKILL after `grace_s` seconds; with 0, SIGKILL at once. Returns when it has ended."""
        request = {"boot": self.number, "grace_s": grace_s}
        state = await self._agent._ask("stop", request, BootState, grace_s + _ANSWER_S)  # noqa: SLF001
        if state.exit is None:
            raise AgentRefused(f"the warm agent says that boot {self.number} runs, and that it has stopped it")
        return state.exit

    def listens(self, after_s: float) -> None:
        """It was seen to listen."""
        if not self._listening.done():
            self._listening.set_result(after_s)

    def said(self, after_s: float) -> None:
        """One of its words was seen in its log."""
        if not self._said.done():
            self._said.set_result(after_s)

    def ended(self, end: BootEnd) -> None:
        """It was seen to end."""
        if not self._end.done():
            self._end.set_result(end)
        self.listens(0.0)
        self.said(0.0)

    def lost(self, error: AgentGone) -> None:
        """Nobody can say any more how it is."""
        for item in (self._end, self._listening, self._said):
            if not item.done():
                item.set_exception(error)
                item.exception()  # nobody has to ask


async def _within(future: asyncio.Future[T], what: str, timeout_s: float) -> T:
    try:
        async with within(timeout_s):
            return await asyncio.shield(future)
    except TimeoutError as error:
        raise DeadlineExceeded(what, timeout_s) from error


async def _introduced(
    host: str, port: int, token: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, AgentHello]:
    """Try until an agent answers: a published port accepts before anybody listens behind it, and then resets."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port, limit=_LINE_BYTES)
            try:
                writer.write(token.encode() + b"\n")
                line = await reader.readline()
                if line:
                    told = json.loads(line)
                    return reader, writer, _hello(told)
            except BaseException:
                writer.close()
                raise
            writer.close()
        await asyncio.sleep(_RETRY_S)


def _hello(told: Mapping[str, object]) -> AgentHello:
    if told["event"] != "hello":
        raise AgentRefused(f"the warm agent refuses this client: {told['error']}")
    return msgspec.convert(told, AgentHello)
