"""A container engine, the images, and a certificate for their servers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import docker
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from tests.envparity.launch.images.starting import Servers


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def references(engine: docker.DockerClient) -> dict[str, str]:
    return ImageBuilder(engine, default_docker_folder(), lambda _line: None).ensure(
        ["postgres", "redis", "ingress", "backend"]
    )


@pytest.fixture(scope="module")
def certificate() -> dict[str, bytes]:
    """A self-signed certificate for localhost, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"server.crt": pem, "server.key": private, "ca.crt": pem}


@pytest.fixture
def trust(certificate: dict[str, bytes]) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate["ca.crt"].decode())


@pytest.fixture
def servers(engine: docker.DockerClient, references: dict[str, str]) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(engine, references, stack)
