"""A script: a scenario with every value that it needs resolved, for one environment and one playing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from envparity.backend import Backend, Carrier, Phases
from envparity.conversation.tokens import base64url, make_token
from envparity.errors import ConfigurationError, Mistake
from envparity.scenario import Scenario, required_settings
from envparity.step import PLACEHOLDER, Amount, Connect, Step, TokenKind, amount_of, placeholders

__all__ = ["Handshake", "Identity", "Script", "fill", "write_script"]

FORBIDDEN_ORIGIN = "https://forbidden.invalid"


@dataclass(frozen=True)
class Identity:
    """Who the client is, where that is not made up: the id of the scenario's unnamed user, and that user's token.

    An empty `token`: a good one is made, as it is for every other user; any other kind of token is always made.
    """

    user: str = ""
    token: str = ""


@dataclass(frozen=True)
class Handshake:
    """What one `connect` step sends, and the subprotocol that must be selected ("" for none).

    `first_frame` goes out as soon as the connection is accepted; None: nothing does.
    """

    path: str
    headers: tuple[tuple[str, str], ...]
    origin: str | None
    offered: tuple[str, ...]
    selected: str
    first_frame: dict[str, Any] | None


@dataclass(frozen=True)
class Script:
    """The resolved values of one playing.

    `handshakes` by index of the step; `values` by placeholder (`uuid:m1`); `amounts` by their text; `names` maps
    generated values to the placeholders under which they are recorded, `secrets` likewise for what is never recorded;
    `revocations` are commands to a dependency, to be sent before the first step.
    """

    handshakes: Mapping[int, Handshake]
    phases: Phases = Phases()  # noqa: RUF009  frozen
    values: Mapping[str, Any] = field(default_factory=dict)
    amounts: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    revocations: tuple[tuple[str, tuple[str, ...]], ...] = ()
    frame_type: str = "type"
    ignored: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()

    def amount(self, given: Amount) -> float:
        """The number that was given, or that its text comes to."""
        return self.amounts[given] if isinstance(given, str) else float(given)


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """The value with its placeholders filled in, at any depth.

    A string that is one placeholder becomes the value itself, of whatever kind. What is not in `values` stays.
    """
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole:
            return values.get(value[1:-1], value)
        return PLACEHOLDER.sub(lambda match: str(values.get(match[0][1:-1], match[0])), value)
    if isinstance(value, Mapping):
        return {name: fill(one, values) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [fill(one, values) for one in value]
    return value


def write_script(
    scenario: Scenario,
    backend: Backend,
    settings: Mapping[str, str],
    origin: str,
    *,
    now_s: int,
    fresh: Callable[[], uuid.UUID] = uuid.uuid4,
    identity: Identity | None = None,
) -> Script:
    """Resolve a scenario. `origin` is the endpoint's, `now_s` seconds since the epoch, `fresh` makes ids.

    Without an `identity` every user is made up.

    Raises `ConfigurationError` with everything that this backend or these settings do not provide.
    """
    who = identity or Identity()
    return _Writing(scenario, backend, settings, origin, now_s=now_s, fresh=fresh, identity=who).script()


class _Writing:
    """One script being written."""

    def __init__(
        self,
        scenario: Scenario,
        backend: Backend,
        settings: Mapping[str, str],
        origin: str,
        *,
        now_s: int,
        fresh: Callable[[], uuid.UUID],
        identity: Identity,
    ) -> None:
        self.scenario, self.backend, self.settings = scenario, backend, settings
        self.origin, self.now_s, self.fresh, self.identity = origin, now_s, fresh, identity
        self.values: dict[str, Any] = {"origin": origin}
        self.names: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.revocations: list[tuple[str, tuple[str, ...]]] = []

    def script(self) -> Script:
        self._refuse_what_is_missing()
        self._make_values()
        return Script(
            handshakes={
                index: self._handshake(step)
                for index, step in enumerate(self.scenario.steps)
                if isinstance(step, Connect)
            },
            phases=self.backend.phases,
            values=self.values,
            amounts=self._amounts(),
            names=self.names,
            secrets=self.secrets,
            revocations=tuple(self.revocations),
            frame_type=self.backend.frame_type,
            ignored=frozenset(self.backend.ignored_frames),
            volatile=frozenset(self.backend.volatile),
        )

    def _refuse_what_is_missing(self) -> None:
        tokens = self.backend.tokens
        needed = dict.fromkeys(required_settings(self.scenario), "a setting of this environment")
        if tokens is not None and any(self._is_made(kind, user) for kind, user in self._kinds()):
            makers = (tokens.key_setting, tokens.issuer_setting, tokens.audience_setting)
            needed |= dict.fromkeys(makers, "a setting, to make tokens with")
        mistakes = [
            self._mistake(name, expected, "nothing") for name, expected in needed.items() if name not in self.settings
        ]
        if tokens is None and any(True for _ in self._kinds()):
            mistakes.append(self._mistake("tokens", "how tokens are made, for the tokens of this scenario", "nothing"))
        if "revoked" in {kind for kind, _ in self._kinds()} and tokens is not None and tokens.revocation is None:
            mistakes.append(self._mistake("tokens.revocation", "how a token is revoked", "nothing"))
        if mistakes:
            raise ConfigurationError(mistakes)

    def _mistake(self, key: str, expected: str, got: str) -> Mistake:
        return Mistake(str(self.backend.file), 0, f"{key} (scenario {self.scenario.name})", expected, got)

    def _kinds(self) -> Iterator[tuple[TokenKind, str]]:
        """The kinds of tokens that are needed, each with the user whom it is for."""
        for step in self.scenario.steps:
            if isinstance(step, Connect) and step.token not in {"none", "empty"}:
                yield step.token, step.user
        for name, argument in placeholders(self.scenario.steps):
            if name == "token":
                yield _kind(argument), ""

    def _is_made(self, kind: TokenKind, user: str) -> bool:
        """Whether it takes the key to make that token."""
        return kind != "malformed" and not self._is_given(kind, user)

    def _is_given(self, kind: TokenKind, user: str) -> bool:
        return bool(self.identity.token) and kind == "valid" and not user

    def _make_values(self) -> None:
        for name, argument in placeholders(self.scenario.steps):
            key = f"{name}:{argument}" if argument else name
            if name == "user":
                self._user_id(argument)
            elif key in self.values:
                continue
            elif name == "uuid":
                self.values[key] = str(self.fresh())
                self.names[self.values[key]] = f"<{key}>"
            elif name == "setting":
                self.values[key] = _plain(self.settings[argument])
            elif name == "first":
                self.values[key] = self.settings[argument].split(",")[0].strip()
            elif name == "token":  # the last kind that is made: anything else is captured while playing
                self.values[key] = self._token(_kind(argument), "")

    def _user_id(self, user: str) -> str:
        """The id of that user of this scenario, made when it is first asked for."""
        key = f"user:{user}" if user else "user"
        if key not in self.values:
            steps = [step for step in self.scenario.steps if isinstance(step, Connect) and step.user == user]
            form = next((step.user_id for step in steps if step.user_id), "{uuid}")
            made = self.fresh()
            parts = {"uuid": str(made), "hex": made.hex, "digits": f"1{made.int % 10**17:017d}"}
            made_up = PLACEHOLDER.sub(lambda match: parts.get(match[1], match[0]), form)
            self.values[key] = made_up if user else self.identity.user or made_up
            self.names[self.values[key]] = f"<{key}>"
        return str(self.values[key])

    def _token(self, kind: TokenKind, user: str) -> str:
        tokens = self.backend.tokens
        if tokens is None or kind in {"none", "empty"}:
            return ""
        token_id, subject = str(self.fresh()), self._user_id(user)
        if self._is_given(kind, user):
            token = self.identity.token
        else:
            token = make_token(kind, tokens, self.settings, subject=subject, token_id=token_id, now_s=self.now_s)
        self.secrets[token] = self.secrets[base64url(token)] = f"<token:{kind}>"
        if kind == "revoked" and tokens.revocation is not None:
            command = tuple(part.replace("{jti}", token_id) for part in tokens.revocation.command)
            self.revocations.append((tokens.revocation.dependency, command))
        return token

    def _handshake(self, step: Connect) -> Handshake:
        token = self._token(step.token, step.user)
        carrier = self._carrier(step)
        offered = self.backend.subprotocols if step.offer is None else step.offer
        ours = [name for name in self.backend.subprotocols if name in offered]
        selected = step.subprotocol if step.subprotocol is not None else "".join(ours[:1])
        headers = {name: str(fill(value, self.values)) for name, value in step.headers.items()}
        first_frame = None
        if carrier is not None and step.token != "none":  # noqa: S105  a kind of token
            carried = {"token": token, "token_base64url": base64url(token)}
            if carrier.header is not None:
                name, _, value = carrier.header.partition(":")
                headers[name.strip()] = str(fill(value.strip(), carried)).strip()
            elif carrier.subprotocol is not None:
                offered = (*offered, str(fill(carrier.subprotocol, carried)))
            elif step.authenticate:
                first_frame = fill(carrier.first_frame, carried)
        path = self.backend.websocket_path
        if step.query:
            path += "?" + str(fill(step.query, self.values))
        origin = {"allowed": self.origin, "forbidden": FORBIDDEN_ORIGIN}.get(step.origin or "", step.origin)
        origin = None if origin is None else str(fill(origin, self.values))
        return Handshake(path, tuple(headers.items()), origin, tuple(offered), selected, first_frame)

    def _carrier(self, step: Connect) -> Carrier | None:
        carriers = self.backend.tokens.carriers if self.backend.tokens else ()
        wanted = step.carrier or self.scenario.carriers
        if not wanted:
            return carriers[0] if carriers else None
        found = next((one for one in carriers if one.name == wanted), None)
        if found is None:
            known = ", ".join(one.name for one in carriers) or "none"
            raise ConfigurationError([self._mistake("carriers", f"a carrier of this backend ({known})", repr(wanted))])
        return found

    def _amounts(self) -> dict[str, float]:
        amounts: dict[str, float] = {}
        for text in _amount_texts(self.scenario.steps):
            filled = PLACEHOLDER.sub(lambda match: str(self.values[match[0][1:-1]]), text)
            try:
                amounts[text] = amount_of(filled)
            except ValueError:
                raise ConfigurationError([self._mistake(text, "a number or a sum", repr(filled))]) from None
        return amounts


def _kind(name: str) -> TokenKind:
    """The kind of that name; which there is, was checked when the scenario was read."""
    kinds: dict[str, TokenKind] = {kind: kind for kind in get_args(TokenKind)}
    return kinds[name]


def _amount_texts(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        for name in ("within_s", "size", "count"):
            given = getattr(step, name, None)
            if isinstance(given, str):
                yield given


def _plain(text: str) -> Any:
    """A setting as JSON would have it: a number where it is one."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text
