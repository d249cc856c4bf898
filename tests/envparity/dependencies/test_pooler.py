"""PgBouncer in front of PostgreSQL: what a session remembers is no client's own, and all else is as without it."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from envparity.dependencies.postgres import KIND
from envparity.dependency.kind import Server
from envparity.report.saved import read_run
from parity_tests.cases.conftest import single_cause
from tests.envparity.dependencies.booting import booted, environment, reached, reaches
from tests.envparity.dependencies.clients import CLIENTS, with_another_password

RUN_S = 300.0
SERVER = Path(__file__).with_name("listening_server.py")
POOLED = """
[settings]
DATABASE_URL = {{ from = "it.url" }}
[dependencies.it]
kind = "postgres"
pooler = "transaction"
max_connections = 8
password = "reserved-characters"
tls = "{tls}"
"""
BOTH = [pytest.param("process", marks=pytest.mark.processes), pytest.param("container", marks=pytest.mark.docker)]


async def session(server: Server, database: str = "app") -> asyncpg.Connection:
    context = server.tls
    if context is not None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await asyncpg.connect(
        host=server.host,
        port=server.port,
        user="app",
        database=database,
        password=server.password,
        ssl=context or False,
        statement_cache_size=0,
    )


@pytest.mark.parametrize("launcher", BOTH)
@pytest.mark.parametrize("tls", ["off", "require"])
async def test_a_client_has_a_connection_for_a_transaction_alone(launcher: str, tls: str, tmp_path: Path) -> None:
    """What one sets another has; more clients than connections wait; it asks for the password, and starts again."""
    async with booted(launcher, environment(tmp_path, POOLED.format(tls=tls)), tmp_path) as stack:
        assert await reaches(stack, "it")
        server = reached(stack, "it")
        with pytest.raises(asyncpg.ProtocolViolationError, match="authentication"):
            await session(with_another_password(server))
        clients = [await session(server) for _ in range(12)]
        await clients[0].execute("SET application_name = 'of the first'")
        assert await clients[1].fetchval("SHOW application_name") == "of the first"
        assert (
            await asyncio.gather(*(client.fetchval("SELECT 1 FROM pg_sleep(0.01)") for client in clients)) == [1] * 12
        )
        for client in clients:
            await client.close()
        await stack.restart_dependency("it")
        assert await CLIENTS["postgres"](reached(stack, "it"))
        logs = await stack.infrastructure_logs()
        assert stack.dependencies["it"].password not in "\n".join(logs["it"])


@pytest.mark.parametrize("launcher", BOTH)
async def test_boots_that_share_it_are_kept_apart(launcher: str, tmp_path: Path) -> None:
    """Each has a database of its own behind it, which goes although the pooler has connections to it."""
    async with booted(launcher, environment(tmp_path, POOLED.format(tls="off")), tmp_path) as stack:
        server = reached(stack, "it")
        async with KIND.isolation(stack.ground, "it", stack.settings["DATABASE_URL"], server, 2) as places:
            first, second = [await places.take(lane) for lane in range(2)]
            clients = [await session(server, place) for place in (first, second)]
            await clients[0].execute("CREATE TABLE tea (leaves integer)")
            assert [await client.fetchval("SELECT to_regclass('tea') IS NULL") for client in clients] == [False, True]
            for connection in clients:
                await connection.close()
            places.give_back(first)
            third = await places.take(0)
            client = await session(server, third)
            assert await client.fetchval("SELECT to_regclass('tea') IS NULL")
            await client.close()


@pytest.mark.parametrize(
    ("keys", "at"), [('pooler = "statement"', "pooler"), ('pooler = "transaction"\nimage = "postgres:16"', "pooler")]
)
def test_what_cannot_be_is_a_mistake(keys: str, at: str, tmp_path: Path) -> None:
    """A mode that is none, and one beside an image that nobody knows to have it."""
    from envparity.config.environment import load_environment

    (tmp_path / "local.toml").write_text(f'name = "local"\n[dependencies.it]\nkind = "postgres"\n{keys}\n')
    _, (mistake,) = load_environment(tmp_path / "local.toml")
    assert mistake.key == f"dependencies.it.{at}"


def test_no_pooler_is_none(tmp_path: Path) -> None:
    """Written out or left out, it is the same server."""
    made = [
        environment(tmp_path, f'[dependencies.it]\nkind = "postgres"\n{keys}\n').dependencies["it"]
        for keys in ("", 'pooler = "none"')
    ]
    assert made[0] == made[1]
    assert KIND.lacks(made[0]) == ""


BACKEND = """
name = "listening"
websocket_path = "/"
[process]
command = ["python3", {server}]
[health]
live = false
ready = false
startup = false
metrics = false
[[scenario]]
name = "hears"
steps = [
  {{ connect = "none" }},
  {{ expect = "welcome" }},
  {{ send = {{ type = "say", text = "tea" }} }},
  {{ expect = "said", fields = {{ text = "tea" }}, within_s = 1 }},
  {{ close = 1000 }},
]
"""


@pytest.mark.processes
def test_who_listens_hears_nothing_behind_it(tmp_path: Path) -> None:
    """Red where it is, by the pooler alone: LISTEN is of a session."""
    (tmp_path / "backend.toml").write_text(BACKEND.format(server=json.dumps(str(SERVER))), encoding="utf-8")
    (tmp_path / "environments").mkdir()
    for name, pooler in (("local", "none"), ("staging", "transaction")):
        text = f'name = "{name}"\nbaseline = {json.dumps(name == "local")}\n[settings]\nDATABASE_URL = '
        text += f'{{ from = "postgres.url" }}\n[dependencies.postgres]\nkind = "postgres"\npooler = "{pooler}"\n'
        (tmp_path / "environments" / f"{name}.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", "process", "--runs", "runs"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (saved,) = (tmp_path / "runs").glob("*.ndjson")
    (finding,) = read_run(saved).verdict.findings
    assert (finding.code, finding.environments) == ("EP306", ("staging",)), ended.stdout
    assert single_cause(finding).partition("=")[0] == "postgres.pooler"
