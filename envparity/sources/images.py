"""What an image is made of and started with, as files of a deployment say it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from envparity.sources.building import Building

__all__ = ["built_table", "plain_words", "put_built", "put_image_name", "put_words", "words_of"]

_REFERENCE = re.compile(r"[a-z0-9][a-zA-Z0-9._:/@-]*")
_OF_A_SHELL = "$&|;<>`*?~#\n"
_REMOTE = re.compile(r"(?:[a-z+]+://|git@|github\.com/).*")


def put_image_name(made: Building, name: str, place: tuple[Path, int]) -> None:
    """The image of that name, as it is."""
    if _REFERENCE.fullmatch(name):
        made.put(("image",), {"name": name}, place)
    else:
        made.not_taken("image", name or "(empty)", place)


def put_built(
    made: Building, folder: Path, place: tuple[Path, int], *, context: str, dockerfile: str, target: str | None
) -> None:
    """The image that is built from that Dockerfile, which is relative to the context, and that to the folder."""
    table = built_table(folder, context=context, dockerfile=dockerfile)
    words = f"built from {dockerfile} in {context}" + (f", up to {target}" if target else "")
    if table is None:
        made.not_taken("image", f"{words}, which is not here", place)
        return
    made.put(("image",), {**table, **({"target": target} if target else {})}, place)


def built_table(folder: Path, *, context: str, dockerfile: str) -> dict[str, object] | None:
    """Where the Dockerfile is and the folder that is sent; None where they are not here."""
    if _REMOTE.fullmatch(context) or "\0" in context + dockerfile:
        return None
    around = (folder / context).resolve()
    file = around / dockerfile
    return {"dockerfile": str(file), "context": str(around)} if file.is_file() else None


def put_words(made: Building, key: str, words: Sequence[str] | None, place: tuple[Path, int], text: str = "") -> None:
    """The `entrypoint` or the `arguments` of its containers; None: `text` is no list of words."""
    if words and not any("\0" in word for word in words):
        made.put((key,), list(words), place)
    else:
        made.not_taken(key, text or "(empty)", place)


def plain_words(text: str) -> list[str] | None:
    """The words of a command line that a platform gives to a shell; None where that would make something else of it."""
    return None if any(letter in text for letter in _OF_A_SHELL) else words_of(text)


def words_of(text: str) -> list[str] | None:
    """A command line as its words; None for one that is none."""
    try:
        return shlex.split(text)
    except ValueError:
        return None
