"""A script: a scenario with every value that it needs resolved, for one environment and one playing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from envparity.conversation.handshake import Handshake, SignedIn
from envparity.frames.codec import Codec
from envparity.frames.json_codec import JsonObjects
from envparity.model.backend import Phases
from envparity.model.step import Amount
from envparity.support.redaction import Redaction

__all__ = ["ResolvedScenario"]


@dataclass(frozen=True, repr=False)
class ResolvedScenario:
    """The resolved values of one playing.

    `handshakes` by index of the step; `values` by placeholder (`uuid:m1`); `amounts` by their text; `names` maps
    generated values to the placeholders under which they are recorded, `secrets` likewise for what is never recorded,
    beside what the `redaction` of the stack replaces;
    `origins` are those that a step may name by a word, `host` and `tls` say where cookies go, `prefix` stands before
    paths; `revocations` are commands to a dependency, to be sent before the first step,
    and `revoked` those that a step sends, by its index. `unsigned` are the
    steps that would need what signing in did not give, with what it gave instead. `elsewhere_than` are replicas
    that connections are not made to, by their names, where there are others. `called` is what the client calls itself
    where it closes, "" for nothing.
    """

    handshakes: Mapping[int, Handshake]
    phases: Phases = Phases()  # noqa: RUF009  frozen
    values: Mapping[str, Any] = field(default_factory=dict)
    amounts: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    redaction: Redaction = Redaction()  # noqa: RUF009  never added to
    revocations: tuple[tuple[str, tuple[str, ...]], ...] = ()
    revoked: Mapping[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    frame_type: str = "type"
    error_type: str = "error"
    codec: Codec = JsonObjects()  # noqa: RUF009  frozen
    ignored: frozenset[str] = frozenset()
    origins: Mapping[str | None, str | None] = field(default_factory=dict)
    prefix: str = ""
    host: str = "localhost"
    tls: bool = False
    now_s: int = 0
    volatile: frozenset[str] = frozenset()
    unsigned: Mapping[int, SignedIn] = field(default_factory=dict)
    elsewhere_than: Mapping[str, int] = field(default_factory=dict)
    called: str = ""

    def by_client(self, name: str) -> ResolvedScenario:
        """The script of a client who goes by that name, in each handshake and in the reason of each of its closes."""
        handshakes = {index: replace(handshake, client=name) for index, handshake in self.handshakes.items()}
        return replace(self, handshakes=handshakes, called=f"done ({name})")

    def amount(self, given: Amount) -> float:
        """The number that was given, or that its text comes to."""
        return self.amounts[given] if isinstance(given, str) else float(given)
