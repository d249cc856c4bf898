"""What a scenario may say of a token that it hands over more than once, or revokes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from envparity.auth.scheme import REVOKED, UNSIGNED
from envparity.model.step import Connect, Revoke, Step
from envparity.model.step.bounds import Problem

__all__ = ["token_problems"]


def token_problems(steps: Sequence[Step | None], kinds: Collection[str] | None) -> Iterator[Problem]:
    """What is wrong with the tokens of these steps, None for each that could not be read.

    `kinds` are the credentials that the backend's scheme makes, None where nobody knows.
    """
    opened: dict[str, Connect] = {}
    for index, step in enumerate(steps):
        if isinstance(step, Connect):
            yield from _of_another(f"steps[{index}].connect", step, opened.get(step.same_token_as))
            opened[step.on] = step
        elif isinstance(step, Revoke):
            yield from _of_revoking(f"steps[{index}].revoke", step, opened.get(step.on), kinds)


def _of_another(key: str, step: Connect, other: Connect | None) -> Iterator[Problem]:
    """A token is of one kind and of one user, whoever hands it over."""
    if other is None:
        return
    if step.token != other.token:
        yield key, f"{other.token!r}, as the connection {other.on}", repr(step.token), "it is the same token"
    if step.user != other.user:
        yield (
            f"{key}.user",
            f"{other.user!r}, as the connection {other.on}",
            repr(step.user),
            "the token is that user's",
        )


def _of_revoking(key: str, step: Revoke, opened: Connect | None, kinds: Collection[str] | None) -> Iterator[Problem]:
    if opened is not None and opened.token in UNSIGNED:
        yield key, "a connection with a token", f"{step.on}, with {opened.token!r}", "nothing can be revoked of it"
    if kinds is not None and REVOKED not in kinds:
        yield key, "a scheme of tokens that can be revoked", f"one of {', '.join(kinds)}", "see [tokens] scheme"
