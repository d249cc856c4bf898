"""Settings of a dependency itself, as `[settings]` of an environment has them: composed, secret, from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from envparity.dependency.kind import KeyMistake
from envparity.model.environment import Dependency, Setting, setting_of

__all__ = ["OwnSettings", "own_setting_mistakes", "settings_of", "with_values"]


class SettingTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """`{ secret = 48 }` or `{ from = "postgres.url" }`, as an environment's own settings have them."""

    secret: Annotated[int, msgspec.Meta(description="how many random bytes", ge=32, le=1024)] | None = None
    source: (
        Annotated[
            str,
            msgspec.Meta(
                description="DEPENDENCY.url and its like, as in [settings]", pattern="^[a-z][a-z0-9-]*\\.[a-z_]+$"
            ),
        ]
        | None
    ) = None


OwnSettings = Annotated[
    dict[str, str | int | float | bool | SettingTable],
    msgspec.Meta(description="what it finds in its environment, as [settings] has it"),
]


def own_setting_mistakes(settings: object) -> Iterator[KeyMistake]:
    """What no schema can say of them."""
    for name, value in settings.items() if isinstance(settings, dict) else ():
        if isinstance(value, dict) and len(value) != 1:
            yield KeyMistake(("settings", name), "one key, secret or from", f"{len(value)} keys")


def settings_of(declared: Dependency) -> Mapping[str, Setting]:
    """Those of that dependency, as an environment's own are read."""
    return {name: setting_of(value) for name, value in declared.options["settings"].items()}


def with_values(declared: Dependency, values: Mapping[str, str]) -> Dependency:
    """That dependency with the value of each of them."""
    return msgspec.structs.replace(declared, options={**declared.options, "settings": dict(values)})
