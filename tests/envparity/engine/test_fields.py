"""Several fields that differ in one place of a report: each has its own cause, shared where one makes all of them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from envparity.engine.run import Run
from envparity.judge import rule
from envparity.judge.cause import Chance, FieldCause, TraitsCause
from envparity.judge.evidence import ObservedDifference
from envparity.judge.finding import Finding, Verdict
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.startup import read_report
from envparity.report.wording import search_lines
from tests.envparity.engine.scripted_hybrids import HARMLESS, Booting, given
from tests.envparity.launching import BACKEND, FakeStack

WELL = Environment("local", settings={"MODE": "usual"})
ILL = Environment("staging", settings={"MODE": "strict", "RATE": "9", "SIZE": "1", **HARMLESS})
WORDS = [
    a + b for a in ("ash", "birch", "cedar", "elm", "fir", "oak", "pine") for b in ("red", "grey", "white", "tall")
]
Limits = Callable[[Environment], dict[str, Any]]


class Reporting(Booting):
    """Boots stacks that have started well, and report these limits of theirs."""

    limits: Limits

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        self.booted.append(environment)
        document = {"status": "pass", "limits": {"frames": self.limits(environment)}}
        told = read_report(document, BACKEND.report, http_status=200)
        yield cast("Stack", FakeStack(Case(environment.name, "chat", boot), lambda _case: told))


async def limited(limits: Limits) -> tuple[Finding, TraitsCause, int]:
    """The finding about these limits, its cause, and how many hybrids were booted that somebody asked for."""
    project, _, events = given(lambda _environment: False, WELL, ILL)
    launcher = Reporting(project, lambda _environment: False, lambda _environment: True)
    launcher.limits = limits
    verdict = await Run(project, cast("Launcher", launcher), events.append, causes=True).verdict()
    (finding,) = [finding for finding in verdict.findings if finding.where == "report.limits.frames"]
    cause = finding.cause
    assert isinstance(cause, TraitsCause), cause
    assert cause.search is not None
    return finding, cause, len(launcher.hybrids) - cause.search.needless


def path(name: str) -> str:
    return f"report.limits.frames.{name}"


def has(environment: Environment, name: str) -> bool:
    return environment.settings.get(name) == ILL.settings[name]


async def test_each_field_has_its_own_cause() -> None:
    """What the first field's cause does not explain is searched for in the same hybrids."""
    finding, cause, boots = await limited(
        lambda environment: {
            "burst": 1 + has(environment, "MODE"),
            "each": 1 + has(environment, "HARMLESS_21"),
            "size": 1 + has(environment, "SIZE"),
        }
    )
    assert finding.paths == (path("burst"), path("each"), path("size"))
    assert cause.alternatives == (("MODE=strict",),)
    assert cause.fields == (
        FieldCause((path("each"),), (("HARMLESS_21=on",),)),
        FieldCause((path("size"),), (("SIZE=1",),)),
    )
    assert cause.others == ()
    lines = [line for line in search_lines(cause) if "HARMLESS_21=on alone" in line]
    assert any(path("each") in line for line in lines)
    assert not any("SIZE" in line for line in lines)
    assert boots <= 10 + 5 + 2 * (10 + 5), "each costs what one cause costs, at most"


async def test_what_makes_all_fields_differ_is_searched_for_once() -> None:
    """Two that share a cause beside the first share a search, too."""
    _, cause, once = await limited(lambda environment: {"a": has(environment, "RATE"), "b": has(environment, "RATE")})
    assert (cause.alternatives, cause.fields, cause.others) == ((("RATE=9",),), (), ())
    _, cause, twice = await limited(
        lambda environment: {
            "a": has(environment, "RATE"),
            "b": has(environment, "SIZE"),
            "c": has(environment, "SIZE"),
            "d": has(environment, "RATE"),
        }
    )
    assert cause.fields == (FieldCause((path("b"), path("c")), (("SIZE=1",),)),)
    assert once < twice <= 2 * once


async def test_a_field_whose_cause_is_not_found_stays_named() -> None:
    """It is another in each boot; what comes behind it is searched for all the same."""
    boots: list[str] = []

    def limits(environment: Environment) -> dict[str, Any]:
        boots.append(environment.name)
        first = "x" if environment.name == "local" else "y"
        random = first if boots.count(environment.name) == 1 and "-" not in environment.name else "x"
        return {"a": has(environment, "RATE"), "b": random, "c": has(environment, "SIZE")}

    _, cause, _ = await limited(limits)
    assert cause.alternatives == (("RATE=9",),)
    assert cause.others == (path("b"),)
    assert cause.fields == (FieldCause((path("c"),), (("SIZE=1",),)),)


