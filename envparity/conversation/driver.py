"""Plays a scenario with a booted stack, and does to the environment what the script asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from envparity.conversation import actions
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.contract.contract import Contract
from envparity.conversation.crowd import Crowd
from envparity.conversation.driving import Bounds, drive
from envparity.conversation.failure_logs import FailureLogs
from envparity.conversation.machine import Conversation
from envparity.conversation.opening import Opening
from envparity.conversation.polling import Connection
from envparity.conversation.preparing import prepare
from envparity.conversation.requesting import respond_and_tell
from envparity.conversation.resolving import ResolvedScenario
from envparity.conversation.stage import Stage
from envparity.frames.codec import Codec
from envparity.launch.client_addresses import Way, ways_of
from envparity.launch.controls import HidesSecrets
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.observe.clients import as_one
from envparity.observe.transcript import Transcript
from envparity.support.together import together

__all__ = ["play"]

_AFTERWARDS_S = 0.2  # how long after a failure what is logged still belongs to it
_CONNECTED = 0  # where all clients are connected; behind it are the steps that do something to the environment


async def play(
    scenario: Scenario,
    stack: Stack,
    backend: Backend,
    contract: Contract | None,
    clock: Callable[[], float] = time.monotonic,
    *,
    script: ResolvedScenario | None = None,
) -> Transcript:
    """Play one scenario and return how it went; where it left its script is in the transcript, not an exception.

    `clock` gives seconds; `script` is the scenario as it is resolved already, by `prepare`, which else is done here.
    Where several clients play it at the same time, the transcript tells of all and shows one.
    Whatever the script stopped or cut and did not bring back is brought back in the end. Raises what `prepare` does.
    """
    if script is not None:
        scripts = [script]
    else:
        numbers = range(1, scenario.clients + 1)
        scripts = await together(*(prepare(scenario, stack, backend, number) for number in numbers))
    async with ways_of(stack, scenario) as ways:
        named = {way.seen: f"<address:{name}>" for name, way in ways.items() if way.seen}
        seen = {f"address:{name}": way.seen for name, way in ways.items()}
        began, began_at = clock(), time.time()
        now = lambda: clock() - began  # noqa: E731
        crowd = Crowd(len(scripts), scenario.rate, Stage(stack, backend.phases.stop_s, now), now)
        named_too = [
            replace(each_script, names={**each_script.names, **named}, values={**each_script.values, **seen})
            for each_script in scripts
        ]
        conversations = [Conversation(scenario, written, contract) for written in named_too]
        plays = await together(
            *(
                _Client(conversation, stack, crowd, ways, backend.codec).play(backend.phases.close_s)
                for conversation in conversations
            )
        )
        await crowd.stage.restore()
    played = plays[0] if scenario.clients == 1 else as_one(plays, scenario.served)
    return msgspec.structs.replace(played, began=began_at)


class _Client:
    """One client of a stack, in a crowd of them: what is around its conversation (`Surroundings`)."""

    def __init__(
        self, conversation: Conversation, stack: Stack, crowd: Crowd, ways: Mapping[str, Way], codec: Codec
    ) -> None:
        self._conversation, self._stack, self._crowd = conversation, stack, crowd
        self._controls = 0
        self._affinity = AffinityCookies()
        self._opening = Opening(conversation, stack, crowd, ways, self._affinity, codec)
        self._logs = FailureLogs(stack)

    async def play(self, close_s: float) -> Transcript:
        """Hold the conversation, and add what the stack shows of it; a peer has so many seconds to answer a goodbye."""
        conversation, restraint = self._conversation, self._stack.endpoint.restraint
        most_bytes = None if restraint is None else restraint.most_bytes
        try:
            await drive(conversation, self, Bounds(close_s, afterwards_s=_AFTERWARDS_S, most_bytes=most_bytes))
        finally:
            self._crowd.leave()
        conversation.finish(self.now())
        if isinstance(self._stack, HidesSecrets):
            self._stack.hide(conversation.met_secrets.items())
        await self._logs.give_to(conversation)
        conversation.disturbed(self._crowd.stage.disturbed)
        return conversation.transcript

    def now(self) -> float:
        return self._crowd.now()

    async def before(self, action: actions.Task) -> None:
        if not isinstance(action, actions.Receive):
            await self._logs.mark(self.now())

    async def open(self, action: actions.Open) -> Connection | None:
        return await self._opening.open(action)

    async def before_sending(self) -> None:
        restraint = self._stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_sending()
        await self._crowd.before_sending()

    async def do(self, action: actions.SendRequest | actions.Meet | actions.Control) -> None:
        match action:
            case actions.SendRequest():
                way = self._opening.way(action.source)
                await respond_and_tell(action, self._stack, self._affinity, self._conversation, self.now, way=way)
            case actions.Meet():
                await self._crowd.meet(_CONNECTED)
            case actions.Control():
                self._controls += 1
                outcome = await self._crowd.control(_CONNECTED + self._controls, action)
                self._conversation.controlled(outcome, self.now())

    async def departed(self) -> None:
        self._conversation.looked_at(await self._crowd.stage.readiness())
