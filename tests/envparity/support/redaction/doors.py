"""Every door by which something leaves envparity, with canaries of secrets behind it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import msgspec
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
from envparity.config.project import with_secrets_known
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import Handshake, ResolvedScenario
from envparity.engine.observer import Observer
from envparity.errors import LaunchError
from envparity.faces.cli.diff_sections import sections
from envparity.isolate import differences
from envparity.launch.attached.stack import AttachedStack
from envparity.launch.local.logs import StackLogs
from envparity.launch.port import Stack
from envparity.launch.resolve import RunSecrets, fingerprints, resolve_settings
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment, FromSource, SecretOf
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, ExpectClose
from envparity.observe.record import HttpAnswer, Observation, Replica
from envparity.observe.transcript import HandshakeAnswered, LoggedLines
from envparity.support.redaction import Redaction
from tests.envparity.launching import FakeStack

# Words of fewer than 12 characters: what is cut between two of them leaves no piece that could be told from chance.
PHRASE = "rosebud-10 zeppelin-20 marigold-30 tamarisk-40"
TOKEN = "canary-0123456789abcdef-of-a-token"
PASSWORD = "canary-password-fedcba98"
LINES = "canary-line-1\ncanary-line-2\ncanary-line-3"
CANARIES = (PHRASE, TOKEN, PASSWORD, LINES)
NAMED = [(PHRASE, "{setting:PASSPHRASE}"), (TOKEN, "{setting:API_TOKEN}"), (LINES, "{setting:SIGNING_KEY}")]
REDACTION = Redaction(NAMED)
Door = Callable[[], Awaitable[str]]
CASE = Case("staging", "chat")


def seen_in(text: str) -> set[str]:
    """What of the canaries can be seen in that text: they themselves, their halves and lines, and other spellings."""
    pieces = {
        piece
        for canary in CANARIES
        for piece in (canary, *canary.split(), canary[: len(canary) // 2], canary[len(canary) // 2 :])
    }
    spelled = {quote(canary, safe="") for canary in CANARIES} | {canary.encode().hex() for canary in CANARIES}
    spelled |= {base64.b64encode(f"user:{canary}".encode()).decode()[8:-4] for canary in CANARIES}
    return {piece for piece in pieces | spelled if piece in text}


def as_written(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def backend(**fields: Any) -> Backend:
    return Backend("chat", Path("backend.toml"), ImageSource(name="chat"), **fields)


# The doors.


def conversation(*steps: Any) -> Conversation:
    script = ResolvedScenario(handshakes={0: Handshake("/ws", (), None, (), "", None)}, secrets=dict(NAMED))
    talk = Conversation(Scenario("scenario", steps=(Connect("none"), *steps)), script)
    talk.next(0.0)
    return talk


async def a_frame() -> str:
    """With secrets in values and keys, at some depth, in other spellings."""
    talk = conversation(Expect(("echo",)), Close(1000))
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101))
    talk.next(0.2)
    spelled = [quote(TOKEN), TOKEN.encode().hex(), base64.b64encode(f"user:{TOKEN}".encode()).decode()]
    talk.received("a", as_written({"type": "echo", "said": {TOKEN: [PHRASE, *spelled]}}), 0.3)
    talk.next(0.4)
    return as_written(talk.transcript)


async def what_was_expected() -> str:
    """A departure says it, and a script may expect a secret back."""
    talk = conversation(ExpectClose(4000, f"by {TOKEN}"))
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101))
    talk.next(0.2)
    talk.closed("a", 4001, f"not by {TOKEN}", "server", 0.3)
    talk.next(0.4)
    return as_written(talk.transcript.departure)


async def what_was_made_short() -> str:
    """A long frame is cut, also in the middle of a secret."""
    texts = []
    for length in range(240, 300, 4):
        talk = conversation(Expect(("echo",), fields={"said": "nothing"}))
        talk.opened(HandshakeAnswered(0.1, "a", "accept", 101))
        talk.next(0.2)
        talk.received("a", as_written({"type": "echo", "said": "x" * length + " " + PHRASE}), 0.3)
        talk.next(0.4)
        texts.append(as_written(talk.transcript.departure))
    return "\n".join(texts)


async def what_was_logged_meanwhile() -> str:
    """By replicas and servers, around a failure."""
    talk = conversation(Expect(("welcome",)))
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 403))
    talk.next(0.2)
    talk.logged([LoggedLines("replica 1", (f"checking {TOKEN}",))])
    return as_written(talk.transcript)


class Leaky(FakeStack):
    """A stack whose backend tells in its health, its log and its reports what it was given."""

    redaction = REDACTION

    async def observe_replica(self, index: int) -> Replica:
        return Replica(index, HttpAnswer("/health/live", 200, {TOKEN: PHRASE}), log=(f"it is {TOKEN}",))

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {"postgres": (f"no role {TOKEN}",)}


def observer() -> Observer:
    return Observer(backend(), "fake", "00000000", lambda _event: None)


async def an_observation() -> str:
    """Health, logs and reports of replicas and dependencies."""
    stack = cast("Stack", Leaky(CASE))
    first = [await stack.observe_replica(0)]
    return as_written(await observer().record(stack, first, (), {}))


async def a_failed_launch() -> str:
    """As it is recorded: an error of a library may quote a URL."""
    return as_written(observer().nothing(CASE, f"cannot reach postgres://app:{PASSWORD}@db/app"))


async def a_log() -> str:
    """Of several lines, where a secret has several."""
    logs = StackLogs(cast("Any", None), (), {}, lambda: REDACTION)
    return "\n".join(logs.redacted(f"loaded\n{LINES}\nready"))


class Failing:
    """A boot that fails, and whose error says too much, as do those that it comes from."""

    def __init__(self, *_given: Any) -> None:
        self.redaction = REDACTION

    async def boot(self, _exits: Any) -> Any:
        raise LaunchError(f"the server said {TOKEN}") from OSError(f"cannot use {PHRASE}")


async def raised_by(launcher: Any, module: Any, name: str) -> str:
    """What the launcher raises where its boot fails that way."""
    launcher._numbers = iter([1])
    launcher._run_id = "00000000"
    launcher._means = SimpleNamespace(backend=SimpleNamespace(name="chat"))

    async def removed(*_asked: Any) -> None:
        return None

    launcher._engine = SimpleNamespace(call=removed, clean=removed, client=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, Failing)
        with pytest.raises(LaunchError) as caught:
            async with launcher.boot(Environment("staging"), Boot(), lambda _what: None):
                pass
    return f"{caught.value} {caught.value.__cause__}"


async def an_error_of_processes() -> str:
    module = envparity.launch.process.launcher
    return await raised_by(object.__new__(module.ProcessLauncher), module, "ProcessStackBuilder")


async def an_error_of_containers() -> str:
    module = envparity.launch.container.launcher
    return await raised_by(object.__new__(module.ContainerLauncher), module, "ContainerStackBuilder")


def attached_stack() -> AttachedStack:
    async def held() -> Any:
        return SimpleNamespace(key="", token="", user="")

    return AttachedStack(
        case=CASE, backend=backend(), url="wss://staging.invalid/ws", endpoint=cast("Any", None),
        given={"API_TOKEN": TOKEN}, health=cast("Any", SimpleNamespace()),
        credentials=cast("Any", SimpleNamespace(get=held)), deployed=Deployed("wss://staging.invalid/ws"),
        waiting=lambda _what: None,
    )  # fmt: skip


async def what_is_attached() -> str:
    """The settings that its file says are known, and may be answered with."""
    stack = attached_stack()
    await stack.renew()
    return stack.redaction.text(f"the backend answers {TOKEN}")


SOURCES = {"redis.password": PASSWORD, "redis.url": f"redis://:{PASSWORD}@redis/0"}


async def a_fingerprint() -> str:
    """Of literals by name, and of what the launcher gives."""
    settings = {"API_TOKEN": TOKEN, "REDIS": FromSource("redis.url"), "REDIS_WORD": FromSource("redis.password")}
    made = RunSecrets()
    boot = Boot(settings=(("PASSPHRASE", PHRASE),))
    resolved = resolve_settings(backend(), Environment("staging", settings=settings), boot, SOURCES, made)  # type: ignore[arg-type]
    return as_written(fingerprints(resolved, made)) + repr(resolved)


async def a_difference() -> str:
    """Between two files, as `diff` prints it."""
    environment = Environment("local", settings={"API_TOKEN": TOKEN, "URL": f"https://a.invalid/?access_token={TOKEN}"})
    other = Environment("staging", settings={"API_TOKEN": f"{TOKEN}2", "URL": "https://b.invalid/"})
    return str(sections(Project(backend(), {"local": environment, "staging": other})))


async def a_trait() -> str:
    """By its name, and by where the value comes from in the other environment."""
    passing = Environment("a", settings={"HANDSHAKE": SecretOf(32), "WORD": FromSource("redis.password")})
    failing = Environment("b", settings={"HANDSHAKE": PHRASE, "WORD": PASSWORD, "API_TOKEN": TOKEN})
    return " ".join(map(str, differences(passing, failing)))


async def a_boot() -> str:
    """A scenario's boot is part of every case, label and saved run."""
    scenario = Scenario("s", boot=Boot(settings=(("API_TOKEN", TOKEN), ("HANDSHAKE", PHRASE))))
    environments = [Environment("a", settings={"HANDSHAKE": SecretOf(32)})]
    known = with_secrets_known(backend(scenarios=(scenario,)), environments)
    case = Case("a", "chat", known.scenarios[0].boot)
    return f"{case} {as_written(Observation(case, 'fake', 'r'))} {as_written(known.scenarios)}"


async def a_mistake() -> str:
    """In a file, where a secret stands in the wrong place."""
    return envparity.support.toml.document.in_words(TOKEN, secretive=True) + envparity.support.toml.document.in_words(
        f"postgres://app:{PASSWORD}@db/app"
    )


async def the_output_of_a_build() -> str:
    """A step may print the address that it fetches from."""
    log = envparity.launch.images.log.LogTail()
    log.add(f"Step 2/3 : RUN pip install --index-url https://app:{PASSWORD}@pypi.invalid/simple chat\n")
    log.add(f"Looking in indexes: https://app:{PASSWORD}@pypi.invalid/simple\n")
    failed = envparity.launch.images.log.BuildFailed("chat", f"RUN curl -u https://app:{PASSWORD}@x.invalid", str(log))
    return f"{failed} {failed.problem} {failed.log_tail}"


DOORS: dict[str, Door] = {
    door.__name__: door
    for door in (
        a_frame, what_was_expected, what_was_made_short, what_was_logged_meanwhile, an_observation, a_failed_launch,
        a_log, an_error_of_processes, an_error_of_containers, what_is_attached, a_fingerprint, a_difference, a_trait,
        a_boot, a_mistake, the_output_of_a_build,
    )
}  # fmt: skip
