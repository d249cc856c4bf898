"""The pytest face of envparity: the `parity` fixture, the `parity` marker, and the verdict at the end of the session.

A project that uses neither pays nothing: the engine is imported when a collected test asks for the fixture, or when an
option names a file. Exit status: 1 when the verdict is red, whatever the tests asserted; 2 for an input that is
wrong, before anything boots; 3 where the machine could not boot anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import pytest

from envparity.doors import entries_of
from envparity.errors import DoorFailed

if TYPE_CHECKING:
    from envparity.faces.parity_run import ParityRun
    from envparity.faces.pytest.session import ParitySession
    from envparity.faces.pytest.shared import SharedRun

_OPTIONS = {
    "backend": ("FILE", "the backend file (default: netra_backend/backend.toml or backend.toml)"),
    "environments": ("DIR", "the folder with one file for each environment (default: environments)"),
    "environment": ("NAME[,NAME]", "only these environments; may be repeated"),
    "launcher": ("NAME", "what boots them (default: ENVPARITY_LAUNCHER, or auto)"),
    "attach": ("NAME[=URL]", "look at this environment where it runs instead of booting it; may be repeated"),
    "confirm-target": ("HOST", "look at what runs there although the environment's file does not name it"),
    "orders": ("STRENGTH", "boot in a covering set of orders too: none, 2, 3, 4 (default: ENVPARITY_ORDERS, or none)"),
    "explore": ("N", "also say N sequences of frames of the contract to every environment (default: none)"),
    "explore-seed": ("SEED", "make the same sequences again (default: a seed that nobody chose)"),
    "keep": ("FILE", "write what was found by exploring as scenarios of a backend file"),
    "repeat": ("N", "boot every case N times, and count what shows in some of these boots only (default: once)"),
}
_SEVERAL = frozenset({"environment", "attach", "confirm-target"})
_AFTER = {
    "github": ("CHOICE", "annotations and a step summary for GitHub Actions: auto, on or off (default: auto)"),
    "runs": ("DIR", "the folder in which runs are saved (default: ENVPARITY_RUNS, or .envparity/runs)"),
}
_SESSION: pytest.StashKey[ParitySession | None] = pytest.StashKey()
_SHARED: pytest.StashKey[SharedRun | None] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--envparity-backend` and its like, each with an ini option of the same name."""
    group = parser.getgroup("envparity", "environment parity")
    for name, (metavar, text) in (_OPTIONS | _launchers() | _reports() | _AFTER).items():
        if name in _SEVERAL:
            group.addoption(f"--envparity-{name}", metavar=metavar, action="append", help=text)
            parser.addini(_ini(name), text, type="args", default=[])
        else:
            group.addoption(f"--envparity-{name}", metavar=metavar, help=text)
            parser.addini(_ini(name), text, type="string", default="")
    text = "where it is red, boot on until the difference that makes it red is known"
    group.addoption("--envparity-causes", action="store_true", default=None, help=text)
    parser.addini("envparity_causes", text, type="bool", default=False)
    text = "also play what takes long: the scenarios that say `thorough` (default: ENVPARITY_THOROUGH)"
    group.addoption("--envparity-thorough", action="store_true", default=None, help=text)
    parser.addini("envparity_thorough", text, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the markers mean."""
    config.addinivalue_line("markers", "docker: needs a container engine")
    config.addinivalue_line("markers", "processes: boots environments as processes of this machine")
    config.addinivalue_line("markers", "browser: needs Chromium and its driver")
    config.addinivalue_line(
        "markers",
        "parity(*patterns, group=None, orders=0): asserts on these scenarios (names or globs; or a group) of the "
        "backend, and on boots in orders of that strength at least; "
        "gives the arguments `scenario` and `environment` their values",
    )
    config.stash[_SESSION] = None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the files at once where an option names them: nothing is collected before they are in order."""
    config = session.config
    if any(config.getoption(f"--envparity-{name}") or config.getini(_ini(name)) for name in _OPTIONS):
        _session(config).load()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that bears the marker one run for each scenario or environment that it takes as an argument."""
    marker = metafunc.definition.get_closest_marker("parity")
    if marker is None:
        return
    given = {name for mark in metafunc.definition.iter_markers("parametrize") for name in _argument_names(mark)}
    for name in ("environment", "scenario"):
        if name in metafunc.fixturenames and name not in given:
            metafunc.parametrize(name, _session(metafunc.config).values_of(name, marker))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan what the collected tests need, and refuse inputs that are wrong before anything boots."""
    items = [item for item in session.items if "parity" in getattr(item, "fixturenames", ())]
    begun = session.config.stash[_SESSION] is not None
    if items or begun:
        _session(session.config).plan(items)


class _Node(Protocol):
    """A worker of pytest-xdist, as its controller sees it."""

    config: pytest.Config
    workerinput: dict[str, object]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """Tell each worker of pytest-xdist where the one run of this session is shared. Source: xdist's newhooks.py."""
    from envparity.faces.pytest.shared import WORKER_KEY, SharedRun

    config = node.config
    if config.stash.get(_SHARED, None) is None:
        config.stash[_SHARED] = SharedRun.made()
    node.workerinput[WORKER_KEY] = str(config.stash[_SHARED])


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """What the workers shared is gone with the session."""
    shared = config.stash.get(_SHARED, None)
    if shared is not None:
        shared.remove()


@pytest.fixture(scope="session")
def parity(pytestconfig: pytest.Config) -> ParityRun:
    """The run: what every environment showed, and the verdict. Boots on its first question."""
    return _session(pytestconfig).run()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove all that was started, and let a red verdict be the session's."""
    shared = session.config.stash.get(_SHARED, None)
    if shared is not None and shared.known is not None:
        _session(session.config).finish_shared(session, shared.known)
        return
    begun = session.config.stash.get(_SESSION, None)
    if begun is not None:
        begun.finish(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The verdict, in the words of `envparity run`."""
    begun = config.stash.get(_SESSION, None)
    if begun is not None:
        begun.summarise(terminalreporter)


def _launchers() -> dict[str, tuple[str, str]]:
    """The option that names a launcher, with those that are installed."""
    try:
        found = ", ".join(entries_of("envparity.launchers"))
    except DoorFailed:  # said when the session asks for one
        return {}
    metavar, text = _OPTIONS["launcher"]
    return {"launcher": (metavar, text.replace("what boots them", f"what boots them: auto, {found}"))}


def _reports() -> dict[str, tuple[str, str]]:
    """An option for each report that is installed. None is loaded: a project that asks for none pays nothing."""
    try:
        found = entries_of("envparity.reports").values()
    except DoorFailed:  # said when the session asks for reports
        return {}
    return {
        entry.name: ("FILE", f"write envparity's report {entry.name} to this file ({entry.origin})") for entry in found
    }


def _ini(name: str) -> str:
    return f"envparity_{name.replace('-', '_')}"


def _session(config: pytest.Config) -> ParitySession:
    begun = config.stash[_SESSION]
    if begun is None:
        from envparity.faces.pytest.session import ParitySession

        begun = config.stash[_SESSION] = ParitySession(config)
    return begun


def _argument_names(marker: pytest.Mark) -> Sequence[str]:
    names = marker.args[0] if marker.args else marker.kwargs.get("argnames", ())
    return [text.strip() for text in names.split(",")] if isinstance(names, str) else list(names)
