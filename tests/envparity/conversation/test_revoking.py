"""Tokens that are revoked: before a scenario, and when its script comes to it."""

from __future__ import annotations

from envparity.model.step import Connect, Expect, Revoke
from envparity.observe.transcript import ControlDone
from tests.envparity.conversation.one_server import SHORT_S, departed, kept, played, serving, silent


async def test_a_token_is_revoked_before_the_scenario_begins() -> None:
    """By the backend file's own command."""
    async with serving(silent) as stack:
        kept(await played(stack, Connect("revoked")))
    assert stack.done == ["redis SET 1"]


async def test_a_token_is_revoked_when_the_script_comes_to_it() -> None:
    """Told by its connection; neither the token nor its id is written down."""
    async with serving(silent) as stack:
        await played(stack, Connect("valid"), Expect(("welcome",), within_s=SHORT_S), Revoke("a"))
        assert stack.commands == []
        transcript = await played(stack, Connect("valid"), Revoke("a"))
    ((name, verb, key, _),) = stack.commands
    assert (name, verb, key.partition(":")[0]) == ("redis", "SET", "revoked")
    (told,) = (event for event in transcript.events if isinstance(event, ControlDone))
    assert (told.action, told.target, told.words) == ("revoke", "a", ())


async def test_a_token_that_cannot_be_revoked_is_a_departure() -> None:
    async with serving(silent) as stack:
        stack.fails.add("redis")
        departure = await departed(stack, Connect("valid"), Revoke("a"))
    assert (departure.step, departure.expected) == (1, "revoke a")
