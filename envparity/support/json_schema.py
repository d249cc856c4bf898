"""What checks JSON against its schema, imported without the grammar of international URLs until such a one is checked.

`jsonschema` imports whatever checks the formats that it knows, where that is installed. One of these, which comes with
servers of notebooks, compiles a grammar when it is imported: seconds, in which nobody wants it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["Draft7Validator", "Draft202012Validator", "FormatChecker", "ValidationError", "Validator", "extend"]

_SLOW = "rfc3987_syntax"


class _Deferred(ModuleType):
    """Stands for the slow module while others take from it what they will call later."""

    @staticmethod
    def is_valid_syntax(term: str, value: str) -> bool:
        """Ask the module itself, imported by the first who asks."""
        return bool(importlib.import_module(_SLOW).is_valid_syntax(term, value))


@contextmanager
def _deferred() -> Iterator[None]:
    """Have it imported later, as long as this lasts, unless it is there already or not installed."""
    if _SLOW in sys.modules or importlib.util.find_spec(_SLOW) is None:
        yield
        return
    sys.modules[_SLOW] = _Deferred(_SLOW)
    try:
        yield
    finally:
        del sys.modules[_SLOW]


with _deferred():
    from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator
    from jsonschema.validators import extend
