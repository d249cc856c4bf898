"""`envparity record`: a conversation with a running backend, recorded once, as a scenario that holds."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from envparity.config.backend import read_backend
from envparity.engine.session.exits import FINDINGS
from envparity.errors import ConfigurationError, Mistake, OutputFailed
from envparity.faces.cli.ending import end, one_message, say
from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.model.deployed.target import parse_target, url_problems
from envparity.model.deployed.tls import client_context
from envparity.recording.contracted import prove_contract
from envparity.recording.events import Recording, WebSocketOpened
from envparity.recording.proving import DoesNotHold, Proven, prove
from envparity.recording.proxy import StopCondition, reach, record
from envparity.recording.saved_traffic import read_har, read_transcript
from envparity.recording.toml_text import scenario_text
from envparity.recording.trial import are_sessions_over, is_conversation, trial_of
from envparity.report.verdict import counted
from envparity.sources.dotenv import SOURCE
from envparity.support.toml.document import in_words

__all__ = ["record_command"]

_SOURCE: Final = "(command line)"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LONGEST_S: Final = 86_400.0
_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass
class _Wishes:
    """What was asked for, held against what there is: every mistake at once."""

    name: str
    out: Path | None
    contract: Path | None
    mistakes: list[Mistake] = field(default_factory=list)
    upstream: Endpoint = Endpoint(("", 0), "", None)  # noqa: RUF009  frozen
    listen: tuple[str, int] = ("127.0.0.1", 0)
    backend: Backend | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def mistake(self, key: str, expected: str, got: str, action: str = "") -> None:
        self.mistakes.append(Mistake(_SOURCE, 0, key, expected, got, action))

    def reach(self, url: str, ca: Path | None) -> None:
        """Where the backend runs, and whom to trust that it is it."""
        problems = list(url_problems(url, ("http", "https", "ws", "wss")))
        for expected, got in problems:
            self.mistake("--upstream", expected, got)
        if problems:
            return
        target = parse_target(url)
        if target.path not in {"", "/"}:
            self.mistake("--upstream", "no path, for all paths are passed on", in_words(target.path))
        if ca is not None and not target.tls:
            self.mistake("--ca", "an --upstream that speaks TLS, https://…", in_words(url))
            return
        try:
            tls = client_context(None if ca is None else str(ca)) if target.tls else None
        except OSError as error:
            self.mistake("--ca", "a file of certificates in PEM", f"{ca}: {error.strerror or error}")
            return
        self.upstream = Endpoint((target.host, target.port), target.authority, tls)

    def listen_at(self, text: str | None) -> None:
        """Where clients come to: a port of 127.0.0.1, or HOST:PORT."""
        host, _, port = (text or "0").rpartition(":")
        if not port.isdecimal() or int(port) > 65535:
            self.mistake("--listen", "a port, or HOST:PORT", in_words(text or ""))
        else:
            self.listen = (host.strip("[]") or "127.0.0.1", int(port))

    def load(self, backend: Path | None, settings: Path | None) -> None:
        """The backend's file, and the settings that it runs with."""
        if backend is not None:
            self.backend, wrong = read_backend(backend)
            self.mistakes += wrong
        if settings is not None:
            try:
                self.settings = dict(SOURCE.read(settings, "").settings)
            except ConfigurationError as error:
                self.mistakes += error.mistakes
            except (OSError, UnicodeDecodeError) as error:
                self.mistake("--settings", "a file of variables, NAME=value", str(error))

    def check(self) -> None:
        """What is wrong with the name and with the files to be written. Raises `ConfigurationError` with all of it."""
        if not _NAME.fullmatch(self.name):
            self.mistake("--name", "letters, digits, - and _", in_words(self.name))
        known = [scenario.name for scenario in self.backend.scenarios] if self.backend is not None else []
        if self.name in known:
            self.mistake("--name", "a name that no scenario of the backend file has", repr(self.name), "say another")
        for option, file in (("--out", self.out), ("--contract", self.contract)):
            if file is not None and file.exists():
                self.mistake(option, "no file yet", str(file), "name another, or remove it")
            elif file is not None and not file.absolute().parent.is_dir():
                self.mistake(option, "a file in a folder that is there", str(file), "make the folder")
        if self.contract is not None and self.out is not None and self.contract.absolute() == self.out.absolute():
            self.mistake("--contract", "another file than --out", str(self.contract))
        if self.mistakes:
            raise ConfigurationError(self.mistakes)


