"""Contexts: frozen, counted, and never without a user."""

from __future__ import annotations

import dataclasses

import pytest

from netra_backend.app.core.failures import FactoryViolation
from netra_backend.app.core.user_execution_context import UserContextFactory, UserExecutionContext


def test_a_context_cannot_be_changed() -> None:
    """Nobody is served in another's name."""
    context = UserContextFactory().for_connection("user")
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.user_id = "other"  # type: ignore[misc]  # the attempt is the test


@pytest.mark.parametrize("missing", ["user_id", "request_id", "connection_id"])
def test_a_context_needs_what_it_stands_for(missing: str) -> None:
    """No user, no request or no connection: no context."""
    held = {"user_id": "u", "thread_id": None, "run_id": None, "request_id": "r", "connection_id": "c", missing: ""}
    with pytest.raises(FactoryViolation):
        UserExecutionContext(**held)  # type: ignore[arg-type]  # every field is text or None


def test_the_factory_counts_what_it_makes() -> None:
    """One for the connection, one for the run; the run has the connection's user."""
    factory = UserContextFactory()
    assert factory.instances_made == 0
    context = factory.for_connection("user")
    of_run = factory.for_run(context, thread_id="t", run_id="r")
    assert factory.instances_made == 2
    assert (of_run.user_id, of_run.connection_id) == (context.user_id, context.connection_id)
    assert of_run.request_id != context.request_id
