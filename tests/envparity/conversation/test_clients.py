"""Several clients play one scenario at the same time: together, at a rate, each as a user of its own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

from websockets.asyncio.server import ServerConnection

from envparity.conversation.driver import play
from envparity.model.scenario import Rate, Scenario
from envparity.model.step import Connect, Expect, ExpectClose, Flood, Send, Settle, Step, Stopped, StopReplica
from envparity.observe.transcript import Clients, FrameReceived, Transcript
from tests.envparity.conversation.one_server import Handler, OneServer, backend, echoing, serving, welcoming

MANY = 12
ASKS: tuple[Step, ...] = (
    Connect("valid", user_id="{client}-{uuid}"),
    Expect(("welcome",)),
    Send({"type": "ask", "id": "{uuid:q}", "user": "{user}", "client": "{client}"}),
    Expect(("ask",), fields={"id": "{uuid:q}", "user": "{user}", "client": "{client}"}),
)


async def crowd(stack: OneServer, *steps: Step, clients: int = MANY, **options: Any) -> tuple[Transcript, Clients]:
    """How so many clients fare."""
    deadlines = {name: options.pop(name) for name in list(options) if name.endswith("_s")}
    scenario = Scenario("many", "group", steps=steps, clients=clients, **options)
    transcript = await play(scenario, stack, backend(**deadlines), None)
    assert transcript.clients is not None
    return transcript, transcript.clients


def seats(most: int) -> Handler:
    """A server with so many seats, which closes who finds none."""
    taken: list[ServerConnection] = []

    async def handler(connection: ServerConnection) -> None:
        if len(taken) >= most:
            await connection.close(1013, "full")
            return
        taken.append(connection)
        await welcoming(connection)

    return handler


async def test_each_client_is_a_user_of_its_own_and_one_transcript_tells_of_all() -> None:
    """It is as long as that of one client."""
    asked: list[dict[str, Any]] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"type": "welcome"}')
        async for message in connection:
            asked.append(json.loads(message))
            await connection.send(message)

    async with serving(handler) as stack:
        transcript, clients = await crowd(stack, *ASKS)
    assert (clients.served, clients.of, clients.least, clients.otherwise) == (MANY, MANY, MANY, {})
    assert clients.accepted == (MANY,)
    assert [event.kind for event in transcript.events] == ["handshake", "received", "sent", "received"]
    assert sorted(client["client"] for client in asked) == list(range(1, MANY + 1))
    assert len({client["user"] for client in asked}) == len({client["id"] for client in asked}) == MANY
    assert all(client["user"].startswith(f"{client['client']}-") for client in asked)


async def test_nobody_says_anything_before_all_are_connected() -> None:
    """Unless there is to be no barrier: then the first is done before the last has come."""

    def counting(seen: list[int]) -> Handler:
        there = 0

        async def handler(connection: ServerConnection) -> None:
            nonlocal there
            there += 1
            await connection.send('{"type": "welcome"}')
            async for message in connection:
                seen.append(there)
                await connection.send(message)

        return handler

    together: list[int] = []
    async with serving(counting(together)) as stack:
        await crowd(stack, *ASKS, rate=Rate(connections=100))
    assert together == [MANY] * MANY
    apart: list[int] = []
    async with serving(counting(apart)) as stack:
        await crowd(stack, *ASKS, clients=4, rate=Rate(connections=10), barrier=False)
    assert apart == [1, 2, 3, 4]


async def test_they_go_no_faster_than_their_rate() -> None:
    """Connections and messages, of all together: the last of twelve is the eleventh interval."""
    moments: list[float] = []
    loop = asyncio.get_running_loop()

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"type": "welcome"}')
        async for message in connection:
            moments.append(loop.time())
            await connection.send(message)

    async with serving(handler) as stack:
        began = loop.time()
        await crowd(stack, *ASKS, rate=Rate(connections=50, messages=50))
    assert moments[0] - began >= (MANY - 1) / 50
    assert moments[-1] - began >= 2 * (MANY - 1) / 50


async def test_those_who_are_not_served_are_counted_by_what_they_met() -> None:
    """One of them is shown, and its departure is that of all; the others wait for nobody who has left."""
    async with serving(seats(9)) as stack:
        transcript, clients = await crowd(stack, *ASKS)
    assert (clients.served, clients.otherwise) == (9, {"close 1013": 3})
    assert transcript.departure is not None
    assert (transcript.departure.kind, transcript.departure.step) == ("close", 1)


async def test_where_fewer_are_enough_it_is_kept_to() -> None:
    """What is shown is a client that was served."""
    async with serving(seats(9)) as stack:
        transcript, clients = await crowd(stack, *ASKS, served=9)
        assert (clients.served, clients.least) == (9, 9)
        assert transcript.departure is None
        assert len(transcript.events) == len(ASKS)


async def test_what_is_of_another_client_is_kept_with_whose_it_is() -> None:
    """Also where the script takes it for an answer."""
    last: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.send('{"type": "welcome"}')
        async for message in connection:
            last.append(str(message))
            await connection.send(last[0])

    async with serving(handler) as stack:
        _, clients = await crowd(stack, *ASKS[:3], Expect(("ask",)))
    assert clients.served == MANY
    assert 0 < len(clients.crossed) < MANY
    first = json.loads(last[0])["client"]
    for crossed in clients.crossed:
        assert (crossed.whose, isinstance(crossed.event, FrameReceived)) == (first, True)
        assert crossed.client != first
        assert crossed.name in {"<user>", "<uuid:q>"}


async def test_what_is_done_to_the_environment_is_done_once_for_all() -> None:
    """When all have come to that step; and what was not brought back is, once."""
    async with serving(echoing) as stack:
        _, clients = await crowd(
            stack, Connect("valid"), Send({"type": "x"}), Expect(("x",)), StopReplica("a"), Stopped("a")
        )
    assert (clients.served, Counter(stack.done)) == (MANY, Counter({"stop 0": 1, "start 0": 1}))


async def test_a_replica_that_stops_under_all_of_them_tells_each() -> None:
    """A drain with twelve answers under way: each is given before its connection is closed."""
    stopping = asyncio.Event()
    under_way = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal under_way
        async for message in connection:
            under_way += 1
            await stopping.wait()
            await connection.send(message)
            await connection.close(1001, "going")

    class Draining(OneServer):
        async def stop_replica(self, index: int) -> None:
            await super().stop_replica(index)
            assert under_way == MANY
            stopping.set()

    async with serving(handler) as served:
        stack = Draining(served.endpoint)
        steps = (Connect("valid"), Send({"type": "x"}), StopReplica("a"), Expect(("x",)), ExpectClose(1001))
        _, clients = await crowd(stack, *steps)
    assert (clients.served, clients.otherwise) == (MANY, {})


async def test_a_flood_goes_on_beside_the_steps_that_follow() -> None:
    """Another is answered while it lasts: no step waits for its end."""
    got: Counter[str] = Counter()

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            got[json.loads(message)["type"]] += 1
            if json.loads(message)["type"] == "ask":
                await connection.send(message)

    flood = 3000
    async with serving(handler) as stack:
        scenario = Scenario(
            "fair",
            steps=(
                Connect("valid", on="noisy"),
                Connect("valid", on="quiet", user="ben"),
                Flood({"type": "noise"}, flood, on="noisy", beside=True),
                Send({"type": "ask"}, on="quiet"),
                Expect(("ask",), on="quiet"),
                Settle(0.1, on="noisy"),
            ),
        )
        transcript = await play(scenario, stack, backend(message_s=5.0), None)
    assert transcript.departure is None
    assert got["ask"] == 1
    assert 0 < got["noise"] <= flood
