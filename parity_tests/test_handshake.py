"""The WebSocket upgrade succeeds everywhere, for every way to hand over the token."""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import handshakes

pytestmark = pytest.mark.parity("conversation*")

CARRIERS = ("header", "subprotocol", "first_frame")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_handshake_is_101_everywhere(parity: ParityRun, carrier: str) -> None:
    """101 Switching Protocols, `netra.v1` selected, in all three, through the ingress where there is one."""
    played = parity.transcripts(f"conversation[{carrier}]")
    answered = {
        name: [(handshake.status, handshake.subprotocol) for handshake in handshakes(played[name])] for name in played
    }
    assert answered == {name: [(101, "netra.v1")] for name in ("local", "staging", "production")}


def test_no_handshake_differs(parity: ParityRun) -> None:
    """No finding about a handshake, in any scenario."""
    parity.assert_holds(codes=("EP302", "EP402"))
