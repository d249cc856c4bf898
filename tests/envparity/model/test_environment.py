"""Values of settings, of an environment and of a dependency of the team's own, are read alike."""

from __future__ import annotations

import pytest

from envparity.dependencies.own_settings import settings_of
from envparity.model.composed import Composed
from envparity.model.environment import Dependency, FromSource, SecretOf, setting_of


@pytest.mark.parametrize(
    ("value", "setting"),
    [
        (True, "true"),
        (False, "false"),
        (48, "48"),
        (0.5, "0.5"),
        ("text", "text"),
        ('{"a": 1}', '{"a": 1}'),
        ("{db.host}:1", Composed("{db.host}:1")),
        ({"secret": 48}, SecretOf(48)),
        ({"from": "db.url"}, FromSource("db.url")),
        ({"secret": None, "from": "db.url"}, FromSource("db.url")),
    ],
)
def test_a_value_is_read_as_the_same_setting_wherever_it_stands(value: object, setting: object) -> None:
    assert setting_of(value) == setting
    assert settings_of(Dependency("service", options={"settings": {"A": value}})) == {"A": setting}
