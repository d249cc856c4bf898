"""What boots of hybrids have shown, and those that were begun before anybody asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from envparity.isolate import Trait

__all__ = ["KnownBoots", "Question"]

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """The nth boot (from 0) of the hybrid with these traits, cold or a fork.

    `twice`: what leaves its script is played once more.
    """

    traits: frozenset[Trait]
    nth: int
    warm: bool = False
    twice: bool = False


class KnownBoots(Generic[T]):
    """What boots have come to that were asked for, and the boots ahead: those that nobody has asked for yet.

    `on_news` is called whenever a boot is asked for, or ends. `stop` ends the boots ahead that are under way; those
    that have come to something may be asked for yet.
    """

    def __init__(self) -> None:
        self.on_news: Callable[[], None] = lambda: None
        self._shown: dict[tuple[frozenset[Trait], bool], list[T]] = {}
        self._ahead: dict[Question, asyncio.Task[T]] = {}
        self._asked: set[Question] = set()
        self._stopped = 0

    @property
    def unasked(self) -> int:
        """How many boots were begun ahead that nobody has asked for by now."""
        return len(self._ahead) + self._stopped

    @property
    def under_way(self) -> int:
        """How many of the boots ahead have not ended."""
        return sum(not task.done() for task in self._ahead.values())

    def shown(self, traits: frozenset[Trait], *, warm: bool) -> list[T]:
        """What the boots of that hybrid have come to that were asked for, one after the other; whoever boots adds."""
        return self._shown.setdefault((traits, warm), [])

    def knows(self, traits: frozenset[Trait], nth: int, *, warm: bool) -> bool:
        """Whether that boot was asked for already."""
        return len(self._shown.get((traits, warm), ())) > nth

    def come_to(self, question: Question) -> T | None:
        """What that boot has come to, also where it was made ahead; None where nobody knows yet."""
        if self.knows(question.traits, question.nth, warm=question.warm):
            return self._shown[question.traits, question.warm][question.nth]
        task = self._ahead.get(question)
        return task.result() if task is not None and _has_come_to_something(task) else None

    def all_come_to(self, *, cold: bool = False) -> Iterator[tuple[frozenset[Trait], T]]:
        """What all boots have come to by now; `cold`: forks left out."""
        for (traits, warm), shown in self._shown.items():
            yield from ((traits, each) for each in shown if not (warm and cold))
        for question, task in self._ahead.items():
            if _has_come_to_something(task) and not (question.warm and cold):
                yield question.traits, task.result()

    def is_open(self, question: Question) -> bool:
        """Whether that boot was neither begun ahead nor asked for."""
        begun = question in self._ahead or question in self._asked
        return not begun and not self.knows(question.traits, question.nth, warm=question.warm)

    def begin(self, question: Question, boot: Coroutine[Any, Any, T]) -> None:
        """Begin that boot ahead."""
        self._ahead[question] = task = asyncio.create_task(boot)
        task.add_done_callback(lambda _ended: self.on_news())

    def asked(self, question: Question) -> asyncio.Task[T] | None:
        """The boot ahead that answers this question, from now on one that was asked for; None where there is none."""
        self._asked.add(question)
        self.on_news()
        return self._ahead.pop(question, None)

    async def stop(self) -> None:
        """End the boots ahead that are under way, and wait until they have taken down what they stood up."""
        self.on_news = lambda: None
        ended = {question: task for question, task in self._ahead.items() if not _has_come_to_something(task)}
        for question, task in ended.items():
            task.cancel()
            del self._ahead[question]
        self._stopped += len(ended)
        await asyncio.gather(*ended.values(), return_exceptions=True)


def _has_come_to_something(task: asyncio.Task[T]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
