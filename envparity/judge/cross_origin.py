"""What browsers are told from each origin, as a table of paths and values: health, an error, and their preflights.

`http.GET:/health/ready.other_origin.headers.access-control-allow-origin`. A path that an ingress keeps to itself is
left out of all. Of a text its words are compared, of a number that it is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from http import HTTPStatus

from envparity.judge.normalise import is_incidental
from envparity.judge.volatile import words_alone
from envparity.model.backend import Backend
from envparity.observe.frame import JsonFrame, TextFrame
from envparity.observe.record import Observation
from envparity.observe.transcript import HttpAnswered

__all__ = ["origin_tables"]

_NO_ORIGIN = "no_origin"
_LISTS_OF_CORS = ("allow-headers", "allow-methods", "expose-headers")
_SETS = frozenset(("allow", "vary", *(f"access-control-{name}" for name in _LISTS_OF_CORS)))
"""Headers whose elements may come in any order (RFC 9110 §10.2.1 and §12.5.5, Fetch §3.2.3)."""


def origin_tables(backend: Backend, observations: Sequence[Observation]) -> list[dict[str, str]]:
    """What was answered in each of these boots, by path. What is as it is without an Origin is told once, of that.

    What was answered otherwise in another round of any boot is left out of all.
    """
    hidden = frozenset(
        path for observation in observations for answers in observation.cross_origin for path in _hidden(answers)
    )
    rounds = [
        [dict(_table(backend, answers, hidden)) for answers in observation.cross_origin] for observation in observations
    ]
    changing = {
        path
        for first, *others in rounds
        for other in others
        for path in first.keys() | other.keys()
        if first.get(path) != other.get(path)
    }
    return [{path: value for path, value in first.items() if path not in changing} for first, *_ in rounds]


def _hidden(answers: Sequence[HttpAnswered]) -> Iterator[str]:
    """The paths at which no replica answers a plain request, and those of a WebSocket: its handshakes are compared."""
    for answer in answers:
        unanswered = answer.connection == _NO_ORIGIN and (
            answer.answered_by in {"ingress", "nobody"} or answer.status == 0
        )
        if unanswered or answer.status == HTTPStatus.UPGRADE_REQUIRED:
            yield answer.request.partition(" ")[2]


def _table(backend: Backend, answers: Sequence[HttpAnswered], hidden: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    usual = {answer.request.partition(" ")[2]: answer for answer in answers if answer.connection == _NO_ORIGIN}
    for answer in answers:
        method, _, path = answer.request.partition(" ")
        if path in hidden:
            continue
        plain = dict(_fields(backend, usual[path])) if method == "GET" and answer.connection != _NO_ORIGIN else {}
        request = f"{method}:{path}"
        prefix = f"http.{json.dumps(request) if '.' in request else request}.{answer.connection}"
        said = dict(_fields(backend, answer))
        for name in said.keys() | plain.keys():
            if plain.get(name) != said.get(name):
                yield f"{prefix}.{name}", said.get(name, "absent")


def _fields(backend: Backend, answer: HttpAnswered) -> Iterator[tuple[str, str]]:
    yield "status", json.dumps(answer.status)
    if answer.error:
        yield "error", json.dumps(words_alone(answer.error))
    headers: dict[str, str] = {}
    for header in answer.headers:
        headers[header.name] = ", ".join(filter(None, (headers.get(header.name), header.value)))
    for name, said in headers.items():
        yield f"headers.{name}", json.dumps(_sorted(said) if name in _SETS else said)
    is_report = answer.request.endswith(f" {backend.health.startup}")
    match answer.body:
        case JsonFrame(value) if not is_report:
            yield from _leaves(value, "body", frozenset(backend.volatile))
        case TextFrame(text) if answer.status < HTTPStatus.BAD_REQUEST:
            yield "body", json.dumps(words_alone(text), ensure_ascii=False)


def _sorted(value: str) -> str:
    return ", ".join(sorted(element.strip() for element in value.split(",")))


def _leaves(value: object, path: str, volatile: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, under in value.items():
            if key not in volatile and not is_incidental(key, under):
                yield from _leaves(under, f"{path}.{json.dumps(key) if '.' in key else key}", volatile)
    elif isinstance(value, list) and value:
        for index, under in enumerate(value):
            yield from _leaves(under, f"{path}.{index}", volatile)
    elif isinstance(value, str):
        yield path, json.dumps(words_alone(value), ensure_ascii=False)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        yield path, '"<number>"' if is_number else json.dumps(value)
