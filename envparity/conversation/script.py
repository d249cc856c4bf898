"""Writing a script: a scenario with every value that it needs resolved, for one environment and one playing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from envparity.auth.scheme import SCHEMES, UNSIGNED, Request, base64url, keyless_kinds
from envparity.conversation.addressing import query_text, wrong_target
from envparity.conversation.carrying import carried_by
from envparity.conversation.filling import amount_texts, fill, plain_setting
from envparity.conversation.handshake import FORBIDDEN_ORIGIN, Handshake, Identity, SignedIn
from envparity.conversation.resolved import Script
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend, Carrier
from envparity.model.scenario import Scenario, required_settings
from envparity.model.step import PLACEHOLDER, Connect, amount_of, placeholders, rotations

__all__ = ["Handshake", "Identity", "Script", "fill", "write_script"]


def write_script(
    scenario: Scenario,
    backend: Backend,
    settings: Mapping[str, str],
    origin: str,
    *,
    now_s: int,
    fresh: Callable[[], uuid.UUID] = uuid.uuid4,
    identity: Identity | None = None,
    secrets: Iterable[tuple[str, str]] = (),
    prefix: str = "",
    host: str = "localhost",
    tls: bool = False,
    signed_in: Mapping[str, SignedIn] | None = None,
) -> Script:
    """Resolve a scenario. `origin` is the endpoint's, `now_s` seconds since the epoch, `fresh` makes ids.

    `prefix` stands before every path; `host` is the name that clients ask for, without a port; `signed_in` are
    credentials that the backend gave, by their kinds.

    Without an `identity` every user is made up. `secrets` are never recorded either: pairs of a value and its name.

    Raises `ConfigurationError` with everything that this backend or these settings do not provide.
    """
    who = identity or Identity()
    writing = _Writing(scenario, backend, settings, origin, now_s=now_s, fresh=fresh, identity=who)
    writing.prefix = prefix
    writing.signed_in = signed_in or {}
    writing.secrets |= secrets
    return replace(writing.script(), prefix=prefix, host=host, tls=tls, now_s=now_s)


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
        self.prefix = ""
        self.signed_in: Mapping[str, SignedIn] = {}
        self.values: dict[str, Any] = {"origin": origin}
        self.names: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.revocations: list[tuple[str, tuple[str, ...]]] = []

    def script(self) -> Script:
        self._refuse_what_is_missing()
        self._make_values()
        return Script(
            handshakes={
                index: self._handshake(step, rotations(self.scenario.steps[:index]))
                for index, step in enumerate(self.scenario.steps)
                if isinstance(step, Connect)
            },
            phases=self.backend.phases,
            values=self.values,
            amounts=self._amounts(),
            names=self.names,
            secrets={**self._secret_settings(), **self.secrets},
            revocations=tuple(self.revocations),
            frame_type=self.backend.frame_type,
            codec=self.backend.codec,
            origins={said: self.origin_of(said) for said in (None, "none", "allowed", "forbidden")},
            ignored=frozenset(self.backend.ignored_frames),
            volatile=frozenset(self.backend.volatile),
            unsigned=dict(self._unsigned()),
        )

    def _refuse_what_is_missing(self) -> None:
        tokens = self.backend.tokens
        settings = required_settings(self.scenario) | self.backend.settings_of_connecting
        needed = dict.fromkeys(settings, "a setting of this environment")
        if tokens is not None and any(self._is_made(kind, user) for kind, user in self._kinds()):
            makers = (tokens.scheme.signing_setting, *tokens.scheme.open_settings.values())
            needed |= dict.fromkeys(makers, "a setting, to make tokens with")
        mistakes = [
            self._mistake(name, expected, "nothing") for name, expected in needed.items() if name not in self.settings
        ]
        if tokens is None and any(True for _ in self._kinds()):
            mistakes.append(self._mistake("tokens", "how tokens are made, for the tokens of this scenario", "nothing"))
        if tokens is not None:
            lacking = {key: what for kind, _ in self._kinds() for key, what in tokens.scheme.missing(kind).items()}
            mistakes += [self._mistake(f"tokens.{key}", what, "nothing") for key, what in lacking.items()]
        if mistakes:
            raise ConfigurationError(mistakes)

    def _mistake(self, key: str, expected: str, got: str) -> Mistake:
        return Mistake(str(self.backend.file), 0, f"{key} (scenario {self.scenario.name})", expected, got)

    def _kinds(self) -> Iterator[tuple[str, str]]:
        """The kinds of tokens that are needed, each with the user whom it is for."""
        for step in self.scenario.steps:
            if isinstance(step, Connect) and step.token not in UNSIGNED:
                yield step.token, step.user
        for name, argument in placeholders(self.scenario.steps):
            if name == "token":
                yield argument, ""

    def _is_made(self, kind: str, user: str) -> bool:
        """Whether it takes the key to make that token."""
        keyless = keyless_kinds(type(self.backend.scheme)) if self.backend.scheme is not None else ()
        return kind not in keyless and not self._is_given(kind, user)

    def _is_given(self, kind: str, user: str) -> bool:
        return bool(self.identity.token) and kind == "valid" and not user

    def _make_values(self) -> None:
        for index, (name, argument) in self._placeholders():
            key = f"{name}:{argument}" if argument else name
            if name == "user":
                self._user_id(argument)
            elif key in self.values:
                continue
            elif name == "uuid":
                self.values[key] = str(self.fresh())
                self.names[self.values[key]] = f"<{key}>"
            elif name == "setting":
                self.values[key] = plain_setting(self.settings[argument])
            elif name == "first":
                self.values[key] = self.settings[argument].split(",")[0].strip()
            elif name == "token":  # the last kind that is made: anything else is captured while playing
                self.values[key] = self._token(argument, "", rotations(self.scenario.steps[:index]))

    def _placeholders(self) -> Iterator[tuple[int, tuple[str, str]]]:
        """Those of every step, with its index."""
        for index, step in enumerate(self.scenario.steps):
            yield from ((index, found) for found in placeholders(step))
        yield from ((0, found) for found in placeholders((self.backend.websocket_path, self.backend.origin)))

    def _unsigned(self) -> Iterator[tuple[int, SignedIn]]:
        """The steps that need a credential which signing in did not give."""
        for index, step in enumerate(self.scenario.steps):
            kinds = [argument for name, argument in placeholders(step) if name == "token"]
            kinds += [step.token] if isinstance(step, Connect) else []
            lacking = [had for kind in kinds if (had := self.signed_in.get(kind)) is not None and had.expected]
            yield from ((index, had) for had in lacking[:1])

    def _user_id(self, user: str) -> str:
        """The id of that user of this scenario, made when it is first asked for."""
        key = f"user:{user}" if user else "user"
        if key not in self.values:
            steps = [step for step in self.scenario.steps if isinstance(step, Connect) and step.user == user]
            form = next((step.user_id for step in steps if step.user_id), "{uuid}")
            made = self.fresh()
            parts = {"uuid": str(made), "hex": made.hex, "digits": f"1{made.int % 10**17:017d}"}
            made_up = PLACEHOLDER.sub(lambda match: parts.get(match[1], match[0]), form)
            known = self.backend.scheme.subject if self.backend.scheme is not None else ""
            self.values[key] = made_up if user else self.identity.user or known or made_up
            self.names[self.values[key]] = f"<{key}>"
        return str(self.values[key])

    def _token(self, kind: str, user: str, generation: int) -> str:
        """A token of that kind, as it is made once keys were rotated so often."""
        tokens = self.backend.tokens
        if tokens is None or kind in UNSIGNED:
            return ""
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
        return token

    def _handshake(self, step: Connect, generation: int) -> Handshake:
        token = self._token(step.token, step.user, generation)
        carrier = self._carrier(step)
        offered = self.backend.subprotocols if step.offer is None else step.offer
        ours = [name for name in self.backend.subprotocols if name in offered]
        selected = step.subprotocol if step.subprotocol is not None else "".join(ours[:1])
        headers = {name: str(fill(value, self.values)) for name, value in step.headers.items()}
        queries = [query_text(step.query, self.values)] if step.query else []
        first_frame = None
        if carrier is not None and step.token != "none":  # noqa: S105  a kind of token
            carried = carried_by(carrier, token, headers, fill)
            headers |= carried.headers
            offered = (*offered, *carried.offered)
            queries += [carried.query] if carried.query else []
            first_frame = carried.first_frame if step.authenticate else None
        template = step.path or self.backend.websocket_path
        as_captured = PLACEHOLDER.fullmatch(template) and template[1:-1] not in self.values
        path = template if as_captured else self.prefix + str(fill(template, self.values))
        if not step.path and wrong_target(path):
            expected = "a path that begins with a slash, once it is filled"
            raise ConfigurationError([self._mistake("websocket_path", expected, repr(path))])
        if queries:
            path += ("&" if "?" in path else "?") + "&".join(queries)
        cookies = tuple((name, str(fill(value, self.values))) for name, value in step.cookies.items())
        origin = self.origin_of(step.origin)
        sent = tuple(headers.items())
        return Handshake(path, sent, origin, tuple(offered), selected, first_frame, step.user, cookies)

    def origin_of(self, said: str | None) -> str | None:
        """The origin that a step sends, which may say nothing of it; None where it sends none."""
        chosen = self.backend.origin if said is None else said
        known = {None: None, "none": None, "allowed": self.origin, "forbidden": FORBIDDEN_ORIGIN}
        return known[chosen] if chosen in known else str(fill(chosen, self.values))

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

    def _secret_settings(self) -> dict[str, str]:
        """The settings that are secrets, with what is written down in place of each."""
        is_secret = self.backend.is_secret
        return {value: f"{{setting:{name}}}" for name, value in self.settings.items() if is_secret(name, value)}

    def _amounts(self) -> dict[str, float]:
        amounts: dict[str, float] = {}
        for text in amount_texts(self.scenario.steps):
            filled = PLACEHOLDER.sub(lambda match: str(self.values[match[0][1:-1]]), text)
            try:
                amounts[text] = amount_of(filled)
            except ValueError:
                raise ConfigurationError([self._mistake(text, "a number or a sum", repr(filled))]) from None
        return amounts
