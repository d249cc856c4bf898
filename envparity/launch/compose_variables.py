"""What who boots by hand gives: variables in place of secrets, how each is written, and new values for all of them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from envparity.auth.key_pair import OFFERED, MakesKeys
from envparity.auth.scheme import SCHEMES
from envparity.launch.resolve import RunSecrets

__all__ = ["PRIVATE_KEY", "Variables", "variable_name"]

PRIVATE_KEY: Final = "TOKENS_PRIVATE_KEY"
_MARK: Final = re.compile(r"xenvparityx(\d+)x")
_PASSWORD_BYTES: Final = 24
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]*")

_PEM: Final = ", in PEM: in double quotes, \\n for each end of a line"
_WRITTEN: Final = {
    "public_key": _PEM,
    "public_jwk": ", as a JWK in single quotes",
    "jwks": ", as a set of one JWK in single quotes",
}


@dataclass(frozen=True)
class _Variable:
    """A variable: its name, what it holds in words, and who makes a new value."""

    name: str
    holds: str
    make: Callable[[], str] = field(repr=False)


class Variables(RunSecrets):
    """Marks in place of secrets: each stands for a variable of who boots."""

    def __init__(self) -> None:
        super().__init__()
        self._known: list[_Variable] = []
        self._used: set[str] = set()

    def hexadecimal(self, environment: str, name: str, size: int) -> str:
        del environment
        return self.mark(variable_name(name), size)

    def reserved(self, environment: str, name: str, size: int) -> str:
        return self.hexadecimal(environment, name, size)

    def mark(self, name: str, size: int = _PASSWORD_BYTES) -> str:
        """The mark of the variable of that name, which holds random bytes; the same each time."""
        return self._marked(
            _Variable(name, f"{size} random bytes as hexadecimal digits", lambda: secrets.token_hex(size))
        )

    def private_key(self, name: str, maker: MakesKeys) -> str:
        """The mark of the variable with a private key, as that scheme makes them."""
        return self._marked(_Variable(name, f"a private key for {maker.algorithm}{_PEM}", maker.made_key))

    def key_pair(self, maker: MakesKeys) -> dict[str, str]:
        """What settings may take from `tokens`, as marks; the private half is asked for too, and given to nobody."""
        with SCHEMES.guarding(maker):
            private = cache(maker.made_key)
            offered = cache(lambda: maker.offered(private()))
            signs = f"the private key for {maker.algorithm} that tokens are signed with{_PEM}"
        self._marked(_Variable(PRIVATE_KEY, signs, private))
        self._used.add(PRIVATE_KEY)
        return {f"tokens.{what}": self._public(what, offered) for what in OFFERED}

    def _public(self, what: str, offered: Callable[[], Mapping[str, str]]) -> str:
        holds = f"the public half of {PRIVATE_KEY}{_WRITTEN[what]}"
        return self._marked(_Variable(f"TOKENS_{what.upper()}", holds, lambda: offered()[what]))

    def _marked(self, variable: _Variable) -> str:
        names = [each_variable.name for each_variable in self._known]
        if variable.name not in names:
            self._known.append(variable)
            names.append(variable.name)
        return f"xenvparityx{names.index(variable.name)}x"

    def names_in(self, text: str) -> list[str]:
        """The variables that a text takes, in their order there."""
        return [self._known[int(found)].name for found in dict.fromkeys(_MARK.findall(text))]

    def shown(self, text: str) -> str:
        """The text as compose reads it."""
        return _MARK.sub(lambda found: self._taken(found, "${{{}:?see .env.example}}"), text.replace("$", "$$"))

    def in_template(self, text: str) -> str:
        """The text as what fills templates reads it."""
        return _MARK.sub(lambda found: self._taken(found, "<<variable {}>>"), text)

    def _taken(self, found: re.Match[str], form: str) -> str:
        name = self._known[int(found[1])].name
        self._used.add(name)
        return form.format(name)

    def lines(self, *, filled: bool) -> list[str]:
        """The lines of a file of all that is taken, each with what it holds; with new values, or none."""
        asked = [variable for variable in self._known if variable.name in self._used]
        return [
            f"# {variable.holds}\n{variable.name}={_quoted(variable.make()) if filled else ''}" for variable in asked
        ]


def variable_name(name: str) -> str:
    """That name as one of a variable."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()


def _quoted(value: str) -> str:
    """A value as every compose reads it: JSON has no single quote here, PEM no double one, neither has a dollar."""
    if _PLAIN.fullmatch(value):
        return value
    if "\n" in value:
        return '"' + value.replace("\n", "\\n") + '"'
    return f"'{value}'"
