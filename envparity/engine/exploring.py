"""Exploring: every environment stands for as long as it takes, and what clients may say is said to all of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, TypeVar

import msgspec

from envparity.conversation.contract.contract import Contract
from envparity.conversation.contract.of_backend import contract_of
from envparity.conversation.driver import play
from envparity.engine.events import Emit, Waiting
from envparity.engine.exploration.below import wire_cases
from envparity.engine.exploration.frames import ClientTurn, sequences
from envparity.engine.exploration.opening import ScenarioOpening, openings
from envparity.engine.exploration.reactions import Reaction, expectations, reactions
from envparity.engine.exploration.scenarios import as_scenario, being_played
from envparity.engine.exploration.searching import ExplorationProfile, FoundSequence, SequenceSearch
from envparity.engine.explored import Explored
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.judge.explored import BELOW
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.model.step import Send, SendWire, Settle
from envparity.support.together import together

__all__ = ["Exploring"]

T = TypeVar("T")
_QUIET_S: Final = 0.15
"""How long nothing comes before a reaction is over, and how long where it is looked at once more."""
_PATIENT_S: Final = 1.0
_PLAYED_S: Final = 60.0
_WIRES_AT_ONCE: Final = 6

_Reactions = Mapping[str, tuple[Reaction, ...] | None]
BootCase = Callable[[Case], AbstractAsyncContextManager[Stack]]


class Exploring:
    """One exploration of a project's environments, but for those that are observed where they run."""

    def __init__(self, project: Project, boot: BootCase, emit: Emit, profile: ExplorationProfile) -> None:
        self._backend: Backend = project.backend
        self._names = [name for name in project.environments if name not in project.attached]
        self._contract = contract_of(project.backend)
        self._boot, self._emit, self._profile = boot, emit, profile
        self._stacks: dict[str, Stack] = {}

    async def run(self) -> Explored:
        """Boot, explore, and take down again."""
        if self._contract is None:
            return Explored(said="nothing: the backend has no contract")
        begun = openings(self._backend, self._contract)
        if not begun:
            return Explored(said="nothing: no peaceful scenario of one connection lets a client in")
        async with AsyncExitStack() as exits:
            await self._stand(exits)
            if not self._stacks:
                return Explored(said="nothing: no environment could be stood up")
            return await self._explore(begun, self._contract)

    async def _stand(self, exits: AsyncExitStack) -> None:
        async def explore_in(name: str) -> None:
            try:
                stack = await exits.enter_async_context(self._boot(Case(name, self._backend.name, Boot())))
                await stack.until_decided()
            except (LaunchError, DeadlineExceeded):
                return  # its own case says so
            self._stacks[name] = stack

        for name in self._names:  # one after the other: what is entered in a task is left in the same
            await explore_in(name)

    async def _explore(self, begun: Sequence[ScenarioOpening], contract: Contract) -> Explored:
        found: list[Scenario] = []
        counted = 0
        for opening in begun:
            whole = await self._react(opening, being_played(opening, (), _QUIET_S), 0)
            self._stacks = {name: self._stacks[name] for name, seen in whole.items() if seen is not None}
            if not self._stacks:
                break
            search = self._search(opening, contract, self._profile.examples // len(begun) or 1)
            for each_found in await _in_a_thread(search.run):
                scenario = as_scenario(opening, each_found, self._expected(each_found))
                found += [scenario] if scenario.name not in {known.name for known in found} else []
            counted += search.played
        wires = await self._below(begun[0], contract) if self._stacks else []
        names = ", ".join(self._stacks)
        said = (
            f"{counted} sequences of frames and {len(wires)} ways to write one, seed {self._profile.seed}, in {names}"
        )
        below = [wire for wire in wires if wire is not None]
        return Explored((*found, *below), f"{said}: {len(found) + len(below)} answered otherwise")

    def _expected(self, found: FoundSequence) -> tuple[Reaction, ...]:
        """How the first environment reacts, which is what the others are compared with."""
        return next(found.reactions[name] for name in self._names if name in found.reactions)

    def _search(self, opening: ScenarioOpening, contract: Contract, examples: int) -> SequenceSearch:
        loop = asyncio.get_running_loop()
        profile = ExplorationProfile(examples, self._profile.seed, self._profile.seconds, self._profile.folder)
        search: SequenceSearch

        def ask(turns: tuple[ClientTurn, ...], *, confirmed: bool = False) -> dict[str, tuple[Reaction, ...]]:
            self._emit(Waiting("", f"exploring: {search.played} sequences of frames played"))
            scenario = being_played(opening, turns, _PATIENT_S if confirmed else _QUIET_S)
            playing = asyncio.run_coroutine_threadsafe(self._react(opening, scenario, len(turns)), loop)
            seen = playing.result(_PLAYED_S * len(turns))
            return {name: value for name, value in seen.items() if value is not None}

        def holds(turn: ClientTurn) -> bool:
            return bool(contract.violations(turn.frame, "sent")) == bool(turn.broken)

        search = SequenceSearch(sequences(contract, opening.known), ask, profile, holds)
        return search

    async def _react(
        self, opening: ScenarioOpening, scenario: Scenario, turns: int
    ) -> Mapping[str, tuple[Reaction, ...] | None]:
        """How each environment that stands reacts to that scenario's last frames."""

        async def reactions_in(name: str) -> tuple[str, tuple[Reaction, ...] | None]:
            transcript = await play(scenario, self._stacks[name], self._backend, None)
            return name, reactions(self._backend, transcript, turns, len(opening.scenario.steps))

        return dict(await together(*(reactions_in(name) for name in self._stacks)))

    async def _below(self, opening: ScenarioOpening, contract: Contract) -> list[Scenario | None]:
        """Each case below the frames, as a scenario where environments differ in it, else None."""
        message = self._message(contract)
        at_once = asyncio.Semaphore(_WIRES_AT_ONCE)

        async def confirmed(step: SendWire, name: str, title: str) -> Scenario | None:
            async with at_once:
                for quiet_s in (_QUIET_S, _PATIENT_S):
                    steps = (*opening.scenario.steps, step, Settle(quiet_s, opening.connection))
                    scenario = msgspec.structs.replace(
                        opening.scenario, name=f"{BELOW}-{name}", group=BELOW, title=title, repeat=1, steps=steps
                    )
                    seen = {
                        environment: said[0]
                        for environment, said in (await self._react(opening, scenario, 1)).items()
                        if said is not None
                    }
                    if len(set(seen.values())) < 2 and not any(said.internal_error for said in seen.values()):
                        return None
                first = next(seen[environment] for environment in self._names if environment in seen)
                steps = (*opening.scenario.steps, *expectations([first], [step], opening.connection))
                return msgspec.structs.replace(scenario, steps=steps)

        return await together(
            *(
                confirmed(
                    SendWire(tuple(piece.hex() for piece in case.pieces), opening.connection, case.every_s),
                    case.name,
                    f"RFC 6455 §{case.section}: {case.title}",
                )
                for case in wire_cases(message)
            )
        )

    def _message(self, contract: Contract) -> bytes:
        """A message that the backend understands: the first that a scenario sends, else any."""
        for scenario in self._backend.scenarios:
            for step in scenario.steps:
                if isinstance(step, Send) and not step.breaks_contract and "{" not in str(step.frame)[1:-1]:
                    written = self._backend.codec.encode(step.frame)
                    return written if isinstance(written, bytes) else written.encode()
        return b'{"type": "hello"}' if contract.messages("sent") else b"hello"


async def _in_a_thread(work: Callable[[], T]) -> T:
    """What that work comes to; it blocks, in a thread of its own: one of the pool would be waited for in the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  handed over
            loop.call_soon_threadsafe(_settle, done, error)
        else:
            loop.call_soon_threadsafe(_finish, done, result)

    threading.Thread(target=run, name="envparity-exploration", daemon=True).start()
    return await done


def _finish(done: asyncio.Future[T], result: T) -> None:
    if not done.cancelled():
        done.set_result(result)


def _settle(done: asyncio.Future[T], error: BaseException) -> None:
    if not done.cancelled():
        done.set_exception(error)
