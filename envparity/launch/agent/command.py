"""Telling whether a command is one that an agent can fork, and saying why not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from envparity.launch.controls import WarmUnavailable
from envparity.model.commands import PORT, filled

__all__ = ["PythonCommand", "WarmUnavailable", "python_command"]

_INTERPRETER = re.compile(r"(?:.*/)?python(?:3(?:\.\d+)?)?")
_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")


@dataclass(frozen=True)
class PythonCommand:
    """`interpreter options… -m module arguments…`, or a script in the module's place."""

    interpreter: str
    options: tuple[str, ...] = ()
    module: str = ""
    script: str = ""
    arguments: tuple[str, ...] = ()

    def at(self, port: int) -> PythonCommand:
        """The same with that port where the command has `{port}`."""
        ports = {PORT: port}
        return replace(self, options=filled(self.options, ports), arguments=filled(self.arguments, ports))

    @property
    def request(self) -> dict[str, object]:
        """As the agent is asked for it."""
        return {"module": self.module, "script": self.script, "arguments": list(self.arguments)}

    def agent(self, program: str) -> tuple[str, ...]:
        """The command that starts the agent: the same interpreter with the same options."""
        return (self.interpreter, *self.options, "-c", program)


def python_command(argv: Sequence[str]) -> PythonCommand:
    """Understand an image's command. Raises `WarmUnavailable` where it does not start Python on a module or script."""
    if not argv:
        raise WarmUnavailable("the image has no command")
    if not _INTERPRETER.fullmatch(argv[0]):
        raise WarmUnavailable(f"the backend is started by {argv[0]!r}, which is no Python interpreter")
    options: list[str] = []
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        if word == "-m" and rest:
            return PythonCommand(argv[0], tuple(options), module=rest[0], arguments=tuple(rest[1:]))
        if word in ("-c", "-m", "-"):
            raise WarmUnavailable(
                f"the backend is started by {' '.join(argv[:3])}, which is neither a module nor a script"
            )
        if not word.startswith("-"):
            return PythonCommand(argv[0], tuple(options), script=word, arguments=tuple(rest))
        options.append(word)
        if word in _WITH_VALUE and rest:
            options.append(rest.pop(0))
    raise WarmUnavailable(f"the backend is started by {' '.join(argv)}, which runs neither a module nor a script")
