"""The contract of a backend: which channel, whose view, and how clients connect; asked where nobody can know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envparity.conversation.contract.contract import Contract
from envparity.conversation.contract.of_backend import contract_of
from envparity.errors import ConfigurationError, Mistake
from envparity.frames.json_codec import AnyJson
from envparity.model.backend import Backend, ContractFile
from envparity.model.names import DeclaredName
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, Send

SEVERAL = """
asyncapi: 3.0.0
servers: { here: { host: localhost, protocol: wss, pathname: /v1 } }
channels:
  room:
    address: /rooms/{room}
    parameters: { room: { enum: [red, blue] } }
    bindings: { ws: { query: { type: object, required: [v], properties: { v: { type: integer } } } } }
    messages:
      ask: { payload: { properties: { type: { const: ask } } } }
      told: { payload: { properties: { type: { const: told } } } }
  lobby: { address: /lobby, messages: { hello: { payload: { properties: { type: { const: hello } } } } } }
operations:
  a: { action: receive, channel: { $ref: "#/channels/room" }, messages: [{ $ref: "#/channels/room/messages/ask" }] }
  b: { action: send, channel: { $ref: "#/channels/room" }, messages: [{ $ref: "#/channels/room/messages/told" }] }
  c: { action: send, channel: { $ref: "#/channels/lobby" } }
"""
ASKS = Scenario(name="talk", steps=(Connect("valid"), Send({"type": "ask"}), Expect(("told",))))
HEARS = Scenario(name="talk", steps=(Connect("valid"), Send({"type": "told"}), Expect(("ask",))))


def backend(folder: Path, text: str = SEVERAL, path: str = "/v1/rooms/red?v=1", **said: Any) -> Backend:
    document = folder / "asyncapi.yaml"
    document.write_text(text)
    contract = ContractFile(document, **{key: said.pop(key) for key in ("channel", "view") if key in said})
    given = {"scenarios": (ASKS,), **said}
    return Backend("b", folder / "backend.toml", contract=contract, websocket_path=path, **given)


def mistakes(asked: Backend) -> list[Mistake]:
    with pytest.raises(ConfigurationError) as raised:
        contract_of(asked)
    return list(raised.value.mistakes)


def sends(contract: Contract | None) -> set[str]:
    assert contract is not None
    return {message.name for message in contract.messages("sent")}


def test_the_channel_is_that_of_the_path_and_the_view_what_the_scenarios_fit(tmp_path: Path) -> None:
    contract = contract_of(backend(tmp_path))
    assert sends(contract) == {"ask"}
    assert contract is not None
    assert {message.name for message in contract.messages("received")} == {"told"}
    assert sends(contract_of(backend(tmp_path, scenarios=(HEARS,)))) == {"told"}


def test_a_channel_that_the_file_names_is_that_one(tmp_path: Path) -> None:
    """By its key or its address, or all of them; the view it may say too."""
    named = backend(tmp_path, path="/ws", channel=("room",))
    assert [mistake.key for mistake in mistakes(named)] == [
        "websocket_path"
    ]  # no v in the query, which the room asks for
    lobby = backend(tmp_path, path="/ws", channel=("/lobby",), view="client")
    assert sends(contract_of(lobby)) == {"hello"}
    assert sends(contract_of(backend(tmp_path, path="/ws?v=1", channel=("*",)))) == {"ask"}


@pytest.mark.parametrize(
    ("changes", "key", "got"),
    [
        ({"path": "/ws"}, "contract.channel", "2 channels, none at /ws: room, lobby"),
        ({"channel": ("rom",)}, "contract.channel", "no channel 'rom'; did you mean 'room'?"),
        ({"scenarios": ()}, "contract.view", "nothing"),
        ({"path": "/v1/rooms/green?v=1"}, "websocket_path", "parameter room is 'green', which is none of its values"),
        ({"path": "/v1/rooms/red"}, "websocket_path", "no v"),
        ({"path": "/v1/rooms/red?v=x"}, "websocket_path", "query parameter v: 'x' is not of type 'integer'"),
    ],
)
def test_what_nobody_can_know_is_asked(tmp_path: Path, changes: dict[str, Any], key: str, got: str) -> None:
    (wrong,) = mistakes(backend(tmp_path, **changes))
    assert (wrong.key, wrong.got) == (key, got)


def test_who_replies_is_the_server_where_nothing_is_played(tmp_path: Path) -> None:
    text = SEVERAL.replace(
        'messages: [{ $ref: "#/channels/room/messages/ask" }] }',
        'messages: [{ $ref: "#/channels/room/messages/ask" }], reply: { messages: [{ $ref: '
        '"#/channels/room/messages/told" }] } }',
    )
    assert sends(contract_of(backend(tmp_path, text, scenarios=()))) == {"ask"}
    assert sends(contract_of(backend(tmp_path, text.replace("receive", "send"), scenarios=()))) == {"ask", "told"}


def test_a_method_that_no_handshake_has_is_a_mistake(tmp_path: Path) -> None:
    text = SEVERAL.replace("{ ws: { query", "{ ws: { method: POST, query")
    (wrong,) = mistakes(backend(tmp_path, text))
    assert (wrong.key, wrong.got) == ("#/channels/room/bindings/ws/method", "'POST'")


def test_a_header_that_no_connection_has_is_a_mistake(tmp_path: Path) -> None:
    text = SEVERAL.replace("{ ws: { query", "{ ws: { headers: { required: [X-Key], properties: {} }, query")
    (wrong,) = mistakes(backend(tmp_path, text))
    assert wrong.got == "no x-key"
    given = Scenario(name="talk", steps=(Connect("valid", headers={"X-Key": "1"}), *ASKS.steps[1:]))
    assert sends(contract_of(backend(tmp_path, text, scenarios=(given,)))) == {"ask"}


def test_a_document_of_another_protocol_is_refused(tmp_path: Path) -> None:
    (wrong,) = mistakes(backend(tmp_path, SEVERAL.replace("protocol: wss", "protocol: kafka")))
    assert (wrong.key, wrong.got) == ("#/servers/here/protocol", "kafka")


def test_what_is_no_object_on_the_wire_is_held_against_the_contract_as_it_is(tmp_path: Path) -> None:
    text = SEVERAL.replace("told: { payload: {", "told: { payload: { type: [array, object], maxItems: 1,")
    contract = contract_of(backend(tmp_path, text, codec=AnyJson()))
    assert contract is not None
    assert contract.violations({"json": [1]}, "received") == ()
    assert contract.violations({"json": [1, 2]}, "received") != ()


def test_a_name_in_a_frame_that_no_client_is_sent_is_a_mistake(tmp_path: Path) -> None:
    """Nothing would ever be seen there; a glob, and what may come at any moment, may be."""
    paths = ("frames.told.server", "frames.tolt.server", "frames.ask.server", "frames.t*.server", "frames.beat.server")
    names = tuple(DeclaredName(path, "boots") for path in ("report.serviceId", *paths))
    wrong = mistakes(backend(tmp_path, names=names, ignored_frames=("beat",)))
    assert [(mistake.key, mistake.action) for mistake in wrong] == [
        ("names[2].path", "did you mean told?"),
        ("names[3].path", ""),
    ]
