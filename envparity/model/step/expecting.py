"""Steps of a client that listens: what must come, and how a connection must end."""

from __future__ import annotations

from typing import Annotated

import msgspec

from envparity.model.step.values import Amount

__all__ = ["Expect", "ExpectBytes", "ExpectClose", "ExpectJson", "ExpectText", "ExpectUnordered"]

_Named = Annotated[tuple[str | dict[str, object], ...], msgspec.Meta(min_length=2)]
_Codes = Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect"):
    """The next frames have these types, in this order; without types, the next frame has these `fields`.

    `each` must be part of every one of them, `fields` of the last (dotted names reach into it; objects match when
    they contain what is asked for, lists when they are as long and their elements match; "{any}" is anything).
    `capture` maps a new placeholder to a dotted name in the last, or to a JSON Pointer. Frames of types in `skip` are
    let pass. `within_s` holds for each frame.
    """

    types: tuple[str, ...]
    on: str = "a"
    each: dict[str, object] = {}
    fields: dict[str, object] = {}
    capture: dict[str, str] = {}
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class ExpectText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect_text"):
    """The next message is a text in which that regular expression is found; its named groups are captured."""

    pattern: str
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class ExpectJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect_json"):
    """The next message is a text of this JSON: lists position by position, objects by what they contain.

    `capture` maps a new placeholder to a JSON Pointer (`/0/sid`), or to a dotted name.
    """

    value: object
    on: str = "a"
    capture: dict[str, str] = {}
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class ExpectBytes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect_bytes"):
    """The next message is a binary one: `hex:101a??*`, `base64:EBo=`, or `text:` and a regular expression.

    In `hex:` a `??` stands for any byte, and a `*` at the end for whatever follows. The named groups of a regular
    expression are captured.
    """

    pattern: str
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class ExpectUnordered(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect_unordered"
):
    """So many frames come next, one for each of these, in whatever order: a type, or fields as in `expect`."""

    frames: _Named
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class ExpectClose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect_close"):
    """The peer closes with this code, or one of these, and with this reason unless it is None."""

    code: int | _Codes
    reason: str | None = None
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None

    @property
    def codes(self) -> tuple[int, ...]:
        """Every code that will do."""
        return (self.code,) if isinstance(self.code, int) else self.code
