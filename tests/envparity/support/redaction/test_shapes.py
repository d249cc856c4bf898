"""What is a secret by its shape goes too, although nobody has named it."""

from __future__ import annotations

import base64

import pytest

from envparity.support.redaction import REDACTED, Redaction

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl"


def urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


SHAPES = {
    "GET /ws?room=1&access_token=abcdef123 HTTP/1.1": f"GET /ws?room=1&access_token={REDACTED} HTTP/1.1",
    "GET /ws?ticket=abcdef&v=2": f"GET /ws?ticket={REDACTED}&v=2",
    "https://a.invalid/?X-Amz-Signature=0a1b&sig=abcd": f"https://a.invalid/?X-Amz-Signature=0a1b&sig={REDACTED}",
    "Authorization: Bearer 0123456789abcdef.0123": f"Authorization: Bearer {REDACTED}",
    f"authorization: Basic {base64.b64encode(b'user:hunter2').decode()}": f"authorization: Basic {REDACTED}",
    "Server=db;Password=hunter2;Timeout=5": f"Server=db;Password={REDACTED};Timeout=5",
    "connecting with password='hunter2' to db": f"connecting with password='{REDACTED}' to db",
    "key:\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\nread": "key:\n<private key>\nread",
    TOKEN: "<token>",
    f"offered=['v1', 'jwt.{urlsafe(TOKEN)}']": "offered=['v1', 'jwt.<token>']",
    f"cookie: session={base64.b64encode(TOKEN.encode()).decode()}; lang=de": "cookie: session=<token>; lang=de",
}
LEFT = [
    "GET /ws?room=1&v=2 HTTP/1.1",
    "GET /ws?token={setting:TOKEN}&access_token=<token:valid>",
    "Bearer authentication is what it wants",
    "the Basic functionality works",
    "password={setting:DB_PASS}",
    "max_tokens=4096",
    f"settings {urlsafe('eyJhbGciOiJIUzI1NiJ9 is the head of a token')}",
    "-----BEGIN PUBLIC KEY-----\nMHcC\n-----END PUBLIC KEY-----",
]


@pytest.mark.parametrize(("text", "shown"), SHAPES.items())
def test_a_shape_is_taken_out(text: str, shown: str) -> None:
    """And what stands around it can still be read."""
    assert Redaction().text(text) == shown


@pytest.mark.parametrize("text", LEFT)
def test_what_has_no_such_shape_is_left_alone(text: str) -> None:
    """Words, names and placeholders."""
    assert Redaction().text(text) == text
