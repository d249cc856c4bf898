"""The probe over time: its schedule, its alerts, its credentials, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import jwt
import pytest
from websockets.asyncio.server import ServerConnection

from envparity.errors import ConfigurationError
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployed.identity import Credentials
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Environment
from envparity.probe.log import TextLog
from envparity.probe.metrics import Metrics
from envparity.probe.probing import Probe
from tests.envparity.probe.deployed_backend import KEY, TOKENS, Probed, backend, healthy, plan, serving


def with_credentials(port: int, deployed: dict[str, Credential], environ: dict[str, str]) -> Probe:
    environment = Environment("staging", deployed=Deployed("ws://a", **deployed))  # type: ignore[arg-type]
    credentials = Credentials(environment, TOKENS.scheme, environ)
    log = TextLog("staging", lambda _: None, lambda: 0.0)
    return Probe(plan(port, environment=environment), Metrics("staging"), log, credentials)


async def test_it_runs_on_schedule_until_its_time_is_over() -> None:
    """Healthy to its end; whoever it talks to at the end is told goodbye, and that run is not counted."""
    async with serving(healthy) as port:
        probed = Probed(plan(port, every_s=0.2, for_s=2.5))
        ending = await probed.probe.run()
    assert (ending.by, ending.healthy) == (0, True)
    assert 2 <= ending.runs <= 13
    assert probed.value("runs_total", outcome="success") == ending.runs
    assert probed.lines[-1].endswith(
        f"ended (its time is over): {ending.runs} runs, 0 failed, {skipped(probed):.0f} skipped"
    )


def skipped(probed: Probed) -> float:
    return probed.value("skipped_ticks_total") or 0.0


async def test_a_run_that_takes_longer_than_the_interval_skips_and_counts() -> None:
    """The moments that passed meanwhile are not made up for."""

    async def slow(connection: ServerConnection) -> None:
        await asyncio.sleep(0.15)
        await healthy(connection)

    async with serving(slow) as port:
        probed = Probed(plan(port, every_s=0.05, for_s=2.5))
        ending = await probed.probe.run()
    assert ending.runs <= 13
    assert skipped(probed) >= 2 * (ending.runs - 1) > 0
    assert any("skipped" in line for line in probed.lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_with_a_goodbye(number: signal.Signals) -> None:
    """In the middle of a conversation: the backend is closed with 1000, and nothing is counted as a failure."""
    codes: list[int | None] = []
    reached = asyncio.Event()

    async def silent(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "heartbeat"}))
        reached.set()
        await connection.wait_closed()
        codes.append(connection.close_code)

    async with serving(silent) as port:
        probed = Probed(plan(port))
        running = asyncio.create_task(probed.probe.run())
        await reached.wait()
        os.kill(os.getpid(), number)
        ending = await running
    assert codes == [1000]
    assert (ending.by, ending.runs) == (number, 0)
    assert probed.value("runs_total", outcome="failure") == 0


async def test_an_outage_is_seen_alerted_and_left_behind() -> None:
    """Three failures, an alert, a success, a recovery; the gauges follow."""
    broken = True

    async def moody(connection: ServerConnection) -> None:
        if broken:
            await connection.close(1013, "startup_failed:postgres")
        else:
            await healthy(connection)

    async with serving(moody) as port:
        probed = Probed(plan(port))
        for _ in range(3):
            await probed.probe.once()
        assert (probed.value("alerting"), probed.value("consecutive_failures"), probed.value("success")) == (1, 3, 0)
        broken = False
        await probed.probe.once()
    assert (probed.value("alerting"), probed.value("consecutive_failures"), probed.value("success")) == (0, 0, 1)
    assert probed.value("closes_total", code="1013") == 3
    words = [line.split()[2] for line in probed.lines]
    assert words == ["FAILED", "FAILED", "FAILED", "ALERT", "healthy", "RECOVERED"]
    assert "told: close 1013 'startup_failed:postgres'" in probed.lines[0]


async def test_every_run_is_of_the_same_user_and_says_something_new() -> None:
    """So that all that it leaves behind is found by one id; message ids and token ids are fresh."""
    subjects, said = set(), []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        token = connection.request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, KEY, ["HS256"], audience="a")
        subjects.add(claims["sub"])
        said.append(claims["jti"])
        await connection.send(json.dumps({"type": "welcome", "user_id": claims["sub"]}))
        said.append(json.loads(await connection.recv())["message_id"])

    async with serving(note) as port:
        probed = Probed(plan(port))
        for _ in range(2):
            await probed.probe.once()
    assert len(subjects) == 1
    assert len(set(said)) == 4


async def test_a_given_token_is_handed_over_as_it_is() -> None:
    """And its subject is whom the welcome must name."""
    token = jwt.encode({"sub": "probe-user"}, KEY)
    seen = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers["Authorization"])
        await healthy(connection)

    async with serving(note) as port:
        probe = with_credentials(port, {"token": Credential(variable="T")}, {"T": token})
        await probe.check()
        assert (await probe.once()).healthy
    assert seen == [f"Bearer {token}"]


async def test_credentials_that_are_gone_are_a_failure_and_come_back() -> None:
    """A run that could not begin is no success; the next asks again."""
    environ: dict[str, str] = {}
    async with serving(healthy) as port:
        probe = with_credentials(port, {"secret": Credential(variable="K")}, environ)
        outcome = await probe.once()
        assert outcome.trouble is not None
        assert (outcome.trouble.phase, outcome.handshake) == ("credentials", None)
        assert "K is not set" in outcome.trouble.got
        environ["K"] = KEY
        assert (await probe.once()).handshake == "101"


async def test_a_refused_token_makes_it_ask_for_credentials_again() -> None:
    """A key that was replaced is followed at the next run."""

    async def check(connection: ServerConnection) -> None:
        assert connection.request is not None
        try:
            token = connection.request.headers["Authorization"].removeprefix("Bearer ")
            claims = jwt.decode(token, KEY, ["HS256"], audience="a")
        except jwt.InvalidTokenError:
            await connection.close(1008, "token_signature")
            return
        await connection.send(json.dumps({"type": "welcome", "user_id": claims["sub"]}))

    environ = {"K": "x" * 32}
    async with serving(check) as port:
        probe = with_credentials(port, {"secret": Credential(variable="K")}, environ)
        assert (await probe.once()).authentication == "refused"
        environ["K"] = KEY
        assert (await probe.once()).authentication == "success"


async def test_what_is_missing_is_found_before_it_begins() -> None:
    """No credentials; no user where one is expected; no setting; a key that is none."""
    with pytest.raises(CredentialUnavailable, match="K is not set"):
        await with_credentials(1, {"secret": Credential(variable="K")}, {}).check()
    with pytest.raises(ConfigurationError, match=r"add user to \[deployed\]"):
        await with_credentials(1, {"token": Credential(variable="T")}, {"T": "opaque"}).check()
    with pytest.raises(ConfigurationError, match="ISS"):
        await Probed(plan(1, settings={})).probe.check()
    import msgspec

    tokens = backend().tokens
    assert tokens is not None
    scheme = msgspec.structs.replace(tokens.scheme, algorithm="RS256")
    signing = msgspec.structs.replace(backend(), tokens=msgspec.structs.replace(tokens, scheme=scheme))
    with pytest.raises(CredentialUnavailable, match="none for RS256"):
        await Probed(plan(1, backend=signing)).probe.check()
