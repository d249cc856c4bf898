"""What docs/probe.md says is so: commands, options, metrics, labels, phases, statements."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.config.backend import load_backend
from envparity.faces.cli.app import app
from envparity.probe.attempt import LEAVE_S, MAX_BYTES, MAX_FRAMES
from envparity.probe.choice import choose_scenario
from envparity.probe.labels import AUTHENTICATIONS, HANDSHAKES, PHASES
from envparity.probe.metrics import Metrics
from envparity.probe.network import MAX_FRAME_BYTES
from envparity.probe.outcome import ProbeOutcome
from envparity.probe.probing import Ending, Probe
from tests.docs.pages import TREE, blocks, page, prose, table

PAGE = "docs/probe.md"
COMMANDS = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]
COMMANDS += re.findall(r"(envparity probe --[^`]+)`", prose(PAGE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_gets_as_far_as_connecting(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the repository's own files; everything is real but for the runs, and the port of the metrics."""

    async def run(_: Probe, *, once: bool = False) -> Ending:
        return Ending(0, healthy=True, runs=int(once))

    monkeypatch.setattr(Probe, "run", run)
    monkeypatch.setenv("STAGING_JWT_SECRET", "0123456789abcdef0123456789abcdef")
    for part in ("netra_backend", "environments", "docker"):
        (tmp_path / part).symlink_to(TREE / part)
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(command.replace("127.0.0.1:9464", "127.0.0.1:0"))[1:]
    result = CliRunner().invoke(app, arguments, prog_name="envparity")
    assert result.exit_code == 0, result.output


def test_every_option_is_documented() -> None:
    """Those of the command, and no more; with their defaults."""
    documented = table(PAGE, "Options")
    named = {option: row[0] for key, row in documented.items() for option in re.findall(r"--[a-z-]+", key)}
    options = {parameter.opts[0]: parameter.default for parameter in app.commands["probe"].params}
    assert set(named) == set(options)
    for option, shown in named.items():
        if shown.startswith("`"):
            assert shown.strip("`") == str(options[option]), option


def test_every_metric_is_documented_with_its_labels() -> None:
    """By the names that Prometheus shows."""
    metrics = Metrics("staging")
    metrics.note(ProbeOutcome(1.0, 1.0), 0, alerting=False)
    families = {
        family.name + ("_total" if family.type == "counter" else ""): set(family.samples[0].labels)
        - {"environment", "le"}
        for family in metrics.registry.collect()
    }
    documented = {name: set(re.findall(r"`(\w+)`", row[0])) for name, row in table(PAGE, "Metrics").items()}
    assert documented == families


def test_labels_and_phases_are_documented() -> None:
    """The words for what the network did, for how a token was taken, and for where a run failed."""
    rows = table(PAGE, "Metrics")
    handshakes = set(re.findall(r"`([a-z]+)`", rows["envparity_probe_handshakes_total"][1]))
    assert handshakes == {handshake for handshake in HANDSHAKES if handshake.isalpha()} - {"other"}
    assert re.findall(r"`(\w+)`", rows["envparity_probe_authentications_total"][1]) == list(AUTHENTICATIONS)
    assert tuple(table(PAGE, "What it counts as what")) == PHASES


def test_the_bounds_are_the_ones_that_are_kept() -> None:
    """Frames, bytes, and the patience of a goodbye."""
    text = " ".join(page(PAGE).split())
    assert f"may bring {MAX_FRAMES} frames, {MAX_FRAME_BYTES >> 20} MiB each and {MAX_BYTES >> 20} MiB together" in text
    assert f"waits {LEAVE_S:g} s at most" in text


def test_the_tables_that_are_to_be_emptied_are_the_backends() -> None:
    """And their columns."""
    schema = (TREE / "netra_backend/app/db/schema.py").read_text(encoding="utf-8")
    for name, column in re.findall(r"DELETE FROM (\w+) WHERE user_id = 'PROBE' AND (\w+) <", page(PAGE)):
        created = re.search(rf"CREATE TABLE IF NOT EXISTS {name} \((.*?)\n\)", schema, re.DOTALL)
        assert created
        assert {"user_id", column} <= set(re.findall(r"^\s+(\w+) ", created[1], re.MULTILINE)), name


def test_the_scenario_that_only_reads_sends_no_message() -> None:
    """It is there, it will do, and it says nothing that is stored."""
    scenario, mistakes = choose_scenario(load_backend(TREE / "netra_backend/backend.toml"), "unknown_thread", {})
    assert scenario is not None
    assert not mistakes
    assert "user_message" not in str(scenario.steps)
