"""Amounts as deployments write them: bytes, cores, durations."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["cores", "mebibytes", "seconds", "size"]

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m|h|d)")
_SECONDS: Final = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BINARY: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_DECIMAL: Final = {"k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}


def size(text: str, *, decimal: bool = False) -> int | None:
    """Bytes; None for what is no size. `decimal`: `M` is 1000², as in Kubernetes; else 1024², as in compose, nginx."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    number, unit = float(found["number"]), found["unit"]
    if decimal and unit in _DECIMAL:
        return int(number * _DECIMAL[unit])
    letter = re.fullmatch(r"(?i)([kmgt]?)(?:ib?|b)?", unit)
    factor = _BINARY.get(letter[1].lower()) if letter is not None else None
    return None if factor is None else int(number * factor)


def mebibytes(text: str, *, decimal: bool = False) -> int | None:
    """MiB, rounded down; None for what is no size. For `decimal` see `size`."""
    found = size(text, decimal=decimal)
    return None if found is None else found // 1024**2


def cores(text: str) -> float | None:
    """Cores: `0.5`, `500m`; None for what is none."""
    try:
        found = float(text.removesuffix("m")) / (1000 if text.endswith("m") else 1)
    except ValueError:
        return None
    return found if 0 < found < float("inf") else None


def seconds(text: str) -> float | None:
    """Seconds: `90`, `1m30s`, `500ms`; None for what is no duration."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return round(sum(float(number) * _SECONDS[unit] for number, unit in parts), 6)
