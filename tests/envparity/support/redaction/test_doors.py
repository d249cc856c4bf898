"""Whatever leaves envparity goes through a door, and each door takes secrets out: without any one of them some get out.

The canaries are secrets in every place that a run reads. What a door lets out is looked through for each of them, for
its halves, and for how it may be spelled. Then the redactions are disabled, one at a time, and a canary must be seen.
"""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import envparity.config.project
import envparity.conversation.driver
import envparity.conversation.record
import envparity.engine.observer
import envparity.faces.cli.diff_sections
import envparity.isolate.trait_texts
import envparity.launch.attached.launcher
import envparity.launch.container.launcher
import envparity.launch.images.log
import envparity.launch.process.launcher
import envparity.launch.resolve
import envparity.model.backend
import envparity.support.toml.document
import tests.envparity.support.redaction.doors
from envparity.conversation.resolving import resolve_scenario
from envparity.launch.attached.stack import AttachedStack
from envparity.launch.local.logs import StackLogs
from envparity.launch.resolve import secret_variables
from envparity.model.backend import Backend, ProcessSource
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect
from envparity.observe.transcript import Departure, LoggedLines
from envparity.support.redaction import Redaction
from tests.envparity.support.redaction.doors import (
    DOORS,
    NAMED,
    PHRASE,
    REDACTION,
    TOKEN,
    as_written,
    attached_stack,
    backend,
    seen_in,
)


@pytest.mark.parametrize("door", DOORS)
async def test_no_canary_gets_out(door: str) -> None:
    """Not even a half of it."""
    assert seen_in(await DOORS[door]()) == set()


# The redactions, and what stands in the place of each when it is disabled.


@contextlib.contextmanager
def _raised_as_it_is(_redaction: Any) -> Iterator[None]:
    yield


def _shortened_first(self: Any, frame: dict[str, Any]) -> str:
    return textwrap.shorten(as_written(frame), 300, placeholder=" …")


def _note(self: Any, event: Any) -> None:
    self._events.append(event)


def _as_logged(self: Any, logged: Sequence[LoggedLines]) -> None:
    self._logged = tuple(logged)


def _departed(self: Any, departed: Any, step: int) -> None:
    self.departure = self.departure or Departure(
        step, departed.kind, departed.expected, departed.got, departed.connection
    )


async def _held_alone(self: AttachedStack) -> None:
    await self.credentials.get()


def _as_it_is(*given: Any, **_options: Any) -> Any:
    return given[-1] if isinstance(given[-1], str) else given[0]


def _knows_nothing(*_given: Any) -> bool:
    return False


def _backend_as_it_is(backend: Backend, _environments: Any) -> Backend:
    return backend


class _Blind(Redaction):
    """Knows no shapes and no secrets."""

    def text(self, text: str) -> str:
        return text


RECORDER = envparity.conversation.record.Recorder
OFF: dict[str, tuple[Any, str, Any]] = {
    "of events": (RECORDER, "note", _note),
    "of departures": (RECORDER, "depart", _departed),
    "before a frame is made short": (RECORDER, "shown", _shortened_first),
    "of what is logged around a failure": (RECORDER, "note_logged", _as_logged),
    "of observations": (envparity.engine.observer, "_without_secrets", lambda _stack, observation: observation),
    "of failed launches": (envparity.engine.observer, "Redaction", _Blind),
    "of logs": (StackLogs, "redacted", lambda _self, text: tuple(text.splitlines())),
    "of errors of processes": (envparity.launch.process.launcher, "raised_without_secrets", _raised_as_it_is),
    "of errors of containers": (envparity.launch.container.launcher, "raised_without_secrets", _raised_as_it_is),
    "of what is attached": (AttachedStack, "renew", _held_alone),
    "by name": (Backend, "is_secret", _knows_nothing),
    "by the launcher's sources": (envparity.launch.resolve, "comes_with_a_secret", _knows_nothing),
    "by a file's sources": (envparity.isolate.trait_texts, "is_made_secret", _knows_nothing),
    "by name, in traits": (envparity.isolate.trait_texts, "is_secret", _knows_nothing),
    "of boots": (tests.envparity.support.redaction.doors, "with_secrets_known", _backend_as_it_is),
    "of differences of files": (envparity.faces.cli.diff_sections, "redact", _as_it_is),
    "of builds": (envparity.launch.images.log, "without_shapes", _as_it_is),
    "of mistakes": (envparity.support.toml.document, "without_shapes", _as_it_is),
}


@pytest.mark.parametrize("redaction", OFF)
async def test_without_any_one_redaction_a_canary_is_seen(redaction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is there for nothing, and this test would see it go."""
    owner, name, off = OFF[redaction]
    assert hasattr(owner, name)
    monkeypatch.setattr(owner, name, off)
    seen = {door: found for door in DOORS if (found := seen_in(await DOORS[door]()))}
    assert seen


async def test_what_a_process_is_given_beside_its_settings_is_known() -> None:
    """`[process] variables` by their names."""
    source = ProcessSource(("chat",), variables={"API_TOKEN": TOKEN, "LANG": "C.UTF-8"})
    assert list(secret_variables(backend(process=source))) == [(TOKEN, "{variable:API_TOKEN}")]


def test_nothing_that_holds_secrets_shows_them() -> None:
    """As pytest shows the variables of a test that failed (`-l`)."""
    settings = {"API_TOKEN": TOKEN, "ISSUER": "i", "AUDIENCE": "a"}
    known = backend(settings=settings, boot_secrets={"<secret 1 for X>": PHRASE})
    environment = Environment("staging", settings={"API_TOKEN": TOKEN})
    scenario = Scenario("s", steps=(Connect("none", headers={"X-Token": "{setting:API_TOKEN}"}), Close(1000)))
    script = resolve_scenario(scenario, known, settings, "http://a", now_s=0, redaction=Redaction(NAMED))
    project = Project(known, {"staging": environment})
    stack = attached_stack()
    shown = [known, environment, script, script.handshakes, project, stack, REDACTION, vars(script)["handshakes"]]
    assert [text for text in shown if seen_in(repr(text))] == []
