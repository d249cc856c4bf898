"""The values that a scenario needs and nobody has yet: ids, users and tokens, each made once for a playing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from envparity.auth.scheme import REVOKED, SCHEMES, UNSIGNED, Request, base64url, keyless_kinds
from envparity.conversation.alike import made_up
from envparity.conversation.filling import plain_setting
from envparity.conversation.handshake import ClientIdentity, SignedIn
from envparity.errors import LaunchError
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import PLACEHOLDER, Connect, Revoke, placeholders, rotations

__all__ = ["MadeValues"]


@dataclass(frozen=True)
class MadeValues:
    """Those of one playing. `values` are by placeholder; `names` and `secrets` say what is written in place of each."""

    scenario: Scenario
    backend: Backend
    settings: Mapping[str, str]
    identity: ClientIdentity
    signed_in: Mapping[str, SignedIn]
    now_s: int
    fresh: Callable[[], uuid.UUID]
    values: dict[str, object]
    secrets: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    revocations: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    users: dict[str, uuid.UUID] = field(default_factory=dict)
    """What the id of the first user of each form is made of."""
    handed: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The token that each connection was last opened with, and its id."""

    def make(self) -> None:
        """Make all that the steps name; anything else is captured while playing."""
        for index, (name, argument) in self._placeholders():
            key = f"{name}:{argument}" if argument else name
            if name == "user":
                self._user_id(argument)
            elif key in self.values:
                continue
            elif name == "uuid":
                self.values[key] = str(self.fresh())
                self.names[str(self.values[key])] = f"<{key}>"
            elif name == "setting":
                self.values[key] = plain_setting(self.settings[argument])
            elif name == "first":
                self.values[key] = self.settings[argument].split(",")[0].strip()
            elif name == "token":
                self.values[key] = self.token(argument, "", rotations(self.scenario.steps[:index]))

    def _placeholders(self) -> Iterator[tuple[int, tuple[str, str]]]:
        """Those of every step, with its index."""
        for index, step in enumerate(self.scenario.steps):
            yield from ((index, found) for found in placeholders(step))
        yield from ((0, found) for found in placeholders((self.backend.websocket_path, self.backend.origin)))

    def kinds(self) -> Iterator[tuple[str, str]]:
        """The kinds of tokens that are needed, each with the user whom it is for."""
        for step in self.scenario.steps:
            if isinstance(step, Connect) and step.token not in UNSIGNED:
                yield step.token, step.user
            elif isinstance(step, Revoke):
                yield REVOKED, ""
        for name, argument in placeholders(self.scenario.steps):
            if name == "token":
                yield argument, ""

    def is_made(self, kind: str, user: str) -> bool:
        """Whether it takes the key to make that token."""
        keyless = keyless_kinds(type(self.backend.scheme)) if self.backend.scheme is not None else ()
        return kind not in keyless and not self._is_given(kind, user)

    def _is_given(self, kind: str, user: str) -> bool:
        return bool(self.identity.token) and kind == "valid" and not user

    def _user_id(self, user: str) -> str:
        """The id of that user of this scenario, made when it is first asked for.

        Users of one scenario look alike: where their ids have the same form, all but the middle of what is made up is
        the same, and where they have not, all of it is. Who keeps a part of an id takes one for another.
        """
        key = f"user:{user}" if user else "user"
        if key not in self.values:
            steps = [step for step in self.scenario.steps if isinstance(step, Connect) and step.user == user]
            form = next((step.user_id for step in steps if step.user_id), "{uuid}")
            first = next(iter(self.users.values()), None)
            own = self.fresh() if first is None or form in self.users else first
            parts = made_up(own, first or own) | {"client": str(self.values["client"])}
            self.users.setdefault(form, own)
            made = PLACEHOLDER.sub(lambda match: parts.get(match[1], match[0]), form)
            known = self.backend.scheme.subject if self.backend.scheme is not None else ""
            self.values[key] = made if user else self.identity.user or known or made
            self.names[str(self.values[key])] = f"<{key}>"
        return str(self.values[key])

    def token_of(self, step: Connect, generation: int) -> str:
        """The token that this step hands over: one of its own, or that of another connection once more."""
        if step.same_token_as:
            self.handed[step.on] = self.handed[step.same_token_as]
        else:
            self.handed[step.on] = self._token_and_id(step.token, step.user, generation)
        return self.handed[step.on][0]

    def revoking(self, connection: str) -> tuple[str, tuple[str, ...]]:
        """What revokes the token that this connection was opened with: a dependency, and a command to it."""
        scheme, found = self.backend.scheme, None
        if scheme is not None:
            with SCHEMES.guarding(scheme):
                found = scheme.revoking(REVOKED, self.handed[connection][1])
        if found is None:
            raise LaunchError(f"{self.scenario.name}: no token of this backend can be revoked")
        return found

    def token(self, kind: str, user: str, generation: int) -> str:
        """A token of that kind, as it is made once keys were rotated so often."""
        return self._token_and_id(kind, user, generation)[0]

    def _token_and_id(self, kind: str, user: str, generation: int) -> tuple[str, str]:
        tokens = self.backend.tokens
        if tokens is None or kind in UNSIGNED:
            return "", ""
        token_id, subject = str(self.fresh()), self._user_id(user)
        if self._is_given(kind, user):
            token = self.identity.token
        else:
            had = self.signed_in.get(kind, SignedIn()).credential
            request = Request(self.settings, subject, token_id, self.now_s, generation, had)
            with SCHEMES.guarding(tokens.scheme):
                token = tokens.scheme.make(kind, request)
        for secret in self.signed_in.get(kind, SignedIn()).secrets:
            self.secrets[secret] = f"<token:{kind}>"
        self.secrets[token] = self.secrets[base64url(token)] = f"<token:{kind}>"
        with SCHEMES.guarding(tokens.scheme):
            revoking = tokens.scheme.revoking(kind, token_id)
        if revoking is not None:
            self.revocations.append(revoking)
        return token, token_id
