"""Commands that servers take from outside: what they do, what is refused, and that no secret is told with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from envparity.dependencies.postgres_isolation import Databases
from envparity.dependency.wording import command_problem, verb_of
from envparity.errors import LaunchError
from tests.envparity.dependencies.booting import Stack, booted, environment, reached

LAUNCHERS = [
    pytest.param("process", marks=pytest.mark.processes),
    pytest.param("container", marks=pytest.mark.docker),
]
TABLE = "CREATE TABLE said (id INTEGER, text TEXT); INSERT INTO said VALUES (1, 'tea')"
NO_SQL_TEXT = "o'neil; -- \\ \"`é"
INSERT = {"postgres": "INSERT INTO said SELECT 2, $1", "mariadb": "INSERT INTO said SELECT 2, ?"}
UPDATE = {"postgres": "UPDATE said SET text = $1", "mariadb": "UPDATE said SET text = ?"}


@asynccontextmanager
async def server(kind: str, launcher: str, folder: Path, keys: str = "") -> AsyncIterator[Stack]:
    text = f'[settings]\nPORT_OF_IT = {{ from = "it.port" }}\n[dependencies.it]\nkind = "{kind}"\n{keys}\n'
    async with booted(launcher, environment(folder, text), folder) as stack:
        yield stack


@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("postgres", ""),
        ("postgres", 'tls = "require"\npassword = "reserved-characters"'),
        ("postgres", 'pooler = "transaction"'),
        ("mariadb", ""),
        ("mariadb", 'tls = "require"\npassword = "reserved-characters"'),
        ("mariadb", "password = false"),
    ],
)
async def test_sql_is_done_in_the_backends_own_database(kind: str, keys: str, launcher: str, tmp_path: Path) -> None:
    """Several statements in a text; with values behind it one, in which no value is taken for SQL."""
    async with server(kind, launcher, tmp_path, keys) as stack:
        await stack.command_dependency("it", (TABLE,))
        await stack.command_dependency("it", (INSERT[kind], NO_SQL_TEXT))
        rows = await stack.command_dependency("it", ("SELECT id, text, NULL FROM said ORDER BY id",))
        assert rows == [["1", "tea", None], ["2", NO_SQL_TEXT, None]]
        long = "x" * 60_000
        await stack.command_dependency("it", (UPDATE[kind], long))
        assert await stack.command_dependency("it", ("SELECT DISTINCT text FROM said",)) == [[long]]
        with pytest.raises(LaunchError, match=r"it refused INSERT: .*nowhere.* \(42"):
            await stack.command_dependency("it", ("INSERT INTO nowhere VALUES (1)",))


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_no_secret_is_told_with_a_refusal(launcher: str, tmp_path: Path) -> None:
    """PostgreSQL repeats what it cannot read."""
    async with server("postgres", launcher, tmp_path) as stack:
        password = stack.dependencies["it"].password
        with pytest.raises(LaunchError, match="invalid input syntax for type integer") as raised:
            await stack.command_dependency("it", ("SELECT $1::integer", password))
        assert password not in str(raised.value)


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_sql_of_a_warm_boot_is_done_in_the_database_of_that_boot(launcher: str, tmp_path: Path) -> None:
    """As the role that owns it; the environment's own has no part in it."""
    keys = '[settings]\nDATABASE_URL = { from = "it.url" }\n[dependencies.it]\nkind = "postgres"\n'
    async with booted(launcher, environment(tmp_path, keys), tmp_path) as stack:
        at = stack.dependencies["it"].proxy.upstream
        assert at is not None
        own = type(reached(stack, "it"))(*at, stack.dependencies["it"].password)
        async with Databases.open(stack.ground, "it", stack.given.urls["it"], own, ahead=1) as databases:
            place = await databases.take(0)
            await databases.command(place, (TABLE,))
            assert await databases.command(place, ("SELECT text FROM said WHERE id = $1", "1")) == [["tea"]]
            with pytest.raises(LaunchError, match="said"):
                await stack.command_dependency("it", ("SELECT * FROM said",))
            databases.give_back(place)


