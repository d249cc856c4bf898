"""A certificate authority that lives as long as a run: its key exists in memory only."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from envparity.model.case import Boot

__all__ = ["OTHER_HOST", "CertificateAuthority", "IssuedCertificate"]

OTHER_HOST: Final = "another-host.invalid"
"""The only name in a certificate that is for another host than its server; nobody is called so (RFC 6761 §6.4)."""

_BACKDATED = dt.timedelta(hours=1)  # for clocks that lag
_VALID = dt.timedelta(days=2)
_COMMON_NAME_CHARACTERS = 64  # RFC 5280 appendix A, ub-common-name


@dataclass(frozen=True)
class IssuedCertificate:
    """A server's certificate and its private key, both PEM."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


class CertificateAuthority:
    """Issues server certificates (EC P-256) that are valid from an hour ago, for two days; RFC 5280."""

    def __init__(self, name: str = "envparity run") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_COMMON_NAME_CHARACTERS])])
        self._certificate = (
            _certificate(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate_pem(self) -> bytes:
        """The authority's own certificate: what a client trusts."""
        return self._certificate.public_bytes(Encoding.PEM)

    def issue(self, names: Sequence[str]) -> IssuedCertificate:
        """A certificate for those DNS names and IP addresses. Raises `ValueError` when there is none."""
        if not names:
            raise ValueError("a certificate needs at least one name")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:_COMMON_NAME_CHARACTERS])])
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _certificate(subject, self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return IssuedCertificate(certificate.public_bytes(Encoding.PEM), private)

    def issue_for(self, dependency: str, names: Sequence[str], boot: Boot) -> IssuedCertificate:
        """That of a dependency's server; for another host where the boot asks for that. Raises as `issue` does."""
        return self.issue([OTHER_HOST] if dependency in boot.other_host else names)

    def client_context(self, *, check: bool = True) -> ssl.SSLContext:
        """What a client needs that trusts this authority and no other; without `check` it trusts anybody."""
        context = ssl.create_default_context(cadata=self.certificate_pem.decode())
        if not check:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
