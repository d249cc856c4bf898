"""Reads the table [image] of a backend's file or an environment's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from envparity.errors import Mistake
from envparity.model.environment import ImageSource
from envparity.support.toml.bounds import bounded_content
from envparity.support.toml.document import Document, did_you_mean, in_words, is_there

__all__ = ["beside", "image_mistakes", "image_of", "missing_mistakes"]

_STAGE = re.compile(r"^[ \t]*FROM[ \t]+.*?[ \t]AS[ \t]+(\S+)[ \t]*$", re.IGNORECASE | re.MULTILINE)


def image_of(document: Document) -> ImageSource | None:
    """What its table [image] says, in which nothing is wrong; None where it has none."""
    image = document.table("image")
    if not image:
        return None
    if "name" in image:
        return ImageSource(name=image["name"])
    dockerfile = beside(document, image["dockerfile"])
    context = beside(document, image["context"]) if "context" in image else dockerfile.parent
    return ImageSource(dockerfile, context, tuple(image.get("include", ("**",))), target=image.get("target"))


def beside(document: Document, path: str) -> Path:
    """A path of the document, which is relative to its file."""
    return (document.path.parent / path).resolve()


def image_mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong with the table [image] and what no schema says of it."""
    image = document.table("image")
    if not isinstance(document.data.get("image"), dict):
        return
    if ("name" in image) == ("dockerfile" in image):
        got, action = ("both", "remove one of them") if "name" in image else ("neither", "add one of them")
        yield document.mistake(("image",), "either name or dockerfile", got, action)
    for key in ("context", "include", "target"):
        if key in image and "dockerfile" not in image:
            action = "add dockerfile, or remove it"
            yield document.mistake(("image", key), "nothing without a dockerfile", in_words(image[key]), action)
    yield from missing_mistakes(document, ("image", "dockerfile"), image.get("dockerfile"))
    yield from missing_mistakes(document, ("image", "context"), image.get("context"), folder=True)
    yield from _target_mistakes(document, image)


def _target_mistakes(document: Document, image: Mapping[str, object]) -> Iterator[Mistake]:
    dockerfile, target = image.get("dockerfile"), image.get("target")
    if not isinstance(dockerfile, str) or not isinstance(target, str) or "\0" in dockerfile:
        return
    try:
        content = bounded_content(document.path.parent / dockerfile)
    except OSError:
        return  # said of the Dockerfile
    text = (content or b"").decode("utf-8", "replace")
    stages = _STAGE.findall(text)
    if target not in stages:
        expected = "a stage of the Dockerfile" + (
            f": {', '.join(stages)}" if stages else ", which has no names for any"
        )
        yield document.mistake(("image", "target"), expected, in_words(target), did_you_mean(target, stages))


def missing_mistakes(
    document: Document, key: tuple[str, ...], path: object, *, folder: bool = False
) -> Iterator[Mistake]:
    """A mistake where that path, relative to the document's file, is no file, or no folder."""
    if not isinstance(path, str) or not path:
        return
    expected = "a file" if not folder else "a folder"
    if not is_there(document.path.parent / path, folder=folder):
        got = f"{in_words(path)}, which is none"
        yield document.mistake(key, expected, got, "paths are relative to this file")
