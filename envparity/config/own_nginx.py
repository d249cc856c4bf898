"""A team's own configuration of nginx: the servers of a `conf.d` file, with places for what only a run knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envparity.model.environment import Ingress, OwnConfiguration
from envparity.support.toml.bounds import named_text
from envparity.support.toml.document import Document, did_you_mean, in_words

__all__ = ["FIGURES", "filled", "own_configuration", "own_mistakes", "places"]

FIGURES = ("idle_timeout_s", "max_body_bytes", "max_header_bytes")
"""The keys of `[ingress]` that a configuration may have a place for."""

_OF_THE_RUN = ("listen", "upstream", "certificate", "key")
_OF_THE_FILE = ("host", "prefix", *FIGURES)
_PLACE = re.compile(r"(?<!\$)\{([a-z_]+)\}")
_WHOLE = re.compile(r"^\s*(http|events|stream|daemon|pid|user|worker_processes|load_module)\b", re.MULTILINE)
_COMMENT = re.compile(r"(?<!\S)#.*")
_BESIDE = frozenset({"kind", "tls", "host", "prefix", "strip_prefix", "max_lifetime_s", "affinity", "config", "http2"})


def places(text: str) -> frozenset[str]:
    """The names that stand in braces by themselves, without those of comments."""
    return frozenset(_PLACE.findall(_COMMENT.sub("", text)))


def filled(ingress: Ingress) -> str:
    """The configuration with what the environment's file says in its places; those of the run stay."""
    values = {name: getattr(ingress, name) for name in _OF_THE_FILE}
    text = ingress.config.text if ingress.config is not None else ""
    return _PLACE.sub(lambda place: _plain(values.get(place[1], place[0])), text)


def _plain(value: object) -> str:
    return str(max(1, round(value))) if isinstance(value, float) else str(value)


def own_configuration(document: Document) -> OwnConfiguration | None:
    """What `config` of `[ingress]` names; None where nothing does, or it cannot be read."""
    name = document.table("ingress").get("config")
    if not isinstance(name, str) or not name or "\0" in name:
        return None
    text = named_text(document.path.parent / name)
    return None if text is None else OwnConfiguration(name, text)


def own_mistakes(document: Document) -> Iterator[tuple[str, str, str, str]]:
    """What is wrong with `config` and beside it: the key, what was expected, what stands there, what to do."""
    table = document.table("ingress")
    if not isinstance(table.get("config"), str):
        return
    own = own_configuration(document)
    if own is None:
        action = "paths are relative to this file"
        yield "config", "a file with text", f"{in_words(table['config'])}, which is none", action
        return
    found = places(own.text)
    known = (*_OF_THE_RUN, *_OF_THE_FILE)
    for name in sorted(found - set(known)):
        action = did_you_mean(name, known) or "leave it out"
        yield "config", "places that are filled", f"{{{name}}}, which nothing fills", action
    needed = {"listen", "upstream"} | ({"certificate", "key"} if table.get("tls") is True else set())
    for name in sorted(needed - found):
        yield "config", f"a place for {{{name}}}", "none", _PLACES[name]
    if table.get("tls") is not True:
        for name in sorted(found & {"certificate", "key"}):
            yield "config", "no certificate, for it speaks no TLS", f"{{{name}}}", "set tls = true, or leave it out"
    if whole := _WHOLE.search(_COMMENT.sub("", own.text)):
        action = "give the servers alone, as a file of conf.d has them"
        yield "config", "what stands within http { }", f"{whole[1]}", action
    yield from _beside(document, found)


_PLACES = {
    "listen": "write listen {listen};",
    "upstream": "write proxy_pass http://{upstream};",
    "certificate": "write ssl_certificate {certificate};",
    "key": "write ssl_certificate_key {key};",
}


def _beside(document: Document, found: frozenset[str]) -> Iterator[tuple[str, str, str, str]]:
    """The keys that do nothing beside it."""
    for key, value in document.table("ingress").items():
        if key in FIGURES and key not in found:
            yield key, f"a place for {{{key}}} in config", "none", "write it there, or leave the key out"
        elif key not in _BESIDE and key not in FIGURES:
            yield key, "nothing, for config says what the ingress does", in_words(value), "say it there"
    if document.table("ingress").get("affinity") == "cookie":
        yield "affinity", '"address" or "none" beside config', "cookie", "set its cookie there"
