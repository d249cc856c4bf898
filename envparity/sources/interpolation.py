"""`${NAME}` in compose files, every form of it, from the files that stand beside them; nothing from this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Interpolated", "interpolated"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORM = re.compile(r":?[-?+]")


@dataclass
class Interpolated:
    """A text with what is known filled in; `missing` are the variables that nothing gives, `wrong` what is no form."""

    text: str
    missing: list[str] = field(default_factory=list)
    wrong: str = ""


def interpolated(text: str, variables: Mapping[str, str]) -> Interpolated:
    """The text as compose fills it: `$NAME`, `${NAME}`, in it `:-`, `-`, `:?`, `?`, `:+` or `+`; `$$` is a dollar."""
    made = Interpolated("")
    end, at, parts = len(text), 0, []
    while at < end:
        dollar = text.find("$", at)
        if dollar < 0 or dollar == end - 1:
            break
        parts.append(text[at:dollar])
        value, at = _variable(text, dollar + 1, variables, made)
        parts.append(value)
    made.text = "".join([*parts, text[at:]])
    return made


def _variable(text: str, at: int, variables: Mapping[str, str], made: Interpolated) -> tuple[str, int]:
    """What stands for the dollar before `at`, and where the text goes on."""
    if text[at] == "$":
        return "$", at + 1
    name = _NAME.match(text, at + 1 if text[at] == "{" else at)
    if text[at] != "{":
        if name is None:
            made.wrong = made.wrong or f"${text[at]}"
            return "$", at
        return _known(name[0], variables, made), name.end()
    close = _closing(text, at)
    if name is None or close is None:
        made.wrong = made.wrong or "${ that is no variable"
        return text[at:], len(text)
    form = _FORM.match(text, name.end())
    if form is None:
        if name.end() != close:
            made.wrong = made.wrong or "${ that is no variable"
        return _known(name[0], variables, made), close + 1
    return _with_a_word(name[0], form[0], text[form.end() : close], variables, made), close + 1


def _with_a_word(name: str, form: str, word: str, variables: Mapping[str, str], made: Interpolated) -> str:
    value = variables.get(name)
    given = value is not None and (value != "" or not form.startswith(":"))
    if form.endswith("+"):
        # what nobody here has set may be set where it is deployed
        return _nested(word, variables, made) if given else ""
    if given:
        return value or ""
    return _known(name, {}, made) if form.endswith("?") else _nested(word, variables, made)


def _nested(word: str, variables: Mapping[str, str], made: Interpolated) -> str:
    inside = interpolated(word, variables)
    made.missing += inside.missing
    made.wrong = made.wrong or inside.wrong
    return inside.text


def _known(name: str, variables: Mapping[str, str], made: Interpolated) -> str:
    if name not in variables:
        made.missing.append(name)
    return variables.get(name, "")


def _closing(text: str, opening: int) -> int | None:
    """Where the brace that opens there is closed, over those that are nested in it."""
    depth = 0
    for at in range(opening, len(text)):
        if text[at] == "{" and (at == opening or text[at - 1] == "$"):
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return None
