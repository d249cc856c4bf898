"""Reads the table [tokens] of a backend file: the scheme, and the carriers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from envparity.auth.scheme import REVOKED, SCHEMES
from envparity.auth.table import scheme_of
from envparity.errors import Mistake
from envparity.model.backend import Carrier, Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Revoke, placeholders
from envparity.support.toml.document import Document, in_words

__all__ = ["carrier_mistakes", "carrier_tables", "lacking_mistakes", "read_tokens"]

_FORMS = ("header", "subprotocol", "first_frame", "query", "cookie")
_NAMES_ONLY = {"query", "cookie"}  # of what the token is the value of
_TOKEN = re.compile(r"\{token(?:_base64url)?\}")


def read_tokens(table: Mapping[str, Any]) -> Tokens:
    """What a table says in which nothing is wrong."""
    scheme = scheme_of(table)
    assert scheme is not None  # noqa: S101  the schema says which there are
    own = {key: value for key, value in table.items() if key not in {"scheme", "carriers"}}
    with SCHEMES.guarding(scheme):
        made = msgspec.convert(own, scheme)
    return Tokens(made, tuple(msgspec.convert(carrier, Carrier) for carrier in table["carriers"]))


def carrier_tables(document: Document) -> list[dict[str, object]]:
    """The tables of the carriers; an empty one for what is none."""
    found = document.table("tokens").get("carriers")
    return [carrier if isinstance(carrier, dict) else {} for carrier in found] if isinstance(found, list) else []


def carrier_mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong with the carriers and what no schema says of them."""
    seen: set[object] = set()
    for index, carrier in enumerate(carrier_tables(document)):
        key = ("tokens", "carriers", index)
        forms = [form for form in _FORMS if form in carrier]
        if len(forms) != 1 and carrier:
            expected = "exactly one of " + ", ".join(_FORMS)
            yield document.mistake(key, expected, " and ".join(forms) or "none of them")
        for form in forms:
            value = carrier[form]
            if form not in _NAMES_ONLY and isinstance(value, str | dict) and not _holds_token(value):
                yield document.mistake((*key, form), "{token} or {token_base64url} in it", in_words(value))
        name = carrier.get("name")
        if isinstance(name, str) and name in seen:
            yield document.mistake((*key, "name"), "a name that no other carrier has", in_words(name))
        seen.add(name if isinstance(name, str) else None)


def lacking_mistakes(document: Document, tokens: Tokens, scenarios: Iterable[Scenario]) -> Iterator[Mistake]:
    """What is wrong with the scheme's keys; those that a kind of token needs which a scenario asks for, each once."""
    with SCHEMES.guarding(tokens.scheme):
        wrong = list(tokens.scheme.mistakes())
    yield from (document.mistake(("tokens", key), expected, got) for key, expected, got in wrong)
    said: set[str] = set()
    for scenario in scenarios:
        for kind in _kinds(scenario):
            with SCHEMES.guarding(tokens.scheme):
                missing = tokens.scheme.missing(kind)
            for key, what in missing.items():
                if key not in said:
                    said.add(key)
                    got = f"nothing, and {scenario.name} asks for a token of the kind {kind}"
                    yield document.mistake(("tokens", key), what, got, "add it")


def _kinds(scenario: Scenario) -> Iterator[str]:
    for step in scenario.steps:
        if isinstance(step, Connect):
            yield step.token
        elif isinstance(step, Revoke):
            yield REVOKED
    yield from (argument for name, argument in placeholders(scenario.steps) if name == "token")


def _holds_token(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(_holds_token(part) for part in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and _TOKEN.search(value) is not None