@click.command("record", short_help="Make a scenario of what you do with a running backend.")
@click.option(
    "--upstream", metavar="URL", required=True, help="Where the backend runs: http://127.0.0.1:8000, or https://…."
)
@click.option(
    "--ca", metavar="FILE", type=_FILE,
    help="Certificates of the authorities that are trusted for https. Default: the system's.",
)  # fmt: skip
@click.option(
    "--listen", metavar="PORT|HOST:PORT",
    help="Where the proxy is reached that you or your page talk to. Default: a free port of 127.0.0.1.",
)  # fmt: skip
@click.option("--har", metavar="FILE", type=_FILE, help="Read this HAR file of a browser in place of a proxy.")
@click.option(
    "--transcript", metavar="FILE", type=_FILE,
    help="Read this file in place of a proxy: a line of JSON for each message.",
)  # fmt: skip
@click.option(
    "--backend", metavar="FILE", type=_FILE,
    help="The backend file, which says how frames are written and how clients sign in. Default: it is inferred.",
)  # fmt: skip
@click.option(
    "--settings", metavar="FILE", type=_FILE,
    help="Settings that the backend runs with, NAME=value: their values are written as {setting:NAME}.",
)  # fmt: skip
@click.option("--name", default="recorded", show_default=True, help="The scenario's name.")
@click.option("--out", metavar="FILE", type=_FILE, help="Write the scenario there. Default: stdout.")
@click.option("--contract", metavar="FILE", type=_FILE, help="Also write an AsyncAPI 3 document of what was said.")
@click.option(
    "--for", "for_s", metavar="SECONDS", type=click.FloatRange(min=0.1, max=_LONGEST_S), default=3600.0,
    show_default=True, help="Record so long at most.",
)  # fmt: skip
@click.option(
    "--once",
    is_flag=True,
    help="End as soon as a WebSocket or a session was closed and no other is open.",
)
def record_command(  # noqa: PLR0917  click passes options by name
    upstream: str,
    ca: Path | None,
    listen: str | None,
    har: Path | None,
    transcript: Path | None,
    backend: Path | None,
    settings: Path | None,
    name: str,
    out: Path | None,
    contract: Path | None,
    for_s: float,
    once: bool,  # noqa: FBT001
) -> None:
    """Pass a client's HTTP and WebSockets on to a running backend, and make a scenario of what was said.

    Ids, users and numbers become placeholders, what the backend gives and the client says again is captured,
    credentials are written down nowhere. The scenario is played again, and written only if it goes the same way: exit
    code 1 says that it does not, and where. Ctrl-C ends the recording.
    """
    with one_message():
        wishes = _Wishes(name, out, contract)
        wishes.reach(upstream, ca)
        wishes.listen_at(listen)
        if har is not None and transcript is not None:
            wishes.mistake("--transcript", "one of --har and --transcript", "both", "leave one out")
        if listen is not None and (har or transcript):
            wishes.mistake("--listen", "nothing, for a file is read and nobody is listened to", in_words(listen))
        wishes.load(backend, settings)
        wishes.check()
        recording = _recorded(wishes, har, transcript, for_s, once=once)
    with one_message():
        _write(wishes, recording)


def _recorded(wishes: _Wishes, har: Path | None, transcript: Path | None, for_s: float, *, once: bool) -> Recording:
    """What was recorded, with a conversation in it."""
    if har is not None:
        recording = read_har(har)
    elif transcript is not None:
        recording = read_transcript(transcript)
    else:

        def listening(there: int) -> None:
            shown = f"[{wishes.listen[0]}]" if ":" in wishes.listen[0] else wishes.listen[0]
            say(f"passes http://{shown}:{there} on to {wishes.upstream.origin}; Ctrl-C ends the recording", err=True)

        def is_over(recording: Recording) -> bool:
            return are_sessions_over(recording, wishes.backend)

        recording = asyncio.run(record(wishes.upstream, wishes.listen, StopCondition(for_s, once, is_over), listening))
    for note in recording.notes:
        say(f"not recorded: {note}", err=True)
    if not is_conversation(recording, wishes.backend):
        got = f"{counted(len(recording.events), 'request')} over HTTP" if recording.events else "nothing"
        action = "talk to the address of the proxy, not to the backend's own"
        raise ConfigurationError(
            [Mistake("record", 0, "WebSocket", "one, or a long polling of Socket.IO", got, action)]
        )
    return recording


def _write(wishes: _Wishes, recording: Recording) -> None:
    """Prove it, and write what holds."""
    out, contract = wishes.out, wishes.contract
    trial = trial_of(recording, wishes.backend, wishes.upstream, wishes.name, wishes.settings)
    opened = sum(isinstance(turn.event, WebSocketOpened) for turn in trial.turns)
    if contract is not None and not opened:
        expected = "frames of a WebSocket, or of sessions of Engine.IO"
        raise ConfigurationError([Mistake(_SOURCE, 0, "--contract", expected, "requests alone")])
    extent = f"{counted(opened, 'connection')}, {counted(len(recording.events), 'event')}"
    say(f"recorded {extent}; plays it again at {trial.endpoint.origin}", err=True)

    async def proven() -> tuple[Proven, str]:
        await reach(wishes.upstream)
        held = await prove(trial)
        return held, await prove_contract(trial, held) if contract is not None else ""

    try:
        held, document = asyncio.run(proven())
    except DoesNotHold as error:
        end(FINDINGS, f"envparity: {error}\n  Nothing was written: what was recorded does not go the same way again.")
    text = scenario_text(held, trial.backend, None if wishes.backend is not None else trial.speech, extent)
    if contract is not None:
        _put(contract, document)
        say(f"wrote {contract}", err=True)
    if out is None:
        say(text.rstrip("\n"))
        return
    _put(out, text)
    _say_what_was_found(held, out)


def _say_what_was_found(held: Proven, out: Path) -> None:
    say(f"wrote {out}: {counted(len(held.table['steps']), 'step')}, clean twice", err=True)
    if held.volatile:
        say(f"  volatile: {', '.join(held.volatile)}", err=True)
    if held.ignored:
        say(f"  ignored_frames: {', '.join(held.ignored)}", err=True)
    for setting, where in held.settings.items():
        say(f"  setting {setting}: {where}", err=True)
    for note in held.notes:
        say(f"  not in it: {note}", err=True)


def _put(file: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except OSError as error:
        raise OutputFailed([f"{file}: {error.strerror or 'an error'}"]) from error
