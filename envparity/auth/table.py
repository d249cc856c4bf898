"""The table [tokens] of a backend file: which scheme it names, and what its keys may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from envparity.auth.scheme import DEFAULT_SCHEME, SCHEMES, Scheme, token_kinds
from envparity.doors.key_schemas import door_schema

__all__ = ["kinds_of", "scheme_of", "tokens_schema"]

_TABLE: Final = "how tokens are made that this backend accepts"
_CARRIERS: Final[Mapping[str, object]] = {
    "description": "the ways to hand over a token, the usual one first",
    "type": "array",
    "minItems": 1,
    "items": {"$ref": "#/$defs/carrier"},
}


def scheme_of(table: Mapping[str, object]) -> type[Scheme] | None:
    """The scheme that the table names; None for one that is not installed. Raises `DoorFailed`."""
    return SCHEMES.find(table.get("scheme", DEFAULT_SCHEME))


def kinds_of(table: Mapping[str, object]) -> tuple[str, ...]:
    """The kinds of credentials that scenarios may ask for. Raises `DoorFailed`."""
    return token_kinds(scheme_of(table) or SCHEMES.get(DEFAULT_SCHEME))


def tokens_schema(table: Mapping[str, object] | None = None) -> dict[str, object]:
    """What the table may hold: by the scheme that it names, or without one by each of envparity's own.

    Raises `DoorFailed`.
    """
    return door_schema(
        SCHEMES,
        "scheme",
        _TABLE,
        None if table is None else [str(table.get("scheme", DEFAULT_SCHEME))],
        lambda scheme: scheme,
        named="the scheme by which clients show who they are",
        common={"carriers": _CARRIERS},
        required=["carriers"],
        default=DEFAULT_SCHEME,
    )
