"""EP611: a setting that nothing reads."""

from __future__ import annotations

import pytest

from envparity.audit.static.unread_settings import check
from tests.envparity.audit.conftest import Holds

SAID = {"settings_modules": frozenset({"app.settings"})}
FIELDS = """
    from typing import Annotated, ClassVar

    from pydantic import Field, field_validator
    from pydantic_settings import BaseSettings

    class Listening(BaseSettings):
        model_config = {}
        known: ClassVar[int] = 1
        host: str = "127.0.0.1"

    class Settings(Listening):
        auth_timeout_s: Annotated[float, Field(alias="AUTH_TIMEOUT_S")] = 10.0  # !
        idle_timeout_s: float = 600.0
        grace_s: float = 8.0
        _cache: str = ""

        @field_validator("auth_timeout_s")
        @classmethod
        def above_zero(cls, given: float) -> float:
            return given

        @property
        def grace_ms(self) -> float:
            return self.grace_s * 1000

    class Reading:
        auth_timeout_s: float = 0.0  # of no settings class
    """
USES = """
    from app.settings import Settings

    def served(settings: Settings) -> tuple[str, float]:
        return settings.host, getattr(settings, "idle_timeout_s")
    """
NAMES = """
    import os

    TIMEOUT_S = float(os.environ.get("TIMEOUT_S", "5"))
    POOL = int(os.environ["POOL"])
    CACHE = os.getenv("CACHE", "")  # !
    LIMIT = os.environ.get("LIMIT")
    TWICE = 2 * POOL
    """
NAMES_USED = "from app import settings\nfrom app.settings import TIMEOUT_S\n\nasked = (TIMEOUT_S, settings.LIMIT)\n"


def test_a_field_that_is_spelled_nowhere_is_found(holds: Holds) -> None:
    """What is asked of any object is read, also by a text, and by a property; that it is validated is no use of it."""
    holds(check, {"app/settings.py": FIELDS, "app/server.py": USES}, code="EP611", **SAID)


def test_a_name_that_is_read_from_the_environment_is_a_setting(holds: Holds) -> None:
    """Used in its own module, imported, or asked of the module: read. Another name of the module is none."""
    holds(check, {"app/settings.py": NAMES, "app/server.py": NAMES_USED}, code="EP611", **SAID)


@pytest.mark.parametrize(
    "use",
    [
        "settings.model_dump()",
        "dict(settings)",
        "vars(settings)",
        "settings.__dict__",
        "getattr(settings, name)",
        "[value for value in settings]",
        "Settings.model_fields",
        "get_settings().dict()",
    ],
)
def test_where_all_are_taken_together_nothing_is_told(holds: Holds, use: str) -> None:
    """Any of them may be used then."""
    taking = (
        f"from app.settings import Settings\n\ndef all_of(settings: Settings, name, get_settings):\n    return {use}\n"
    )
    unmarked = {"app/settings.py": FIELDS.replace("# !", ""), "app/server.py": USES}
    holds(check, {**unmarked, "app/all.py": taking}, **SAID)


def test_what_only_tells_of_them_takes_nothing(holds: Holds) -> None:
    """A startup report lists all settings, and none has an effect by that."""
    telling = "from app.settings import Settings\n\ndef told(settings: Settings):\n    return settings.model_dump()\n"
    sources = {"app/settings.py": FIELDS, "app/server.py": USES, "app/report.py": telling}
    holds(check, sources, code="EP611", **SAID, settings_tellers=frozenset({"app.report.told"}))


def test_what_an_object_has_is_no_matter_of_names_that_a_module_has(holds: Holds) -> None:
    """Names go with the module as a whole alone."""
    other = "def saved(user):\n    return user.settings.model_dump()\n"
    whole = "from app import settings\n\ndef asked(name: str):\n    return getattr(settings, name)\n"
    sources = {"app/settings.py": NAMES, "app/server.py": NAMES_USED}
    holds(check, {**sources, "app/other.py": other}, code="EP611", **SAID)
    unmarked = {**sources, "app/settings.py": NAMES.replace("# !", "")}
    holds(check, {**unmarked, "app/whole.py": whole}, **SAID)


def test_a_framework_reads_what_it_likes(holds: Holds) -> None:
    """Django asks for many names by itself."""
    holds(check, {"app/settings.py": NAMES.replace("# !", "") + "    INSTALLED_APPS = []\n"}, **SAID)


def test_where_no_settings_are_named_nothing_is_told(holds: Holds) -> None:
    """The rule needs to be told which modules they are."""
    holds(check, {"app/settings.py": FIELDS.replace("# !", "")})
