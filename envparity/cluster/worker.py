"""What a worker of a cluster does: it prepares a run once, then answers what is asked. Called by its import path.

Everything that comes and goes is JSON. The checkout is ENVPARITY_CHECKOUT, or where the worker was started.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from distributed import Worker, WorkerPlugin

from envparity.cluster.facts import LauncherFacts
from envparity.cluster.wire import (
    Asked,
    Assignment,
    Cold,
    Failure,
    Once,
    OnceMore,
    Prepared,
    SearchHybrids,
    WorkerAnswer,
)
from envparity.engine.explore import OrderProfile
from envparity.engine.live_run import LiveRun
from envparity.engine.run import Run
from envparity.engine.session import engine
from envparity.engine.session.identity import identity_of
from envparity.engine.session.inputs import Inputs
from envparity.errors import ConfigurationError, DoorFailed, EnvparityError, Mistake, TooBusy, as_ours
from envparity.launch.cache import cache_folder
from envparity.launch.port import Launcher

__all__ = ["PreparesRun", "answer", "prepared", "prepares_run"]

_LIVE: dict[str, LiveRun] = {}
_PREPARED: dict[str, Prepared] = {}
_NONE = LauncherFacts("none")


class PreparesRun(WorkerPlugin):
    """Prepares a run when a worker gets to know of it, and leaves nothing behind when that is over.

    It is sent as the JSON of its `Assignment`.
    """

    def __init__(self, assignment: str) -> None:
        self._said = assignment
        self._assignment = msgspec.json.decode(assignment, type=Assignment)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return prepares_run, (self._said,)

    async def setup(self, worker: Worker) -> None:
        """Read the files, reach the engine, have the images; one worker of a machine at a time."""
        del worker
        await asyncio.to_thread(_prepare, self._assignment)

    async def teardown(self, worker: Worker) -> None:
        """Leave nothing behind that this run has made here."""
        del worker
        await asyncio.to_thread(_end, self._assignment.run)


def prepares_run(assignment: str) -> PreparesRun:
    """The plugin of that assignment, which is JSON."""
    return PreparesRun(assignment)


def prepared(run: str) -> str:
    """How that run was prepared by this worker, as JSON."""
    return msgspec.json.encode(_PREPARED.get(run, Prepared(_NONE, "it was not prepared", "LaunchError"))).decode()


def answer(run: str, said: str) -> str:
    """The answer to what is asked in JSON, as JSON. Raises `RuntimeError` for what may go better elsewhere."""
    live = _LIVE.get(run)
    if live is None:
        raise RuntimeError(msgspec.json.decode(prepared(run), type=Prepared).wrong)
    asked: Asked = msgspec.json.decode(said, type=Asked)
    try:
        got = live.ask(_answered(live.run, asked))
    except (ConfigurationError, DoorFailed, TooBusy) as error:
        got = WorkerAnswer(failure=Failure(type(error).__name__, str(error)))
    except Exception as error:  # noqa: BLE001  whoever it was, what it says may be a secret
        known = as_ours(error)
        raise RuntimeError(str(known) if known is not None else f"{type(error).__name__}") from None
    return msgspec.json.encode(got).decode()


async def _answered(run: Run, asked: Asked) -> WorkerAnswer:
    match asked:
        case Once(case):
            return WorkerAnswer(result=await run.result(case))
        case OnceMore(case):
            return WorkerAnswer(observation=await run.once_more(case))
        case Cold(case):
            run.announce()
            return WorkerAnswer(observation=await run.cold(case))
        case SearchHybrids(search):
            run.announce()
            return WorkerAnswer(found=await run.finder.search(search))


def _prepare(assignment: Assignment) -> None:
    try:
        with _one_of_this_machine():
            live = LiveRun(lambda: _run(assignment))
            live.__enter__()
    except EnvparityError as error:
        _PREPARED[assignment.run] = Prepared(_NONE, str(error), type(error).__name__)
        return
    except OSError as error:
        _PREPARED[assignment.run] = Prepared(_NONE, str(as_ours(error)), "LaunchError")
        return
    launcher = live.run.launcher
    facts = LauncherFacts(launcher.name, launcher.cannot_check, launcher.reason, launcher.images)
    _LIVE[assignment.run], _PREPARED[assignment.run] = live, Prepared(facts)


def _end(run: str) -> None:
    _PREPARED.pop(run, None)
    live = _LIVE.pop(run, None)
    if live is not None:
        live.__exit__()


def _run(assignment: Assignment) -> Run:
    from envparity.launch.choose import choose_launcher

    checkout = Path(os.environ.get("ENVPARITY_CHECKOUT") or Path.cwd())
    inputs = Inputs(
        checkout / assignment.backend, checkout / assignment.environments, assignment.names, assignment.launcher,
        assignment.orders, thorough=assignment.thorough, image=assignment.image,
    )  # fmt: skip
    project = engine.load(inputs, assignment.only)
    mistakes = [
        Mistake(f"worker {os.uname().nodename}", 0, str(checkout), f"{word} {expected or 'none'}", got or "none")
        for word, expected, got in assignment.identity.differences(identity_of(project))
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    project = replace(assignment.secrets.put_into(project), salt=bytes.fromhex(assignment.salt))
    launcher: Launcher = choose_launcher(assignment.launcher, project, lambda _waited_for: None)
    profile = OrderProfile(strength=assignment.orders) if assignment.orders else None
    return Run(project, launcher, lambda _event: None, only=assignment.only, orders=profile)


@contextmanager
def _one_of_this_machine() -> Iterator[None]:
    """One worker of this user at a time: what one has built, the next finds. Without a cache folder all at once."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "prepares.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever dies lets go of it; what it waits for has deadlines of its own
        yield
    finally:
        os.close(lock)
