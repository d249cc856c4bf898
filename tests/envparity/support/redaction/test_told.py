"""Lines of a log that hold a credential."""

from __future__ import annotations

import base64

import jwt
import pytest

from envparity.support.redaction.told import lines_with_credentials

PASSWORD = "7f3a9c51e0b24d6888aa"
URL = f"postgresql://netra:{PASSWORD}@127.0.0.1:5432/netra"
KEY = "5b1f" * 8 + "0c9d7e2a6f83"
SECRETS = ((URL, "{setting:DATABASE_URL}"), (KEY, "{setting:JWT_SECRET}"), ("postgres-local", "{setting:PW}"))
TOKEN = jwt.encode({"sub": "anna", "exp": 4102444800}, KEY, "HS256")


def told(*lines: str) -> list[tuple[str, str]]:
    return list(lines_with_credentials("\n".join(lines), SECRETS))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"could not connect to {URL}", "{setting:DATABASE_URL}"),
        (f'{{"password": "{PASSWORD}"}}', "{setting:DATABASE_URL}"),
        (f"GET /?key={KEY}", "{setting:JWT_SECRET}"),
        (f"refused: Authorization: Bearer {TOKEN}", "a token"),
        (f"offered: v1, jwt.{base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip('=')}", "a token"),
    ],
    ids=["a URL", "its password", "a key in a query", "a token", "a token in base64"],
)
def test_a_credential_is_told_by_its_name_with_its_line(line: str, name: str) -> None:
    assert told("listening", line, "bye") == [(name, line)]


@pytest.mark.parametrize(
    "line",
    [
        "connecting to postgresql://netra:***@127.0.0.1:5432/netra",
        "connecting to postgres-local at 127.0.0.1:5432, database netra",
        "Authorization: Bearer <token>",
        "{setting:DATABASE_URL} is missing",
        f"GET /ws?access_token={TOKEN} 101",
        f"fingerprint {KEY[:6]}",
    ],
    ids=["masked", "a word", "a masked token", "a name", "a token in a query", "too little of it"],
)
def test_what_opens_nothing_is_not_told(line: str) -> None:
    assert told("listening", line, "bye") == []
