"""The contract of a backend: its document, read as the backend's file says and as its scenarios speak."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, urlsplit

from envparity.conversation.contract.addresses import parameter_violations
from envparity.conversation.contract.choosing import PlayedTypes, channels_of, not_websocket, view_of
from envparity.conversation.contract.contract import Contract, ContractReading
from envparity.conversation.contract.description import Channel
from envparity.errors import ConfigurationError, Mistake
from envparity.frames.json_codec import AnyJson
from envparity.frames.raw import Text
from envparity.model.backend import Backend
from envparity.model.step import Connect, Expect, Send
from envparity.support.toml.document import did_you_mean, shown_path

__all__ = ["contract_of"]

_GIVEN = frozenset({"host", "upgrade", "connection", "origin", "cookie", "user-agent"})
_LONGEST = 200  # characters of a path of which it is asked what was meant
_OF_A_HANDSHAKE = "sec-websocket-"


def contract_of(backend: Backend) -> Contract | None:
    """What holds of the frames of that backend; None where it has no contract.

    Raises `ConfigurationError` with all that is wrong with the document, and with what the backend's file does not say
    and nobody can know: which of several channels is meant, and whose view the operations have.
    """
    said = backend.contract
    if said is None:
        return None
    reading = ContractReading(said.document, beside=backend.file)
    if reading.description.channels:
        not_websocket(reading)
    channels, unknown = channels_of(reading, backend.websocket_path, said.channel)
    view = said.view or view_of(reading, channels, backend.frame_type, _played(backend))
    wrapped = {AnyJson: "json", Text: "text"}.get(type(backend.codec), "")
    contract = Contract.of(reading, channels, view or "server", backend.frame_type, wrapped)
    mistakes = list(dict.fromkeys(reading.documents.mistakes))
    if not mistakes:
        mistakes = list(_unsaid(backend, unknown, view=view is not None))
    if contract is not None and not mistakes:
        mistakes = [*_of_connecting(backend, reading, contract, channels), *_of_names(backend, contract)]
    if mistakes:
        raise ConfigurationError(mistakes)
    return contract


def _unsaid(backend: Backend, unknown: str, *, view: bool) -> Iterator[Mistake]:
    source = shown_path(backend.file)
    if unknown:
        action = 'write in [contract]: channel = "KEY" or its address, or "*" where all are on one connection'
        yield Mistake(source, 0, "contract.channel", "a channel of the document", unknown, action)
    elif not view:
        action = (
            'write in [contract]: view = "server" where its operations are the backend\'s (action: send is what the '
            'backend sends; 2.x: subscribe), view = "client" where they are a client\'s'
        )
        yield Mistake(source, 0, "contract.view", "whose operations the document describes", "nothing", action)


def _of_connecting(
    backend: Backend, reading: ContractReading, contract: Contract, channels: tuple[Channel, ...]
) -> Iterator[Mistake]:
    """What the bindings and the parameters of the address have against how clients of this backend connect."""
    source = shown_path(backend.file)
    path = backend.websocket_path
    for said in [said for channel in channels for said in parameter_violations(reading, channel, path)]:
        yield Mistake(source, 0, "websocket_path", "an address of the contract's channel", said)
    given = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
    literal = {name: value for name, value in given.items() if "{" not in value}
    for said in contract.handshake.query_violations(literal):
        yield Mistake(source, 0, "websocket_path", "a query that the contract allows", said)
    queries, headers = _anywhere(backend)
    for missing in sorted(contract.handshake.required_query - set(given) - queries):
        expected = "every query parameter that the contract requires"
        yield Mistake(source, 0, "websocket_path", expected, f"no {missing}", "add it, here or to a connect")
    asked = {name for name in contract.handshake.required_headers if not name.startswith(_OF_A_HANDSHAKE)}
    for missing in sorted(asked - headers - _GIVEN):
        action = "add it to the headers of a connect, or as a carrier"
        yield Mistake(source, 0, "contract", "every header that the contract requires", f"no {missing}", action)


def _of_names(backend: Backend, contract: Contract) -> Iterator[Mistake]:
    """Values of [[names]] in frames of a type that no client is sent: nothing would ever be seen there."""
    types = {name for message in contract.messages("received") for name in message.types(backend.frame_type)}
    for index, name in enumerate(backend.names if types else ()):
        said, _, rest = name.path[:_LONGEST].partition(".")
        meant = rest.partition(".")[0]
        known = any(fnmatchcase(type_.partition(".")[0], meant) for type_ in (*types, *backend.ignored_frames))
        if said == "frames" and not known:
            key, action = f"names[{index}].path", did_you_mean(meant, types)
            yield Mistake(
                shown_path(backend.file), 0, key, "a message of the contract that a client is sent", meant, action
            )


def _anywhere(backend: Backend) -> tuple[set[str], set[str]]:
    """The names of parameters and headers that some connection of this backend has."""
    queries: set[str] = set()
    headers: set[str] = set()
    for carrier in backend.tokens.carriers if backend.tokens is not None else ():
        queries |= {carrier.query} if carrier.query else set()
        headers |= {carrier.header.partition(":")[0].strip().lower()} if carrier.header else set()
    for step in (step for scenario in backend.scenarios for step in scenario.steps):
        if isinstance(step, Connect):
            headers |= {name.lower() for name in step.headers}
            query = step.query
            queries |= set(query) if isinstance(query, dict) else {name for name, _ in parse_qsl(query)}
            queries |= {name for name, _ in parse_qsl(urlsplit(step.path).query)}
    return queries, headers


def _played(backend: Backend) -> PlayedTypes:
    """What the scenarios send that does not break the contract, and what they expect."""
    steps = [step for scenario in backend.scenarios for step in scenario.steps]
    sent = {backend.codec.type_of(step.frame) or step.frame.get(backend.frame_type)
            for step in steps if isinstance(step, Send) and not step.breaks_contract}  # fmt: skip
    expected = {name for step in steps if isinstance(step, Expect) for name in step.types}
    return PlayedTypes(frozenset(str(name) for name in sent if name), frozenset(expected))
