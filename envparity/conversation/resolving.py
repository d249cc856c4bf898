"""Writing a script: a scenario with every value that it needs resolved, for one environment and one playing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from envparity.conversation.filling import amount_texts, fill
from envparity.conversation.handshake import ClientIdentity, Handshake, SignedIn
from envparity.conversation.handshakes import Handshakes, scenario_mistake
from envparity.conversation.made_values import MadeValues
from envparity.conversation.resolved import ResolvedScenario
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario, required_settings
from envparity.model.step import PLACEHOLDER, Connect, Revoke, amount_of, placeholders, rotations
from envparity.support.redaction import Redaction

__all__ = ["ClientIdentity", "Handshake", "ResolvedScenario", "fill", "resolve_scenario"]


def resolve_scenario(
    scenario: Scenario,
    backend: Backend,
    settings: Mapping[str, str],
    origin: str,
    *,
    now_s: int,
    fresh: Callable[[], uuid.UUID] = uuid.uuid4,
    identity: ClientIdentity | None = None,
    redaction: Redaction | None = None,
    prefix: str = "",
    host: str = "localhost",
    tls: bool = False,
    signed_in: Mapping[str, SignedIn] | None = None,
    client: int = 1,
) -> ResolvedScenario:
    """Resolve a scenario. `origin` is the endpoint's, `now_s` seconds since the epoch, `fresh` makes ids.

    `prefix` stands before every path; `host` is the name that clients ask for, without a port; `signed_in` are
    credentials that the backend gave, by their kinds; `client` is the number of who plays it.

    Without an `identity` every user is made up. What `redaction` replaces is never recorded either.

    Raises `ConfigurationError` with everything that this backend or these settings do not provide.
    """
    values: dict[str, object] = {"origin": origin, "client": client}
    who, had = identity or ClientIdentity(), signed_in or {}
    made = MadeValues(scenario, backend, settings, who, had, now_s, fresh, values)
    script = _Writing(made, Handshakes(made, prefix, origin), redaction or Redaction()).script()
    return replace(script, prefix=prefix, host=host, tls=tls, now_s=now_s)


@dataclass(frozen=True)
class _Writing:
    """One script being written."""

    made: MadeValues
    handshakes: Handshakes
    redaction: Redaction

    def script(self) -> ResolvedScenario:
        self._refuse_what_is_missing()
        made, backend, origin_of = self.made, self.made.backend, self.handshakes.origin_of
        made.make()
        steps = made.scenario.steps
        handshakes, revoked = {}, {}
        for index, step in enumerate(steps):  # a name may be of several connections, one after the other
            if isinstance(step, Connect):
                handshakes[index] = self.handshakes.handshake(step, rotations(steps[:index]))
            elif isinstance(step, Revoke):
                revoked[index] = made.revoking(step.on)
        return ResolvedScenario(
            handshakes=handshakes,
            phases=backend.phases,
            values=made.values,
            amounts=self._amounts(),
            names=made.names,
            secrets={**self._secret_settings(), **made.secrets},
            redaction=self.redaction,
            revocations=tuple(made.revocations),
            revoked=revoked,
            frame_type=backend.frame_type,
            error_type=backend.error_type,
            codec=backend.codec,
            origins={said: origin_of(said) for said in (None, "none", "allowed", "forbidden")},
            ignored=frozenset(backend.ignored_frames),
            volatile=frozenset(backend.volatile),
            unsigned=dict(self._unsigned()),
        )

    def _refuse_what_is_missing(self) -> None:
        made, backend = self.made, self.made.backend
        tokens = backend.tokens
        settings = required_settings(made.scenario) | backend.settings_of_connecting
        needed = dict.fromkeys(settings, "a setting of this environment")
        if tokens is not None and any(made.is_made(kind, user) for kind, user in made.kinds()):
            makers = (tokens.scheme.signing_setting, *tokens.scheme.open_settings.values())
            needed |= dict.fromkeys(makers, "a setting, to make tokens with")
        mistakes = [
            self._mistake(name, expected, "nothing") for name, expected in needed.items() if name not in made.settings
        ]
        if tokens is None and any(True for _ in made.kinds()):
            mistakes.append(self._mistake("tokens", "how tokens are made, for the tokens of this scenario", "nothing"))
        if tokens is not None:
            lacking = {key: what for kind, _ in made.kinds() for key, what in tokens.scheme.missing(kind).items()}
            mistakes += [self._mistake(f"tokens.{key}", what, "nothing") for key, what in lacking.items()]
        if mistakes:
            raise ConfigurationError(mistakes)

    def _mistake(self, key: str, expected: str, got: str) -> Mistake:
        return scenario_mistake(self.made.backend, self.made.scenario, key, expected, got)

    def _unsigned(self) -> Iterator[tuple[int, SignedIn]]:
        """The steps that need a credential which signing in did not give."""
        for index, step in enumerate(self.made.scenario.steps):
            kinds = [argument for name, argument in placeholders(step) if name == "token"]
            kinds += [step.token] if isinstance(step, Connect) else []
            lacking = [had for kind in kinds if (had := self.made.signed_in.get(kind)) is not None and had.expected]
            yield from ((index, had) for had in lacking[:1])

    def _secret_settings(self) -> dict[str, str]:
        """The settings that are secrets which the stack does not name, with what is written down in place of each."""
        is_secret, known = self.made.backend.is_secret, {*self.redaction.values}
        return {
            value: f"{{setting:{name}}}"
            for name, value in self.made.settings.items()
            if value not in known and is_secret(name, value)
        }

    def _amounts(self) -> dict[str, float]:
        amounts: dict[str, float] = {}
        for text in amount_texts(self.made.scenario.steps):
            filled = PLACEHOLDER.sub(lambda match: str(self.made.values[match[0][1:-1]]), text)
            try:
                amounts[text] = amount_of(filled)
            except ValueError:
                raise ConfigurationError([self._mistake(text, "a number or a sum", repr(filled))]) from None
        return amounts
