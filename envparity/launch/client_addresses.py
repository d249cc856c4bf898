"""Addresses for the clients of a scenario that says `from`: had for one play, so that no two at a time share one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from envparity.errors import LaunchError
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.support.together import together

__all__ = ["ClientAddresses", "GivesAddresses", "Way", "ways_of"]


@dataclass(frozen=True)
class Way:
    """How a client comes to a stack: where it connects to, and the address of this machine that it comes from.

    `source` is "" where that is whichever the system takes; `seen` is what who is there sees, "" where nobody knows.
    """

    address: tuple[str, int]
    source: str = ""
    seen: str = ""


@runtime_checkable
class GivesAddresses(Protocol):
    """A stack that clients can reach from addresses of their own."""

    def ways(self, count: int) -> AbstractAsyncContextManager[Sequence[Way]]:
        """So many ways, each from another address, which nobody else has as long as this lasts."""
        ...


class ClientAddresses:
    """The ways to one stack; `made` gives the one of a number, and is asked once for each.

    The lowest numbers that are free are had first: scenarios that are played one after the other have the same.
    """

    def __init__(self, made: Callable[[int], Awaitable[Way]]) -> None:
        self._made = made
        self._taken: set[int] = set()
        self._ways: dict[int, Way] = {}

    @asynccontextmanager
    async def have(self, count: int) -> AsyncIterator[Sequence[Way]]:
        """So many of them, for as long as this lasts. Raises what `made` raises."""
        with self._numbers(count) as numbers:
            await together(*(self._make(number) for number in numbers if number not in self._ways))
            yield [self._ways[number] for number in numbers]

    async def _make(self, number: int) -> None:
        self._ways[number] = await self._made(number)

    @contextmanager
    def _numbers(self, count: int) -> Iterator[Sequence[int]]:
        free = (number for number in range(len(self._taken) + count) if number not in self._taken)
        numbers = [next(free) for _ in range(count)]
        self._taken.update(numbers)
        try:
            yield numbers
        finally:
            self._taken.difference_update(numbers)


@asynccontextmanager
async def ways_of(stack: Stack, scenario: Scenario) -> AsyncIterator[Mapping[str, Way]]:
    """By the name that `from` says, how that client comes to the stack, for one play of the scenario.

    Raises `LaunchError` where the launcher has no addresses for clients, or cannot make one.
    """
    names = scenario.client_addresses
    if not names:
        yield {}
        return
    if not isinstance(stack, GivesAddresses):
        raise LaunchError(f"the clients of {scenario.name} cannot come to {stack.case} from addresses of their own")
    async with stack.ways(len(names)) as ways:
        yield dict(zip(names, ways, strict=True))
