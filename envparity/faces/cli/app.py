"""The commands by name; each is imported when it is asked for, so that one does not wait for what another needs."""

from __future__ import annotations

import click

from envparity.faces.cli.commands import Commands
from envparity.faces.cli.ending import EXITS

__all__ = ["app"]

_HOMES = {
    "init": "init:init_command",
    "audit": "audit:audit_command",
    "report": "report:report_command",
    "replay": "replay:replay_command",
    "diff": "diff:diff_command",
    "export": "export:export_command",
    "import": "drift:import_command",
    "doctor": "doctor:doctor_command",
    "blame": "blame:blame_command",
    "plan": "plan:plan_command",
    "merge": "merge:merge_command",
    "probe": "probe:probe_command",
    "record": "record:record_command",
    "verify": "verify:verify_command",
    "baseline": "baseline:baseline_command",
    "keys": "keys:keys_command",
    "run": "run:run_command",
    "check": "check:check_command",
    "images": "machine:images_command",
    "sweep": "machine:sweep_command",
    "rules": "rules:rules_command",
    "explain": "rules:explain_command",
}


@click.group(cls=Commands, homes=_HOMES, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXITS)
@click.version_option(package_name="envparity")
def app() -> None:
    """Boot a WebSocket backend the way each of its environments would, and say whether it behaves the same.

    Start with `envparity init`, which writes the files for a project of your own; then `envparity run`.
    """
