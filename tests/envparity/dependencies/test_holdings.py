"""What servers say that they hold for good: keys without an expiry, rows without a moment to come; and no values."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from envparity.dependencies.amqp_client import AmqpSession
from envparity.dependencies.shapes import shape_of
from envparity.model.case import Boot
from tests.envparity.dependencies.booting import booted, environment, reached, reaches
from tests.envparity.dependencies.clients import connection

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
BINDING = b"\0\0\6orders\x09amq.topic\4x.42\0\0\0\0\0"  # AMQP 0-9-1 §1.7.2.3, queue.bind
CONSUMING = b"\0\0\6orders\0\0\0\0\0\0"  # §1.8.3.3, basic.consume
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


TABLES_OF_MARIADB = """
CREATE TABLE journal (said TEXT);
INSERT INTO journal VALUES ('1'), ('2'), ('3');
CREATE TABLE leases (held TEXT, ends DATETIME NULL, until TIMESTAMP NULL);
INSERT INTO leases VALUES
    ('a', NOW() + INTERVAL 1 HOUR, NULL), ('b', UTC_TIMESTAMP() + INTERVAL 1 HOUR, NULL),
    ('c', NULL, NOW() + INTERVAL 1 HOUR), ('d', NULL, NULL), ('e', NOW() - INTERVAL 1 DAY, NULL);
CREATE TABLE `odd``one` (said TEXT);
CREATE VIEW seen AS SELECT * FROM journal
"""
OF_A_KIND: dict[str, tuple[str, list[tuple[str, ...]], dict[str, int]]] = {
    "mariadb": ('tls = "require"', [(TABLES_OF_MARIADB,)], {"journal": 3, "leases": 2, "odd`one": 0}),
    "memcached": (
        "",
        [("set", "user:4711", "x"), ("set", "user:4712", "x"), ("set", "code:1", "x", "60"), ("set", "é:on", "1")],
        {"user:*": 2, "*:on": 1},
    ),
    "nats": (
        'tls = "require"\njetstream = true',
        [
            ("REQ", "$JS.API.STREAM.CREATE.JOURNAL", '{"name":"JOURNAL","subjects":["said.>"]}'),
            ("REQ", "$JS.API.STREAM.CREATE.KV_seats", '{"name":"KV_seats","subjects":["$KV.seats.>"]}'),
            ("REQ", "$JS.API.STREAM.CREATE.KV_codes",
             '{"name":"KV_codes","subjects":["$KV.codes.>"],"max_age":9000000000}'),
            ("REQ", "$JS.API.CONSUMER.DURABLE.CREATE.JOURNAL.anna1",
             '{"stream_name":"JOURNAL","config":{"durable_name":"anna1","ack_policy":"explicit"}}'),
            *(("PUB", f"{subject}.{number}", "x") for subject in ("said", "$KV.seats", "$KV.codes") for number in "12"),
        ],
        {"streams JOURNAL": 1, "streams KV_seats": 1, "streams KV_codes": 1, "consumers of JOURNAL": 1,
         "messages of KV_seats": 2},
    ),
    "rabbitmq": (
        'tls = "require"',
        [("declare", "user.4711"), ("declare", "user.4712"), ("declare", "orders"), ("publish", "", "orders", "{}")],
        {"queues user.*": 2, "queues orders": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("launcher", BOTH)
@pytest.mark.parametrize("kind", OF_A_KIND)
async def test_what_stays_in_a_server_of_that_kind(kind: str, launcher: str, tmp_path: Path) -> None:
    """What says when it ends is not counted, nor what others take, nor what the server itself has."""
    keys, commands, held = OF_A_KIND[kind]
    text = f'[settings]\nPORT_OF_IT = {{ from = "it.port" }}\n[dependencies.it]\nkind = "{kind}"\n{keys}\n'
    async with booted(launcher, environment(tmp_path, text), tmp_path) as stack:
        before = await stack.holdings()
        assert before == {"it": {}}
        for command in commands:
            await stack.command_dependency("it", command)
        assert await stack.holdings() == {"it": held}


@pytest.mark.parametrize("launcher", BOTH)
async def test_subscriptions_of_a_connection_that_goes_on_are_held(launcher: str, tmp_path: Path) -> None:
    """As a backend has them, one for each user that it forgets; the server's own are not counted."""
    text = '[settings]\nPORT_OF_IT = { from = "it.port" }\n[dependencies.it]\nkind = "nats"\n'
    async with booted(launcher, environment(tmp_path, text), tmp_path) as stack:
        server = reached(stack, "it")
        async with connection(server) as (reader, writer):
            await reader.readline()
            writer.write(b'CONNECT {"verbose":false,"user":"app","pass":"%b"}\r\n' % server.password.encode())
            writer.write(b"SUB user.1 1\r\nSUB user.2 2\r\nSUB news.> workers 3\r\nSUB gone 4\r\nUNSUB 4\r\nPING\r\n")
            assert await reader.readline() == b"PONG\r\n"
            assert await stack.holdings() == {"it": {"subscriptions to user.*": 2, "subscriptions to news.*": 1}}


@pytest.mark.parametrize("launcher", BOTH)
async def test_a_channel_that_is_left_open_is_held(launcher: str, tmp_path: Path) -> None:
    """With who takes from a queue by it, what that has and does not confirm, and what is bound."""
    text = '[settings]\nPORT_OF_IT = { from = "it.port" }\n[dependencies.it]\nkind = "rabbitmq"\n'
    async with (
        booted(launcher, environment(tmp_path, text), tmp_path) as stack,
        AmqpSession.open(reached(stack, "it"), "app") as session,
    ):
        await session.declare("orders")
        await session.publish("", "orders", "{}")
        for name, arguments in (((50, 20), BINDING), ((60, 20), CONSUMING)):
            session._send(1, name, arguments)
        await session._until((60, 60))  # the message is handed over
        assert (await stack.holdings())["it"] == {
            "queues orders": 1,
            "consumers of orders": 1,
            "unconfirmed messages of orders": 1,
            "bindings to amq.topic": 1,
            "channels": 1,
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
