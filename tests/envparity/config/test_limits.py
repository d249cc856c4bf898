"""Limits of a backend against those of its platform, from the files alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from envparity.faces.cli.app import app
from envparity.judge import judge
from envparity.model.backend import Limits
from envparity.model.environment import Environment, Platform
from tests.envparity.judge.builders import BACKEND as JUDGED
from tests.envparity.judge.builders import observation, project

BACKEND = """\
name = "chat"
[process]
command = ["chat"]
[limits]
stop_grace_s = "GRACE"
pool_size = "POOL"
pool_dependency = "db"
heartbeat_s = "BEAT"
message_bytes = "SIZE"
[[scenario]]
name = "connect"
steps = [{ connect = "none" }]
"""
ENVIRONMENT = """\
name = "cloud"
[settings]
GRACE = GRACE_IS
POOL = POOL_IS
BEAT = BEAT_IS
SIZE = SIZE_IS
[platform]
stop_grace_s = 10
replicas = 3
[ingress]
kind = "nginx"
idle_timeout_s = 60
max_body_bytes = 4096
[dependencies.db]
kind = "postgres"
max_connections = 20
"""
FITTING = {"GRACE": "9", "POOL": "5", "BEAT": "59", "SIZE": "4096"}


def checked(folder: Path, backend: str = BACKEND, **changed: str) -> tuple[int, str]:
    """The exit code of `envparity check`, and what it says."""
    text = ENVIRONMENT
    for name, value in (FITTING | changed).items():
        text = text.replace(f"{name}_IS", value)
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments" / "cloud.toml").write_text(text)
    (folder / "backend.toml").write_text(backend)
    files = ["--backend", str(folder / "backend.toml"), "--environments", str(folder / "environments")]
    result = CliRunner().invoke(app, ["check", *files])
    return result.exit_code, result.output


def test_limits_that_fit_are_in_order(tmp_path: Path) -> None:
    """Up to the last that fits."""
    assert checked(tmp_path)[0] == 0, checked(tmp_path)[1]


@pytest.mark.parametrize(
    ("setting", "value", "bound"),
    [("GRACE", "10", "10"), ("POOL", "6", "17"), ("BEAT", "60", "60"), ("SIZE", "4097", "4096")],
)
def test_each_limit_that_does_not_fit_is_a_finding(tmp_path: Path, setting: str, value: str, bound: str) -> None:
    """With both figures, and nothing is said of the others."""
    code, output = checked(tmp_path, **{setting: value})
    assert code == 1
    (line,) = [line for line in output.splitlines() if line.startswith("cloud: ")]
    assert f"{setting} = {value}" in line
    assert bound in line


def test_a_run_says_it_of_the_environment_that_it_boots() -> None:
    """As a finding of its own, beside a conversation that goes well."""
    backend = replace(JUDGED, limits=Limits(stop_grace_s="GRACE"), settings={"GRACE": "8"})
    short = Environment("staging", platform=Platform(stop_grace_s=5))
    found = judge(project("local", short, backend=backend), [observation("local"), observation("staging")]).findings
    assert [(finding.code, finding.where, finding.environments) for finding in found] == [
        ("EP221", "GRACE", ("staging",))
    ]


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"backend": BACKEND.replace('"BEAT"', '"BEET"')}, "limits.heartbeat_s"),
        ({"backend": BACKEND.replace('"db"', '"dx"')}, "limits.pool_dependency"),
        ({"GRACE": '"soon"'}, "limits.stop_grace_s"),
        ({"GRACE": '"nan"'}, "limits.stop_grace_s"),
    ],
)
def test_what_cannot_be_compared_is_a_mistake(tmp_path: Path, changed: dict[str, str], key: str) -> None:
    """A setting that none has, a dependency that is not there, a text that is no number."""
    code, output = checked(tmp_path, **changed)
    assert code == 2
    assert key in output
