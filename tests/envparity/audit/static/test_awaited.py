"""EP609 and EP610: an await of what is no coroutine, and a task made in a constructor."""

from __future__ import annotations

import pytest

from envparity.audit.static.awaited import check_awaits, check_tasks
from tests.envparity.audit.conftest import Holds

SERVICE = """
    from abc import ABC
    from typing import Any, NamedTuple
    import functools

    class Identity(NamedTuple):
        user: str

    class Ticket:
        def __await__(self):
            yield

    class Derived(ABC): ...

    class Service:
        async def judge(self, token: str) -> Identity:
            return Identity(token)

        def known(self, token: str) -> Identity:
            return Identity(token)

        def count(self) -> int:
            return 1

        def tickets(self) -> dict[str, int]:
            return {}

        def forget(self) -> None: ...

        def drop(self):
            self.dropped = True

        def later(self):
            return self.judge("x")

        def ticket(self) -> Ticket:
            return Ticket()

        def derived(self) -> Derived:
            return Derived()

        def anything(self) -> Any:
            return self.judge("x")

        @functools.cache
        def wrapped(self) -> int:
            return 1

        @staticmethod
        def of_all() -> bool:
            return True
    """
HEAD = """
        import asyncio
        from app.factory import Service
"""
WRONG = {
    "a value": """
        async def serve(service: Service) -> None:
            await service.known("a")  # !
            await service.count()  # !
            await service.tickets()  # !
            await Service.of_all()  # !
        """,
    "nothing": """
        async def serve(service: Service) -> None:
            await service.forget()  # !
            await service.drop()  # !
        """,
    "where it is returned": """
        async def serve(service: Service) -> object:
            if service:
                return await service.known("a")  # !
            return await service.judge("a")
        """,
}
RIGHT = {
    "a coroutine, or what can be awaited": """
        async def serve(service: Service) -> None:
            await service.judge("a")
            await service.ticket()
        """,
    "what nobody can tell": """
        async def serve(service: Service, other) -> None:
            await service.later()
            await service.anything()
            await service.derived()
            await service.wrapped()
            await other.known("a")
        """,
}
CONSTRUCTORS = """
        class Bus:
            def __init__(self) -> None:
                self.reader = asyncio.create_task(self.read())  # !
                self.other = asyncio.get_running_loop().create_task(self.read())  # !
                asyncio.ensure_future(self.read())  # !
                self.make = lambda: asyncio.create_task(self.read())

            async def read(self) -> None: ...

            def start(self) -> None:
                self.reader = asyncio.create_task(self.read())

        class Held:
            def __post_init__(self) -> None:
                asyncio.create_task(run())  # !

        class Shop:
            def __init__(self, tasks) -> None:
                tasks.create_task("wash up")

        async def run() -> None: ...
"""


@pytest.mark.parametrize("source", list(WRONG.values()), ids=list(WRONG))
def test_an_await_of_what_is_no_coroutine(source: str, holds: Holds) -> None:
    holds(check_awaits, {"app/factory.py": SERVICE, "app/routes.py": HEAD + source})


@pytest.mark.parametrize("source", list(RIGHT.values()), ids=list(RIGHT))
def test_what_may_be_awaited_and_what_nobody_can_tell(source: str, holds: Holds) -> None:
    holds(check_awaits, {"app/factory.py": SERVICE, "app/routes.py": HEAD + source})


def test_a_task_made_in_a_constructor(holds: Holds) -> None:
    """Not one that is made when the object is started, or by something that is no event loop."""
    holds(check_tasks, {"app/factory.py": SERVICE, "app/routes.py": HEAD + CONSTRUCTORS})
