"""What is wrong with the placeholders of a step: they are made, captured before, or counted before."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from envparity.model.step import Step, placeholders
from envparity.model.step.values import MADE

__all__ = ["placeholder_problems"]

_NEEDS_ARGUMENT = MADE - {"user", "origin", "any", "client"}
_TAKES_ARGUMENT = MADE - {"origin", "any", "client"}


def placeholder_problems(
    step: Step, kinds: Collection[str] | None, captured: Collection[str], counted: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """What was expected of each that is wrong, what stands there, and what to do.

    `kinds` are the credentials that the backend's scheme makes, None where nobody knows; `captured` and `counted` what
    earlier steps have captured and counted.
    """
    for name, argument in placeholders(step):
        if name in _NEEDS_ARGUMENT and not argument:
            yield f"{{{name}:…}}", f"{{{name}}}", "say which"
        elif name == "token" and kinds is not None and argument not in kinds:
            yield f"a kind of token ({', '.join(kinds)})", repr(argument), ""
        elif name == "counter" and argument not in counted:
            expected = "a counter of which an earlier step has said a number"
            yield expected, f"{{counter:{argument}}}", "count in what is sent"
        elif name not in MADE and name not in captured:
            yield "a placeholder that is made or was captured before", f"{{{name}}}", ""
        elif argument and name not in _TAKES_ARGUMENT:
            yield f"{{{name}}}, which takes no argument", f"{{{name}:{argument}}}", ""
