"""The parameters in a channel's address, held against the path that a backend's connections have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from envparity.conversation.contract.contract import ContractReading
from envparity.conversation.contract.description import Channel
from envparity.conversation.contract.documents import DocumentPlace

__all__ = ["parameter_violations"]

_PARAMETER: Final = re.compile(r"\{([^{}/]*)\}")


def parameter_violations(reading: ContractReading, channel: Channel, path: str) -> Iterator[str]:
    """What the document has against the values that a path has in place of the address's parameters.

    What is a placeholder in the path itself is known only when a connection is made, and is passed over.
    """
    address = channel.address or ""
    names = _PARAMETER.findall(address)
    pattern = "([^/]+)".join(re.escape(text) for text in _PARAMETER.split(address)[::2])
    found = re.search(f"{pattern.removeprefix('/')}$", unquote(urlsplit(path).path))
    for name, value in zip(names, found.groups() if found else (), strict=False):
        place = reading.documents.followed(channel.place.below("parameters", name))
        if place is None or not isinstance(place.value, dict) or "{" in value:
            continue
        if isinstance(place.value.get("schema"), dict):  # 2.x
            yield from _by_schema(reading, place.below("schema"), name, value)
        listed = place.value.get("enum")
        if isinstance(listed, list) and value not in {str(each_value) for each_value in listed}:
            yield f"parameter {name} is {value!r}, which is none of its values"


def _by_schema(reading: ContractReading, place: DocumentPlace, name: str, value: str) -> Iterator[str]:
    held = reading.documents.followed(place)
    validator = reading.schemas.validator(held, "JSON Schema draft-07") if held is not None else None
    if validator is None:
        return
    readings = (value, int(value)) if value.lstrip("-").isdecimal() else (value,)
    if not any(validator.is_valid(each_reading) for each_reading in readings):
        yield f"parameter {name}: {next(iter(validator.iter_errors(value))).message}"
