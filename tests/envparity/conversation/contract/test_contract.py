"""The contract: what a good document says against frames and closes, and every mistake of a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from envparity.conversation.contract.contract import Contract
from envparity.errors import ConfigurationError, Mistake

GOOD = """
asyncapi: 3.0.0
info: { title: t, version: "1" }
channels:
  talk:
    address: /ws
    messages:
      ping: { $ref: "#/components/messages/ping" }
      pong: { $ref: "#/components/messages/pong" }
      event: { $ref: "#/components/messages/event" }
    x-close-codes:
      1000: { when: the client closes }
      1008: { reasons: [expired, "limit:{name}"] }
    x-deadlines: { message: 5 }
operations:
  listen:
    action: receive
    channel: { $ref: "#/channels/talk" }
    messages: [{ $ref: "#/channels/talk/messages/ping" }]
  speak:
    action: send
    channel: { $ref: "#/channels/talk" }
    messages: [{ $ref: "#/channels/talk/messages/pong" }, { $ref: "#/channels/talk/messages/event" }]
components:
  schemas:
    id: { type: string, minLength: 3 }
  messages:
    ping:
      payload: { type: object, required: [type], additionalProperties: false, properties: { type: { const: ping } } }
    pong:
      payload:
        schemaFormat: application/schema+json;version=2020-12
        schema:
          type: object
          required: [type, id]
          properties: { type: { const: pong }, id: { $ref: "#/components/schemas/id" } }
    event:
      payload:
        type: object
        required: [type, sequence]
        properties: { type: { enum: [started, done] }, sequence: { type: integer } }
