"""Reading an AsyncAPI 3 document: a validator for each message, and every mistake at once."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from envparity.conversation.bounded_schema import BoundedValidator
from envparity.errors import Mistake
from envparity.support.patterns import pattern_problem
from envparity.toml.bounds import LONGEST, bounded_content

__all__ = ["ContractReading", "Direction", "close_rules", "place", "shortened"]

Direction = Literal["sent", "received"]  # as the client sees it

_DIRECTION: dict[str, Direction] = {"receive": "sent", "send": "received"}
_URI = "urn:envparity:contract"
_LAST = re.compile(r"(\[\d+\]|\.[^.\[]*|^[^.\[]*)$")  # the last part of a key
_SHOWN = 200
_DEEPEST = 100
_MOST_VALUES = 200_000
_CLOSE_CODES = range(1000, 5000)


class ContractReading:
    """One document being read: collects its mistakes."""

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        self.mistakes: list[Mistake] = []
        self.lines: dict[str, int] = {}
        self.document: dict[str, Any] = {}
        try:
            text = _text(path)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            _check_size(node)
            self.lines = dict(_lines(node))
            loaded = yaml.safe_load(text)
        except OSError as error:
            self.mistake("", "a file that can be read", error.strerror or type(error).__name__)
        except RecursionError:
            self.mistake("", f"values nested at most {_DEEPEST} deep", "deeper ones")
        except (
            yaml.YAMLError,
            ValueError,
        ) as error:  # a date that is none is a ValueError, and so is a number too long
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            line = mark.line + 1 if mark is not None else 0
            self.mistakes.append(Mistake(self.source, line, "document", "YAML", shortened(str(error))))
        else:
            if isinstance(loaded, dict):
                self.document = loaded
            else:
                self.mistake("", "an AsyncAPI document", type(loaded).__name__)
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource(_URI, resource)

    def mistake(self, key: str, expected: str, got: str, action: str = "") -> None:
        """Note one at that key; its line is the nearest that is known."""
        known = key
        while known and known not in self.lines:
            known = _LAST.sub("", known)
        self.mistakes.append(Mistake(self.source, self.lines.get(known, 0), key or "document", expected, got, action))

    def messages(self) -> dict[Direction, dict[str, Draft202012Validator]]:
        """A validator for each message, by direction and name."""
        found: dict[Direction, dict[str, Draft202012Validator]] = {"sent": {}, "received": {}}
        if self.mistakes:
            return found
        version = self.document.get("asyncapi")
        if not re.fullmatch(r"3\.\d+\.\d+", str(version)):
            self.mistake("asyncapi", "3.0.0 or later", repr(version))
        self._check_references(self.document, "")
        components = self.document.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        for name, schema in (schemas if isinstance(schemas, dict) else {}).items():
            self._is_schema(schema, f"#/components/schemas/{name}")
        self._read_operations(found)
        self._check_extensions()
        self.mistakes = list(dict.fromkeys(self.mistakes))
        return found

    def _check_references(self, value: object, key: str) -> None:
        """Every `$ref` must lead somewhere in this document."""
        if isinstance(value, dict):
            target = value.get("$ref")
            if isinstance(target, str) and not self._resolve(target)[0]:
                self.mistake(f"{key}.$ref".lstrip("."), "a place in this document", repr(target))
            for name, one in value.items():
                self._check_references(one, f"{key}.{name}".lstrip("."))
        elif isinstance(value, list):
            for index, one in enumerate(value):
                self._check_references(one, f"{key}[{index}]")

    def _resolve(self, target: str) -> tuple[str, Any]:
        """What a reference leads to, through further references, and the reference that stands right before it.

        ("", None) where it leads nowhere in this document.
        """
        seen: set[str] = set()
        while target.startswith("#") and target not in seen:
            seen.add(target)
            try:
                held = self.registry.resolver(_URI).lookup(target).contents
            except (Unresolvable, ValueError, TypeError):  # the last two: it leads into a text or a number
                break
            if not isinstance(held, dict | bool):
                break
            if isinstance(held, bool) or not isinstance(held.get("$ref"), str):
                return target, held
            target = held["$ref"]
        return "", None

    def _read_operations(self, found: dict[Direction, dict[str, Draft202012Validator]]) -> None:
        operations = self.document.get("operations")
        if not isinstance(operations, dict) or not operations:
            self.mistake("operations", "operations that say who sends what", "none")
            return
        for name, operation in operations.items():
            key = f"operations.{name}"
            action = operation.get("action") if isinstance(operation, dict) else operation
            if action not in _DIRECTION:
                self.mistake(f"{key}.action", "send or receive", repr(action))
                continue
            references = operation.get("messages")
            if references is None:
                references = self._messages_of_channel(operation.get("channel"))
            if isinstance(references, list) and references:
                found[_DIRECTION[action]] |= self._validators(references, f"{key}.messages")
            else:
                self.mistake(f"{key}.messages", "references to messages, here or in its channel", repr(references))
        for direction, held in found.items():
            if not held and not self.mistakes:
                self.mistake("operations", f"a message that a client would have {direction}", "none")

    def _validators(self, references: list[object], key: str) -> dict[str, Draft202012Validator]:
        found = {}
        for index, reference in enumerate(references):
            target = reference.get("$ref") if isinstance(reference, dict) else None
            if not isinstance(target, str):
                self.mistake(f"{key}[{index}]", "a reference to a message", repr(reference))
                continue
            validator = self._validator(target, f"{key}[{index}]")
            if validator is not None:
                found[target.rsplit("/", 1)[-1]] = validator
        return found

    def _messages_of_channel(self, channel: object) -> list[dict[str, str]] | None:
        target = channel.get("$ref") if isinstance(channel, dict) else None
        held = self._resolve(target)[1] if isinstance(target, str) else None
        messages = held.get("messages") if isinstance(held, dict) else None
        if not isinstance(messages, dict):
            return None
        return [{"$ref": f"{target}/messages/{name}"} for name in messages]

    def _validator(self, target: str, key: str) -> Draft202012Validator | None:
        place_of_message, message = self._resolve(target)
        if not place_of_message:
            return None  # a mistake already, as a reference
        payload = message.get("payload") if isinstance(message, dict) else None
        inside = f"{place_of_message}/payload"
        if isinstance(payload, dict) and "schemaFormat" in payload:  # a multi-format schema object
            payload, inside = payload.get("schema"), f"{inside}/schema"
        if not isinstance(payload, dict):
            self.mistake(key, "a message with a payload", repr(target))
            return None
        if not self._is_schema(payload, inside):
            return None
        # By way of a reference, so that references inside the payload lead into the document.
        return BoundedValidator({"$ref": f"{_URI}{inside}"}, registry=self.registry)

    def _is_schema(self, schema: object, where: str) -> bool:
        wrong = list(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
        for error in wrong:
            key = ".".join([where.removeprefix("#/").replace("/", "."), *map(str, error.absolute_path)])
            self.mistake(key, "JSON Schema 2020-12", shortened(error.message))
        for at, pattern in _patterns(schema, ()):
            problem = pattern_problem(pattern)
            if problem:
                key = ".".join([where.removeprefix("#/").replace("/", "."), *at])
                self.mistake(key, "a regular expression", f"{shortened(pattern)}: {problem}", "correct it")
        return not wrong

    def _check_extensions(self) -> None:
        for key, held in _extensions(self.document, "x-close-codes"):
            if not isinstance(held, dict):
                self.mistake(key, "rules by close code", repr(held))
                continue
            for code, rule in held.items():
                if not str(code).isdecimal() or int(code) not in _CLOSE_CODES:
                    self.mistake(f"{key}.{code}", "a close code from 1000 to 4999", repr(code))
                elif not isinstance(rule, dict) or not isinstance(rule.get("reasons", []), list):
                    self.mistake(f"{key}.{code}", "an object, with a list of reasons if any", repr(rule))
        for key, held in _extensions(self.document, "x-deadlines"):
            if not isinstance(held, dict):
                self.mistake(key, "deadlines by name", repr(held))


def _patterns(schema: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every regular expression of a schema, with its place."""
    under = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in under:
        if key == "pattern" and isinstance(value, str):
            yield (*at, "pattern"), value
        elif key == "patternProperties" and isinstance(value, dict):
            yield from (((*at, key), pattern) for pattern in value if isinstance(pattern, str))
        if key not in {"const", "enum", "examples", "default"}:
            yield from _patterns(value, (*at, str(key)))


