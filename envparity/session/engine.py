"""The one engine that both faces start: imported here and nowhere else, and only when something is to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from envparity.errors import ConfigurationError, EngineUnavailable
from envparity.events import Emit, Waiting
from envparity.judge.finding import Rule, Verdict
from envparity.observe.record import Observation
from envparity.session.attaching import attach
from envparity.session.inputs import Inputs, LauncherName
from envparity.subject import Subject

if TYPE_CHECKING:
    from envparity.engine.live_run import WarmEnvironment
    from envparity.engine.run import Run

__all__ = ["SynchronousRun", "build_images", "load", "open_run", "remove_leftovers", "rules", "to_verdict"]


class SynchronousRun(Protocol):
    """A run whose event loop lives elsewhere: what `envparity.engine.run.LiveRun` is to those who use it."""

    def __enter__(self) -> SynchronousRun: ...  # noqa: PYI034  LiveRun promises no more
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
    def observe_all(self) -> tuple[Observation, ...]: ...
    def verdict(self) -> Verdict: ...
    def warm(self, environment: str, /) -> AbstractContextManager[WarmEnvironment]: ...


def load(inputs: Inputs, only: Sequence[str] = ()) -> Subject:
    """Read and check every file, and that `only` names something. Raises `ConfigurationError`; boots nothing."""
    from envparity.engine.plan import plan
    from envparity.subject_loader import load_subject

    try:
        subject = load_subject(inputs.backend, inputs.environments, inputs.names)
    except ConfigurationError as wrong:
        raise ConfigurationError([*wrong.mistakes, *attach(inputs.attaching, None)[1]]) from None
    attached, mistakes = attach(inputs.attaching, subject.environments)
    try:
        plan(subject.backend, subject.environments, only, attached=attached)
    except ConfigurationError as wrong:
        mistakes += wrong.mistakes
    if mistakes:
        raise ConfigurationError(mistakes)
    return replace(subject, attached=attached)


def to_verdict(
    subject: Subject,
    launcher: LauncherName,
    emit: Emit,
    only: Sequence[str] = (),
    orders: int = 0,
    *,
    causes: bool = False,
) -> Verdict:
    """Boot, observe, judge; with `causes` boot on until the causes are known.

    SIGINT and SIGTERM clean up and raise `Interrupted`.
    """
    from envparity.engine.run import run_to_verdict

    return run_to_verdict(_run(subject, launcher, emit, only, orders, causes=causes))


def open_run(
    subject: Subject,
    launcher: LauncherName,
    emit: Emit,
    only: Sequence[str] = (),
    orders: int = 0,
    *,
    causes: bool = False,
) -> SynchronousRun:
    """A run to enter, to ask for observations and to leave; leaving removes all that it made."""
    from envparity.engine.run import LiveRun

    return LiveRun(_run(subject, launcher, emit, only, orders, causes=causes))


def _run(
    subject: Subject, name: LauncherName, emit: Emit, only: Sequence[str], orders: int, *, causes: bool
) -> Callable[[], Run]:
    from envparity.engine.explore import OrderProfile
    from envparity.engine.run import Run
    from envparity.launch.choose import choose_launcher

    def make() -> Run:
        launcher = choose_launcher(name, subject, lambda waited_for: emit(Waiting("", waited_for)))
        profile = OrderProfile(strength=orders) if orders else None
        return Run(subject, launcher, emit, only=only, orders=profile, causes=causes)

    return make


def rules() -> tuple[Rule, ...]:
    """Every rule that a verdict or an audit may cite, by code."""
    from envparity.audit.rules import RULES as AUDIT_RULES
    from envparity.judge import RULES

    of_the_audit = (Rule(one.code, one.title, one.description, one.action) for one in AUDIT_RULES)
    return tuple(sorted((*RULES, *of_the_audit), key=lambda rule: rule.code))


def remove_leftovers(older_than_s: float, *, everything: bool) -> list[str]:
    """Remove what dead runs left on this machine, and in the container engine where one answers; the names of that."""
    from envparity.launch.container.engine import Engine
    from envparity.launch.container.sweep import sweep
    from envparity.launch.leftovers import remove_leftover_folders

    removed = remove_leftover_folders(everything=everything)
    try:
        engine = Engine()
    except EngineUnavailable:
        return removed
    try:
        return sweep(engine.client, older_than_s, everything=everything) + removed
    finally:
        engine.close()


def build_images(subject: Subject, waiting: Callable[[str], None]) -> Iterator[str]:
    """Have every image that a run of that subject needs in the container engine; one line for each."""
    from envparity.launch.choose import backend_image, server_images
    from envparity.launch.container.engine import Engine
    from envparity.launch.container.images import ImageBuilder, default_docker_folder

    engine = Engine()
    try:
        builder = ImageBuilder(engine.client, default_docker_folder(), waiting)
        for name, reference in builder.ensure(("base", *server_images(subject))).items():
            yield f"{name:<10} {reference}"
        yield f"{'backend':<10} {backend_image(builder, subject.backend)}"
    finally:
        engine.close()
