"""The values that labels may take: bounded, so that no peer can fill a monitoring system with series."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Final

__all__ = ["AUTHENTICATIONS", "CLOSES", "HANDSHAKES", "PHASES", "close_label", "network_label", "status_label"]

PHASES: Final = ("connect", "accept", "authenticate", "message", "close")
"""What a conversation goes through: name, TCP and TLS; the upgrade; up to the welcome; what is said; the goodbye."""

AUTHENTICATIONS: Final = ("success", "refused", "timeout", "closed", "unexpected")
"""Welcomed; closed with 1008; nothing in time; closed with another code, or lost; something else was said."""

_STATUSES: Final = (101, 400, 401, 403, 404, 408, 426, 429, 500, 502, 503, 504)
_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx", "other")
_NETWORK: Final = ("dns", "refused", "unreachable", "reset", "tls", "timeout", "network", "invalid")
HANDSHAKES: Final = (*map(str, _STATUSES), *_CLASSES, *_NETWORK)
"""The HTTP status of the answer, else its class; "invalid" an answer that is none; else what the network did."""

_CODES: Final = (1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015)
CLOSES: Final = (*map(str, _CODES), "3xxx", "4xxx", "other")
"""The peer's close code (RFC 6455 §7.4.1 and its registry); 1006 where the connection ended without one."""

_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def status_label(status: int) -> str:
    """The label of an HTTP status."""
    if status in _STATUSES:
        return str(status)
    return f"{status // 100}xx" if 100 <= status < 600 else "other"


def close_label(code: int) -> str:
    """The label of a close code."""
    if code in _CODES:
        return str(code)
    return f"{code // 1000}xxx" if 3000 <= code < 5000 else "other"


def network_label(error: OSError) -> str:
    """The label of an error on the way to the first answer."""
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):
        return "reset"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if error.errno in _UNREACHABLE else "network"
