"""Servers of others, unmodified, as docs/examples describes them: clean as they stand, and red with the true cause."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from envparity.judge.finding import Finding
from envparity.report.saved import read_run
from parity_tests.cases.conftest import single_cause
from tests.docs.pages import TREE, blocks, tables

EXAMPLES = TREE / "docs" / "examples"
NAMES = ("channels", "jupyter", "nats", "socketio")
RUN_S = 900.0
"""How long one verdict may take at most, in seconds, on a machine that is busy with others."""


@dataclass(frozen=True)
class Misconfiguration:
    """A setting of the server's own that is good enough where somebody develops: in which files it stands, the right
    text and the wrong one; the rule that it breaks in staging alone, and what there makes the difference.
    """

    example: str
    files: str
    right: str
    wrong: str
    code: str
    cause: str

    def __str__(self) -> str:
        return f"{self.example}: {self.wrong}"


MISCONFIGURATIONS = (
    Misconfiguration(
        *("channels", "environments/*.toml", 'ALLOWED_HOSTS = "localhost,127.0.0.1,rooms.example"'),
        *('ALLOWED_HOSTS = "localhost,127.0.0.1"', "EP302", "ingress.host=rooms.example"),
    ),
    Misconfiguration(
        *("channels", "environments/*.toml", 'CHANNEL_LAYER = { from = "layer.url" }', 'CHANNEL_LAYER = "memory"'),
        *("EP306", "platform.replicas=2"),
    ),
    Misconfiguration(
        *("jupyter", "backend.toml", "allow_remote_access=True", "allow_remote_access=False"),
        *("EP308", "ingress.host=notebooks.example"),
    ),
    Misconfiguration(
        *("jupyter", "backend.toml", "{'ws_ping_interval': 500}", "{'ws_ping_interval': 30000}"),
        *("EP301", "ingress.idle_timeout_s=8"),
    ),
    Misconfiguration(
        *("nats", "environments/*.toml", 'SAME_ORIGIN = "false"', 'SAME_ORIGIN = "true"'),
        *("EP302", "ingress.tls=true"),
    ),
    Misconfiguration(
        *("nats", "environments/*.toml", 'PING_INTERVAL = "500ms"', 'PING_INTERVAL = "2m"'),
        *("EP301", "ingress.idle_timeout_s=2"),
    ),
    Misconfiguration(
        *("socketio", "environments/*.toml", 'MESSAGE_QUEUE = { from = "queue.url" }', 'MESSAGE_QUEUE = ""'),
        *("EP306", "platform.replicas=2"),
    ),
    Misconfiguration(
        *("socketio", "environments/*.toml", 'PING_INTERVAL_S = "0.5"', 'PING_INTERVAL_S = "25"'),
        *("EP301", "ingress.idle_timeout_s=2"),
    ),
)


def run(folder: Path, launcher: str, *arguments: str) -> tuple[Finding, ...]:
    """The defects of what is in that folder, as its owner would ask for them: what stands under another is not one."""
    runs = folder / "runs"
    command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", launcher, "--runs", str(runs)]
    command += arguments
    ended = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    (file,) = runs.glob("*.ndjson")
    return tuple(finding for finding in read_run(file).verdict.findings if not finding.under)


def copied(name: str, folder: Path) -> Path:
    """A copy outside of the repository, as another team's would be."""
    return shutil.copytree(EXAMPLES / name, folder / name)


@pytest.mark.processes
@pytest.mark.parametrize("name", NAMES)
def test_it_is_clean_as_it_stands(name: str, tmp_path: Path) -> None:
    """In every environment, as processes."""
    assert run(copied(name, tmp_path), "process") == ()


@pytest.mark.docker
@pytest.mark.parametrize("name", NAMES)
def test_it_is_clean_in_containers(name: str, tmp_path: Path) -> None:
    """With nothing left unchecked."""
    assert run(copied(name, tmp_path), "container") == ()


@pytest.mark.processes
@pytest.mark.parametrize("misconfiguration", MISCONFIGURATIONS, ids=str)
def test_what_is_misconfigured_is_red_with_its_cause(misconfiguration: Misconfiguration, tmp_path: Path) -> None:
    """In staging alone, by the one trait of staging that the setting does not go with."""
    folder = copied(misconfiguration.example, tmp_path)
    for file in folder.glob(misconfiguration.files):
        text = file.read_text(encoding="utf-8")
        assert text.count(misconfiguration.right) == 1
        file.write_text(text.replace(misconfiguration.right, misconfiguration.wrong), encoding="utf-8")
    (finding,) = run(folder, "process")
    assert (finding.code, finding.environments) == (misconfiguration.code, ("staging",))
    assert single_cause(finding) == misconfiguration.cause


@pytest.mark.processes
@pytest.mark.parametrize("affinity", ["none", "cookie"])
def test_long_polling_takes_an_ingress_that_keeps_clients_at_their_replica(affinity: str, tmp_path: Path) -> None:
    """The scenario of the page: red in staging by its replicas, and clean where a cookie leads back to them."""
    folder = copied("socketio", tmp_path)
    (polling,) = [block.text for block in blocks("docs/third-party.md", "toml") if 'name = "polling"' in block.text]
    with (folder / "backend.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{polling}")
    staging = folder / "environments" / "staging.toml"
    text = staging.read_text(encoding="utf-8")
    assert text.count("[ingress]\n") == 1
    staging.write_text(text.replace("[ingress]\n", f'[ingress]\naffinity = "{affinity}"\n'), encoding="utf-8")
    findings = run(folder, "process", "--only", "polling")
    causes = [(finding.environments, single_cause(finding)) for finding in findings]
    assert causes == ([(("staging",), "platform.replicas=2")] if affinity == "none" else [])


def test_the_page_tells_of_each_misconfiguration() -> None:
    """The setting and the cause, as they are tried here."""
    rows = tables("docs/third-party.md")["What goes wrong with them"]
    tried = [(each.example, each.wrong, each.cause) for each in MISCONFIGURATIONS]
    assert [(name, setting.strip("`"), cause.strip("`")) for name, setting, _, cause in rows] == tried


@pytest.mark.parametrize("name", NAMES)
def test_it_is_said_in_under_sixty_lines(name: str) -> None:
    """Of TOML, without comments and blank lines; and beside it there is no shell."""
    files = list((EXAMPLES / name).rglob("*.toml"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert 0 < len([line for line in lines if line.strip() and not line.startswith("#")]) < 60
    assert not list((EXAMPLES / name).rglob("*.sh"))


def test_what_the_examples_run_is_installed() -> None:
    """By the dependency group `examples`, so that nothing is red for want of a package."""
    assert all(
        importlib.util.find_spec(name) is not None for name in ("daphne", "ipykernel", "jupyter_server", "socketio")
    )
