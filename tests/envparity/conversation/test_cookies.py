"""Cookies are kept and sent as browsers do, and what is not is told with its reason."""

from __future__ import annotations

import pytest

from envparity.conversation.cookies import Cookies
from envparity.observe.headers import Cookie


def jar(host: str = "chat.example", *, tls: bool = True, now_s: float = 1_800_000_000) -> Cookies:
    return Cookies(host, tls=tls, now_s=now_s)


def kept(cookies: Cookies, *lines: str, asked: str = "/api/login") -> list[Cookie]:
    """What an answer to client a sets."""
    return [cookie for cookie, _ in cookies.keep("a", asked, lines)]


def sent(cookies: Cookies, path: str = "/", origin: str | None = None, client: str = "a") -> dict[str, str]:
    return dict(cookies.sent(client, path, origin)[0])


def test_the_attributes_of_a_cookie_are_read() -> None:
    """In whatever case; its own host is a placeholder."""
    cookies = jar()
    (cookie,) = kept(cookies, 's="v=1"; HTTPONLY; secure; samesite=STRICT; Domain=.Chat.Example; path=/x; Max-Age=9')
    assert cookie == Cookie("s", True, True, "Strict", "{host}", "/x", lasting=True)
    assert sent(cookies, "/x/y") == {"s": "v=1"}
    assert kept(cookies, "no cookie", "=x") == []


@pytest.mark.parametrize(
    ("attribute", "path", "goes"),
    [
        ("", "/api", True),
        ("", "/api/x", True),
        ("", "/apix", False),
        ("", "/", False),
        ("; Path=/", "/", True),
        ("; Path=/ws", "/ws?x=/", True),
        ("; Path=/ws", "/wss", False),
        ("; Path=/ws/", "/ws/1", True),
        ("; Path=relative", "/api/x", True),
    ],
)
def test_a_path_decides_where_a_cookie_goes(attribute: str, path: str, goes: bool) -> None:
    """Whole folders; without one, that of the request."""
    cookies = jar()
    kept(cookies, f"s=1{attribute}")
    assert bool(sent(cookies, path)) is goes
    assert bool(cookies.sent("a", path, None)[1]) is not goes


@pytest.mark.parametrize(
    ("host", "tls", "keeps"),
    [
        ("chat.example", True, True),
        ("chat.example", False, False),
        ("localhost", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("192.0.2.1", False, False),
    ],
)
def test_secure_takes_tls_or_this_machine(host: str, tls: bool, keeps: bool) -> None:
    """A loopback host counts as secure."""
    cookies = jar(host, tls=tls)
    (cookie,) = kept(cookies, "s=1; Secure; Path=/")
    assert bool(cookie.refused) is not keeps
    assert bool(sent(cookies)) is keeps


@pytest.mark.parametrize(
    "line",
    [
        "s=1; Domain=other.example",
        "s=1; Domain=example",
        "s=1; Domain=x.chat.example",
        "s=1; SameSite=None",
        "__Secure-s=1",
        "__Host-s=1; Secure",
        "__Host-s=1; Secure; Path=/; Domain=chat.example",
    ],
)
def test_what_a_browser_refuses_is_not_kept(line: str) -> None:
    """And the cookie says why."""
    cookies = jar()
    (cookie,) = kept(cookies, line)
    assert cookie.refused
    assert sent(cookies, "/api") == {}


@pytest.mark.parametrize(
    ("attribute", "origin", "goes"),
    [
        ("", None, True),
        ("", "https://chat.example", True),
        ("", "https://www.chat.example", True),
        ("", "https://example.org", False),
        ("; SameSite=Strict", "https://chat.example:8443", True),
        ("; SameSite=Lax", "http://chat.example", False),
        ("; SameSite=None; Secure", "https://example.org", True),
    ],
)
def test_a_page_of_another_site_brings_only_what_says_so(attribute: str, origin: str | None, goes: bool) -> None:
    """A site is a scheme and what is registered; no Origin is no page."""
    cookies = jar()
    kept(cookies, f"s=1; Path=/{attribute}")
    assert bool(sent(cookies, origin=origin)) is goes


def test_suffixes_of_countries_are_no_site() -> None:
    """Two that registered under co.uk are strangers."""
    cookies = jar("chat.mine.co.uk")
    kept(cookies, "s=1; Path=/")
    assert sent(cookies, origin="https://yours.co.uk") == {}
    assert sent(cookies, origin="https://mine.co.uk") == {"s": "1"}


@pytest.mark.parametrize(
    "gone", ["s=; Max-Age=0", "s=; Max-Age=-1", "s=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/api"]
)
def test_a_cookie_that_expired_goes(gone: str) -> None:
    """Of the same name and path; one that lasts is another thing, and stays."""
    cookies = jar()
    kept(cookies, "s=1")
    kept(cookies, "s=2; Max-Age=60")
    assert sent(cookies, "/api") == {"s": "2"}
    kept(cookies, gone)
    assert sent(cookies, "/api") == {}


def test_each_client_has_its_own() -> None:
    """What one keeps, no other sends; of one name the longer path comes first."""
    cookies = jar()
    kept(cookies, "s=1; Path=/", "s=2; Path=/api")
    assert cookies.sent("a", "/api", None)[0] == [("s", "2"), ("s", "1")]
    assert sent(cookies, client="b") == {}
    assert (cookies.value("a", "s"), cookies.value("b", "s")) == ("1", None)


@pytest.mark.parametrize(
    ("host", "name", "told"),
    [
        ("notebooks.example", "username-notebooks-example", "username-{host}"),
        ("notebooks.example", "username-notebooks-example-8888", "username-{host}"),
        ("127.0.0.1", "s_127_0_0_1_41234", "s_{host}"),
        ("localhost", "username-localhost", "username-{host}"),
        ("notebooks.example", "mynotebooks-example", "mynotebooks-example"),
        ("localhost", "localhosts", "localhosts"),
    ],
)
def test_a_name_that_says_the_host_is_told_with_the_host_for_it(host: str, name: str, told: str) -> None:
    """Two environments have two hosts; what is kept and sent is as the server named it."""
    cookies = jar(host)
    (cookie,) = kept(cookies, f"{name}=1")
    assert (cookie.name, cookies.told(cookie).name) == (name, told)
    assert sent(cookies, "/api") == {name: "1"}
