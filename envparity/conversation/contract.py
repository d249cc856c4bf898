"""The contract: an AsyncAPI 3 document, and what it says against a frame or a close.

Messages are JSON Schema (2020-12). Operations say who sends: `action: receive` is what the backend receives, and a
client sends. What AsyncAPI cannot say stands in extensions, at the root or in a channel:

- `x-close-codes`: by close code (RFC 6455 §7.4), the `reasons` that may go with it; `{name}` in one stands for a word
- `x-deadlines`: by name, seconds or the setting that holds them
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from envparity.conversation.contract_document import ContractReading, Direction, close_rules, place, shortened
from envparity.errors import ConfigurationError

__all__ = ["Contract"]


class Contract:
    """What the backend's frames and closes must look like. Made by `load`."""

    def __init__(
        self,
        messages: Mapping[Direction, Mapping[str, Draft202012Validator]],
        document: dict[str, Any],
        frame_type: str,
    ) -> None:
        self._messages = messages
        self._frame_type = frame_type
        self._closes = {code: _reasons(rule) for code, rule in close_rules(document)}
        self._usual: dict[tuple[Direction, str], str] = {}

    @classmethod
    def load(cls, path: Path, frame_type: str = "type") -> Contract:
        """Read a document. Raises `ConfigurationError` with everything that is wrong with it."""
        reading = ContractReading(path)
        messages = reading.messages()
        if reading.mistakes:
            raise ConfigurationError(reading.mistakes)
        return cls(messages, reading.document, frame_type)

    def violations(self, frame: Mapping[str, Any], direction: Direction) -> tuple[str, ...]:
        """What the contract has against a frame, in words; nothing when a message of that direction fits it."""
        messages = self._messages[direction]
        frame_type = frame.get(self._frame_type)
        usual = (direction, str(frame_type))
        if usual in self._usual and messages[self._usual[usual]].is_valid(frame):
            return ()
        near: tuple[str, ...] = ()
        for name, validator in messages.items():
            errors = sorted(validator.iter_errors(frame), key=lambda error: list(map(str, error.absolute_path)))
            if not errors:
                self._usual[usual] = name
                return ()
            of_this_type = not any(list(error.absolute_path) == [self._frame_type] for error in errors)
            if of_this_type and self._frame_type in frame and not near:
                near = tuple(f"{name}: {place(error.absolute_path)}{shortened(error.message)}" for error in errors)
        return near or (f"no message that is {direction} has {self._frame_type} {frame_type!r}",)

    def close_violations(self, code: int, reason: str) -> tuple[str, ...]:
        """What the contract has against the backend closing with that code and reason."""
        if not self._closes:
            return ()
        if code not in self._closes:
            return (f"close code {code} is none of {', '.join(map(str, sorted(self._closes)))}",)
        patterns = self._closes[code]
        if patterns and not any(pattern.fullmatch(reason) for pattern in patterns):
            return (f"close code {code} does not go with the reason {reason!r}",)
        return ()


def _reasons(rule: Mapping[str, Any]) -> tuple[re.Pattern[str], ...]:
    """The reasons of a close code as patterns: `startup_failed:{component}`."""
    return tuple(
        re.compile(re.sub(r"\\\{\w+\\\}", r"[\\w.-]+", re.escape(str(reason)))) for reason in rule.get("reasons", [])
    )
