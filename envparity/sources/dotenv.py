"""Files of variables, `.env` and `staging.env`, as python-dotenv reads them."""

from __future__ import annotations

import io
from pathlib import Path

from dotenv.parser import parse_stream
from dotenv.variables import Variable, parse_variables

from envparity.errors import ConfigurationError, Mistake
from envparity.sources.source import Said, Source
from envparity.support.toml.bounds import LONGEST, bounded_content
from envparity.support.toml.document import shown_path

__all__ = ["SOURCE", "Dotenv"]


class Dotenv(Source):
    """`NAME=value`, a line each. `${NAME}` is what an earlier line of the same file gives, never this machine's."""

    def reads(self, path: Path) -> bool:
        return path.name == ".env" or path.name.startswith(".env.") or path.suffix == ".env"

    def read(self, path: Path, part: str) -> Said:
        source, mistakes = shown_path(path), []
        settings: dict[str, str] = {}
        lines: dict[str, int] = {}
        if part:
            mistakes.append(Mistake(source, 0, "(file)", "no part of it to be asked for", f"#{part}"))
        content = bounded_content(path)
        if content is None:
            expected = f"a plain file of at most {LONGEST // 1024**2} MiB"
            raise ConfigurationError([Mistake(source, 0, "(file)", expected, "none", "split it, or name another")])
        for binding in parse_stream(io.StringIO(content.decode("utf-8"))):
            text = binding.original.string  # with the white space before it, of which lines may be
            line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            if binding.error:
                mistakes.append(Mistake(source, line, "(line)", "NAME=value", "something else"))
            elif binding.key is not None and binding.value is None:
                mistakes.append(
                    Mistake(source, line, binding.key, "a value", "none", f"write {binding.key}= for empty")
                )
            elif binding.key is not None and binding.value is not None:
                atoms = list(parse_variables(binding.value))
                for name in (
                    each_atom.name
                    for each_atom in atoms
                    if isinstance(each_atom, Variable) and each_atom.default is None
                ):
                    if name not in settings:
                        action = "write what it is: nothing is taken from this machine's environment"
                        got = f"${{{name}}}, which none gives"
                        mistakes.append(Mistake(source, line, binding.key, "what an earlier line gives", got, action))
                settings[binding.key] = "".join(atom.resolve(settings) for atom in atoms)
                lines[binding.key] = line
        if mistakes:
            raise ConfigurationError(mistakes)
        return Said(settings, lines)


SOURCE = Dotenv()
