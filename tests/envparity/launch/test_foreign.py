"""Launchers of other distributions: under their own names, and what they fail at is theirs by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envparity.doors import entries_of
from envparity.errors import ConfigurationError, DoorFailed, LaunchError
from envparity.launch.choose import choose_launcher
from envparity.model.case import Boot
from tests.envparity.launching import project
from tests.installed import install

KITCHEN = """
from contextlib import asynccontextmanager
from envparity.errors import LaunchError
from envparity.launch.kinds import LauncherKind
from tests.envparity.launching import FakeLauncher, FakeStack

class Kitchen(FakeLauncher):
    boot = FakeLauncher.boot

def opened(project, waiting):
    return Kitchen()
"""
BOOTS = "@asynccontextmanager\nasync def boot(*_):\n  yield {}\nKitchen.boot = boot"
BROKEN = {
    "it cannot be opened": ("def opened(*_): return 1 // 0", "ZeroDivisionError"),
    "what it opens is none": ("def opened(*_): return 7", "it opened int, not a Launcher"),
    "it cannot boot": (BOOTS.format("1 // 0"), "ZeroDivisionError"),
    "what it boots is none": (BOOTS.format("7"), "it booted int, not a Stack"),
    "its stack fails": ("FakeStack.until_decided = lambda self: 1 // 0", "ZeroDivisionError"),
    "it cannot be closed": ("Kitchen.close = lambda self: 1 // 0", "ZeroDivisionError"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    entries_of.cache_clear()
    yield tmp_path
    entries_of.cache_clear()


async def booted(site: Path, module: str, text: str) -> tuple[str, str]:
    """The names of the launcher and of the environment that it has booted and seen through."""
    source = f"{KITCHEN}\n{text}\nKIND = LauncherKind('pots', opened)\n"
    install(site, "kitchen", {"envparity.launchers": {"pots": f"{module}:KIND"}}, {module: source})
    launcher = choose_launcher("pots", project(), print)
    async with launcher.boot(project().environments["local"], Boot(), print) as stack:
        await stack.until_decided()
        environment = stack.case.environment
    await launcher.close()
    return launcher.name, environment


async def test_it_boots_under_the_name_of_its_entry_point(site: Path) -> None:
    """Whatever it calls itself."""
    assert await booted(site, "kitchen_pots", "") == ("pots", "local")


@pytest.mark.parametrize("case", BROKEN)
async def test_what_it_fails_at_names_its_distribution(site: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """Wherever it fails."""
    monkeypatch.setattr("tests.envparity.launching.FakeStack.until_decided", lambda _self: _nothing())
    text, why = BROKEN[case]
    with pytest.raises(DoorFailed) as failed:
        await booted(site, f"kitchen_launcher_{list(BROKEN).index(case)}", text)
    assert failed.value.entry.endswith("(envparity.launchers) of kitchen 1.0")
    assert why in failed.value.why


async def test_an_error_of_ours_stays_what_it_is(site: Path) -> None:
    """A launcher says by it what is wrong with the machine."""
    with pytest.raises(LaunchError, match="no stove"):
        await booted(site, "kitchen_stove", "def opened(*_): raise LaunchError('no stove')")


def test_attached_by_name_boots_nothing() -> None:
    """What is not attached is said, each environment."""
    with pytest.raises(ConfigurationError) as wrong:
        choose_launcher("attached", project(), print)
    assert [mistake.key for mistake in wrong.value.mistakes] == ["local", "staging"]


async def _nothing() -> None:
    """Done at once."""
