"""Elements of HTML, made so that text is always text: a plain string is escaped, only what `tag` made is not."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable

from envparity.report.layout import printable

__all__ = ["Html", "breakable", "embedded_json", "joined", "tag", "visible"]

Attribute = str | bool | float | None

_VOID = frozenset({"br", "meta"})
_EMPTY_SHAPES = frozenset({"line", "rect"})  # elements of SVG are closed as in XML
# They change the order in which text is read (UAX #9), which a log line must not do to a page.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


class Html(str):
    """Markup that is finished and must not be escaped again."""

    __slots__ = ()


def tag(name: str, /, *content: object, **attributes: Attribute) -> Html:
    """`<name attribute="…">content</name>`.

    Content is text, `Html`, None (nothing), or any nesting of these. An attribute is left out where it is None or
    False, and bare where it is True; `class_` is `class`, `data_case` is `data-case`.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    if name in _EMPTY_SHAPES:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{joined(content)}</{name}>")


def joined(content: object) -> Html:
    """The content one after the other, text escaped."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(html.escape(visible(content)))
    if isinstance(content, Iterable):
        return Html("".join(joined(value) for value in content))
    return Html(html.escape(str(content)))


def breakable(name: str) -> Html:
    """A long name that may break behind its underscores, and is still one word to whoever copies it."""
    return Html("_<wbr>".join(joined(part) for part in name.split("_")))


def visible(text: str) -> str:
    """The text with what a reader could not see spelled out: control characters, and those that turn its direction."""
    return _BIDI.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))


def embedded_json(data: object) -> Html:
    """JSON that may stand in a script element: nothing in it can end it or begin a comment (HTML §4.12.1.3)."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Html("".join(_UNSAFE.get(each_text, each_text) for each_text in text))


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(visible(str(value)))}"'
