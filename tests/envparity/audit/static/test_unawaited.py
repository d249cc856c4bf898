"""EP604: a coroutine that nobody awaits."""

from __future__ import annotations

import pytest

from envparity.audit.static.unawaited import check
from tests.envparity.audit.conftest import Holds

FACTORY = """
    from contextlib import asynccontextmanager

    class Manager:
        def send(self, frame: object) -> None: ...

    class Factory:
        async def create(self) -> Manager:
            return Manager()

        def opened(self, manager: Manager) -> None: ...

        @asynccontextmanager
        async def lent(self):
            yield Manager()

    async def is_revoked(token: str) -> bool:
        return False

    async def ticks():
        yield 1
    """
HEAD = """
        import asyncio
        from app.factory import Factory, Manager, is_revoked, ticks
"""
WRONG = {
    "dropped": """
        async def serve(factory: Factory) -> None:
            factory.create()  # !
            asyncio.sleep(1)  # !
        """,
    "used as what it returns": """
        def serve(factory: Factory) -> None:
            factory.create().send({})  # !
        """,
    "kept, and used as what it returns": """
        async def serve(factory: Factory) -> None:
            manager = factory.create()  # !
            manager.send_text("hello")
        """,
    "kept, and passed for what it returns": """
        async def serve(factory: Factory) -> None:
            manager = factory.create()  # !
            factory.opened(manager)
        """,
    "passed for what it returns, by keyword": """
        async def serve(factory: Factory) -> None:
            factory.opened(manager=factory.create())  # !
        """,
    "always true": """
        async def judge(token: str) -> bool:
            if is_revoked(token):  # !
                return False
            while not is_revoked(token):  # !
                return True
            return is_revoked(token) == True  # !
        """,
    "entered, iterated over": """
        async def serve(factory: Factory) -> None:
            async with factory.create() as manager:  # !
                manager.send({})
            for one in factory.create():  # !
                one.send({})
        """,
    "of the very object": """
        class Service:
            async def start(self) -> None: ...

            async def restart(self) -> None:
                self.start()  # !
        """,
    "at the top level": """
        is_revoked("x")  # !
        """,
}
RIGHT = {
    "awaited, at once or later": """
        async def serve(factory: Factory) -> Manager:
            manager = await factory.create()
            later = factory.create()
            async with factory.lent() as other:
                other.send({})
            async for tick in ticks():
                pass
            manager.send({})
            return await later
        """,
    "handed to somebody who awaits it": """
        async def serve(factory: Factory) -> object:
            task = asyncio.create_task(factory.create(), name="made")
            await asyncio.gather(factory.create(), is_revoked("x"))
            waiting = [factory.create()]
            return factory.create(), task, waiting
        """,
    "closed by hand": """
        def serve(factory: Factory) -> None:
            coroutine = factory.create()
            coroutine.close()
        """,
    "of an unknown object, or one of two": """
        def serve(factory, early: bool) -> None:
            factory.create()
            made = Factory() if early else None
            made.create()
        """,
    "a plain method": """
        def serve(factory: Factory) -> None:
            factory.opened(Manager())
        """,
    "wrapped by a decorator": """
        def in_background(function):
            return lambda: asyncio.create_task(function())

        @in_background
        async def beat() -> None: ...

        def start() -> None:
            beat()
        """,
    "shadowed by a parameter": """
        def start(is_revoked) -> None:
            is_revoked("x")
        """,
}


@pytest.mark.parametrize("source", WRONG.values(), ids=WRONG.keys())
def test_what_is_certainly_not_awaited_is_found_at_the_call(holds: Holds, source: str) -> None:
    """Dropped, or taken for what the coroutine returns."""
    holds(check, {"app/factory.py": FACTORY, "app/service.py": HEAD + source}, code="EP604")


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT.keys())
def test_what_may_be_awaited_is_not_found(holds: Holds, source: str) -> None:
    """Awaited, handed on, or not certainly a coroutine."""
    holds(check, {"app/factory.py": FACTORY, "app/service.py": HEAD + source})
