"""Which of several worker processes answers a connection, where a stack shows that."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.launch.port import Stack
from envparity.launch.workers import SeesWorkers, Workers

__all__ = ["UNSEEN", "worker_of", "workers_of"]

UNSEEN = "which worker process answers cannot be seen"


async def workers_of(stack: Stack) -> dict[int, Workers]:
    """The worker processes of each replica, as far as they can be seen."""
    if not isinstance(stack, SeesWorkers):
        return {}
    seen = {index: await stack.workers(index) for index in range(stack.replica_count)}
    return {index: workers for index, workers in seen.items() if workers is not None}


async def worker_of(
    stack: Stack, replica: int, client_port: int, before: Mapping[int, Workers]
) -> tuple[int | None, int]:
    """The process that answers a connection from that port, None where nobody can say, and how many there are in all.

    `before` are the workers as they were seen before it was opened.
    """
    workers = (await workers_of(stack)).get(replica)
    if workers is None:
        return None, 0
    port = client_port if stack.endpoint.hops == "none" else None
    known = before[replica].answering if replica in before else ()
    return workers.of(port, known), len(workers.processes)
