"""Bytes inside of a frame, which is JSON: an object with one name, `{"$hex": "00ff"}`."""

from __future__ import annotations

from typing import Final

__all__ = ["bytes_in", "bytes_of", "hexadecimal", "text_or_bytes"]

_NAME: Final = "$hex"


def hexadecimal(held: bytes) -> dict[str, str]:
    """The object that stands for these bytes."""
    return {_NAME: held.hex()}


def bytes_in(value: object) -> bytes | None:
    """The bytes that a value stands for; None for any other. Raises `ValueError` for digits that are none."""
    if isinstance(value, dict) and set(value) == {_NAME} and isinstance(value[_NAME], str):
        return bytes.fromhex(value[_NAME])
    return None


def text_or_bytes(held: bytes) -> str | dict[str, str]:
    """The text that these bytes are, or the object that stands for them where they are none."""
    try:
        return held.decode()
    except UnicodeDecodeError:
        return hexadecimal(held)


def bytes_of(value: object) -> bytes:
    """The bytes of a text, or those that an object stands for. Raises `ValueError` for anything else."""
    held = bytes_in(value)
    if held is None and not isinstance(value, str):
        raise ValueError(f'text, or {{"{_NAME}" = "…"}}, and not {value!r}')
    return held if held is not None else str(value).encode()
