"""Scenarios of a backend file, and what is wrong with them."""

from __future__ import annotations

import tomllib

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.auth.scheme import token_kinds
from envparity.config.scenario import parse_scenarios
from envparity.errors import Mistake
from envparity.model.scenario import Scenario


def parsed(text: str, carriers: tuple[str, ...] | None = None) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    """The scenarios of a document, with the length of the key in place of the line."""
    return parse_scenarios(tomllib.loads(text)["scenario"], "backend.toml", len, carriers, token_kinds(SharedKeyJwt))


def keys(mistakes: list[Mistake]) -> list[str]:
    return [mistake.key.removeprefix("scenario[0].") for mistake in mistakes]
