"""From an environment's settings to what a process gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch.local.parts import direct_endpoint
from envparity.launch.resolve import RunSecrets, fingerprints, hastened, resolve_settings
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot
from envparity.model.environment import Environment, FromSource, Ingress, SecretOf, Setting

BOTH = ("BEAT_S", "IDLE_S")
SOURCES = {"postgres.url": "postgresql://app:pw@postgres/app", "ingress.network": "172.18.0.0/16"}


def resolved(
    settings: dict[str, Setting], boot: Boot | None = None, secrets: RunSecrets | None = None
) -> dict[str, str]:
    backend = Backend(
        "chat", Path("backend.toml"), ImageSource(name="chat"), settings={"A": "backend"}, order_setting="ORDER"
    )
    environment = Environment("staging", settings=settings)
    found = resolve_settings(backend, environment, boot or Boot(), SOURCES, secrets or RunSecrets())
    return {setting.name: setting.value for setting in found}


def test_the_boot_wins_over_the_environment_over_the_backend() -> None:
    """The nearest word counts."""
    assert resolved({})["A"] == "backend"
    assert resolved({"A": "environment"})["A"] == "environment"
    assert resolved({"A": "environment"}, Boot(settings=(("A", "boot"),)))["A"] == "boot"


def test_a_source_gives_what_only_the_launcher_knows() -> None:
    """A URL is made when its server has an address."""
    assert resolved({"DATABASE_URL": FromSource("postgres.url")})["DATABASE_URL"] == SOURCES["postgres.url"]


def test_an_unknown_source_is_named() -> None:
    """With those that there are."""
    with pytest.raises(
        LaunchError, match=r"staging: X takes 'mysql.url', which is none of ingress.network, postgres.url"
    ):
        resolved({"X": FromSource("mysql.url")})


def test_a_secret_is_the_same_within_a_run_and_another_in_the_next() -> None:
    """And as long as it was asked to be."""
    secrets = RunSecrets()
    first = resolved({"KEY": SecretOf(48)}, secrets=secrets)["KEY"]
    assert len(first) == 96
    assert resolved({"KEY": SecretOf(48)}, secrets=secrets)["KEY"] == first
    assert resolved({"KEY": SecretOf(48)})["KEY"] != first


def test_no_fingerprint_shows_a_secret() -> None:
    """Neither the secret nor a URL that holds one has a value; a plain setting does."""
    secrets = RunSecrets()
    backend = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))
    settings: dict[str, Setting] = {"KEY": SecretOf(32), "URL": FromSource("postgres.url"), "PLAIN": "30"}
    found = resolve_settings(backend, Environment("staging", settings=settings), Boot(), SOURCES, secrets)
    shown = {fingerprint.name: fingerprint for fingerprint in fingerprints(found, secrets)}
    assert shown["KEY"].value is None
    assert shown["URL"].value is None
    assert shown["PLAIN"].value == "30"
    assert not any(secret in str(shown) for secret in (*(value for value, _ in secrets.named("staging")), "pw@"))


def test_fingerprints_are_equal_for_equal_values_within_a_run_alone() -> None:
    """They compare, and say nothing outside the run."""
    first, other = RunSecrets(), RunSecrets()
    assert first.fingerprint("value") == first.fingerprint("value") != first.fingerprint("other")
    assert first.fingerprint("value") != other.fingerprint("value")


def test_an_order_asked_for_goes_into_the_backends_own_setting() -> None:
    """The backend is told in its own words."""
    assert resolved({}, Boot(order=("b", "a")))["ORDER"] == "b,a"


def test_idle_times_are_all_shortened_alike() -> None:
    """The ingress's and the backend's; nothing else, and nothing where it is not asked for."""
    backend = Backend("chat", Path("backend.toml"), ImageSource(), settings={"IDLE_S": "300"}, idle_settings=BOTH)
    environment = Environment("staging", settings={"BEAT_S": "45", "OTHER": "1"}, ingress=Ingress(idle_timeout_s=60))
    assert hastened(backend, environment, Boot()) is environment
    sooner = hastened(backend, environment, Boot(hasten=6))
    assert sooner.ingress == Ingress(idle_timeout_s=10)
    assert sooner.settings == {"BEAT_S": "7.5", "IDLE_S": "50", "OTHER": "1"}


@pytest.mark.parametrize("settings", [{"BEAT_S": ""}, {"BEAT_S": "often"}, {"BEAT_S": SecretOf(8)}])
def test_what_is_no_number_of_seconds_cannot_be_shortened(settings: dict[str, Setting]) -> None:
    """Text, nothing, or what is made for each run."""
    backend = Backend("chat", Path("backend.toml"), ImageSource(), idle_settings=("BEAT_S",))
    with pytest.raises(LaunchError, match="staging: BEAT_S is no number of seconds"):
        hastened(backend, Environment("staging", settings=settings), Boot(hasten=2))


def test_an_idle_time_that_another_environment_alone_sets_is_passed_over() -> None:
    """There is nothing here to be made shorter."""
    backend = Backend("chat", Path("backend.toml"), ImageSource(), idle_settings=("BEAT_S", "POLL_S"))
    sooner = hastened(backend, Environment("local", settings={"POLL_S": "8"}), Boot(hasten=2))
    assert sooner.settings == {"POLL_S": "4"}


def test_what_clients_send_as_origin_is_what_the_backend_is_told() -> None:
    """Without an ingress too, whatever port the replica is behind here."""
    for ingress in (Ingress(), Ingress(host="chat.example"), Ingress("nginx", tls=True, host="chat.example")):
        endpoint = direct_endpoint(43210, ingress)
        assert endpoint.origin == ingress.origin
        assert endpoint.host == ingress.host


def test_what_is_cut_at_an_age_is_cut_that_much_sooner() -> None:
    """Where nothing is, nothing is."""
    backend = Backend("chat", Path("backend.toml"), ImageSource())
    staging = Environment("staging", ingress=Ingress("nginx", max_lifetime_s=30.0))
    assert hastened(backend, staging, Boot(hasten=4)).ingress.max_lifetime_s == 7.5
    assert hastened(backend, Environment("local"), Boot(hasten=4)).ingress.max_lifetime_s is None


def test_a_replica_without_its_ingress_is_asked_below_a_prefix_that_stays() -> None:
    """Which is what the ingress asks it for."""
    prefixed = Ingress("nginx", prefix="/chat")
    assert direct_endpoint(1, prefixed).prefix == "/chat"
    assert direct_endpoint(1, Ingress("nginx", prefix="/chat", strip_prefix=True)).prefix == ""
    assert direct_endpoint(1, Ingress()).prefix == ""
