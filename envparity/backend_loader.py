"""Reads backend files. Every mistake is found before any is raised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from envparity.backend import (
    Audit,
    Backend,
    Carrier,
    HealthPaths,
    ImageSource,
    Phases,
    ProcessSource,
    ReportMapping,
    Revocation,
    Tokens,
)
from envparity.document import Document, in_words, read_document, schema_mistakes
from envparity.environment_loader import literal
from envparity.errors import ConfigurationError, Mistake
from envparity.scenario import Scenario, expand, parse_scenarios

__all__ = ["load_backend", "read_backend"]

SCHEMA = "backend.schema.json"

_FORMS = ("header", "subprotocol", "first_frame")
_TOKEN = re.compile(r"\{token(?:_base64url)?\}")


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
    mistakes = [*mistakes, *schema_mistakes(document, SCHEMA), *_cross_checks(document), *wrong]
    if mistakes:
        return None, mistakes
    return _build(document, scenarios), []


def _scenarios(document: Document) -> tuple[tuple[Scenario, ...], list[Mistake]]:
    tables = document.data.get("scenario", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return (), []  # the schema says so
    carriers = [str(carrier.get("name")) for carrier in _carriers(document)]
    parsed, mistakes = parse_scenarios(tables, document.source, document.line_of, carriers)
    return tuple(one for scenario in parsed for one in expand(scenario, carriers)), mistakes


def _carriers(document: Document) -> list[dict[str, Any]]:
    found = document.table("tokens").get("carriers")
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def _build(document: Document, scenarios: tuple[Scenario, ...]) -> Backend:
    """The backend of a document in which nothing is wrong."""
    data = document.data
    convert = msgspec.convert
    fields: dict[str, Any] = {
        "file": document.path,
        "image": _image(document),
        "process": _process(document, data["process"]) if "process" in data else None,
        "settings": {name: literal(value) for name, value in data.get("settings", {}).items()},
        "health": HealthPaths(**{key: path or None for key, path in data.get("health", {}).items()}),
        "report": convert(data.get("report", {}), ReportMapping),
        "contract": _beside(document, data["contract"]) if "contract" in data else None,
        "tokens": _tokens(data["tokens"]) if "tokens" in data else None,
        "audit": convert(data["audit"], Audit) if "audit" in data else None,
        "phases": convert(data.get("phases", {}), Phases),
        "scenarios": scenarios,
    }
    for key, value in data.items():
        if key not in fields and key != "scenario":
            fields[key] = tuple(value) if isinstance(value, list) else value
    return Backend(**fields)


def _image(document: Document) -> ImageSource:
    image = document.table("image")
    if "name" in image:
        return ImageSource(name=image["name"])
    dockerfile = _beside(document, image["dockerfile"])
    context = _beside(document, image["context"]) if "context" in image else dockerfile.parent
    return ImageSource(dockerfile, context, tuple(image.get("include", ("**",))))


def _process(document: Document, table: Mapping[str, Any]) -> ProcessSource:
    variables = {name: literal(value) for name, value in table.get("variables", {}).items()}
    folder = _beside(document, table.get("folder", "."))
    return ProcessSource(tuple(table["command"]), folder, tuple(table.get("include", ())), variables)


def _tokens(table: Mapping[str, Any]) -> Tokens:
    plain = dict(table)
    carriers = tuple(msgspec.convert(one, Carrier) for one in plain.pop("carriers"))
    revocation = plain.pop("revocation", None)
    revoked = None if revocation is None else msgspec.convert(revocation, Revocation)
    return Tokens(**plain, carriers=carriers, revocation=revoked)


def _beside(document: Document, path: str) -> Path:
    return (document.path.parent / path).resolve()


def _cross_checks(document: Document) -> Iterator[Mistake]:
    """What no schema can say. The document may be wrong in any way: what the schema reports is passed over."""
    yield from _image_mistakes(document)
    yield from _missing(document, ("process", "folder"), document.table("process").get("folder"), folder=True)
    yield from _missing(document, ("contract",), document.data.get("contract"))
    yield from _carrier_mistakes(document)
    refusal = document.data.get("startup_refusal")
    if isinstance(refusal, str) and len(refusal) <= 123 < len(refusal.encode()):
        yield document.mistake(("startup_refusal",), "at most 123 bytes (RFC 6455 §5.5)", f"{len(refusal.encode())}")
    for key in ("log_passed", "log_failed"):
        problem = _regex_problem(document.table("report").get(key))
        if problem:
            yield document.mistake(("report", key), "a regular expression of Python's kind", problem)
    for table in (("settings",), ("process", "variables")):
        for setting, value in document.table(*table).items():
            if isinstance(value, str) and "\0" in value:
                yield document.mistake((*table, setting), "text that a process environment can hold", "a zero byte")


def _regex_problem(pattern: Any) -> str:
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            return str(error)
    return ""


def _image_mistakes(document: Document) -> Iterator[Mistake]:
    image = document.table("image")
    if not isinstance(document.data.get("image"), dict):
        return
    if ("name" in image) == ("dockerfile" in image):
        got, action = ("both", "remove one of them") if "name" in image else ("neither", "add one of them")
        yield document.mistake(("image",), "either name or dockerfile", got, action)
    for key in ("context", "include"):
        if key in image and "dockerfile" not in image:
            action = "add dockerfile, or remove it"
            yield document.mistake(("image", key), "nothing without a dockerfile", in_words(image[key]), action)
    yield from _missing(document, ("image", "dockerfile"), image.get("dockerfile"))
    yield from _missing(document, ("image", "context"), image.get("context"), folder=True)


def _missing(document: Document, key: tuple[str, ...], path: Any, *, folder: bool = False) -> Iterator[Mistake]:
    if not isinstance(path, str) or not path:
        return
    expected, found = "a file" if not folder else "a folder", False
    if "\0" not in path:
        place = document.path.parent / path
        found = place.is_dir() if folder else place.is_file()
    if not found:
        got = f"{in_words(path)}, which is none"
        yield document.mistake(key, expected, got, "paths are relative to this file")


def _carrier_mistakes(document: Document) -> Iterator[Mistake]:
    seen: set[object] = set()
    for index, carrier in enumerate(_carriers(document)):
        key = ("tokens", "carriers", index)
        forms = [form for form in _FORMS if form in carrier]
        if len(forms) != 1 and carrier:
            expected = "exactly one of " + ", ".join(_FORMS)
            yield document.mistake(key, expected, " and ".join(forms) or "none of them")
        for form in forms:
            if isinstance(carrier[form], str | dict) and not _holds_token(carrier[form]):
                yield document.mistake((*key, form), "{token} or {token_base64url} in it", in_words(carrier[form]))
        name = carrier.get("name")
        if isinstance(name, str) and name in seen:
            yield document.mistake((*key, "name"), "a name that no other carrier has", in_words(name))
        seen.add(name if isinstance(name, str) else None)


def _holds_token(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(_holds_token(one) for one in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and _TOKEN.search(value) is not None
