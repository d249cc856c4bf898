"""TLS of an ingress, and its end."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from tests.envparity.launch.process.ingress.asking import Reply, asked, get, heads, until
from tests.envparity.launch.process.ingress.bench import (
    DEADLINE_S,
    Bench,
    Opened,
    streams,
)

pytestmark = pytest.mark.usefixtures("nothing_remembered")

# TLS.


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
async def test_tls_is_of_a_version_that_is_still_good(
    bench: Bench, ingress: Opened, version: ssl.TLSVersion, spoken: bool
) -> None:
    """1.2 and 1.3, whoever offers them; nothing older, even from a client that would lower its guard."""
    offered = bench.trust
    offered.set_ciphers("ALL:@SECLEVEL=0")
    offered.minimum_version = offered.maximum_version = version
    try:
        async with streams(ingress.address, offered) as (_, writer):
            assert spoken
            assert writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
    except (ssl.SSLError, ConnectionResetError):
        assert not spoken


async def test_its_certificate_is_for_its_host_whatever_name_is_asked_for(bench: Bench, ingress: Opened) -> None:
    """Another name gets the same certificate, which a client that checks refuses, and one that does not accepts."""
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        async with streams(ingress.address, bench.trust, "another.example"):
            pass
    careless = bench.authority.client_context(check=False)
    async with streams(ingress.address, careless, "another.example") as (reader, writer):
        writer.write(get())
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_plain_http_is_told_to_speak_tls(bench: Bench, ingress: Opened) -> None:
    """As nginx tells it: 400 with that reason, and the end."""
    async with streams(ingress.address, None) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(get())
        answer = Reply(await reader.read(), closed=True)
    assert answer.status == 400
    assert b"The plain HTTP request was sent to HTTPS port" in answer.body


async def test_without_tls_it_says_http_and_at_the_end_finishes_what_is_open(bench: Bench) -> None:
    """Plain HTTP is forwarded as such. A graceful stop refuses who comes, answers who waits, and drops what stays."""
    plain = bench.open(tls=False)
    async with streams(plain.address, None) as (reader, writer), asyncio.timeout(DEADLINE_S):
        writer.write(get())
        await reader.readuntil(b"ok")
        assert {"X-Forwarded-Proto: http", "X-Forwarded-Port: 80"} <= set(asked(bench))
        writer.write(get("/slow"))  # 504 after the idle time
        await until(lambda: len(heads(bench)) == 2)
        stopping = asyncio.create_task(asyncio.to_thread(plain.stop))
        answer = Reply(await reader.read(), closed=True)
        await stopping
    assert answer.status == 504
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*plain.address)
