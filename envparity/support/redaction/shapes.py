"""What is a secret by its shape, although nobody has named it: in a URL, a query, a header, a token, a private key."""

from __future__ import annotations

import base64
import re

from envparity.support.redaction.names import is_secret_name

__all__ = ["REDACTED", "without_shapes"]

REDACTED = "<redacted>"
"""What stands for a secret that has no name."""

_PASSWORD_IN_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<before>[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s:/?#@]*:)(?!\{|<)[^\s/?#]+(?=@)"
)
_JSON_WEB_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
_ENCODED_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_-])ZXlK[A-Za-z0-9+/_-]{24,}={0,2}")  # base64 of what begins with eyJ
_QUERY = re.compile(r"(?<=[?&])(?P<name>[A-Za-z0-9_.-]{1,40})=(?P<value>(?![{<])[^\s&#\"'<>\\]{4,})")
_IN_QUERIES = frozenset({"sig", "signature", "jwt", "auth", "authorization", "ticket", "sid", "session"})
_BEARER = re.compile(r"(?P<before>\b[Bb]earer\s+)(?P<value>[A-Za-z0-9._~+/-]{16,}=*)")
_BASIC = re.compile(r"(?P<before>\b[Bb]asic\s+)(?P<value>[A-Za-z0-9+/_-]{6,}=*)")
_PASSWORD = re.compile(
    r"(?P<before>(?:password|passwd|passphrase|pwd)\s*=\s*['\"]?)(?![{<])(?P<value>[^\s'\";,&{}<>]{4,})", re.IGNORECASE
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]{0,20})PRIVATE KEY-----"
    r"(?:(?!-----BEGIN ).){0,20000}?-----END (?P=kind)PRIVATE KEY-----",
    re.DOTALL,
)


def without_shapes(text: str) -> str:
    """The text without what is a secret by its shape. What cannot be in it is not looked for."""
    if "eyJ" in text:
        text = _JSON_WEB_TOKEN.sub("<token>", text)
    if "ZXlK" in text:
        text = _ENCODED_TOKEN.sub(_of_base64, text)
    if "://" in text:
        text = _PASSWORD_IN_URL.sub(rf"\g<before>{REDACTED}", text)
    if "=" in text:
        if "?" in text or "&" in text:
            text = _QUERY.sub(_of_a_query, text)
        lower = text.lower()
        if "pass" in lower or "pwd" in lower:
            text = _PASSWORD.sub(rf"\g<before>{REDACTED}", text)
    if "earer" in text:
        text = _BEARER.sub(rf"\g<before>{REDACTED}", text)
    if "asic" in text:
        text = _BASIC.sub(_of_basic, text)
    if "PRIVATE KEY-----" in text:
        text = _PRIVATE_KEY.sub("<private key>", text)
    return text


def _of_base64(match: re.Match[str]) -> str:
    """A token in base64, as it travels in a subprotocol; else it is other text, which stays."""
    digits = match[0].rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        decoded = base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("ascii")
    except ValueError:
        return match[0]
    return "<token>" if _JSON_WEB_TOKEN.fullmatch(decoded) else match[0]


def _of_a_query(match: re.Match[str]) -> str:
    name = match["name"]
    return f"{name}={REDACTED}" if name.lower() in _IN_QUERIES or is_secret_name(name) else match[0]


def _of_basic(match: re.Match[str]) -> str:
    """User and password in base64 (RFC 7617); else it is a word."""
    value = match["value"].rstrip("=")
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_" if {"-", "_"} & set(value) else None)
    except ValueError:
        return match[0]
    return f"{match['before']}{REDACTED}" if b":" in decoded else match[0]
