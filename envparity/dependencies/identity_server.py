"""The server of an identity provider: `python identity_server.py CONFIGURATION STATE HOST PORT`.

It stands alone, for it is copied to where it runs. The configuration is JSON: `keys`, the key pairs in the order in
which rotations bring them up, each with `kid`, `pem` and the public `jwk`, of which `kid` and `jwk` may be empty:
they are made of `pem` then; `algorithm`, `client_id`, `secret`,
`audience` and `lifetime_s` of what its token endpoint gives. `/PLACE/...` is a provider of its own, with rotations of
its own, and so is the one without a place. What was rotated is kept in the file STATE, for a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DISCOVERY, JWKS, TOKEN, HEALTH, ROTATE = (
    "/.well-known/openid-configuration",
    "/jwks.json",
    "/token",
    "/-/health",
    "/-/rotate",
)
_MOST_BYTES = 65536


class Provider:
    """What the server knows: its configuration, and how far each place has been rotated."""

    def __init__(self, configuration: Path, state: Path) -> None:
        self._said: dict[str, Any] = json.loads(configuration.read_text(encoding="utf-8"))
        for key in self._said["keys"]:
            if not key["jwk"]:
                key["jwk"] = _public(key["pem"], self._said["algorithm"], key["kid"])
                key["kid"] = key["jwk"]["kid"]
        self._file, self._lock = state, threading.Lock()
        self._rotated: dict[str, list[int]] = {}  # how often, and from which key on they are published
        if state.is_file():
            self._rotated = json.loads(state.read_text(encoding="utf-8"))

    def rotate(self, place: str, generation: int, first: int) -> None:
        """Sign with the key of that generation, and publish those from `first` on to it."""
        if not 0 <= first <= generation < len(self._said["keys"]):
            raise ValueError(f"no keys {first} to {generation}")
        with self._lock:
            self._rotated[place] = [generation, first]
            self._file.write_text(json.dumps(self._rotated), encoding="utf-8")

    def allows(self, header: str, form: dict[str, list[str]]) -> bool:
        """Whether that is the client, by basic authentication or by its form (RFC 6749 §2.3.1)."""
        given = [form.get(name, [""])[0] for name in ("client_id", "client_secret")]
        if header[:6].lower() == "basic ":
            try:
                decoded = base64.b64decode(header[6:], validate=True).decode()
            except ValueError:
                return False
            given = [unquote(part) for part in decoded.partition(":")[::2]]
        expected = [self._said["client_id"], self._said["secret"]]
        return hmac.compare_digest("\0".join(given).encode(), "\0".join(expected).encode())

    def is_administrator(self, header: str) -> bool:
        """Whether that is who may rotate keys."""
        return hmac.compare_digest(header.encode(), f"Bearer {self._said['secret']}".encode())

    def published(self, place: str) -> dict[str, object]:
        """The set of its public keys (RFC 7517 §5)."""
        generation, first = self._rotated.get(place, [0, 0])
        return {"keys": [key["jwk"] for key in self._said["keys"][first : generation + 1]]}

    def discovery(self, issuer: str) -> dict[str, object]:
        """What it says of itself (OpenID Connect Discovery 1.0 §3, RFC 8414)."""
        return {
            "issuer": issuer,
            "jwks_uri": issuer + JWKS,
            "token_endpoint": issuer + TOKEN,
            "authorization_endpoint": issuer + "/authorize",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self._said["algorithm"]],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def token(self, place: str, issuer: str) -> dict[str, object]:
        """An access token for its client (RFC 6749 §4.4.3, RFC 9068)."""
        generation, _ = self._rotated.get(place, [0, 0])
        key, now, client = self._said["keys"][generation], int(time.time()), self._said["client_id"]
        lifetime_s = self._said["lifetime_s"]
        claims = {
            "iss": issuer, "sub": client, "client_id": client, "iat": now, "exp": now + lifetime_s,
            "jti": str(uuid.uuid4()), **({"aud": self._said["audience"]} if self._said["audience"] else {}),
        }  # fmt: skip
        import jwt

        token = jwt.encode(claims, key["pem"], algorithm=self._said["algorithm"], headers={"kid": key["kid"]})
        return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s}


def _public(pem: str, algorithm: str, kid: str) -> dict[str, object]:
    """The public half as a JWK, called `kid`, or by its thumbprint (RFC 7638)."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwt.algorithms import get_default_algorithms

    public: object = load_pem_private_key(pem.encode(), password=None).public_key()
    signing: Any = get_default_algorithms()[algorithm]
    jwk = {name: value for name, value in json.loads(signing.to_jwk(public)).items() if name != "key_ops"}
    kept = {name: jwk[name] for name in sorted(jwk) if name in {"crv", "e", "kty", "n", "x", "y"}}
    digest = hashlib.sha256(json.dumps(kept, separators=(",", ":")).encode()).digest()
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {**jwk, "use": "sig", "alg": algorithm, "kid": kid or thumbprint}


class Handler(BaseHTTPRequestHandler):
    """One request. `provider` is set once, before any comes."""

    provider: Provider
    protocol_version = "HTTP/1.1"
    timeout = 30.0

    def do_GET(self) -> None:
        """Discovery, the public keys, health."""
        path = urlsplit(self.path).path
        place, _, rest = path[1:].partition("/")
        if path == HEALTH:
            self._answer(200, {"status": "pass"})
        elif DISCOVERY in (path, f"/{rest}"):
            self._answer(200, self.provider.discovery(self._issuer("" if path == DISCOVERY else place)))
        elif JWKS in (path, f"/{rest}"):
            self._answer(200, self.provider.published("" if path == JWKS else place))
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        """The token endpoint, and rotations."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self.close_connection = True
            self._answer(400, {"error": "invalid_request"})
            return
        body = self.rfile.read(int(length)).decode(errors="replace")
        path, said = urlsplit(self.path).path, self.headers.get("Authorization", "")
        place, _, rest = path[1:].partition("/")
        if path == ROTATE:
            self._rotate(said, body)
        elif TOKEN in (path, f"/{rest}"):
            form = parse_qs(body)
            if form.get("grant_type") != ["client_credentials"]:
                self._answer(400, {"error": "unsupported_grant_type"})
            elif not self.provider.allows(said, form):
                self._answer(401, {"error": "invalid_client"})
            else:
                place = "" if path == TOKEN else place
                self._answer(200, self.provider.token(place, self._issuer(place)))
        else:
            self._answer(404, {"error": "not_found"})

    def _rotate(self, said: str, body: str) -> None:
        if not self.provider.is_administrator(said):
            self._answer(403, {"error": "forbidden"})
            return
        try:
            asked = json.loads(body)
            self.provider.rotate(str(asked["place"]), int(asked["generation"]), int(asked["first"]))
        except (ValueError, KeyError, TypeError) as error:
            self._answer(400, {"error": str(error)})
        else:
            self._answer(200, {})

    def _issuer(self, place: str) -> str:
        """Who it is, as the client that asks knows it."""
        return f"http://{self.headers.get('Host', '')}" + (f"/{place}" if place else "")

    def _answer(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class's
        """A line for each request, but for those who ask whether it is there."""
        if self.path != HEALTH:
            print(format % args, flush=True)  # noqa: T201  its log


def main(configuration: str, state: str, host: str, port: str) -> None:
    """Serve until the process is told to end."""
    Handler.provider = Provider(Path(configuration), Path(state))
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