async def test_a_saved_cause_has_its_fields() -> None:
    _, cause, _ = await limited(lambda environment: {"a": has(environment, "RATE"), "b": has(environment, "SIZE")})
    assert msgspec.json.decode(msgspec.json.encode(cause), type=TraitsCause) == cause


async def random_field(volatile: tuple[str, ...] = ()) -> Verdict:
    """What becomes of a field that is another in each boot of anything."""
    turns = itertools.count()
    project, _, events = given(lambda _environment: False, WELL, ILL)
    project = Project(msgspec.structs.replace(project.backend, volatile=volatile), project.environments)
    launcher = Reporting(project, lambda _environment: False, lambda _environment: True)
    launcher.limits = lambda _environment: {"nonce": f"draw {WORDS[next(turns) % len(WORDS)]}"}
    return await Run(project, cast("Launcher", launcher), events.append, causes=True).verdict()


async def test_a_field_that_is_another_in_each_boot_is_proposed_for_volatile() -> None:
    """It is played, or started, once in each boot: boots say that it is chance, and show where."""
    verdict = await random_field()
    assert verdict.clean
    (finding,) = [finding for finding in verdict.by_chance if finding.where == "report.limits.frames"]
    assert isinstance(finding.cause, Chance)
    assert finding.cause.elsewhere == finding.cause.of_elsewhere > 0
    assert '"nonce"' in finding.action
    assert "volatile" in finding.action
    shown = [piece for piece in finding.evidence if isinstance(piece, ObservedDifference) and "local" in piece.baseline]
    assert [(piece.path, piece.other, piece.expected != piece.got) for piece in shown][-1] == (
        path("nonce"),
        "another",
        True,
    )
    volatile = await random_field(("nonce",))
    assert not (volatile.findings + volatile.by_chance), "what is proposed is enough"


async def test_a_field_with_a_cause_beside_a_random_one_keeps_what_is_to_be_done_about_it() -> None:
    turns = itertools.count()
    finding, cause, _ = await limited(
        lambda environment: {"a": has(environment, "RATE"), "nonce": WORDS[next(turns) % len(WORDS)]}
    )
    assert cause.alternatives == (("RATE=9",),)
    assert finding.action.startswith(rule("EP201").action)
    assert '"nonce"' in finding.action
    assert '"a"' not in finding.action


async def test_a_random_field_does_not_hide_what_has_a_cause_behind_it() -> None:
    """The random one comes first by name: what is told, searched for and red is the others."""
    turns = itertools.count()
    finding, cause, _ = await limited(
        lambda environment: {
            "charm": WORDS[next(turns) % len(WORDS)],
            "rate": has(environment, "RATE"),
            "size": has(environment, "SIZE"),
        }
    )
    assert finding.paths == (path("rate"), path("size"))
    assert finding.expected == "as in local: rate false"
    assert finding.got == "rate true, and 1 more"
    assert (cause.alternatives, cause.fields) == ((("RATE=9",),), (FieldCause((path("size"),), (("SIZE=1",),)),))
    assert '"charm"' in finding.action
    assert any(isinstance(piece, ObservedDifference) and piece.path == path("charm") for piece in finding.evidence)


async def test_beside_a_random_field_what_shows_in_some_boots_is_counted_by_itself() -> None:
    """Its rate is not that of the random one, which differs in every boot of either environment."""
    turns, times = itertools.count(), itertools.count()
    project, _, events = given(lambda _environment: False, WELL, ILL)
    launcher = Reporting(project, lambda _environment: False, lambda _environment: True)

    def limits(environment: Environment) -> dict[str, Any]:
        late = has(environment, "RATE") and (environment.name == "staging" or next(times) % 2 == 1)
        return {"charm": WORDS[next(turns) % len(WORDS)], "late": late}

    launcher.limits = limits
    verdict = await Run(project, cast("Launcher", launcher), events.append, causes=True).verdict()
    (finding,) = [finding for finding in verdict.findings if finding.where == "report.limits.frames"]
    assert isinstance(finding.cause, Chance)
    assert (finding.cause.elsewhere, finding.cause.changed_by) == (0, ("RATE=9",))