def _text(path: Path) -> str:
    """What the file says. Raises `OSError`, and `ValueError` for one that is too long or no file of text."""
    content = bounded_content(path)
    if content is None:
        raise ValueError(f"a file of at most {LONGEST // 1024**2} MiB is read, and no device")
    return content.decode("utf-8")


def _extensions(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """That extension wherever it stands: at the root and in channels, with its key."""
    if name in document:
        yield name, document[name]
    channels = document.get("channels")
    for channel, held in (channels if isinstance(channels, dict) else {}).items():
        if isinstance(held, dict) and name in held:
            yield f"channels.{channel}.{name}", held[name]


def close_rules(document: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """What `x-close-codes` says, by close code."""
    for _, held in _extensions(document, "x-close-codes"):
        for code, rule in held.items():
            yield int(code), rule


def _check_size(node: yaml.Node | None) -> None:
    """Raise `ValueError` for a document that is too deep or too large once its aliases are written out.

    An alias of what it stands in makes it endlessly deep; aliases of aliases make it large.
    """
    waiting = [(node, 0)]
    count = 0
    while waiting:
        held, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} deep, with its aliases written out")
        if count > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values, with its aliases written out")
        if isinstance(held, yaml.MappingNode):
            waiting += [(part, depth + 1) for pair in held.value for part in pair]
        elif isinstance(held, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in held.value]


def _lines(node: yaml.Node | None, key: str = "") -> Iterator[tuple[str, int]]:
    """The 1-based line of every key of a document."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            path = f"{key}.{name.value}".lstrip(".")
            yield path, name.start_mark.line + 1
            yield from _lines(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            path = f"{key}[{index}]"
            yield path, value.start_mark.line + 1
            yield from _lines(value, path)


def place(path: Iterable[object]) -> str:
    """Where in a document, before what is said of it: `limits.max: `."""
    where = ".".join(map(str, path))
    return f"{where}: " if where else ""


def shortened(text: str) -> str:
    """A message that may quote what is long."""
    return textwrap.shorten(text, _SHOWN, placeholder=" …")
