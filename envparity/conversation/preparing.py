"""What is done before a scenario is played on a stack: its users sign in, its values are made."""

from __future__ import annotations

import time
import uuid

import msgspec

from envparity.conversation.handshake import ClientIdentity
from envparity.conversation.resolving import ResolvedScenario, resolve_scenario
from envparity.conversation.signing_in import sign_in_at
from envparity.launch.controls import LookedAt, dependency_controls
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario

__all__ = ["prepare"]


async def prepare(
    scenario: Scenario, stack: Stack, backend: Backend, client: int = 1, *, user: str = ""
) -> ResolvedScenario:
    """Resolve a scenario for that stack: its users sign in where they must, and what is to be revoked is revoked.

    `client` is the number of who plays it, where several do; `user` the id of its unnamed user, where that has one.
    It is played by a client with a name that nobody else has, but where one may only look.

    Raises `ConfigurationError` when backend or settings do not provide what the scenario needs, and what the launcher
    raises when a token cannot be revoked.
    """
    endpoint = stack.endpoint
    if endpoint.path:
        backend = msgspec.structs.replace(backend, websocket_path=endpoint.path)
    known = endpoint.known
    identity = ClientIdentity(known.user, known.token) if known is not None else ClientIdentity(user)
    signed_in = await sign_in_at(stack, scenario, backend)
    script = resolve_scenario(
        scenario,
        backend,
        stack.settings,
        endpoint.origin,
        now_s=int(time.time()),
        identity=identity,
        redaction=stack.redaction,
        prefix=endpoint.prefix,
        host=endpoint.server_name,
        tls=endpoint.tls is not None,
        signed_in=signed_in,
        client=client,
    )
    for dependency, command in script.revocations:
        await dependency_controls(stack).command_dependency(dependency, command)
    return script if isinstance(stack, LookedAt) else script.by_client(str(uuid.uuid4()))