@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize("keys", ['tls = "require"\njetstream = true', "password = false\njetstream = true"])
async def test_nats_hands_a_message_on(keys: str, launcher: str, tmp_path: Path) -> None:
    """To who listens; what is asked is answered, or nobody is there to answer."""
    async with server("nats", launcher, tmp_path, keys) as stack:
        made = await stack.command_dependency("it", ("REQ", "$JS.API.STREAM.CREATE.TEA", '{"name":"TEA"}'))
        assert '"did_create":true' in str(made)
        await stack.command_dependency("it", ("PUB", "TEA", "two\r\nlines"))
        found = await stack.command_dependency("it", ("REQ", "$JS.API.STREAM.INFO.TEA"))
        assert '"messages":1' in str(found)
        for command, said in {
            ("REQ", "nobody.there"): "nobody answers at nobody.there",
            ("PUB", "with space"): "is no subject",
            ("XADD", "news"): "one of PUB SUBJECT",
            ("PUB",): "PUB SUBJECT",
        }.items():
            with pytest.raises(LaunchError, match=said):
                await stack.command_dependency("it", command)


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_rabbitmq_takes_messages_and_empties_queues(launcher: str, tmp_path: Path) -> None:
    """Of queues by their names, and by an exchange; a queue that is not there is told."""
    async with server("rabbitmq", launcher, tmp_path, 'tls = "require"') as stack:
        await stack.command_dependency("it", ("declare", "orders"))
        for text in ("one", "x" * 200_000):
            await stack.command_dependency("it", ("publish", "", "orders", text))
        await stack.command_dependency("it", ("publish", "amq.topic", "nobody.hears", "{}"))
        assert await stack.command_dependency("it", ("purge", "orders")) == 2
        assert await stack.command_dependency("it", ("delete", "orders")) == 0
        for command, said in {
            ("publish", "", "orders", "{}"): "312 NO_ROUTE",
            ("publish", "nowhere", "x", "{}"): "404 NOT_FOUND",
            ("purge", "orders"): "404 NOT_FOUND",
            ("get", "orders"): "one of publish",
        }.items():
            with pytest.raises(LaunchError, match=said):
                await stack.command_dependency("it", command)


@pytest.mark.parametrize("launcher", LAUNCHERS)
async def test_memcached_keeps_and_forgets(launcher: str, tmp_path: Path) -> None:
    """A value may be anything; a key may not be two words."""
    async with server("memcached", launcher, tmp_path) as stack:
        said: Mapping[tuple[str, ...], object] = {
            ("set", "tea", "green\r\nor é"): "STORED",
            ("get", "tea"): "green\r\nor é",
            ("set", "cups", "1", "60"): "STORED",
            ("incr", "cups", "2"): "3",
            ("delete", "nothing"): "NOT_FOUND",
            ("flush_all",): "OK",
            ("get", "cups"): None,
        }
        for command, answer in said.items():
            assert await stack.command_dependency("it", command) == answer
        for command, refusal in {
            ("set", "two words", "x"): "is no word of memcached's",
            ("incr", "cups", "2"): "NOT_FOUND",
            ("set", "tea"): "set KEY VALUE",
            ("quit",): "one of set",
        }.items():
            with pytest.raises(LaunchError, match=refusal):
                await stack.command_dependency("it", command)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("PUB", "a"), ""),
        (("PUB", "a", "b"), ""),
        (("PUB", "a", "b", "c"), "PUB SUBJECT [PAYLOAD]"),
        (("pub", "a"), "one of PUB SUBJECT [PAYLOAD], FLUSH"),
        (("FLUSH", "a"), "FLUSH"),
    ],
)
def test_a_command_has_as_many_words_as_it_takes(command: tuple[str, ...], problem: str) -> None:
    assert command_problem({"PUB": "SUBJECT [PAYLOAD]", "FLUSH": ""}, command) == problem


def test_a_command_is_called_by_its_first_word() -> None:
    """Whatever that is part of."""
    assert [verb_of((text,)) for text in ("UPDATE t SET a = 1", "\n  DELETE\nFROM t", " ")] == ["UPDATE", "DELETE", " "]
