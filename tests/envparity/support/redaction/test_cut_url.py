"""Of a URL that holds a password, what stands around the password is no secret, also where a text is just that."""

from __future__ import annotations

import pytest

from envparity.support.redaction import Redaction

PASSWORD = "c0rrect-horse-battery-staple"
URL = f"rediss://:{PASSWORD}@redis:6379/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/envparity/tls/ca.crt"
REDACTION = Redaction([(URL, "{setting:REDIS_URL}")])


@pytest.mark.parametrize(
    "text",
    [
        "/etc/envparity/tls/ca.crt",
        "ssl_cert_reqs=required",
        "@redis:6379/0?ssl_cert",
        "rediss://:",
        "rediss%3A%2F%2F%3A",
    ],
)
def test_what_stands_around_it_is_left(text: str) -> None:
    assert REDACTION.text(text) == text


@pytest.mark.parametrize("text", [PASSWORD, URL, f"said {PASSWORD[:20]}", f"{PASSWORD[8:]} was said"])
def test_the_password_and_what_is_left_of_it_go(text: str) -> None:
    assert REDACTION.text(text) != text
    assert PASSWORD[8:20] not in REDACTION.text(text)
