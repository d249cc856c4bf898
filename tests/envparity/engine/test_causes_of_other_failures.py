"""Hybrids that fail in another way, cannot be stood up, or come to a deadline."""

from __future__ import annotations

from collections import Counter

import pytest

from envparity.errors import EngineFailed
from envparity.judge.cause import Chance, NotFound, Otherwise
from envparity.model.environment import Environment
from envparity.report.wording import cause_text, evidence_lines, search_lines
from envparity.support.stalls import StallMeter, Stalls
from tests.envparity.engine.scripted_hybrids import HARMLESS, LOCAL, STAGING, explained, strict


async def test_a_hybrid_that_fails_elsewhere_does_not_pass() -> None:
    """Without its companion MODE fails at another component: that it would not at its own, nobody has seen."""

    def fails(environment: Environment) -> bool | str:
        alone = "HARMLESS_07" not in environment.settings
        return strict(environment) and ("companion" if alone else True)

    finding, _ = await explained(fails)
    assert isinstance(finding.cause, NotFound)
    assert (finding.cause.why, finding.cause.among) == ("not taken apart", (("MODE=strict", "HARMLESS_07=on"),))
    assert finding.cause.search is not None
    assert finding.cause.search.no_answer
    assert finding.cause.otherwise == (Otherwise(("MODE=strict",), "EP101", "companion"),)
    assert any("MODE=strict alone" in line and "EP101 companion" in line for line in search_lines(finding.cause))


async def test_a_couple_of_which_each_half_fails_elsewhere_is_told_with_what_each_half_does() -> None:
    """A name and a host: whether the one, the other or only both do it, no hybrid of them can say."""

    def fails(environment: Environment) -> bool | str:
        couple = {"HARMLESS_03", "HARMLESS_30"} & environment.settings.keys()
        return "database" if len(couple) == 1 else len(couple) == 2

    finding, launcher = await explained(fails)
    assert isinstance(finding.cause, NotFound)
    assert (finding.cause.why, finding.cause.among) == ("not taken apart", (("HARMLESS_03=on", "HARMLESS_30=on"),))
    assert finding.cause.otherwise == (
        Otherwise(("HARMLESS_30=on",), "EP101", "database"),
        Otherwise(("HARMLESS_03=on",), "EP101", "database"),
    )
    assert len(launcher.hybrids) <= 30


async def test_a_half_that_could_not_be_stood_up_is_told_as_that() -> None:
    finding, _ = await explained(
        lambda environment: strict(environment) and "HARMLESS_07" in environment.settings,
        stands_up=lambda environment: not strict(environment) or "HARMLESS_07" in environment.settings,
    )
    assert isinstance(finding.cause, NotFound)
    assert finding.cause.otherwise == (Otherwise(("MODE=strict",), "EP901", "environment"),)


async def test_a_hybrid_that_fails_elsewhere_is_worked_round_where_the_cause_shows_alone() -> None:
    """Two settings that only work together are in the way of most hybrids, and no part of the cause."""

    def fails(environment: Environment) -> bool | str:
        couple = {"HARMLESS_03", "HARMLESS_30"} & environment.settings.keys()
        return "couple" if len(couple) == 1 else strict(environment)

    finding, launcher = await explained(fails)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert len(launcher.hybrids) <= 30


async def test_a_failing_environment_that_is_broken_otherwise_without_the_cause_names_none() -> None:
    """Nobody can say that it would pass."""

    def fails(environment: Environment) -> bool | str:
        return strict(environment) or ("platform" if environment.platform.cpus == 1 else False)

    finding, _ = await explained(fails)
    assert isinstance(finding.cause, NotFound)
    assert finding.cause.why == "cannot say"


async def test_where_no_environment_passes_nothing_is_booted() -> None:
    """One that fails at another component does not show that it would not fail at this one."""
    finding, launcher = await explained(lambda environment: True if strict(environment) else "elsewhere")
    assert finding.cause == NotFound("nothing passes")
    assert launcher.hybrids == []


async def test_the_nearest_environment_that_passes_is_a_third_one_where_the_nearest_fails_otherwise() -> None:
    """Of three, one is masked; the search is between the other two."""
    masked = Environment("masked", settings={"MODE": "odd", **HARMLESS}, platform=STAGING.platform)

    def fails(environment: Environment) -> bool | str:
        return "elsewhere" if environment.settings["MODE"] == "odd" else strict(environment)

    finding, launcher = await explained(fails, LOCAL, STAGING, masked)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert not any(environment.name.startswith("masked-") for environment in launcher.booted)


async def test_a_boot_that_could_not_be_stood_up_is_in_no_rate() -> None:
    """It shows nothing, and is no boot that does not show it."""
    times: Counter[str] = Counter()

    def stands_up(environment: Environment) -> bool:
        if environment.name in {"local", "staging"}:
            return True
        times[environment.name] += 1
        return times[environment.name] % 2 == 0

    finding, _ = await explained(
        lambda environment: environment.name == "staging" or strict(environment), stands_up=stands_up
    )
    assert not isinstance(finding.cause, Chance), "in every boot that stood up it showed"


async def test_what_the_engine_fails_at_once_is_booted_once_more() -> None:
    """A container that is gone says nothing of the hybrid; the cause is found all the same."""
    failed: list[str] = []

    def stands_up(environment: Environment) -> bool:
        if environment.name in {"local", "staging"} or environment.name in failed:
            return True
        failed.append(environment.name)
        raise EngineFailed("a container is gone")

    finding, launcher = await explained(strict, stands_up=stands_up)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert len(failed) < len(launcher.booted)
    assert finding.cause is not None
    assert not any("could not be stood up" in line for line in search_lines(finding.cause))


async def test_a_hybrid_that_comes_to_a_deadline_on_a_stalled_machine_is_booted_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it shows then counts: the machine is no component of the backend."""
    stalled = StallMeter()
    monkeypatch.setattr(stalled, "since", lambda _mark: Stalls(10, 8, 0.1))
    monkeypatch.setattr("envparity.engine.want_of_time.STALLS", stalled)
    times: Counter[str] = Counter()

    def fails(environment: Environment) -> bool | str:
        times[environment.name] += 1
        late = environment.name not in {"local", "staging"} and times[environment.name] % 2 == 1
        return "slow" if late else strict(environment)

    finding, _ = await explained(fails)
    assert cause_text(finding.cause) == "MODE=strict alone"


async def test_hybrids_that_cannot_be_stood_up_are_counted() -> None:
    """They say nothing, and it is said that they were there."""
    finding, _ = await explained(
        strict,
        stands_up=lambda hybrid: (
            hybrid.name in {"local", "staging"}
            or "HARMLESS_39" in hybrid.settings
            or not HARMLESS.keys() & hybrid.settings.keys()
        ),
    )
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert "of the hybrids could not be stood up" in evidence_lines(finding)[-1]
