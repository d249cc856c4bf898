"""The bytes below the frames are what their sections say: an implementation of RFC 6455 reads or refuses them so."""

from __future__ import annotations

import pytest
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side

from envparity.engine.exploration.below import WireCase, wire_cases

MESSAGE = b'{"type": "order", "dish": "soup"}'
CASES = {case.name: case for case in wire_cases(MESSAGE)}
CLOSES = {
    "unmasked": 1002, "reserved-bit": 1002, "unknown-opcode": 1002, "unknown-control": 1002, "long-ping": 1002,
    "ping-in-fragments": 1002, "end-of-nothing": 1002, "begin-twice": 1002, "close-of-a-byte": 1002, "close-1005": 1002,
    "close-not-utf-8": 1007, "oversize": 1009, "negative-length": 1009,
}  # fmt: skip


def read(case: WireCase) -> Protocol:
    """A server that received these bytes."""
    server = Protocol(Side.SERVER, max_size=2**20)
    for piece in case.pieces:
        server.receive_data(piece)
    return server


@pytest.mark.parametrize("name", ["whole", "fragments", "fragments-of-a-byte", "ping-between", "slow", "long-length"])
def test_every_way_to_write_a_message_says_the_same(name: str) -> None:
    events = read(CASES[name]).events_received()
    said = [event for event in events if event.opcode is not Opcode.PING]  # type: ignore[union-attr]
    assert b"".join(bytes(event.data) for event in said) == MESSAGE  # type: ignore[union-attr]
    assert said[-1].fin  # type: ignore[union-attr]
    assert len(events) - len(said) == (1 if name == "ping-between" else 0)


@pytest.mark.parametrize(("name", "code"), list(CLOSES.items()))
def test_what_breaks_a_rule_is_refused_by_its_code(name: str, code: int) -> None:
    server = read(CASES[name])
    assert server.close_sent is not None or server.parser_exc is not None
    sent = server.close_sent
    assert sent is not None
    assert sent.code == code


@pytest.mark.parametrize("name", ["not-utf-8", "not-utf-8-in-fragments"])
def test_what_is_no_utf_8_is_none(name: str) -> None:
    whole = b"".join(bytes(event.data) for event in read(CASES[name]).events_received())  # type: ignore[union-attr]
    with pytest.raises(UnicodeDecodeError):
        whole.decode()


def test_every_case_has_a_name_and_a_section_of_its_own() -> None:
    cases = list(wire_cases(MESSAGE))
    assert len({case.name for case in cases}) == len(cases) == len(CASES)
    assert all(case.section.replace(".", "").isdecimal() for case in cases)
