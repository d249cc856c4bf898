"""What the suite says of a tree, whether a finding is the one that a fault's head asks for, and what a replay says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from click.testing import CliRunner

from envparity import Finding, OrderProfile, Project, Run, Verdict, choose_launcher, load_project, run_to_verdict
from envparity.faces.cli.app import app
from envparity.report.saved import SavedRun, Saver, read_run, saved_project
from parity_tests.faults.catalogue import ENVIRONMENTS, Fault

__all__ = ["COVERING_SET", "Ran", "expected_findings", "replayed", "run_on"]

COVERING_SET = OrderProfile(strength=3, dependencies=False)
"""What a fault of an order is looked for with: the orders of initialisation alone.

Where dependencies come and go as well, F13 also breaks when the database goes just while its prices are read. That is
true of it, and seen only in the boots in which the two meet, so no two runs need agree about it.
"""


@dataclass(frozen=True)
class Ran:
    """A run over the tree at `root` that came to a verdict, and the file in which it is saved."""

    root: Path
    subject: Project
    verdict: Verdict
    file: Path

    @property
    def saved(self) -> SavedRun:
        """The run, as `envparity replay` reads it."""
        return read_run(self.file)

    @property
    def launcher(self) -> str:
        """What booted it."""
        return self.verdict.launcher


def run_on(
    root: Path,
    runs: Path,
    *,
    environments: Sequence[str] = ENVIRONMENTS,
    only: Sequence[str] = (),
    orders: OrderProfile | None = None,
    causes: bool = False,
    launcher: str = "container",
    thorough: bool = False,
) -> Ran:
    """Have the suite judge the tree at `root` in these environments, in containers by default; `runs` keeps the run."""
    project = load_project(root / "netra_backend" / "backend.toml", [root / "environments"], environments)
    subject = replace(project, thorough=thorough)
    strength = orders.strength if orders is not None else 0
    saver = Saver(saved_project(subject, root / "environments", orders=strength), runs)

    def make_run() -> Run:
        chosen = choose_launcher(launcher, subject, print)
        return Run(subject, chosen, saver.handle, only=only, orders=orders, causes=causes)

    verdict = run_to_verdict(make_run)
    return Ran(root, subject, verdict, runs / f"{verdict.run_id}.ndjson")


def expected_findings(verdict: Verdict, fault: Fault) -> list[Finding]:
    """The findings that the fault's head asks for. Fails with all that was found where there is none."""
    expected = [finding for finding in verdict.findings if finding.code == fault.code and _names(finding, fault)]
    assert expected, f"{fault.id} went unnoticed; found only: " + "; ".join(
        f"{finding.code} {finding.where} in {', '.join(finding.environments)}: {finding.got}"
        for finding in verdict.findings
    )
    return expected


def replayed(ran: Ran, finding: Finding, root: Path) -> tuple[int, str]:
    """What `envparity replay` of that finding says of the tree at `root`: its exit code, and its first words."""
    files = ["--backend", str(root / "netra_backend" / "backend.toml"), "--environments", str(root / "environments")]
    asked = ["replay", finding.id, "--run", str(ran.file), *files, "--launcher", ran.launcher, "--plain"]
    result = CliRunner().invoke(app, asked)
    said = next((line for line in result.output.splitlines() if finding.id in line), result.output)
    return result.exit_code, said.partition(":")[0]


def _names(finding: Finding, fault: Fault) -> bool:
    component = fault.component is None or finding.component == fault.component
    scenario = fault.scenario is None or fault.scenario in {name.partition("[")[0] for name in finding.scenarios}
    return component and scenario
