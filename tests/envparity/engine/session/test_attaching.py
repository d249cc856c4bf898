"""What may be attached to: what the environment's file names, or what was confirmed; and never in the clear."""

from __future__ import annotations

import pytest

from envparity.engine.session.attaching import Attaching, attach
from envparity.model.deployment import Credential, Deployed
from envparity.model.environment import Environment

OWN = "wss://api.staging.example/ws"
ENVIRONMENTS = {
    "local": Environment("local"),
    "staging": Environment(
        "staging", deployed=Deployed(OWN, health="https://health.example", secret=Credential(variable="STAGING_KEY"))
    ),
}


@pytest.fixture(autouse=True)
def the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_KEY", "made up")


def mistakes(*values: str, confirmed: tuple[str, ...] = ()) -> list[str]:
    _, wrong = attach(Attaching(values, confirmed), ENVIRONMENTS)
    return [f"{mistake.key}: {mistake.expected}; {mistake.got}" for mistake in wrong]


@pytest.mark.parametrize("value", ["staging", f"staging={OWN}", "staging=WSS://API.staging.example:443/ws"])
def test_what_the_file_names_needs_no_word_more(value: str) -> None:
    """By the name alone, by the same URL, or by another way to write it."""
    attached, wrong = attach(Attaching((value,)), ENVIRONMENTS)
    assert (attached, wrong) == ({"staging": ENVIRONMENTS["staging"].deployed}, [])


def test_another_target_is_refused() -> None:
    """Whether its file names another one or none."""
    assert mistakes("staging=wss://api.elsewhere.example/ws", "local=wss://api.elsewhere.example/ws") == [
        "staging: the url of [deployed] in staging's file; wss://api.elsewhere.example/ws, which it does not name",
        "local: [deployed] in local's file; wss://api.elsewhere.example/ws, which it does not name",
    ]


@pytest.mark.parametrize("host", ["api.elsewhere.example", "API.elsewhere.example:8443"])
def test_another_target_may_be_confirmed_by_its_host(host: str) -> None:
    """It keeps the credentials; the health paths are those of the target itself."""
    value = "staging=wss://api.elsewhere.example:8443/ws"
    attached, wrong = attach(Attaching((value,), (host,)), ENVIRONMENTS)
    assert wrong == []
    assert attached["staging"].url == "wss://api.elsewhere.example:8443/ws"
    assert attached["staging"].health is None
    assert attached["staging"].secret == Credential(variable="STAGING_KEY")


@pytest.mark.parametrize("answer", [True, False])
def test_another_target_may_be_confirmed_when_asked(answer: bool) -> None:
    """The question names the environment and the target."""
    asked = []

    def confirm(name: str, url: str) -> bool:
        asked.append((name, url))
        return answer

    attached, wrong = attach(Attaching(("local=wss://b.example/ws",), (), confirm), ENVIRONMENTS)
    assert asked == [("local", "wss://b.example/ws")]
    assert (bool(attached), bool(wrong)) == (answer, not answer)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://api.staging.example/ws", "wss://, for others can read along"),
        ("wss://me:hidden@api.staging.example/ws", "no user or password in the URL"),
        ("wss://api.staging.example/ws?token=hidden", "no query"),
        ("wss://api.staging.example/ws#hidden", "no fragment"),
        ("https://api.staging.example/ws", "a URL that begins with wss:// or ws://"),
    ],
)
def test_a_url_that_would_leak_or_is_none_is_refused_whoever_confirms_it(url: str, expected: str) -> None:
    """And what should not be in it is not quoted."""
    (said,) = mistakes(f"staging={url}", confirmed=("api.staging.example",))
    assert said.startswith(f"staging: {expected}")
    assert "hidden" not in said


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "app.localhost"])
def test_this_machine_may_be_attached_to_without_tls(host: str) -> None:
    """There is nobody in between."""
    name = host.rpartition(":")[0] or host
    assert mistakes(f"local=ws://{host}/ws", confirmed=(name.strip("[]"), host)) == []


def test_every_mistake_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every value: unknown, twice, without [deployed], without its credential."""
    monkeypatch.delenv("STAGING_KEY")
    said = mistakes("stagin", "local", "staging", "production=ws://a.example")
    assert said == [
        "stagin: one of local, staging; no such environment",
        "local: [deployed] in its file, with the url; none",
        "staging: the environment variable STAGING_KEY; nothing: it is not set",
        "production: wss://, for others can read along; ws:// to a.example",
    ]


def test_an_environment_is_attached_once() -> None:
    """Two targets for one are one too many."""
    assert mistakes("staging", "staging") == ["staging: each environment once; it a second time"]
