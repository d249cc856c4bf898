"""A file that the backend finds, in which settings stand."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

__all__ = ["FileTemplate", "settings_in"]

_SETTING = re.compile(r"\{setting:([A-Za-z_][A-Za-z0-9_]*)\}")


class FileTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that the backend finds: the `text` of a `template`, in which `{setting:NAME}` is a setting's value."""

    template: str
    text: str

    def __repr__(self) -> str:
        """Without its text, in which there may be a secret."""
        return f"FileTemplate({self.template!r})"

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with the values of settings, by name."""
        return _SETTING.sub(lambda found: values[found[1]], self.text)


def settings_in(text: str) -> tuple[str, ...]:
    """The names of the settings that a template takes, each once."""
    return tuple(dict.fromkeys(_SETTING.findall(text)))
