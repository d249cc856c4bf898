"""What is compared of an observation, by path, and what is left out because it differs in every run."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.judge import normalise
from envparity.judge.normalise import report_paths, setting_of
from envparity.model.environment import Environment, FromSource
from envparity.observe.record import SettingFingerprint
from tests.envparity.judge.builders import (
    BACKEND,
    document,
    observation,
    project,
    replica,
    report,
)
from tests.envparity.judge.normalised import M1


def paths(**changes: Any) -> dict[str, str]:
    """The table of a report that is only this."""
    return report_paths(report(changes), BACKEND)


def test_a_whole_observation_is_one_flat_table() -> None:
    """Report, settings and conversation, without a trace of the run."""
    table = normalise(project(), observation())
    assert table["report.status"] == '"pass"'
    assert table["report.order.1"] == '"redis"'
    assert table["report.steps.auth.requires.0"] == '"redis"'
    assert table["report.checks.redis:tls.redis.observed"] == '"off"'
    assert table["report.settings.LIMIT.value"] == "30"
    assert table["report.failures"] == "[]"
    assert table["fingerprints.LIMIT.value"] == '"30"'
    assert table["fingerprints.LIMIT.source"] == '"environment file"'
    assert table["conversation.chat.0"] == 'handshake: status 101, subprotocol "v1"'
    assert table["conversation.chat.1"] == 'received connection_established: limits.per_minute 30, user_id "user-anna"'
    assert table["conversation.chat.2"] == "sent ping"
    assert table["conversation.chat.4"] == 'close: by "client", code 1000, reason ""'
    assert not any("started" in path or "fingerprint." in path for path in table)


def test_without_a_report_there_is_the_rest() -> None:
    """Another replica's report is asked for by its place."""
    second = observation("local", replica(), replica(document(status="fail")))
    assert normalise(project(), second, 1)["report.status"] == '"fail"'
    assert not any(path.startswith("report") for path in normalise(project(), observation(), 3))
    assert not any(path.startswith("report") for path in normalise(project(), observation("x", replica(startup=None))))


@pytest.mark.parametrize(
    "name",
    ["started", "time", "timestamp", "created_at", "duration_ms", "elapsed", "attempts", "waited_for", "pid", "port",
     "metrics_port", "id", "run_id", "request_id", "latency_ms", "fingerprint", "hash", "server_time"],
)  # fmt: skip
def test_times_durations_attempts_ids_and_ports_are_left_out(name: str) -> None:
    """By name, at any depth, and what the backend's file calls volatile."""
    assert paths(status="pass", inner={name: 1}, list=[{"name": "x", name: 2, "kept": 3}]) == {
        "report.status": '"pass"',
        "report.list.x.kept": "3",
        "report.list.x.name": '"x"',
    }


@pytest.mark.parametrize("name", ["TIME", "timeout_s", "identity", "release_id", "startedly", "report", "porting"])
def test_names_that_only_look_incidental_are_kept(name: str) -> None:
    """A setting is written in capitals; a timeout is a setting too."""
    assert paths(**{name: 1}) == {f"report.{name}": "1"}


def test_an_object_with_an_incidental_name_is_kept() -> None:
    """Only leaves are dropped by name: an object of that name holds more."""
    assert paths(time={"zone": "UTC"}) == {"report.time.zone": '"UTC"'}


@pytest.mark.parametrize(
    ("items", "keys"),
    [
        ([{"name": "b"}, {"name": "a"}], ["b", "a"]),
        ([{"key": "b", "name": "x"}, {"key": "a", "name": "x"}], ["b", "a"]),
        ([{"component": "c", "name": "x"}, {"component": "d", "name": "x"}], ["c:x", "d:x"]),
        ([{"component": "c", "code": "1"}, {"component": "c", "code": "2"}], ["c:1", "c:2"]),
        ([{"component": "c"}, {"component": "d"}], ["c", "d"]),
        ([{"code": "c"}, {"code": "d"}], ["c", "d"]),
        ([{"name": "a"}, {"name": "a"}], ["0", "1"]),
        ([{"name": "a"}, "b"], ["0", "1"]),
        ([{"name": ""}, {"name": 3}], ["0", "1"]),
    ],
)
def test_a_list_is_keyed_by_what_tells_its_elements_apart(items: list[Any], keys: list[str]) -> None:
    """By name, key, component or code; by their place where nothing does."""
    table = paths(list=[{**item, "v": 1} if isinstance(item, dict) else item for item in items])
    assert list(dict.fromkeys(path.split(".")[2] for path in table)) == keys


def test_a_dot_in_a_key_is_quoted() -> None:
    """So that two keys never read as one path."""
    assert paths(**{"a.b": 1, "a": {"b": 2}}) == {'report."a.b"': "1", "report.a.b": "2"}


def test_values_keep_their_kind_and_lose_what_is_volatile() -> None:
    """1 is not "1"; moments, uuids and ports of addresses are the run's; hexadecimal digits may be a release."""
    table = paths(
        a=1, b="1", c=None, d=[], e={}, f=f"{M1} at 2025-09-08T01:17:51Z", g="http://localhost:54321/x 10.0.0.7:80",
        h="deadbeef1234", i="redis:6379",
    )  # fmt: skip
    assert table == {
        "report.a": "1", "report.b": '"1"', "report.c": "null", "report.d": "[]", "report.e": "{}",
        "report.f": '"<uuid> at <time>"', "report.g": '"http://localhost:<port>/x 10.0.0.7:<port>"',
        "report.h": '"deadbeef1234"', "report.i": '"redis:6379"',
    }  # fmt: skip


def test_settings_may_be_reported_as_an_object() -> None:
    """Then the name is the path; what the launcher makes is named by where it comes from."""
    environment = Environment(name="local", settings={"NET": FromSource("ingress.network"), "GONE": FromSource("a.b")})
    served = {"settings": {"NET": "10.0.0.0/8", "LIMIT": 3, "GONE": None}}
    assert report_paths(report(served), BACKEND, environment) == {
        "report.settings.NET": "<ingress.network>",
        "report.settings.LIMIT": "3",
        "report.settings.GONE": "null",
    }


def test_setting_of() -> None:
    """Which setting a path is about."""
    assert setting_of("fingerprints.LIMIT.value", BACKEND) == "LIMIT"
    assert setting_of("report.settings.LIMIT.source", BACKEND) == "LIMIT"
    assert setting_of("report.settings.LIMIT", BACKEND) == "LIMIT"
    assert setting_of("report.order.0", BACKEND) is None


def test_a_secret_shows_that_it_is_there() -> None:
    """Never its value, also where a backend serves it."""
    table = paths(
        settings=[{"name": "KEY", "secret": True, "value": "hunter2"}, {"name": "B", "secret": True, "value": None}]
    )
    assert table["report.settings.KEY.value"] == '"<secret>"'
    assert table["report.settings.B.value"] == "null"
    given = observation(settings=(SettingFingerprint("KEY", "secret", "abc"),))
    assert normalise(project(), given)["fingerprints.KEY.source"] == '"secret"'
    assert "fingerprints.KEY.value" not in normalise(project(), given)
