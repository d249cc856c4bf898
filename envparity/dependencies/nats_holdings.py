"""What a NATS server holds that does not end by itself: subscriptions, streams, consumers, what is in buckets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from envparity.dependencies.nats_client import NatsSession
from envparity.dependencies.shapes import dotted_shape_of
from envparity.dependency.kind import Server
from envparity.errors import LaunchError

__all__ = ["held_by"]

_ACCOUNT = "$G"
_SUBSCRIPTIONS = "$SYS.REQ.SERVER.PING.SUBSZ"
_STREAMS = "$SYS.REQ.SERVER.PING.JSZ"
_MOST = 100_000
_BUCKETS = ("KV_", "OBJ_")
"""How the streams are called that are stores of keys and of objects (ADR-8, ADR-20 of NATS)."""
_SERVER_S = "_INBOX", "$"


async def held_by(server: Server, overseer: str) -> Mapping[str, int]:
    """How many of each sort there are, asked as a user of the system's account. Raises `LaunchError`.

    A subscription ends with its connection, which of a backend is open for as long as that runs. Messages of a stream
    are not counted, which others take or which are a log; but those of a bucket, where they are what somebody keeps.
    """
    asked = {"subscriptions": True, "acc": _ACCOUNT, "limit": _MOST}
    async with NatsSession.open(server, overseer) as session:
        subscriptions = _data(await session.request(_SUBSCRIPTIONS, json.dumps(asked)))
        wanted = {"accounts": True, "streams": True, "consumer": True, "config": True, "limit": _MOST}
        streams = _data(await session.request(_STREAMS, json.dumps(wanted)))
    accounts = streams.get("account_details") or ()
    kept = [stream for account in accounts for stream in account.get("stream_detail") or ()]
    listening = Counter(
        str(listed.get("subject", ""))
        for listed in subscriptions.get("subscriptions_list") or ()
        if listed.get("account") == _ACCOUNT
    )
    for stream in kept:  # which subscribes to what it keeps
        listening.subtract(stream.get("config", {}).get("subjects") or ())
    held: Counter[str] = Counter()
    for subject, count in listening.items():
        if count > 0 and not subject.startswith(_SERVER_S):
            held[f"subscriptions to {dotted_shape_of(subject)}"] += count
    for stream in kept:
        held.update(dict(_of_stream(stream)))
    return held


def _of_stream(stream: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    shape = dotted_shape_of(str(stream.get("name", "")))
    yield f"streams {shape}", 1
    lasting = [
        consumer
        for consumer in stream.get("consumer_detail") or ()
        if consumer.get("config", {}).get("durable_name") and not consumer["config"].get("inactive_threshold")
    ]
    if lasting:
        yield f"consumers of {shape}", len(lasting)
    if str(stream.get("name", "")).startswith(_BUCKETS) and not stream.get("config", {}).get("max_age"):
        yield f"messages of {shape}", int(stream.get("state", {}).get("messages", 0))


def _data(answer: str) -> Mapping[str, Any]:
    said = json.loads(answer)
    if not isinstance(said, dict) or not isinstance(said.get("data"), dict):
        raise LaunchError("NATS does not say what it holds")
    found: dict[str, Any] = said["data"]
    return found