"""


def loaded(folder: Path, text: str) -> Contract:
    path = folder / "asyncapi.yaml"
    path.write_text(text)
    return Contract.load(path)


def mistakes(folder: Path, text: str) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigurationError) as raised:
        loaded(folder, text)
    return raised.value.mistakes


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """The good document."""
    return loaded(tmp_path, GOOD)


def test_a_frame_that_fits_has_nothing_against_it(contract: Contract) -> None:
    """In its direction; references inside a payload lead into the document."""
    for _ in range(2):  # the second time its message is known
        assert contract.violations({"type": "ping"}, "sent") == ()
        assert contract.violations({"type": "pong", "id": "abc"}, "received") == ()
        assert contract.violations({"type": "done", "sequence": 1}, "received") == ()


def test_a_frame_that_does_not_fit_its_type_is_told_what_is_wrong(contract: Contract) -> None:
    """Only what its own message says, with the place in the frame."""
    assert contract.violations({"type": "pong", "id": "x"}, "received") == ("pong: id: 'x' is too short",)
    contract.violations({"type": "pong", "id": "abc"}, "received")
    assert contract.violations({"type": "pong", "id": "x"}, "received") == ("pong: id: 'x' is too short",)
    assert contract.violations({"type": "ping", "a": 1, "b": 2}, "sent") == (
        "ping: Additional properties are not allowed ('a', 'b' were unexpected)",
    )
    assert contract.violations({"type": "done"}, "received") == ("event: 'sequence' is a required property",)


@pytest.mark.parametrize(
    ("frame", "direction", "said"),
    [
        ({"type": "ping"}, "received", "no message that is received has type 'ping'"),
        ({"type": "pong", "id": "abc"}, "sent", "no message that is sent has type 'pong'"),
        ({"text": "hello"}, "received", "no message that is received has type None"),
    ],
)
def test_a_frame_of_no_message_is_told_so(
    contract: Contract, frame: dict[str, object], direction: str, said: str
) -> None:
    """What one side may say is not what the other may."""
    assert contract.violations(frame, "sent" if direction == "sent" else "received") == (said,)


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (1000, "whatever", ()),
        (1008, "expired", ()),
        (1008, "limit:messages-per.minute_1", ()),
        (1008, "limit:", ("close code 1008 does not go with the reason 'limit:'",)),
        (1008, "expired ", ("close code 1008 does not go with the reason 'expired '",)),
        (1011, "", ("close code 1011 is none of 1000, 1008",)),
    ],
)
def test_closes_have_codes_and_reasons(contract: Contract, code: int, reason: str, said: tuple[str, ...]) -> None:
    """A code without reasons takes any; `{name}` stands for one word."""
    assert contract.close_violations(code, reason) == said


def test_a_document_without_close_codes_says_nothing_of_closes(tmp_path: Path) -> None:
    """AsyncAPI does not know them."""
    document = yaml.safe_load(GOOD)
    del document["channels"]["talk"]["x-close-codes"]
    assert loaded(tmp_path, yaml.safe_dump(document)).close_violations(4999, "x") == ()


def test_close_codes_may_stand_at_the_root(tmp_path: Path) -> None:
    """They then hold for every channel."""
    contract = loaded(tmp_path, GOOD + "x-close-codes: { 4000: {} }\n")
    assert contract.close_violations(4000, "") == ()


def test_an_operation_without_messages_means_all_of_its_channel(tmp_path: Path) -> None:
    """As AsyncAPI 3 has it."""
    document = yaml.safe_load(GOOD)
    del document["operations"]["listen"]["messages"]
    contract = loaded(tmp_path, yaml.safe_dump(document))
    assert contract.violations({"type": "pong", "id": "abc"}, "sent") == ()


def test_the_type_may_be_called_otherwise(tmp_path: Path) -> None:
    """A third party's frames say what they are in another field."""
    path = tmp_path / "asyncapi.yaml"
    path.write_text(GOOD.replace("type: { const", "kind: { const").replace("required: [type", "required: [kind"))
    contract = Contract.load(path, frame_type="kind")
    assert contract.violations({"kind": "pong", "id": "x"}, "received") == ("pong: id: 'x' is too short",)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """Each with its line and key."""
    found = mistakes(
        tmp_path,
        """\
asyncapi: 3.0.0
channels:
  talk:
    messages:
      good: { payload: { type: object } }
      lost: { $ref: "#/components/messages/nowhere" }
      elsewhere: { $ref: "https://example.com/message" }
      circle: { $ref: "#/channels/talk/messages/circle" }
      empty: { summary: no payload }
    x-close-codes: { 99: {}, abc: {}, 1008: { reasons: expired }, 1000: 7 }
    x-deadlines: soon
operations:
  shout: { action: yell }
  nothing: quiet
  listen: { action: receive, channel: { $ref: "#/channels/talk" } }
  speak: { action: send, messages: [42, { $ref: "#/channels/talk/messages/empty" }] }
  void: { action: send, messages: [] }
  adrift: { action: send }
components:
  schemas:
    wrong: { type: strin }
    list: [{ $ref: "#/nowhere" }]
""",
    )
    assert sorted((mistake.key, mistake.line) for mistake in found) == [
        ("#/channels/talk/messages/circle/$ref", 8),
        ("#/channels/talk/messages/elsewhere/$ref", 7),
        ("#/channels/talk/messages/lost/$ref", 6),
        ("#/channels/talk/x-close-codes/1000", 10),
        ("#/channels/talk/x-close-codes/1008", 10),
        ("#/channels/talk/x-close-codes/99", 10),
        ("#/channels/talk/x-close-codes/abc", 10),
        ("#/channels/talk/x-deadlines", 11),
        ("#/components/schemas/list", 22),
        ("#/components/schemas/list/0/$ref", 22),
        ("#/components/schemas/wrong/type", 21),
        ("#/operations/adrift/messages", 18),
        ("#/operations/nothing/action", 14),
        ("#/operations/shout/action", 13),
        ("#/operations/speak/messages/0", 16),
        ("#/operations/void/messages", 17),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("asyncapi: [", "YAML"),
        ("just text", "an AsyncAPI document"),
        ("asyncapi: 3.0.0", "operations that say who sends what"),
        ("asyncapi: 1.2.0", "2.0.0 to 2.6.0, or 3.0.0 or later"),
        (GOOD.replace("type: { enum: [started, done] }", "type: { enum: 3 }"), "JSON Schema draft-07"),
        (GOOD + "x-close-codes: none\n", "rules by close code, or a list of them"),
    ],
)
def test_what_is_no_contract_is_told_so(tmp_path: Path, text: str, expected: str) -> None:
    """One clear mistake, not a traceback."""
    assert [mistake.expected for mistake in mistakes(tmp_path, text)] == [expected]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """With the file's name."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: document: expected a file that can be read"):
        Contract.load(tmp_path / "nowhere.yaml")


def test_the_reference_backends_contract_is_one() -> None:
    """The document that the suite uses loads, and knows the conversation."""
    contract = Contract.load(Path(__file__).parents[4] / "netra_backend" / "asyncapi.yaml")
    assert contract.violations({"type": "ping"}, "sent") == ()
    assert contract.violations({"type": "ping"}, "received") != ()
    assert contract.close_violations(1013, "startup_failed:postgres") == ()
    assert contract.close_violations(1013, "oops") != ()
