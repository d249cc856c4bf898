"""What `{user}` and the like mean in the table of a dependency, and which of them are nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from envparity.dependency.kind import KeyMistake

__all__ = ["filled", "filled_as_far_as_known", "unknown"]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """That text with each `{name}` filled in. Raises `KeyError` for one that has no value (see `unknown`)."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def filled_as_far_as_known(text: str, values: Mapping[str, str]) -> str:
    """The same of a file of somebody's format: braces around another word are the format's own, and stay."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def unknown(key: tuple[str | int, ...], said: object, known: Collection[str]) -> Iterator[KeyMistake]:
    """The placeholders below that key of a file that nothing fills, in texts, arrays and tables."""
    if isinstance(said, str):
        for name in dict.fromkeys(_PLACEHOLDER.findall(said)):
            if name not in known:
                expected = "one of " + ", ".join(f"{{{text}}}" for text in known)
                yield KeyMistake(key, expected, f"{{{name}}}, which nothing fills")
    elif isinstance(said, dict | list):
        for place, item in said.items() if isinstance(said, dict) else enumerate(said):
            yield from unknown((*key, place), item, known)
