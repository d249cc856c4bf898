"""What servers say that they hold for good: keys without an expiry, rows without a moment to come; and no values."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from envparity.dependencies.redis_holdings import shape_of
from envparity.model.case import Boot
from tests.envparity.dependencies.booting import booted, environment, reached, reaches

BOTH = [pytest.param("process", marks=pytest.mark.processes), pytest.param("container", marks=pytest.mark.docker)]
SERVERS = """
[settings]
DATABASE_URL = { from = "rows.url" }
REDIS_URL = { from = "keys.url" }
[dependencies.rows]
kind = "postgres"
[dependencies.keys]
kind = "redis"
tls = "require"
"""
TABLES = """
CREATE TABLE journal (said text);
INSERT INTO journal SELECT 'x|' || n FROM generate_series(1, 12) AS n;
CREATE TABLE leases (held text, made timestamptz DEFAULT now(), ends timestamptz, was timestamp);
INSERT INTO leases (held, ends, was) VALUES
    ('a', now() + interval '1 hour', NULL), ('b', now() - interval '1 hour', now()), ('c', NULL, NULL),
    ('d', 'infinity', NULL);
CREATE TABLE parted (at integer) PARTITION BY RANGE (at);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
INSERT INTO parted VALUES (1), (2);
CREATE SCHEMA "other one";
CREATE TABLE "other one"."t|b" (said text);
INSERT INTO "other one"."t|b" VALUES ('1');
"""
COMMANDS = (
    ("SET", "session:4711", "x"),
    ("SET", "session:4712", "x"),
    ("SET", "session:4713", "x", "EX", "60"),
    ("SET", "token/eyJhbGciOiJIUzI1NiJ9.x.y/seen", "1"),
    ("SADD", "online", "a", "b", "c"),
    ("HSET", "where:anna7", "replica", "one"),
    ("ZADD", "ranks", "1", "a", "2", "b"),
    ("ZADD", "leases", "1764000000", "a", "1764000001", "b"),
    ("RPUSH", "queue", "1", "2", "3"),
)


@pytest.mark.parametrize("launcher", BOTH)
async def test_servers_say_what_stays_in_them(launcher: str, tmp_path: Path) -> None:
    """Rows that say when they end, and keys that do, are not counted; a table's parts are counted in it."""
    async with booted(launcher, environment(tmp_path, SERVERS), tmp_path) as stack:
        for name in ("rows", "keys"):
            assert await reaches(stack, name)
        rows = reached(stack, "rows")
        session = await asyncpg.connect(
            host=rows.host, port=rows.port, user="app", database="app", password=rows.password, ssl=False
        )
        await session.execute(TABLES)
        await session.close()
        for command in COMMANDS:
            await stack.command_dependency("keys", command)
        assert await stack.holdings() == {
            "rows": {"journal": 12, "leases": 3, "parted": 2, '"other one"."t|b"': 1},
            "keys": {
                "session:*": 2,
                "token/*/seen": 1,
                "online": 1,
                "members of online": 3,
                "where:*": 1,
                "members of where:*": 1,
                "ranks": 1,
                "members of ranks": 2,
                "leases": 1,
                "queue": 1,
            },
        }


@pytest.mark.processes
async def test_a_server_that_is_down_is_not_asked(tmp_path: Path) -> None:
    """Nothing is said of it, and nothing fails."""
    stands = environment(tmp_path, SERVERS)
    async with booted("process", stands, tmp_path, Boot(down=("rows",))) as stack:
        assert await stack.holdings() == {"keys": {}}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("netra:connections:o'select--12", "netra:connections:*"),
        ("a:b-c:d.e", "a:b-c:d.e"),
        ("{anna@example.com}:x", "{*}:x"),
        ("user|日本", "user|*"),
        ("eyJhbGciOiJIUzINiJ.eyJzdWI", "*"),
        ("", ""),
    ],
)
def test_a_shape_has_no_value_of_anybody_in_it(name: str, shape: str) -> None:
    """Ids, addresses, names beyond letters, and what is too long to be a word."""
    assert shape_of(name) == shape
