"""Reads backend files. Every mistake is found before any is raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from envparity.auth.table import kinds_of, tokens_schema
from envparity.config.command import command_mistakes
from envparity.config.image import beside, image_mistakes, image_of, missing_mistakes
from envparity.config.names import name_mistakes
from envparity.config.scenario import parse_scenarios
from envparity.config.settings import literal_mistakes
from envparity.config.tokens import carrier_mistakes, carrier_tables, lacking_mistakes, read_tokens
from envparity.errors import ConfigurationError, Mistake
from envparity.frames.codec import CODECS, Codec, written
from envparity.frames.table import codec_of, frames_schema
from envparity.model.backend import (
    Audit,
    Backend,
    ContractFile,
    HealthPaths,
    ImageSource,
    Limits,
    Phases,
    Previous,
    ProcessSource,
    ReportMapping,
    Retries,
    UpAnswer,
)
from envparity.model.commands import HEALTH_PORT, PORT, ports_in
from envparity.model.composed import unescaped
from envparity.model.environment import literal
from envparity.model.names import DeclaredName
from envparity.model.scenario import Scenario, expand
from envparity.model.step import PLACEHOLDER, placeholders
from envparity.support.patterns import pattern_problem
from envparity.support.toml.document import Document, in_words, read_document, unfit_for_a_process
from envparity.support.toml.schema import schema_mistakes

__all__ = ["load_backend", "read_backend"]

_OF_A_REPORT = {"status", "order", "steps", "checks", "failures", "settings", "passed", "starting"}
SCHEMA = "backend.schema.json"

_AWAY = {"hang_up", "black_hole", "refuse"}
_SENDING = {"send", "send_size", "flood"}
_PLACEHOLDERS = {"websocket_path": ("setting", "first", "uuid", "user"), "origin": ("setting", "first", "origin")}


def load_backend(path: Path) -> Backend:
    """One backend file. Raises `ConfigurationError` with everything that is wrong with it."""
    backend, mistakes = read_backend(path)
    if backend is None:
        raise ConfigurationError(mistakes)
    return backend


def read_backend(path: Path) -> tuple[Backend | None, list[Mistake]]:
    """One backend file, or None and everything that is wrong with it."""
    document, mistakes = read_document(path)
    if document is None:
        return None, mistakes
    scenarios, wrong = _scenarios(document)
    mistakes = [
        *mistakes,
        *schema_mistakes(
            document,
            SCHEMA,
            {
                "tokens": tokens_schema(document.table("tokens")),
                "frames": frames_schema(document.table("frames")),
            },
        ),
        *_cross_checks(document),
        *_placeholder_mistakes(document),
        *wrong,
    ]
    if mistakes:
        return None, mistakes
    backend = _build(document, scenarios)
    mistakes = [*_unwritable(document, backend.codec), *name_mistakes(document, backend)]
    if backend.tokens is not None:
        mistakes += lacking_mistakes(document, backend.tokens, scenarios)
    return (None, mistakes) if mistakes else (backend, [])


def _scenarios(document: Document) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    tables = document.data.get("scenario", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return (), []  # the schema says so
    carriers = [str(carrier.get("name")) for carrier in carrier_tables(document)]
    kinds = kinds_of(document.table("tokens"))
    parsed, mistakes = parse_scenarios(tables, document.source, document.line_of, carriers, kinds)
    return tuple(each_scenario for scenario in parsed for each_scenario in expand(scenario, carriers)), mistakes


def _build(document: Document, scenarios: tuple[Scenario, ...]) -> Backend:
    """The backend of a document in which nothing is wrong."""
    data = document.data
    convert = msgspec.convert
    fields: dict[str, Any] = {
        "file": document.path,
        "image": image_of(document) or ImageSource(),
        "process": _process(document, data["process"]) if "process" in data else None,
        "previous": _previous(document, data["previous"]) if "previous" in data else None,
        "settings": {name: unescaped(literal(value)) for name, value in data.get("settings", {}).items()},
        "health": _health(data.get("health", {}), data.get("report", {})),
        "report": convert(data.get("report", {}), ReportMapping),
        "contract": _contract(document, data["contract"]) if "contract" in data else None,
        "tokens": read_tokens(data["tokens"]) if "tokens" in data else None,
        "codec": _codec(document),
        "audit": convert(data["audit"], Audit) if "audit" in data else None,
        "phases": convert(data.get("phases", {}), Phases),
        "limits": convert(data.get("limits", {}), Limits),
        "retries": convert(data.get("retries", {}), Retries),
        "keeps": convert(data.get("keeps", {}), dict[str, tuple[str, ...]]),
        "names": convert(data.get("names", ()), tuple[DeclaredName, ...]),
        "scenarios": scenarios,
    }
    for key, value in data.items():
        if key not in fields and key not in {"scenario", "frames"}:
            fields[key] = tuple(value) if isinstance(value, list) else value
    return Backend(**fields)


def _placeholder_mistakes(document: Document) -> Iterator[Mistake]:
    """Placeholders that nothing fills before there is a conversation, and braces that look like one."""
    for key, kinds in _PLACEHOLDERS.items():
        text = document.data.get(key)
        if not isinstance(text, str):
            continue
        expected = f"placeholders of the kinds {', '.join(kinds)}"
        for name, argument in placeholders(text):
            if name not in kinds or (name not in {"user", "origin"} and not argument):
                yield document.mistake((key,), expected, f"{{{name}:{argument}}}" if argument else f"{{{name}}}")
        rest = PLACEHOLDER.sub("", text)
        if "{" in rest or "}" in rest:
            yield document.mistake((key,), expected, in_words(text), "correct it, or remove the braces")


def _unwritable(document: Document, codec: Codec) -> Iterator[Mistake]:
    """Frames to be sent that the codec cannot write; of one with placeholders only the conversation knows."""
    for number, scenario in enumerate(document.tables("scenario")):
        for index, step in enumerate(scenario["steps"]):
            for action in _SENDING & step.keys():
                frame = step.get("frame") if action == "send_size" else step[action]
                if not isinstance(frame, dict) or next(placeholders(frame), None) is not None:
                    continue
                try:
                    written(codec, frame)
                except ValueError as error:
                    key = ("scenario", number, "steps", index, action)
                    yield document.mistake(key, "a frame of the codec in [frames]", str(error))


def _health(table: Mapping[str, Any], report: Mapping[str, Any]) -> HealthPaths:
    """Where `up` is said, a path that is not said is none; a report that is known by name has its own path."""
    paths = {key: path or None for key, path in table.items() if key not in ("up", "port", "draining")}
    up = table.get("up")
    if "format" in report:
        path = "/actuator/health" if report["format"] == "spring-boot" else "/health"
        paths = {"live": None, "ready": path, "startup": path, "metrics": None, **paths}
    elif up is not None:
        paths = {**dict.fromkeys(("live", "ready", "startup", "metrics")), **paths}
    said = msgspec.convert(up, UpAnswer) if isinstance(up, dict) else up
    return HealthPaths(**paths, up=said, port=table.get("port"), draining=table.get("draining"))


def _contract(document: Document, said: Any) -> ContractFile:
    """Where the contract stands: a path alone, or a table."""
    table: dict[str, Any] = {"document": said} if isinstance(said, str) else said
    channel = table.get("channel", ())
    names = (channel,) if isinstance(channel, str) else tuple(channel)
    view: Literal["server", "client"] | None = table.get("view")
    return ContractFile(beside(document, table["document"]), names, view)


def _process(document: Document, table: Mapping[str, Any]) -> ProcessSource:
    variables = {name: literal(value) for name, value in table.get("variables", {}).items()}
    folder = beside(document, table.get("folder", "."))
    return ProcessSource(tuple(table["command"]), folder, tuple(table.get("include", ())), variables)


def _previous(document: Document, table: Mapping[str, Any]) -> Previous:
    return Previous(beside(document, table["folder"]) if "folder" in table else None, table.get("revision"))


def _previous_mistakes(document: Document) -> Iterator[Mistake]:
    """Both places or none, or where there is no process to run it as."""
    if not isinstance(document.data.get("previous"), dict):
        return
    table = document.table("previous")
    if ("folder" in table) == ("revision" in table):
        got, action = ("both", "remove one of them") if table else ("neither", "add one of them")
        yield document.mistake(("previous",), "either folder or revision", got, action)
    if "process" not in document.data:
        yield document.mistake(("previous",), "a table [process], as which it is started", "none", "add it")
    yield from missing_mistakes(document, ("previous", "folder"), table.get("folder"), folder=True)


def _codec(document: Document) -> Codec:
    """The codec of [frames]; without that table JSON objects."""
    table = document.table("frames")
    codec = codec_of(table)
    assert codec is not None  # noqa: S101  the schema says which there are
    own = {key: value for key, value in table.items() if key != "codec"}
    with CODECS.guarding(codec):
        return msgspec.convert(own, codec)


def _cross_checks(document: Document) -> Iterator[Mistake]:
    """What no schema can say. The document may be wrong in any way: what the schema reports is passed over."""
    yield from image_mistakes(document)
    if "image" not in document.data and "process" not in document.data:
        expected = "a table [image], or [process] for a backend that runs without one"
        yield document.mistake(("image",), expected, "neither", "add one of them")
    yield from missing_mistakes(document, ("process", "folder"), document.table("process").get("folder"), folder=True)
    contract: object = document.data.get("contract")
    where: tuple[str, ...] = ("contract",)
    if isinstance(contract, dict):
        where, contract = ("contract", "document"), contract.get("document")
    yield from missing_mistakes(document, where, contract)
    yield from carrier_mistakes(document)
    yield from _previous_mistakes(document)
    yield from _command_mistakes(document)
    yield from _format_mistakes(document)
    yield from _draining_mistakes(document)
    yield from _retry_mistakes(document)
    yield from _public_mistakes(document)
    refusal = document.data.get("startup_refusal")
    if isinstance(refusal, str) and len(refusal) <= 123 < len(refusal.encode()):
        yield document.mistake(("startup_refusal",), "at most 123 bytes (RFC 6455 §5.5)", f"{len(refusal.encode())}")
    for key in ("log_passed", "log_failed"):
        pattern = document.table("report").get(key)
        problem = pattern_problem(pattern) if isinstance(pattern, str) else ""
        if problem:
            action = "the packages re and regex must both take it"
            yield document.mistake(("report", key), "a regular expression of Python's kind", problem, action)
    for table in (("settings",), ("process", "variables")):
        for setting, value in document.table(*table).items():
            unfit = unfit_for_a_process(value)
            if unfit:
                expected = "text that a process environment can hold"
                yield document.mistake((*table, setting), expected, unfit, "give it a file to read, or less")
            if table == ("settings",):
                yield from literal_mistakes(document, (*table, setting), value)
    for index, scenario in enumerate(document.tables("scenario")):
        boot = scenario.get("boot")
        given = boot.get("settings") if isinstance(boot, dict) else None
        for setting, value in given.items() if isinstance(given, dict) else ():
            yield from literal_mistakes(document, ("scenario", index, "boot", "settings", setting), value)


def _retry_mistakes(document: Document) -> Iterator[Mistake]:
    """Figures of attempts to connect, where no scenario has a dependency away so that anybody could count them."""
    steps = [step for table in document.tables("scenario") for step in table.get("steps", ()) if isinstance(step, dict)]
    if document.data.get("retries") and not any(_AWAY & step.keys() for step in steps):
        expected = f"a scenario with a step {', '.join(sorted(_AWAY))}, in which it is looked at"
        yield document.mistake(("retries",), expected, "none", "remove the table, or add one")


def _public_mistakes(document: Document) -> Iterator[Mistake]:
    """What everybody may see, where there is nobody who has something that not everybody may see."""
    if "public_frames" in document.data and "tokens" not in document.data:
        action = "remove it, or say in [tokens] how users show who they are"
        yield document.mistake(("public_frames",), "users, who have something that is not everybody's", "none", action)


def _format_mistakes(document: Document) -> Iterator[Mistake]:
    """Paths beside a report that is known by name, where they would do nothing."""
    report = document.table("report")
    for key in _OF_A_REPORT & report.keys() if "format" in report else ():
        expected = "nothing beside format, which says where things are"
        yield document.mistake(("report", key), expected, "a value", "remove it")


def _draining_mistakes(document: Document) -> Iterator[Mistake]:
    """What readiness says of draining, where there is none."""
    health = document.table("health")
    if "draining" in health and not health.get("ready", "up" not in health or "format" in document.table("report")):
        yield document.mistake(
            ("health", "draining"), "a path at health.ready beside it", "none", "say it, or remove it"
        )


def _command_mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong with commands; and with a port for health alone, which boots beside each other cannot share."""
    asked_for = {PORT} | ({HEALTH_PORT} if "port" in document.table("health") else set())
    command = document.table("process").get("command")
    yield from command_mistakes(document, ("command",), document.data.get("command"), asked_for)
    yield from command_mistakes(document, ("process", "command"), command, asked_for)
    words = [word for word in command if isinstance(word, str)] if isinstance(command, list) else []
    if words and HEALTH_PORT in asked_for and HEALTH_PORT not in ports_in(words):
        expected, action = "{health_port} in it, for [health] has a port of its own", "say there where health is asked"
        yield document.mistake(("process", "command"), expected, in_words(words), action)
