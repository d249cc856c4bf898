"""What is wrong with [[names]]: paths at which no replica can show anything, and what is said twice."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.errors import Mistake
from envparity.model.backend import Backend
from envparity.support.toml.document import Document, did_you_mean, in_words

__all__ = ["name_mistakes"]

_PLACES = ("report", "health.live", "health.ready", "handshake.headers", "frames", "http")
_LONGEST = 80  # characters of a path of which it is asked what was meant
_EXPECTED = f"a path below {', '.join(_PLACES)}"


def name_mistakes(document: Document, backend: Backend) -> Iterator[Mistake]:
    """Everything that is wrong with the names of that backend, which the document says."""
    said: dict[tuple[str, str], str] = {}
    for index, name in enumerate(backend.names):
        key = ("names", index, "path")
        yield from _place_mistakes(document, backend, key, name.path)
        known = said.setdefault((name.path, name.across), name.expected)
        if known != name.expected:
            got = f"the same and different across {name.across}"
            yield document.mistake(key, "one of the two of each path", got, "remove one of them")
        elif list(backend.names).index(name) < index:
            yield document.mistake(key, "each path once", in_words(name.path), "remove one of them")


def _place_mistakes(document: Document, backend: Backend, key: tuple[str | int, ...], path: str) -> Iterator[Mistake]:
    """A path that begins with nothing that a replica shows, or with what this backend does not have."""
    health, place = backend.health, _place(path)
    absent = {
        "report": health.startup is None,
        "health.live": health.live is None,
        "health.ready": health.ready is None,
    }
    if not place:
        beginning = ".".join(path[:_LONGEST].split(".")[:2])
        yield document.mistake(key, _EXPECTED, in_words(path), did_you_mean(beginning, _PLACES))
    elif absent.get(place):
        asked = "startup" if place == "report" else place.partition(".")[2]
        yield document.mistake(
            key, f"health.{asked}, which says it", f"{in_words(path)}, and no such path", "say where it is asked"
        )


def _place(path: str) -> str:
    """Which of the places the path is below; the path's own beginning where a glob leaves that open, empty: none."""
    parts = path.split(".")
    if any(mark in parts[0] for mark in "*?["):
        return parts[0]
    if parts[0] == "health" and len(parts) > 2 and any(mark in parts[1] for mark in "*?["):
        return "health"
    return next((place for place in _PLACES if path.startswith(f"{place}.")), "")
