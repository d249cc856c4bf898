"""A server that presents a certificate for another host: who checks is not let in, and envparity itself is."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from envparity.config.project import load_project
from envparity.dependencies.redis_session import RedisSession
from envparity.launch.certificates import OTHER_HOST
from envparity.launch.controls import PresentsCertificates
from envparity.launch.process.kind import process_launcher
from envparity.launch.process.stack import ProcessStack
from envparity.model.case import Boot
from envparity.observe.certificate import PresentedCertificate
from tests.envparity.launch.process.test_rabbitmq import BACKEND

pytestmark = pytest.mark.processes

LOCAL = """
name = "local"
[settings]
CACHE = { from = "cache.url" }
[dependencies.cache]
kind = "redis"
tls = "verify-full"
[dependencies.other]
kind = "redis"
tls = "verify-full"
"""


def names_of(certificate: bytes) -> list[str]:
    """The hosts that it is for."""
    read = x509.load_der_x509_certificate(certificate)
    return read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


async def presented_to(context: ssl.SSLContext, port: int) -> bytes:
    """The certificate that a client is shown there. Raises `ssl.SSLError`."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown
    finally:
        writer.close()


async def test_the_dependency_of_the_boot_presents_a_certificate_for_another_host(tmp_path: Path) -> None:
    """Signed by the authority that the backend trusts; the other dependency presents its own."""
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "local.toml").write_text(LOCAL, encoding="utf-8")
    project = load_project(tmp_path / "backend.toml", [tmp_path / "local.toml"])
    launcher = process_launcher(project)
    boot = Boot(other_host=("cache",))
    try:
        async with launcher.boot(project.environments["local"], boot, lambda _: None) as stack:
            assert isinstance(stack, ProcessStack)
            assert isinstance(stack, PresentsCertificates)
            assert stack.presented == (PresentedCertificate("cache", OTHER_HOST, "127.0.0.1"),)
            ports = {name: dependency.proxy.port for name, dependency in stack.dependencies.items()}
            checked = ssl.create_default_context(cafile=stack.given.place.ca_path)
            assert OTHER_HOST not in names_of(await presented_to(checked, ports["other"]))
            with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
                await presented_to(checked, ports["cache"])
            checked.check_hostname = False  # who signed it is checked all the same
            assert names_of(await presented_to(checked, ports["cache"])) == [OTHER_HOST]
            server = stack.controlled.server("cache")
            assert server is not None
            async with RedisSession.open((server.host, server.port), server.password, server.tls) as session:
                assert await session.run(0, ("PING",)) == "PONG"
    finally:
        await launcher.close()
