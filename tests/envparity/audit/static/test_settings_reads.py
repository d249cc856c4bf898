"""EP606: a setting read outside the settings."""

from __future__ import annotations

from envparity.audit.static.settings_reads import check
from tests.envparity.audit.conftest import Holds

SAID = {"settings_modules": frozenset({"app.settings"})}
READING = """
    import os
    from os import environ, getenv

    SECRET = os.environ["SECRET"]  # !

    class Service:
        issuer = environ.get("ISSUER")  # !

        def key(self, name=getenv("NAME")) -> str:  # !
            return os.getenv("KEY", "")  # !

        def is_given(self) -> bool:
            return "KEY" in os.environ  # !
    """


def test_every_way_to_read_one_is_found(holds: Holds) -> None:
    """By subscript, by get, by getenv, by asking; at a top level, in a class, in a function, as a default."""
    holds(check, {"app/settings.py": "", "app/service.py": READING}, code="EP606", **SAID)


def test_the_settings_may_read(holds: Holds) -> None:
    """And what is no read of a setting may stand anywhere."""
    other = """
        import os

        def run(environ: dict[str, str]) -> str:
            os.environ["CHILD"] = "1"
            return environ["KEY"] + os.path.join("a", "b")
        """
    holds(check, {"app/settings.py": READING.replace("# !", ""), "app/service.py": other}, **SAID)


def test_where_no_settings_are_named_nothing_is_told(holds: Holds) -> None:
    """The rule needs to be told which modules they are."""
    holds(check, {"app/service.py": READING.replace("# !", "")})
