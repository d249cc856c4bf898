"""The audit alone finds the faults that can be seen before a boot, at the right line; the clean tree is clean."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envparity.audit.audit import audit
from envparity.audit.finding import AuditReport
from envparity.audit.rules import STATIC
from envparity.audit.target import find_target
from parity_tests.faults.catalogue import Fault, apply_to_copy, read_fault

pytestmark = pytest.mark.processes

_HERE = Path(__file__).parent / "faults"
_CATALOGUE = Path(__file__).parents[3] / "parity_tests" / "faults"
_BACKEND = Path("netra_backend/backend.toml")

# For each fault: the code that must be raised, the file, and what stands on the line that must be blamed.
EXPECTED = {
    "F01": ("EP663", "app/services/unified_authentication_service.py", "authentication_service = Unified"),
    "F02": ("EP602", "app/core/startup_validation.py", "managers.create("),
    "F05": ("EP605", "app/core/startup.py", "self.failures.clear()"),
    "F07": ("EP601", "app/websocket_core/e2e.py", "environment in _TESTED"),
    "F08": ("EP604", "app/websocket_core/conversation.py", "managers.create("),
    "F12": ("EP603", "app/cache/redis_link.py", "time.sleep("),
    "F15": ("EP658", "app/services/unified_authentication_service.py", "os.environ"),
    "F19": ("EP607", "app/settings.py", 'environment: Label = "development"'),
    "F105": ("EP611", "app/settings.py", "websocket_auth_timeout_s"),
    "F28": ("EP601", "app/routes/websocket.py", 'settings.environment == "staging"'),
}
# What one fault may raise beside it, because it breaks that rule as well.
ALSO = {"F15": {"EP606"}, "F19": {"EP607"}}


def fault(number: str) -> Fault:
    """The fault of that number, of the catalogue where it is there already."""
    found = [*_CATALOGUE.glob(f"{number}-*.patch"), *_HERE.glob(f"{number}-*.patch")]
    return read_fault(found[0])


def audited(fault: Fault | None, folder: Path) -> AuditReport:
    """The audit of a copy with that fault applied."""
    root = apply_to_copy(fault, folder)
    try:
        return audit(find_target(None, root / _BACKEND), examples=1)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("number", EXPECTED)
def test_a_fault_is_found_at_its_line(number: str, tmp_path: Path) -> None:
    """With its code, in its file, on the line that does it; and nothing else is found."""
    code, file, text = EXPECTED[number]
    root = apply_to_copy(fault(number), tmp_path / "tree")
    source_shows_it = code in {rule.code for rule in STATIC}
    only = [rule.code for rule in STATIC] if source_shows_it else []  # then nothing need be imported
    report = audit(find_target(None, root / _BACKEND), only=only, examples=1)
    blamed = [finding for finding in report.findings if finding.code == code and finding.path.endswith(file)]
    lines = [
        Path(audit_finding.path).read_text(encoding="utf-8").splitlines()[audit_finding.line - 1]
        for audit_finding in blamed
    ]
    assert any(text in line for line in lines), report.findings
    assert {finding.code for finding in report.findings} <= {code} | ALSO.get(number, set()), report.findings


def test_the_reference_backend_is_clean(tmp_path: Path) -> None:
    """Without a fault there is no finding, no exemption, and nothing that could not be looked at."""
    report = audited(None, tmp_path / "tree")
    assert not report.findings
    assert not report.exempted
    assert not report.notes
    assert report.modules == report.imports > 40
