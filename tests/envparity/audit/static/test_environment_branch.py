"""EP601 and EP607: what is a branch on the environment's name, and what only carries it."""

from __future__ import annotations

import pytest

from envparity.audit.static.environment_branch import check_branches, check_default
from tests.envparity.audit.conftest import Holds

SETTINGS = """
    from dataclasses import dataclass

    @dataclass
    class Settings:
        environment: str
        strict: bool = False

        @property
        def is_production(self) -> bool:
            return self.environment == "production"

        @property
        def label(self) -> str:
            return self.environment
    """
SAID = {"settings_modules": frozenset({"app.settings"})}

BRANCHES = {
    "a comparison": """
        def accepts(settings: Settings) -> bool:
            return settings.environment == "staging"  # !
        """,
    "not equal, in an elif, lowered": """
        def accepts(settings: Settings, late: bool) -> int:
            if late:
                return 1
            elif settings.environment.lower() != "production":  # !
                return 2
            return 3
        """,
    "membership in a constant of the module": """
        TESTED = ("test", "staging")

        def accepts(settings: Settings) -> bool:
            return settings.environment in TESTED  # !
        """,
    "through a variable": """
        def accepts(settings: Settings) -> bool:
            where = settings.environment
            return where == "staging"  # !
        """,
    "in whatever case of letters": """
        import os

        ENVIRONMENT = os.environ["Environment"]

        def accepts(settings) -> bool:
            if settings.ENVIRONMENT == "staging":  # !
                return True
            return os.environ.get("environment") == "staging"  # !
        """,
    "read from the process's environment": """
        import os

        def accepts() -> bool:
            return os.environ.get("ENVIRONMENT", "") == "staging"  # !
        """,
    "looked up by name": """
        LIMITS = {"local": 300, "staging": 100}

        def limit(settings: Settings) -> int:
            return LIMITS[settings.environment]  # !

        def other(settings: Settings) -> int:
            return LIMITS.get(settings.environment, 30)  # !
        """,
    "matched": """
        def limit(settings: Settings) -> int:
            match settings.environment:  # !
                case "local":
                    return 300
            return 30
        """,
    "begins like": """
        def is_test(settings: Settings) -> bool:
            return settings.environment.startswith("test")  # !
        """,
    "what the settings derive from it": """
        def strict(settings: Settings) -> bool:
            return settings.is_production  # !
        """,
    "passed to a function of the package": """
        def in_test(environment: str, headers: dict[str, str]) -> bool:
            return environment in ("test", "staging") and "x-test" in headers  # !

        def let_in(settings: Settings) -> bool:
            return in_test(settings.environment, {})
        """,
    "of an attribute that holds the settings": """
        class Service:
            def __init__(self, settings: Settings) -> None:
                self._settings = settings

            def strict(self) -> bool:
                return "production" == self._settings.environment  # !
        """,
    "of an object whose class nobody knows": """
        def strict(settings) -> bool:
            return settings.environment == "production"  # !
        """,
}

NONE = {
    "a label": """
        def labels(settings: Settings) -> dict[str, str]:
            return {"environment": settings.environment, "label": settings.label}
        """,
    "a setting of its own": """
        def strict(settings: Settings) -> bool:
            return settings.strict
        """,
    "another thing's environment": """
        class Template:
            environment = "jinja"

        def is_jinja(template: Template) -> bool:
            return template.environment == "jinja"
        """,
    "compared with what is no literal": """
        def same(settings: Settings, other: Settings) -> bool:
            return settings.environment == other.environment
        """,
    "a variable of that name that holds something else": """
        def kind(environment: str) -> bool:
            return environment == "jinja"

        def is_jinja() -> bool:
            return kind("jinja")
        """,
    "variables that are assigned from one another": """
        def swap(one, other, environment) -> bool:
            one = other
            other = one
            environment = environment or other
            return one == "staging" or environment == "jinja"
        """,
    "another variable of the environment": """
        import os

        def json_logs() -> bool:
            return os.environ.get("LOG_FORMAT", "json") == "json"
        """,
}


@pytest.mark.parametrize("source", BRANCHES.values(), ids=BRANCHES.keys())
def test_a_branch_is_found_at_its_line(holds: Holds, source: str) -> None:
    """In whatever way the name decides something."""
    holds(check_branches, _with_settings(source), code="EP601", **SAID)


@pytest.mark.parametrize("source", NONE.values(), ids=NONE.keys())
def test_what_is_no_branch_is_not_found(holds: Holds, source: str) -> None:
    """The name as a label, and what only looks like it."""
    holds(check_branches, _with_settings(source), **SAID)


def test_a_branch_on_what_the_projects_own_reader_gives_is_one(holds: Holds) -> None:
    """By the function's name, as a method of an object, and as a mapping."""
    config = """
        import os

        class Config:
            def get(self, name: str) -> str:
                return os.environ[name]

        config = Config()
        table = {}

        def get(name: str) -> str:
            return os.environ[name]
        """
    routes = """
        from app import config
        from app.config import config as held, table, get

        def strict() -> list[bool]:
            return [
                config.get("ENVIRONMENT") == "staging",  # !
                get("ENVIRONMENT") == "staging",  # !
                held.get("ENVIRONMENT") == "staging",  # !
                table["ENVIRONMENT"] == "staging",  # !
                get("COLOUR") == "red",
            ]
        """
    readers = frozenset({"app.config.get", "app.config.config.get", "app.config.table"})
    sources = {"app/config.py": config, "app/routes.py": routes}
    holds(check_branches, sources, code="EP601", settings_readers=readers)


def test_the_settings_may_branch(holds: Holds) -> None:
    """What is read there is decided there."""
    holds(check_branches, {"app/settings.py": SETTINGS}, **SAID)


DEFAULTS = {
    "a default of the settings' field": """
        class Settings:
            environment: str = "development"  # !
        """,
    "a default inside Field": """
        from pydantic import Field

        class Settings:
            environment: str = Field(default="development", max_length=20)  # !
        """,
    "what the environment is read with": """
        import os

        class Settings:
            environment: str

        def read() -> str:
            return os.getenv("ENVIRONMENT", "development")  # !
        """,
    "what stands behind or": """
        import os

        def read() -> str:
            return os.environ.get("ENVIRONMENT") or "development"  # !
        """,
}
NO_DEFAULTS = {
    "required": """
        from pydantic import Field

        class Settings:
            environment: str
            release: str = "dev"

        class Strict:
            environment: str = Field(..., max_length=20)

        class Empty:
            environment: str | None = None
        """,
    "read without one": """
        import os

        def read() -> str:
            return os.environ["ENVIRONMENT"]

        def other() -> str:
            return os.environ.get("ENVIRONMENT", "") or os.environ.get("RELEASE", "dev")
        """,
}


@pytest.mark.parametrize("source", DEFAULTS.values(), ids=DEFAULTS.keys())
def test_a_made_up_name_is_found(holds: Holds, source: str) -> None:
    """Wherever it is made up."""
    holds(check_default, {"app/settings.py": source}, code="EP607", **SAID)


@pytest.mark.parametrize("source", NO_DEFAULTS.values(), ids=NO_DEFAULTS.keys())
def test_a_required_name_is_not(holds: Holds, source: str) -> None:
    """Without a default, and with an empty one, a backend can say that it does not know where it is."""
    holds(check_default, {"app/settings.py": source}, **SAID)


def _with_settings(source: str) -> dict[str, str]:
    return {"app/settings.py": SETTINGS, "app/routes.py": "        from app.settings import Settings\n" + source}
