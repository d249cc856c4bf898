"""A secret is found however it is spelled, also where only a half of it is left."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote

import pytest

from envparity.support.redaction import Redaction

NAME = "{setting:TOKEN}"
SECRET = "s3cr/t+wi th:every@thing?ü&<more>\"'\\"
PLAIN = "6f1d0c47a2b94e3f8d5507e1c2a9b384d1e6"
SPELLED = {
    "as it is": SECRET,
    "in a query within a query": quote(quote(SECRET, safe=""), safe=""),
    "in JSON": json.dumps(SECRET)[1:-1],
    "in JSON as it is": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "in JSON within JSON": json.dumps(json.dumps(SECRET))[3:-3],
    "as Python shows it": repr(SECRET)[1:-1],
    "as Python shows its bytes": repr(SECRET.encode())[2:-1],
    "in a page": html.escape(SECRET),
    "in capitals": SECRET.upper(),
    "in small letters": SECRET.lower(),
    "in hexadecimal digits": SECRET.encode().hex(),
    "in capital hexadecimal digits": SECRET.encode().hex().upper(),
}


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
def test_every_spelling_is_found(spelled: str) -> None:
    """And nothing else is taken with it."""
    assert Redaction([(SECRET, NAME)]).text(f"<{spelled}>") == f"<{NAME}>"


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_base64_is_found_at_any_offset(before: str) -> None:
    """What stands before it decides which characters it has."""
    encoded = base64.b64encode(f"{before}{PLAIN}tail".encode()).decode()
    shown = Redaction([(PLAIN, NAME)]).text(encoded)
    assert NAME in shown
    assert not any(encoded[at : at + 8] in shown for at in range(4, 40))


def test_a_secret_that_no_encoding_can_hold_is_found_as_it_is() -> None:
    """A variable of the system may be any bytes, and a file may say half of a character."""
    for secret in ("lone-\udcff-byte-of-the-system", "half-\ud83d-of-a-character"):
        assert Redaction([(secret, NAME)]).text(f"<{secret}>") == f"<{NAME}>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"it begins with {PLAIN[:18]}", f"it begins with {NAME}"),
        (f"it begins with {PLAIN[:18]} …", f"it begins with {NAME}"),
        (f"it begins with {PLAIN[:18]}...", f"it begins with {NAME}"),
        (f"{PLAIN[18:]} is its end", f"{NAME} is its end"),
        (PLAIN[12:26], NAME),
        (f"{PLAIN[20:]} and {PLAIN[:20]}", f"{NAME} and {NAME}"),
    ],
)
def test_a_half_at_the_edge_of_a_text_is_taken_out(text: str, shown: str) -> None:
    """Where a frame, a chunk or a log was cut, or a text was made short."""
    assert Redaction([(PLAIN, NAME)]).text(text) == shown


def test_the_beginning_of_a_url_is_no_secret() -> None:
    """Half of it says which server is asked, as every log does."""
    dsn = f"postgresql://application:{PLAIN}@postgres.internal:5432/application"
    assert Redaction([(dsn, NAME)]).text("cannot reach postgresql://application") == (
        "cannot reach postgresql://application"
    )
    assert Redaction([(dsn, NAME)]).text(f"cannot reach postgresql://application:{PLAIN[:20]}") == (
        f"cannot reach postgresql://application:{NAME}"
    )


def test_the_lines_of_a_secret_are_found_alone() -> None:
    """A key of several lines is written line by line."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----"
    redaction = Redaction([(key, NAME)])
    assert [redaction.text(line) for line in key.splitlines()[1:3]] == [NAME, NAME]
    assert redaction.text(key) == NAME


KEY = "kX9/" + "Tq7-Zp+3vW" * 4 + "=Q@z'&"
ESCAPED = {
    "as PHP writes JSON": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "as Go and Gson write JSON": KEY.replace("&", "\\u0026").replace("=", "\\u003d").replace("'", "\\u0027"),
    "as .NET writes JSON": KEY.replace("+", "\\u002B").replace("&", "\\u0026").replace("'", "\\u0027"),
    "as templates write it": html.escape(KEY).replace("=", "&#x3D;").replace("+", "&#43;"),
    "its base64 as .NET writes JSON": base64.b64encode(KEY.encode()).decode().replace("+", "\\u002B"),
    "whole in percent": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "whole in JSON": "".join(f"\\u{byte:04x}" for byte in KEY.encode()),
    "whole in HTML": "".join(f"&#{byte};" for byte in KEY.encode()),
    "as C writes bytes": "".join(f"\\x{byte:02x}" for byte in KEY.encode()),
    "base64 in lines": base64.encodebytes(KEY.encode() * 3).decode(),
    "digits in pairs": KEY.encode().hex(" "),
    "digits of a fingerprint": KEY.encode().hex(":").upper(),
    "digits in lines": "\r\n".join(KEY.encode().hex(" ", 16).split()),
}


@pytest.mark.parametrize("written", ESCAPED.values(), ids=ESCAPED)
def test_a_secret_is_found_whatever_is_escaped_in_it_or_breaks_it(written: str) -> None:
    """Nothing of it stays, and what is around it does."""
    secret = KEY * 3 if written == ESCAPED["base64 in lines"] else KEY
    shown = Redaction([(secret, NAME)]).text(f"key is {written}, they say")
    assert re.fullmatch(rf"key is {re.escape(NAME)}\w?=*\n?, they say", shown)  # base64 ends with two bits of it


@pytest.mark.parametrize("text", ["50%25 of a\\/b &amp; \\u00e9", "a b\nc d:e", "de ad be ef de ad be ef 00"])
def test_what_holds_no_secret_stays_as_it_was_written(text: str) -> None:
    """With its escapes and its breaks."""
    assert Redaction([(KEY, NAME)]).text(text) == text
