"""Who is being served, in which thread and run, on which connection."""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass

from netra_backend.app.core.failures import FactoryViolation


@dataclass(frozen=True)
class UserExecutionContext:
    """Belongs to one connection of one user; frozen, so that nobody can be served in another's name.

    `thread_id` and `run_id` are None until a message starts a run; the run has a context of its own.
    """

    user_id: str
    thread_id: str | None
    run_id: str | None
    request_id: str
    connection_id: str

    def __post_init__(self) -> None:
        if not self.user_id or not self.request_id or not self.connection_id:
            raise FactoryViolation("A UserExecutionContext needs a user, a request and a connection.")


class UserContextFactory:
    """Makes contexts, one for a connection and one for each run in it, and counts them."""

    def __init__(self) -> None:
        self.instances_made = 0

    def for_connection(self, user_id: str) -> UserExecutionContext:
        """Make the context of a connection that has just been authenticated."""
        self.instances_made += 1
        return UserExecutionContext(user_id, None, None, str(uuid.uuid4()), str(uuid.uuid4()))

    def for_run(self, context: UserExecutionContext, *, thread_id: str, run_id: str) -> UserExecutionContext:
        """Make the context of one run in a connection; user and connection stay as they are."""
        self.instances_made += 1
        return dataclasses.replace(context, thread_id=thread_id, run_id=run_id, request_id=str(uuid.uuid4()))
