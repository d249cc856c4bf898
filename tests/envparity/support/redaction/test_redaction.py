"""No form of a secret survives in a text."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envparity.support.redaction import REDACTED, Redaction, redact

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is no failure

SECRET = "s3cr/t+wi th:every@thing?ü"
FORMS = {
    "as it is": SECRET,
    "in a URL": quote(SECRET, safe=""),
    "in a path": quote(SECRET),
    "in a form": quote_plus(SECRET),
    "in JSON": json.dumps(SECRET)[1:-1],
    "in base64": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "in base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_a_secret_is_taken_out(form: str) -> None:
    """Not even a part of it is left, but for a character that base64 shares with what follows."""
    text = redact(f"before {form} after", [SECRET])
    left = text.removeprefix(f"before {REDACTED}").removesuffix(" after")
    assert len(left) <= 1
    assert text.startswith("before ")


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "postgres"])
def test_basic_credentials_are_taken_out(user: str) -> None:
    """`user:password` in base64, whatever the user's length does to the alignment."""
    password = "0123456789abcdef" * 3
    header = base64.b64encode(f"{user}:{password}".encode()).decode()
    text = redact(f"authorization: Basic {header}", [password])
    assert REDACTED in text
    assert not any(header[at : at + 8] in text for at in range(12, len(header) - 12))


def test_the_password_of_a_secret_url_is_a_secret_too() -> None:
    """The DSN is the secret; its password alone is one as well, decoded and not."""
    dsn = "postgresql://netra:pa%2Fss-w0rd@postgres:5432/netra?sslmode=require"
    text = redact("tried pa/ss-w0rd, then pa%2Fss-w0rd, then all of " + dsn, [dsn])
    assert text == f"tried {REDACTED}, then {REDACTED}, then all of {REDACTED}"


def test_a_password_in_any_url_is_taken_out() -> None:
    """Even one that nobody named: only the password goes, so that the line can still be read."""
    text = "cannot connect to redis://:hunter2hunter2@redis:6379/0 nor postgres://u:p@h/d nor http://host:80/a@b"
    assert redact(text, []) == (
        f"cannot connect to redis://:{REDACTED}@redis:6379/0 nor postgres://u:{REDACTED}@h/d nor http://host:80/a@b"
    )


def test_a_secret_within_a_secret_is_no_way_out() -> None:
    """The longer one goes as a whole."""
    assert redact("abcdef abc", ["abc", "abcdef"]) == f"{REDACTED} {REDACTED}"


def test_text_without_secrets_is_left_alone() -> None:
    """No secrets, or empty ones: the text as it was."""
    assert redact("GET /health/live 200", []) == "GET /health/live 200"
    assert redact("GET /health/live 200", ["", " "]) == "GET /health/live 200"


def test_a_broken_url_as_a_secret_is_taken_out_as_it_is() -> None:
    """What cannot be parsed is still a secret."""
    assert redact("see http://[broken now", ["http://[broken"]) == f"see {REDACTED} now"


@QUIET
@given(
    before=st.text(), secret=st.text(min_size=12, alphabet=st.characters(exclude_categories=["Cs"])), after=st.text()
)
def test_no_secret_survives(before: str, secret: str, after: str) -> None:
    """Whatever stands around it, and whatever it consists of."""
    redacted = redact(f"{before}{secret}{after}", [secret])
    assert secret.strip() == "" or secret not in redacted or secret in REDACTED


def test_a_long_text_without_a_url_costs_no_time_to_speak_of() -> None:
    """What has no `://` in it is not searched for one, and one that has is searched once from left to right."""
    text = "x" * 2_000_000
    assert Redaction([("s3cret-value", "{setting:KEY}")]).text(text) == text
    assert Redaction().text(f"{text}://u:p@h") == f"{text}://u:p@h"
