"""Documents of other versions, in other files, seen from the other side: read as they are meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from envparity.conversation.contract.contract import Contract
from envparity.errors import ConfigurationError, Mistake

OLD = """
asyncapi: 2.6.0
info: { title: t, version: "1" }
channels:
  /ws:
    publish:
      message:
        oneOf: [{ $ref: "#/components/messages/ask" }, { $ref: "#/components/messages/leave" }]
    subscribe: { operationId: hear, message: { $ref: "#/components/messages/told" } }
components:
  messageTraits:
    tagged: { name: told, headers: { type: object } }
  messages:
    ask: { payload: { $ref: "#/components/schemas/ask" } }
    leave: { name: leave }
    told:
      traits: [{ $ref: "#/components/messageTraits/tagged" }]
      payload: { type: object, required: [type, text], properties: { type: { const: told }, text: { type: string } } }
  schemas:
    ask: { type: object, required: [type, id], properties: { type: { const: ask }, id: { type: integer } } }
"""


def loaded(folder: Path, text: str, **options: Any) -> Contract:
    path = folder / "asyncapi.yaml"
    path.write_text(text)
    return Contract.load(path, **options)


def mistakes(folder: Path, text: str) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigurationError) as raised:
        loaded(folder, text)
    return raised.value.mistakes


@pytest.mark.parametrize("version", ["2.0.0", "2.3.0", "2.6.0"])
def test_what_is_published_to_an_application_is_sent_by_clients(tmp_path: Path, version: str) -> None:
    contract = loaded(tmp_path, OLD.replace("2.6.0", version))
    assert contract.violations({"type": "ask", "id": 1}, "sent") == ()
    assert contract.violations({"type": "ask", "id": "x"}, "sent") == ("ask: id: 'x' is not of type 'integer'",)
    assert contract.violations({"type": "told", "text": "hi"}, "received") == ()
    assert contract.violations({"type": "told"}, "sent") != ()


def test_a_message_without_a_payload_is_a_frame_of_its_name(tmp_path: Path) -> None:
    contract = loaded(tmp_path, OLD)
    assert contract.violations({"type": "leave", "why": "late"}, "sent") == ()
    assert contract.violations({"type": "stay"}, "sent") != ()


def test_a_clients_document_is_read_the_other_way(tmp_path: Path) -> None:
    contract = loaded(tmp_path, OLD, view="client")
    assert contract.violations({"type": "told", "text": "hi"}, "sent") == ()
    assert contract.violations({"type": "ask", "id": 1}, "received") == ()


def test_of_one_direction_nothing_is_said_of_the_other(tmp_path: Path) -> None:
    document = yaml.safe_load(OLD)
    del document["channels"]["/ws"]["subscribe"]
    contract = loaded(tmp_path, yaml.safe_dump(document))
    assert contract.violations({"type": "whatever"}, "received") == ()
    assert contract.violations({"type": "whatever"}, "sent") != ()


REPLYING = """
asyncapi: 3.0.0
channels:
  talk:
    address: /ws
    messages:
      ask: { payload: { properties: { type: { const: ask } } } }
      answer: { payload: { required: [type], properties: { type: { const: answer } } } }
operations:
  asked:
    action: receive
    channel: { $ref: "#/channels/talk" }
    messages: [{ $ref: "#/channels/talk/messages/ask" }]
    reply: { messages: [{ $ref: "#/channels/talk/messages/answer" }] }
"""


def test_what_replies_is_received_by_who_asked(tmp_path: Path) -> None:
    contract = loaded(tmp_path, REPLYING)
    assert contract.violations({"type": "answer"}, "received") == ()
    assert contract.violations({"type": "ask"}, "received") != ()
    assert [len(exchange.replies or ()) for exchange in contract.exchanges] == [1]


def test_references_lead_into_files_beside_it(tmp_path: Path) -> None:
    """By a path, by a JSON Pointer in it, from there to a third, and by the `$id` of what it is in."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/ask.json").write_text(
        '{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/s/ask.json",'
        ' "properties": {"type": {"const": "ask"}, "pair": {"prefixItems": [{"$ref": "parts.yaml#/$defs/id"}]}}}'
    )
    (tmp_path / "schemas/parts.yaml").write_text("$defs: { id: { type: integer } }\n")
    text = OLD.replace('{ payload: { $ref: "#/components/schemas/ask" } }', "{ payload: { $ref: ./schemas/ask.json } }")
    contract = loaded(tmp_path, text)
    assert contract.violations({"type": "ask", "pair": [1]}, "sent") == ()
    assert contract.violations({"type": "ask", "pair": ["x"]}, "sent") == ("ask: pair.0: 'x' is not of type 'integer'",)


