"""EP605: a startup failure that is swallowed."""

from __future__ import annotations

import pytest

from envparity.audit.static.startup_failures import check
from tests.envparity.audit.conftest import Holds

SAID = {"startup_modules": frozenset({"app.startup"}), "settings_modules": frozenset({"app.settings"})}
SETTINGS = """
    class Settings:
        demo: bool = False
        name: str = "x"
    """
SWALLOWED = {
    "logged, and gone on": """
        async def start(step, log) -> None:
            try:
                await step()
            except Exception as error:  # !
                log.warning("step failed", exc_info=error)
        """,
    "passed over, whatever it was": """
        def start(steps) -> None:
            for step in steps:
                try:
                    step()
                except:  # !
                    continue
        """,
    "called a success": """
        async def start(step, record) -> bool:
            try:
                await step()
            except (ValueError, BaseException):  # !
                record.outcome = "passed"
                return True
            return False
        """,
    "suppressed": """
        import contextlib

        def start(step) -> None:
            with contextlib.suppress(Exception):  # !
                step()
        """,
    "recorded, and forgotten": """
        class Startup:
            def __init__(self) -> None:
                self.failures = []

            def finish(self, bypass: bool) -> None:
                if bypass:
                    self.failures.clear()  # !

            def finish_otherwise(self) -> None:
                self.failures = []  # !
        """,
    "raised only where a setting says so": """
        from app.settings import Settings

        def finish(settings: Settings, failed: list[str]) -> None:
            if failed and not settings.demo:  # !
                raise ExceptionGroup("startup", [])

        def other(failed: list[str], skip_validation: bool) -> None:
            if skip_validation:  # !
                return
            else:
                raise ValueError(failed)
        """,
}
KEPT = {
    "recorded": """
        class Startup:
            def __init__(self) -> None:
                self.failures = []

            async def run(self, step, log) -> None:
                try:
                    await step()
                except Exception as error:
                    log.exception("step failed")
                    self.failures.append(error)
        """,
    "raised again": """
        async def start(step, link) -> None:
            try:
                await step()
            except BaseException:
                await link.close()
                raise
        """,
    "one kind that is known": """
        def start(step, log) -> None:
            try:
                step()
            except TimeoutError:
                log.info("late")
        """,
    "raised whatever the settings say": """
        def finish(failed: list[str], order: list[str]) -> None:
            order.clear()
            if failed:
                raise ExceptionGroup("startup", [])
        """,
}


@pytest.mark.parametrize("source", SWALLOWED.values(), ids=SWALLOWED.keys())
def test_a_swallowed_failure_is_found(holds: Holds, source: str) -> None:
    """At the handler, at what forgets it, or at what asks whether it counts."""
    holds(check, {"app/settings.py": SETTINGS, "app/startup.py": source}, code="EP605", **SAID)


@pytest.mark.parametrize("source", KEPT.values(), ids=KEPT.keys())
def test_a_failure_that_is_kept_is_not(holds: Holds, source: str) -> None:
    """Recorded or raised."""
    holds(check, {"app/settings.py": SETTINGS, "app/startup.py": source}, **SAID)


def test_elsewhere_it_is_not_startups_business(holds: Holds) -> None:
    """The same code in another module is not looked at, but in what frameworks call startup it is."""
    source = """
        def read_for_ever(step) -> None:
            try:
                step()
            except Exception:
                pass

        async def lifespan(step) -> None:
            try:
                await step()
            except Exception:  # !
                pass
        """
    holds(check, {"app/settings.py": SETTINGS, "app/bus.py": source, "app/startup.py": ""}, **SAID)
