"""All of the environment is read here, once, when `create_app()` asks for it.

Importing this module reads nothing. Every setting has one name, the same in every environment, and no setting
switches a check off. All mistakes are reported at once, by name and never by value.
"""

from __future__ import annotations

import os
import ssl
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SECRET_BYTES = 32
MIN_RSA_BITS = 2048
SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
SECRET_NAMES = frozenset({"DATABASE_URL", "REDIS_URL", "JWT_SECRET"})

IPNetwork = IPv4Network | IPv6Network


def _comma_separated(given: object) -> object:
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    return given


def _unpadded(given: SecretStr) -> SecretStr:
    text = given.get_secret_value()
    if text != text.strip():
        raise ValueError("has white space around it, which is refused and not repaired")
    return given


def _long_enough(given: SecretStr) -> SecretStr:
    if len(given.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"is shorter than {MIN_SECRET_BYTES} bytes")
    return given


def _readable_certificates(path: str) -> None:
    if not Path(path).is_file():
        raise ValueError("names a certificate file that cannot be read")
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        raise ValueError("names a certificate file that holds no certificate") from None


def _postgres_url(given: SecretStr) -> SecretStr:
    try:
        url = urlsplit(given.get_secret_value())
        _ = url.port
        query = parse_qs(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise ValueError("is not a URL") from None
    if url.scheme not in {"postgres", "postgresql"} or not url.hostname or not url.username or url.path in {"", "/"}:
        raise ValueError("must be postgresql://USER:PASSWORD@HOST:PORT/NAME")
    for name in query:
        if name not in {"sslmode", "sslrootcert"}:
            raise ValueError("has a query parameter other than sslmode and sslrootcert")
    if query.get("sslmode", ["disable"])[-1] not in SSL_MODES:
        raise ValueError(f"has an sslmode that is none of {', '.join(SSL_MODES)}")
    if "sslrootcert" in query:
        _readable_certificates(query["sslrootcert"][-1])
    return given


def _redis_url(given: SecretStr) -> SecretStr:
    try:
        url = urlsplit(given.get_secret_value())
        _ = url.port
        query = parse_qs(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise ValueError("is not a URL") from None
    database = url.path.removeprefix("/")
    if url.scheme not in {"redis", "rediss"} or not url.hostname or not (database == "" or database.isdecimal()):
        raise ValueError("must be redis[s]://[USER:PASSWORD@]HOST:PORT/NUMBER")
    for name in query:
        if name != "ssl_ca_certs":
            raise ValueError("has a query parameter other than ssl_ca_certs")
    if "ssl_ca_certs" in query:
        if url.scheme != "rediss":
            raise ValueError("has ssl_ca_certs, which goes with rediss:// only")
        _readable_certificates(query["ssl_ca_certs"][-1])
    return given


def _public_key(given: str) -> str:
    try:
        key = load_pem_public_key(given.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a public key in PEM") from None
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return given
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return given
    raise ValueError(f"must be an RSA key of at least {MIN_RSA_BITS} bits, or a P-256 key")


def _network(given: str) -> str:
    try:
        ip_network(given)
    except ValueError:
        raise ValueError("has an entry that is neither an IP address nor a CIDR network") from None
    return given


def _origin(given: str) -> str:
    url = urlsplit(given)
    if url.scheme not in {"http", "https"} or not url.hostname or given != f"{url.scheme}://{url.netloc}":
        raise ValueError("has an entry that is not an origin (scheme://host[:port], nothing behind it)")
    return given


Secret = Annotated[SecretStr, AfterValidator(_unpadded)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
Several = BeforeValidator(_comma_separated)


class Listening(BaseSettings):
    """Where to listen: needed even when the other settings are unusable, to be able to say so."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        alias_generator=str.upper,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,  # it is rarely needed by itself
    )

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000


class Settings(Listening, defer_build=False):
    """The settings, checked. `environment` and `release` are labels: nothing branches on them."""

    environment: Label
    release: Label = "dev"
    database_url: Annotated[Secret, AfterValidator(_postgres_url)]
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 4
    redis_url: Annotated[Secret, AfterValidator(_redis_url)]
    jwt_secret: Annotated[Secret, AfterValidator(_long_enough)] | None = None
    jwt_public_key: Annotated[str, AfterValidator(_public_key)] | None = None
    jwt_issuer: Annotated[str, Field(min_length=1)]
    jwt_audience: Annotated[str, Field(min_length=1)]
    allowed_origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, Several] = ()
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, Several] = ()
    startup_order: Annotated[tuple[str, ...], NoDecode, Several] = ()
    startup_step_timeout_s: PositiveFloat = 15.0
    startup_postgres_timeout_s: PositiveFloat | None = None
    startup_redis_timeout_s: PositiveFloat | None = None
    websocket_auth_timeout_s: PositiveFloat = 10.0
    websocket_heartbeat_interval_s: PositiveFloat = 30.0
    websocket_idle_timeout_s: PositiveFloat = 600.0
    websocket_max_message_bytes: Annotated[int, Field(ge=256, le=1_048_576)] = 8192
    websocket_messages_per_minute: PositiveInt = 100
    websocket_connections_per_user: PositiveInt = 3
    shutdown_grace_s: PositiveFloat = 8.0
    log_format: Literal["json", "console"] = "json"

    @property
    def jwt_algorithm(self) -> str:
        """The one algorithm that a token may have: HS256 with a secret, RS256 or ES256 with a public key."""
        if self.jwt_public_key is None:
            return "HS256"
        return "RS256" if isinstance(load_pem_public_key(self.jwt_public_key.encode()), RSAPublicKey) else "ES256"

    @property
    def jwt_key(self) -> str:
        """What a token's signature is checked with."""
        if self.jwt_secret is not None:
            return self.jwt_secret.get_secret_value()
        return self.jwt_public_key or ""

    @property
    def trusted_networks(self) -> tuple[IPNetwork, ...]:
        """TRUSTED_PROXIES as networks; an address is a network of one."""
        return tuple(ip_network(given) for given in self.trusted_proxies)


class SettingsProblem(NamedTuple):
    """One mistake in the environment: which setting, and what is wrong with it, without its value."""

    name: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.name} {self.complaint}"


class SettingsReading(NamedTuple):
    """What reading the environment once has shown: usable settings, or every problem with them."""

    settings: Settings | None
    problems: tuple[SettingsProblem, ...]
    listening: Listening | None
    given: frozenset[str]

    def fingerprints(self) -> list[dict[str, Any]]:
        """Every setting by name, source and, where it is no secret, value."""
        values = self.settings.model_dump(mode="json", by_alias=True) if self.settings else {}
        return [
            {
                "name": name,
                "source": "environment" if name in self.given else "default",
                "secret": name in SECRET_NAMES,
                "value": None if name in SECRET_NAMES else values.get(name),
            }
            for name in setting_names()
        ]


def setting_names() -> Sequence[str]:
    """The names of all settings, sorted."""
    return sorted(name.upper() for name in Settings.model_fields)


def read_settings() -> SettingsReading:
    """Read the environment, once. Raises nothing: what is wrong with it is in the reading."""
    given = frozenset(name for name in setting_names() if name in os.environ)
    problems: list[SettingsProblem] = []
    settings: Settings | None = None
    listening: Listening | None = None
    try:
        settings = Settings()  # type: ignore[call-arg]  # the required ones come from the environment
    except ValidationError as refused:
        problems.extend(_problems_in(refused))
    if ("JWT_SECRET" in given) == ("JWT_PUBLIC_KEY" in given):
        problems.append(SettingsProblem("JWT_SECRET", "or JWT_PUBLIC_KEY must be given, exactly one of the two"))
    if settings is None:
        try:
            listening = Listening()
        except ValidationError:
            listening = None
    else:
        listening = settings
    return SettingsReading(None if problems else settings, tuple(problems), listening, given)


def _problems_in(refused: ValidationError) -> list[SettingsProblem]:
    complaints: dict[tuple[str, str], None] = {}
    for error in refused.errors(include_url=False, include_input=False):
        name = str(error["loc"][0])
        if error["type"] == "missing":
            complaint = "is missing"
        elif error["type"] == "value_error":
            complaint = str(error["ctx"]["error"])
        elif error["type"] == "string_pattern_mismatch":
            complaint = "must be a label: letters, digits, and . _ + - behind the first"
        else:
            complaint = "is wrong: " + error["msg"].partition(",")[0][:1].lower() + error["msg"].partition(",")[0][1:]
        complaints[name, complaint] = None
    return [SettingsProblem(name, complaint) for name, complaint in complaints]