@pytest.mark.parametrize(
    ("target", "got"),
    [
        ("../outside.yaml", "outside of it"),
        ("/etc/hostname", "outside of it"),
        ("missing.yaml#/a", "no file"),
        ("https://example.com/a.yaml", "https://example.com/a.yaml"),
        ("itself.yaml#/b", "itself.yaml#/b"),
    ],
)
def test_a_reference_out_of_the_projects_folder_is_a_mistake(tmp_path: Path, target: str, got: str) -> None:
    """Nothing outside of it is read, and nothing is fetched."""
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside.yaml").write_text("type: object")
    (project / "itself.yaml").write_text("a: { $ref: '#/a' }\nb: { $ref: '#/a' }\n")
    (project / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    text = OLD.replace('payload: { $ref: "#/components/schemas/ask" }', f'payload: {{ $ref: "{target}" }}')
    (wrong,) = mistakes(project, text)
    assert (wrong.key, got in wrong.got) == ("#/components/messages/ask/payload/$ref", True)
    (wrong,) = mistakes(project, text.replace(target, "link.yaml"))
    assert "outside of it" in wrong.got


def test_the_repository_is_the_projects_folder(tmp_path: Path) -> None:
    """What is beside the contract's folder is reached where both are in one repository."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "api").mkdir()
    (tmp_path / "ask.yaml").write_text("properties: { type: { const: ask } }")
    text = OLD.replace('payload: { $ref: "#/components/schemas/ask" }', "payload: { $ref: ../ask.yaml }")
    assert loaded(tmp_path / "api", text).violations({"type": "ask"}, "sent") == ()


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("application/vnd.apache.avro;version=1.9.0", "Avro"),
        ("application/raml+yaml;version=1.0", "RAML"),
        ("application/vnd.google.protobuf;version=3", "Protobuf"),
        ("application/vnd.oai.openapi;version=3.0.0", "OpenAPI"),
    ],
)
def test_another_language_of_schemas_is_refused_by_its_name(tmp_path: Path, form: str, name: str) -> None:
    told = "    leave: { name: leave }"
    text = OLD.replace(told, f'    leave: {{ schemaFormat: "{form}", payload: {{ type: record }} }}')
    (wrong,) = mistakes(tmp_path, text)
    assert (wrong.key, wrong.got.partition(" ")[0]) == ("#/components/messages/leave/schemaFormat", name)


def test_dialects_differ_in_what_they_say(tmp_path: Path) -> None:
    """`prefixItems` is a word of 2020-12; in draft-07, which is what AsyncAPI's own schema extends, it says nothing."""
    payload = "{ properties: { type: { const: leave }, pair: { prefixItems: [{ type: integer }] } } }"
    plain = OLD.replace("leave: { name: leave }", f"leave: {{ payload: {payload} }}")
    new = OLD.replace(
        "leave: { name: leave }",
        f'leave: {{ schemaFormat: "application/schema+json;version=2020-12", payload: {payload} }}',
    )
    frame = {"type": "leave", "pair": ["x"]}
    assert loaded(tmp_path, plain).violations(frame, "sent") == ()
    assert loaded(tmp_path, new).violations(frame, "sent") == ("leave: pair.0: 'x' is not of type 'integer'",)


@pytest.mark.parametrize(
    "spelled",
    [
        "{ 4001: { reasons: [expired] }, 1008: {} }",
        "{ 4001: { reason: expired }, 1008: the user may not use this room }",
        "{ 4001: expired, 1008: [] }",
        "[{ code: 4001, reason: expired }, { code: 1008 }]",
    ],
)
@pytest.mark.parametrize("name", ["x-close-codes", "x-websocket-close-codes"])
def test_close_codes_are_spelled_in_several_ways(tmp_path: Path, spelled: str, name: str) -> None:
    """A text of several words says when, and is no reason."""
    contract = loaded(tmp_path, f"{OLD}{name}: {spelled}\n")
    assert contract.close_violations(4001, "expired") == ()
    assert contract.close_violations(4001, "late") != ()
    assert contract.close_violations(1008, "anything") == ()
    assert contract.close_violations(1011, "") != ()


BRANCHES = """
asyncapi: 3.0.0
channels: { talk: { address: /ws, messages: { any: { payload: { $ref: "#/components/schemas/any" } } } } }
operations: { listen: { action: receive, channel: { $ref: "#/channels/talk" } } }
components:
  schemas:
    any: { discriminator: type, oneOf: [{ $ref: "#/components/schemas/join" }, { $ref: "#/components/schemas/say" }] }
    join: { type: object, required: [type, room], properties: { type: { type: string }, room: { type: string } } }
    say:
      allOf: [{ type: object, required: [type], properties: { type: { const: say } } }]
      properties:
        body:
          oneOf:
            - { required: [kind, text], properties: { kind: { const: text }, text: { type: string } } }
            - { required: [kind, url], properties: { kind: { const: image }, url: { type: string } } }
"""


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"type": "join"}, "any, oneOf 1 (join): 'room' is a required property"),
        ({"type": "say", "body": {"kind": "image"}}, "body (oneOf 2 of 2): 'url' is a required property"),
        ({"type": "shout"}, "no message that is sent has type 'shout'"),
    ],
)
def test_an_error_names_the_branch_that_was_meant(tmp_path: Path, frame: dict[str, Any], said: str) -> None:
    """It is found by the discriminator, or by the values that tell the branches apart."""
    contract = loaded(tmp_path, BRANCHES)
    assert any(said in violation for violation in contract.violations(frame, "sent")), contract.violations(
        frame, "sent"
    )


def test_a_slash_in_a_key_is_said_to_be_written_otherwise(tmp_path: Path) -> None:
    text = OLD.replace("    leave: { name", "    a/leave: { name").replace("messages/leave", "messages/a/leave")
    (wrong,) = mistakes(tmp_path, text)
    assert "#/components/messages/a~1leave" in wrong.action
