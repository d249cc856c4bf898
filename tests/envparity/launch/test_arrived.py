"""Which headers are watched on their way to a replica, and what is read from what the ingress says of them."""

from __future__ import annotations

from pathlib import Path

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.launch.arrived import arrived_of, lost_of, watched_headers
from envparity.model.backend import Backend, Carrier, ImageSource, Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import Connect
from envparity.observe.transcript import Header


def test_what_conversations_may_send_is_watched() -> None:
    """Carriers and the headers of every connect, once, in lower case; not those whose values are told anyway."""
    carriers = (Carrier("a", header="X_Ticket: {token}"), Carrier("b", subprotocol="jwt.{token}"))
    steps = (Connect("none", headers={"X-Client": "1", "x-client": "2", "X-Forwarded-For": "9.9.9.9", "X!Odd": "1"}),)
    backend = Backend(
        "b",
        Path("b.toml"),
        ImageSource(name="b"),
        tokens=Tokens(SharedKeyJwt("K", "I", "A"), carriers=carriers),
        scenarios=(Scenario("s", steps=steps),),
    )
    assert watched_headers(backend) == ("authorization", "cookie", "sec-websocket-protocol", "x_ticket", "x-client")


def test_values_are_read_where_they_are_told() -> None:
    """In whatever case the answer has them; other headers of the answer are none of it."""
    answer = [("x-envparity-arrived-origin", "https://a"), ("X-Envparity-Arrived", "cookie"), ("Server", "nginx")]
    assert arrived_of(answer) == (Header("Origin", "https://a"), Header("cookie"))


def test_what_did_not_arrive_is_named_as_it_was_sent() -> None:
    """Case does not count, and a name is told once."""
    sent = (Header("Origin", "https://a"), Header("X_Ticket", "1"), Header("X_Ticket", "2"), Header("Cookie", "c"))
    assert lost_of(sent, (Header("origin", "https://a"), Header("cookie"))) == ("X_Ticket",)
