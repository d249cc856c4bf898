"""URLs of what is deployed: taken apart, or refused in words that quote no secret."""

from __future__ import annotations

import pytest

from envparity.model.deployed.target import Target, parse_target, url_problems

SCHEMES = ("ws", "wss")

GOOD = {
    "wss://api.example.com/ws": (Target("wss", "api.example.com", 443, "/ws"), "https://api.example.com"),
    "WSS://API.Example.com:8443/a/b%20c": (
        Target("wss", "api.example.com", 8443, "/a/b%20c"),
        "https://api.example.com:8443",
    ),
    "ws://127.0.0.1:8000": (Target("ws", "127.0.0.1", 8000, ""), "http://127.0.0.1:8000"),
    "wss://[::1]:443/ws": (Target("wss", "::1", 443, "/ws"), "https://[::1]"),
    "ws://backend_1.svc.cluster.local./ws": (
        Target("ws", "backend_1.svc.cluster.local.", 80, "/ws"),
        "http://backend_1.svc.cluster.local.",
    ),
}


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_is_taken_apart(url: str) -> None:
    """Scheme, host, port, path, and the origin of its pages; the port is left out where it is the scheme's."""
    target, origin = GOOD[url]
    assert list(url_problems(url, SCHEMES)) == []
    assert parse_target(url) == target
    assert target.origin == origin


BAD = {
    "https://api.example.com": "begins with ws:// or wss://",
    "api.example.com": "begins with ws:// or wss://",
    "wss://": "a host name",
    "wss:///ws": "a host name",
    "wss://-bad.example/ws": "a host name",
    "wss://a..b/ws": "a host name",
    "wss://999.1.1.1/ws": "a host name",
    "wss://[::zz]/ws": "cannot be read",
    "wss://a:99999/ws": "cannot be read",
    "wss://a:0/ws": "port 0",
    "wss://a:port/ws": "cannot be read",
    "wss://u:hunter2@a/ws": "no user or password",
    "wss://a/ws?token=hunter2": "no query",
    "wss://a/ws?": "no query",
    "wss://a/ws#hunter2": "no fragment",
    "wss://a/w s": "white space",
    "wss://a/ws\n": "white space",
    "wss://a\\@b/ws": "backslash",
    "wss://a/wé": "percent-encoded",
}


@pytest.mark.parametrize("url", BAD)
def test_a_bad_url_is_refused_without_quoting_a_secret(url: str) -> None:
    """Each by what is wrong with it; `parse_target` refuses it too."""
    problems = list(url_problems(url, SCHEMES))
    text = " ".join(f"{expected}, {got}" for expected, got in problems)
    assert BAD[url] in text
    assert "hunter2" not in text
    if not url.startswith("https"):
        with pytest.raises(ValueError, match="expected"):
            parse_target(url)


def test_everything_that_is_wrong_with_a_url_is_said_at_once() -> None:
    """User, query and fragment: three problems."""
    assert len(list(url_problems("wss://u:p@a.example/ws?x#y", SCHEMES))) == 3
