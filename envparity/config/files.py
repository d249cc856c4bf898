"""Reads [files] of an environment file: templates that the backend finds filled under a path of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from envparity.errors import Mistake
from envparity.model.environment import Platform
from envparity.model.file_template import FileTemplate, settings_in
from envparity.support.toml.bounds import LONGEST, named_text
from envparity.support.toml.document import Document, did_you_mean, in_words

__all__ = ["file_mistakes", "files_of"]


def files_of(document: Document) -> dict[str, FileTemplate]:
    """The files of a document in which nothing is wrong, by their path."""
    return {
        path: FileTemplate(table["template"], named_text(document.path.parent / table["template"]) or "")
        for path, table in document.table("files").items()
    }


def file_mistakes(document: Document, extended: Mapping[str, str], given: Collection[str] | None) -> Iterator[Mistake]:
    """A template that cannot be read, and a setting in one that nobody gives.

    `extended` are the settings of other files, `given` those of the backend's file (None: not known).
    """
    port = document.table("platform").get("port_setting", Platform().port_setting)
    known = {*document.table("settings"), *extended, *(given or ()), port if isinstance(port, str) else ""}
    for path, table in document.table("files").items():
        template = table.get("template") if isinstance(table, dict) else None
        if not isinstance(template, str) or not template:
            continue  # the schema says so
        key = ("files", path, "template")
        text = named_text(document.path.parent / template)
        if text is None:
            got = f"{in_words(template)}, which is none"
            yield document.mistake(
                key, f"a file of UTF-8 text of at most {LONGEST >> 20} MiB", got, "paths are relative to this file"
            )
            continue
        for name in settings_in(text) if given is not None else ():
            if name not in known:
                action = did_you_mean(name, known) or f"add {name}"
                yield document.mistake(key, "settings of this environment in it", f"{{setting:{name}}}", action)
