"""A client that offers compression speaks it where it is agreed upon, and what was agreed upon is recorded."""

from __future__ import annotations

import pytest
from websockets.asyncio.server import ServerConnection

from envparity.judge.canonical import event_data, line
from envparity.model.step import Connect, Expect, Send
from envparity.observe.transcript import HandshakeAnswered
from tests.envparity.conversation.one_server import echoing, played, serving

AGREED = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
OFFER = {"sec-websocket-extensions": "permessage-deflate"}


async def handshake(
    *, headers: dict[str, str], compression: str | None, offers: bool = True
) -> tuple[HandshakeAnswered, list[str]]:
    """How a conversation of one echoed frame began, and the extensions that the server had in it."""
    spoken: list[str] = []

    async def echo(client: ServerConnection) -> None:
        spoken.extend(type(extension).__name__ for extension in client.protocol.extensions)
        await echoing(client)

    async with serving(echo, compression=compression) as stack:
        steps = (
            Connect("none", headers=headers, compression=offers),
            Send({"type": "long", "text": "x" * 5000}),
            Expect(("long",)),
        )
        transcript = await played(stack, *steps)
    assert transcript.departure is None, transcript.departure
    (answer,) = (event for event in transcript.events if isinstance(event, HandshakeAnswered))
    return answer, spoken


@pytest.mark.parametrize(
    ("headers", "compression", "agreed"),
    [
        ({}, "deflate", (AGREED,)),
        (OFFER, "deflate", (AGREED,)),
        ({}, None, ()),
        ({"sec-websocket-extensions": "x-unheard-of"}, "deflate", ()),
    ],
    ids=["both", "both, as the script says", "the client alone", "another one"],
)
async def test_compression_is_spoken_where_both_want_it(
    headers: dict[str, str], compression: str | None, agreed: tuple[str, ...]
) -> None:
    """And where one of them does not, the conversation goes on without."""
    answer, spoken = await handshake(headers=headers, compression=compression)
    assert answer.extensions == agreed
    assert bool(spoken) == bool(agreed)
    assert [header.name for header in answer.sent if header.name in headers] == list(headers)


async def test_a_client_can_offer_none() -> None:
    answer, spoken = await handshake(headers={}, compression="deflate", offers=False)
    assert (answer.extensions, spoken) == ((), [])


async def test_what_was_agreed_upon_is_told_and_compared() -> None:
    """Where nothing was, nothing is said of it."""
    with_it, _ = await handshake(headers=OFFER, compression="deflate")
    without, _ = await handshake(headers={}, compression=None)
    assert event_data(with_it)["extensions"] == AGREED
    assert "extensions" not in event_data(without)
    assert line(with_it).endswith(f", {AGREED}")
