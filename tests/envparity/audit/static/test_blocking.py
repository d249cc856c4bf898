"""EP603: a blocking call in a coroutine."""

from __future__ import annotations

import pytest

from envparity.audit.static.blocking import check
from tests.envparity.audit.conftest import Holds

BLOCKING = {
    "imported, renamed, from the module": """
        import time
        import time as clock
        from time import sleep as pause

        async def wait() -> None:
            time.sleep(1)  # !
            clock.sleep(1)  # !
            pause(1)  # !
        """,
    "a loop inside a loop": """
        import asyncio

        async def again() -> None:
            asyncio.run(again())  # !
            asyncio.get_event_loop().run_until_complete(again())  # !
        """,
    "a program": """
        import os
        import subprocess

        class Tool:
            async def run(self) -> None:
                if self.enabled:
                    subprocess.run(["git"], check=True)  # !
                with open("x") as file:
                    os.system("ls")  # !
        """,
    "imported where it is needed": """
        async def fetch() -> object:
            import requests
            return requests.get("http://127.0.0.1")  # !
        """,
    "a method of what is known to block": """
        import threading
        import httpx
        import redis

        class Cache:
            def __init__(self) -> None:
                self._redis = redis.Redis()

            async def get(self) -> object:
                return self._redis.get("x")  # !

        async def fetch() -> object:
            client = httpx.Client()
            worker = threading.Thread(target=print)
            worker.join()  # !
            return client.get("http://127.0.0.1")  # !
        """,
    "one plain function further": """
        import time
        from app.slow import settle

        class Pool:
            def _pause(self) -> None:
                time.sleep(1)

            async def connect(self) -> None:
                self._pause()  # !
                settle()  # !
        """,
}
NOT = {
    "the asynchronous counterpart": """
        import asyncio

        async def wait() -> None:
            await asyncio.sleep(1)
        """,
    "handed to a thread": """
        import asyncio
        import time

        def slow() -> None:
            time.sleep(1)

        async def wait(loop) -> None:
            await asyncio.to_thread(time.sleep, 1)
            await asyncio.to_thread(slow)
            await loop.run_in_executor(None, lambda: time.sleep(1))

            def inner() -> None:
                time.sleep(1)

            await asyncio.to_thread(inner)
        """,
    "a plain function": """
        import time

        def wait() -> None:
            time.sleep(1)
        """,
    "somebody else's sleep": """
        from trio import sleep
        from app.clock import time

        async def wait(time_, requests) -> None:
            await sleep(1)
            time.sleep(1)
            requests.get("x")
        """,
    "a generator that runs later": """
        import time

        def ticks():
            yield time.sleep(1)

        async def wait() -> object:
            return ticks()
        """,
    "a resolver that is not asked": """
        import socket

        async def is_address(text: str) -> object:
            return socket.getaddrinfo(text, 0, 0, 0, 0, socket.AI_NUMERICHOST)
        """,
    "an asynchronous client": """
        import redis.asyncio as redis
        import httpx

        async def get() -> object:
            client = redis.Redis()
            async with httpx.AsyncClient() as http:
                return await client.get("x"), await http.get("x")
        """,
}
SLOW = """
    import time

    def settle() -> None:
        for _ in range(3):
            time.sleep(1)
    """


@pytest.mark.parametrize("source", BLOCKING.values(), ids=BLOCKING.keys())
def test_what_blocks_is_found_where_the_coroutine_calls_it(holds: Holds, source: str) -> None:
    """By whatever name it was imported, and one plain function further."""
    holds(check, {"app/slow.py": SLOW, "app/service.py": source}, code="EP603")


@pytest.mark.parametrize("source", NOT.values(), ids=NOT.keys())
def test_what_does_not_block_the_loop_is_not_found(holds: Holds, source: str) -> None:
    """Elsewhere, later, or another thing by the same name."""
    holds(check, {"app/clock.py": "time = object()\n", "app/service.py": source})
